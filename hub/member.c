#include "hub/member.h"

#include "base/date.h"
#include "base/str.h"

void member_next(struct text *json)
{
    char last = json->n ? json->p[json->n - 1] : '[';
    if (last != '[' && last != '{')
        text_put(json, ",");
}

void member_name(struct text *json, const char *name)
{
    member_next(json);
    text_json(json, span_of(name));
    text_put(json, ":");
}

void member_text(struct text *json, const char *name, const char *value)
{
    member_name(json, name);
    if (value)
        text_json(json, span_of(value));
    else
        text_put(json, "null");
}

void member_bool(struct text *json, const char *name, bool value)
{
    member_name(json, name);
    text_put(json, value ? "true" : "false");
}

void member_number(struct text *json, const char *name, uint64_t value)
{
    member_name(json, name);
    text_format(json, "%llu", (unsigned long long)value);
}

void member_time(struct text *json, const char *name, int64_t ms)
{
    char text[DATE_ROOM];
    if (ms)
        (void)date_print(ms, text);
    member_text(json, name, ms ? text : NULL);
}

void member_json(struct text *json, const char *name, const char *value)
{
    member_name(json, name);
    text_put(json, value ? value : "{}");
}
