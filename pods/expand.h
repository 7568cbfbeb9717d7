/* Templates in texts of the settings: {username}, {user_server} and KubeSpawner's others (spawner
 * contract 2), as Python's str.format fills them in: {{ and }} are the braces themselves. */
#ifndef PODS_EXPAND_H
#define PODS_EXPAND_H

#include "base/text.h"

#include <jansson.h>

/* Of all texts of one tree, filled in. */
enum { EXPAND_BYTES_MAX = 1024 * 1024 };

/* Whom a pod is for. Texts are the caller's. */
struct pod_owner {
    const char *user, *server; /* names as they are; server "": the default one */
    uint64_t user_id;
    const char *space;     /* the namespace of pods */
    const char *hub_space; /* the hub's own; NULL: it is not in a cluster */
    const char *pod;       /* the pod's name; NULL: not known yet */
    const char *claim;     /* its claim's; NULL: not known yet */
    bool escapes;          /* {username} and the like by the scheme before version 7: who has the
                              traits says it, names and manifest */
};

/* Adds the text with its fields filled in, without a `-` at the end that the template does not end
 * with. false: *why says what is wrong with it, as ": …", and *out has part of it. */
bool expand_text(struct text *out, const char *pattern, const struct pod_owner *owner,
                 struct error *why) MUST_CHECK;
/* A copy of the tree with every text in it expanded, but for the keys. NULL: *why says which text
 * of the tree it is: "[1].name: …". */
json_t *expand_tree(const json_t *tree, const struct pod_owner *owner,
                    struct error *why) MUST_CHECK;
/* JupyterHub's own template, of default_url and notebook_dir: {username} is the name as it is,
 * {base_url} the prefix. */
bool expand_place(struct text *out, const char *pattern, const char *user, const char *prefix,
                  struct error *why) MUST_CHECK;

#endif
