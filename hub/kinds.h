/* The kinds of values that the hub's settings have beyond base/conf's own: each reads one text, the
 * same whether it stood in the file, the environment or on the command line. A list is its JSON or
 * plain words between commas, a command its JSON or words between spaces, a map its JSON. */
#ifndef HUB_KINDS_H
#define HUB_KINDS_H

#include "base/conf.h"
#include "net/addr.h"

/* Texts in order; `p` ends with NULL, as argv does, and is NULL before anything was read. */
struct words {
    char **p;
    size_t n;
};

struct cidrs {
    struct cidr *p;
    size_t n;
};

/* Whether the address is in one of the networks. */
bool cidrs_have(const struct cidrs *cidrs, const struct sockaddr *addr);

extern const struct conf_kind kind_text;     /* char * */
extern const struct conf_kind kind_bool;     /* bool: true, false, yes, no, on, off */
extern const struct conf_kind kind_bytes;    /* uint64_t: 512M, 1.5G, 1024-based, bytes alone */
extern const struct conf_kind kind_cores;    /* uint32_t: thousandths of a core */
extern const struct conf_kind kind_words;    /* struct words */
extern const struct conf_kind kind_command;  /* struct words */
extern const struct conf_kind kind_gpus;     /* struct words: a list, or a count for 0, 1, 2 … */
extern const struct conf_kind kind_cidrs;    /* struct cidrs */
extern const struct conf_kind kind_networks; /* struct words, each a network */
extern const struct conf_kind kind_scopes;   /* char *: "openid profile" */
extern const struct conf_kind kind_url;      /* char *: http:// or https:// */
extern const struct conf_kind kind_origin;   /* char *: the same without path or slash at the end */
extern const struct conf_kind kind_path_url; /* char *: "/lab": begins with a slash */
extern const struct conf_kind
    kind_base_url; /* char *: a slash at both ends, put there if need be */

void text_free(void *field); /* release of a char * */
bool text_same(const void *a, const void *b);

#endif
