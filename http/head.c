#include "http/head.h"

#include "base/str.h"

enum { NAME_LONGEST = sizeof "service-worker-allowed" - 1, OF_A_LENGTH = 3 };

enum field_kind field_kind_of(struct span name)
{
    /* by length: there are few of each, and most names have the length of none */
    static const struct {
        const char *name;
        enum field_kind kind;
    } known[NAME_LONGEST + 1][OF_A_LENGTH] = {
        [2] = {{"te", FIELD_TE}},
        [4] = {{"host", FIELD_HOST}, {"date", FIELD_DATE}},
        [6] = {{"expect", FIELD_EXPECT}},
        [7] = {{"upgrade", FIELD_UPGRADE}},
        [8] = {{"location", FIELD_LOCATION}},
        [10] = {{"connection", FIELD_CONNECTION}, {"keep-alive", FIELD_KEEP_ALIVE}},
        [14] = {{"content-length", FIELD_CONTENT_LENGTH}, {"http2-settings", FIELD_HTTP2_SETTINGS}},
        [15] = {{"x-forwarded-for", FIELD_FORWARDED_FOR}},
        [16] = {{"x-forwarded-port", FIELD_FORWARDED_PORT},
                {"x-forwarded-host", FIELD_FORWARDED_HOST},
                {"proxy-connection", FIELD_PROXY_CONNECTION}},
        [17] = {{"transfer-encoding", FIELD_TRANSFER_ENCODING},
                {"x-forwarded-proto", FIELD_FORWARDED_PROTO}},
        [18] = {{"proxy-authenticate", FIELD_PROXY_AUTHENTICATE}},
        [19] = {{"proxy-authorization", FIELD_PROXY_AUTHORIZATION}},
        [22] = {{"service-worker-allowed", FIELD_SERVICE_WORKER_ALLOWED}},
    };
    if (name.n == 0 || name.n > NAME_LONGEST)
        return FIELD_OTHER;
    for (size_t i = 0; i < OF_A_LENGTH && known[name.n][i].name; i++) {
        struct span one = {known[name.n][i].name, name.n};
        if ((name.p[0] | 0x20) == one.p[0] && span_is_nocase(name, one))
            return known[name.n][i].kind;
    }
    return FIELD_OTHER;
}

struct head *head_new(size_t max_fields)
{
    struct head *head = must_alloc(sizeof *head + max_fields * sizeof head->fields[0]);
    head->max = max_fields;
    return head;
}

const struct field *head_find(const struct head *head, struct span name)
{
    for (size_t i = 0; i < head->n; i++) {
        if (span_is_nocase(head->fields[i].name, name))
            return &head->fields[i];
    }
    return NULL;
}

bool head_connection_names(const struct head *head, struct span name)
{
    if (!head->connection_names)
        return false;
    for (size_t i = 0; i < head->n; i++) {
        if (span_is_nocase(head->fields[i].name, SPAN("connection")) &&
            span_lists(head->fields[i].value, name))
            return true;
    }
    return false;
}

bool method_is_idempotent(enum method method)
{
    return method == METHOD_GET || method == METHOD_HEAD || method == METHOD_PUT ||
           method == METHOD_DELETE || method == METHOD_OPTIONS || method == METHOD_TRACE;
}
