/* One named thing of a kubeconfig, and its members by their form. */
#ifndef KUBE_ENTRY_H
#define KUBE_ENTRY_H

#include "base/base.h"

#include <jansson.h>

struct entry {
    const char *kind;   /* "cluster", "user", "context": for messages */
    char *name;         /* without control characters */
    const char *file;   /* in which it stands */
    const char *within; /* "exec.": of which member the body is; "" */
    json_t *body;       /* a map, whose scalars are texts or null (kube/yaml) */
};

/* Writes "FILE: the KIND 'NAME': …" and returns false. */
bool entry_refuse(const struct entry *entry, struct error *error, const char *format, ...)
    PRINTF(3, 4);

/* Each puts what the member says into *out, to be freed; NULL or false where it is not there, null
 * or empty. False: it has another form. */
bool entry_text(const struct entry *entry, const char *key, char **out,
                struct error *error) MUST_CHECK;
/* A text of one line without control characters. */
bool entry_line(const struct entry *entry, const char *key, char **out,
                struct error *error) MUST_CHECK;
/* The path of a file that can be read; a relative one begins where the kubeconfig is. */
bool entry_file(const struct entry *entry, const char *key, char **out,
                struct error *error) MUST_CHECK;
/* PEM that is written in base64. */
bool entry_pem(const struct entry *entry, const char *key, char **out,
               struct error *error) MUST_CHECK;
bool entry_flag(const struct entry *entry, const char *key, bool *out,
                struct error *error) MUST_CHECK;
/* A map; borrowed. */
bool entry_map(const struct entry *entry, const char *key, json_t **out,
               struct error *error) MUST_CHECK;
/* A list; borrowed. */
bool entry_list(const struct entry *entry, const char *key, json_t **out,
                struct error *error) MUST_CHECK;
/* The path as it stands in the entry's file, to be freed. */
char *entry_path(const struct entry *entry, const char *path) MUST_CHECK;

#endif
