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

/* Names of fields that are treated apart. */
enum field_kind {
    FIELD_OTHER,
    FIELD_CONTENT_LENGTH,
    FIELD_DATE,
    FIELD_EXPECT,
    FIELD_HOST,
    FIELD_LOCATION,
    FIELD_SERVICE_WORKER_ALLOWED,
    FIELD_FORWARDED_FOR, /* x-forwarded-… */
    FIELD_FORWARDED_PORT,
    FIELD_FORWARDED_PROTO,
    FIELD_FORWARDED_HOST,
    /* between two neighbours, never passed on (RFC 9110 7.6.1, 11.7; RFC 7540 3.2.1) */
    FIELD_CONNECTION,
    FIELD_HTTP2_SETTINGS,
    FIELD_KEEP_ALIVE,
    FIELD_PROXY_AUTHENTICATE,
    FIELD_PROXY_AUTHORIZATION,
    FIELD_PROXY_CONNECTION,
    FIELD_TE,
    FIELD_TRANSFER_ENCODING,
    FIELD_UPGRADE,
};

struct field {
    struct span name, value; /* value without the blanks around it */
    struct span line;        /* the whole line with its CRLF */
    enum field_kind kind;
};

/* By the name, without regard to case. */
enum field_kind field_kind_of(struct span name);
static inline bool field_is_hop_by_hop(enum field_kind kind)
{
    return kind >= FIELD_CONNECTION;
}

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

    uint32_t kinds; /* of the fields: a bit for each enum field_kind */
    size_t bytes;   /* of the whole head with the empty line */
    size_t n, max;  /* fields */
    struct field fields[];
};

struct head *head_new(size_t max_fields);

/* The first field of that name, or NULL. */
const struct field *head_find(const struct head *head, struct span name);
/* Whether there is a field of that kind. */
static inline bool head_has(const struct head *head, enum field_kind kind)
{
    return head->kinds >> kind & 1;
}
/* Whether any Connection field names this field (RFC 9110 7.6.1). */
bool head_connection_names(const struct head *head, struct span name);
/* Methods whose requests may be sent twice (RFC 9110 9.2.2). */
bool method_is_idempotent(enum method method);

#endif
