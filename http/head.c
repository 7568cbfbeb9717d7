#include "http/head.h"

#include "base/str.h"

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
