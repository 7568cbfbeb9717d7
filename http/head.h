/* The head of a request or a reply: its fields as spans of the buffer it arrived in. */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/base.h"

enum http_version { HTTP_1_0, HTTP_1_1 };

/* Methods this proxy treats apart; all others go through as METHOD_OTHER. */
enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_OPTIONS,
    METHOD_TRACE,
    METHOD_CONNECT,
    METHOD_OTHER,
};

struct field {
    struct span name, value; /* value without the blanks around it */
    struct span line;        /* the whole line with its CRLF */
};

struct head {
    enum http_version version;
    enum method method;      /* requests */
    struct span method_name; /* requests */
    struct span target;      /* requests: origin form or "*" */
    unsigned status;         /* replies */
    struct span start_line;  /* with its CRLF */

    /* what the fields say, each checked (h1.h) */
    struct span host; /* Host's value, or an absolute target's authority; p == NULL: neither */
    bool absolute;    /* the target was in absolute form */
    bool has_length, chunked;
    uint64_t length;
    bool close, keep_alive;    /* Connection options */
    bool upgrade;              /* Connection: upgrade */
    struct span upgrade_token; /* Upgrade's value */
    bool connection_names;     /* Connection holds more than the three above */
    bool expect_continue;

    size_t bytes;  /* of the whole head with the empty line */
    size_t n, max; /* fields */
    struct field fields[];
};

struct head *head_new(size_t max_fields);

/* The first field of that name, or NULL. */
const struct field *head_find(const struct head *head, struct span name);
/* Whether any Connection field names this field (RFC 9110 7.6.1). */
bool head_connection_names(const struct head *head, struct span name);
/* Methods whose requests may be sent twice (RFC 9110 9.2.2). */
bool method_is_idempotent(enum method method);

#endif
