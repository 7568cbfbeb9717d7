#include "hub/shape.h"
#include "base/nearest.h"
#include "base/str.h"
#include "base/text.h"
#include "hub/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT = 40 };

/* ---- members ---- */

/* A scalar as the text it would be in the environment; NULL: it is none. */
static const char *scalar_text(const json_t *value, char number[NUMBER_TEXT])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    if (json_is_integer(value))
        snprintf(number, NUMBER_TEXT, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(number, NUMBER_TEXT, "%.12g", json_real_value(value));
    else
        return NULL;
    return number;
}

static json_t *refuse(struct error *why, const char *what)
{
    error_set(why, "%s", what);
    return NULL;
}

json_t *shape_text(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    return text && *text ? json_string(text) : refuse(why, "a text was expected");
}

json_t *shape_bool(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    bool on = false;
    if (!text)
        return refuse(why, "true or false was expected");
    return kind_bool.read(&on, text, why) ? json_boolean(on) : NULL;
}

json_t *shape_bytes(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    uint64_t bytes = 0;
    if (!text)
        return refuse(why, "a size like 512M or 2G was expected");
    return kind_bytes.read(&bytes, text, why) ? json_integer((json_int_t)bytes) : NULL;
}

json_t *shape_cores(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    uint32_t millis = 0;
    if (!text)
        return refuse(why, "a number of cores like 0.5 or 2 was expected");
    return kind_cores.read(&millis, text, why) ? json_real(millis / 1000.0) : NULL;
}

json_t *shape_count(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT];
    const char *text = scalar_text(value, number);
    uint64_t count = 0;
    if (!text || !span_number(span_of(text), INT32_MAX, &count))
        return refuse(why, "a whole number was expected");
    return json_integer((json_int_t)count);
}

static json_t *array_of(const struct words *words)
{
    json_t *array = json_array();
    for (size_t i = 0; i < words->n; i++)
        json_array_append_new(array, json_string(words->p[i]));
    return array;
}

/* A list, or a scalar that the kind cuts into one. */
static json_t *list_by(const struct conf_kind *kind, const json_t *value, struct error *why)
{
    struct words words = {0};
    char number[NUMBER_TEXT];
    char *list = json_is_array(value) ? json_dumps(value, JSON_COMPACT) : NULL;
    const char *text = list ? list : scalar_text(value, number);
    json_t *array = NULL;
    if (!text)
        refuse(why, "a list was expected");
    else if (kind->read(&words, text, why))
        array = array_of(&words);
    kind->release(&words);
    free(list);
    return array;
}

json_t *shape_words(const json_t *value, struct error *why)
{
    return list_by(&kind_words, value, why);
}

json_t *shape_command(const json_t *value, struct error *why)
{
    return list_by(&kind_command, value, why);
}

static bool is_variable(const char *name)
{
    for (const char *p = name; *p; p++)
        if (!(*p == '_' || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
              (p != name && *p >= '0' && *p <= '9')))
            return false;
    return *name != '\0';
}

json_t *shape_environment(const json_t *value, struct error *why)
{
    const char *name;
    json_t *item, *map = json_object();
    bool good = json_is_object(value) || error_set(why, "a map like NAME: value was expected");
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        char number[NUMBER_TEXT];
        const char *text = json_is_null(item) ? "" : scalar_text(item, number);
        if (!is_variable(name))
            good = error_set(why, "'%.80s' is no name of an environment variable", name);
        else if (!text)
            good = error_set(why, "the value of %.80s is no text", name);
        if (!good)
            break;
        json_object_set_new(map, name, json_string(text));
    }
    if (good)
        return map;
    json_decref(map);
    return NULL;
}

json_t *shape_path(const json_t *value, struct error *why)
{
    char number[NUMBER_TEXT], *path = NULL;
    const char *text = scalar_text(value, number);
    if (!text)
        return refuse(why, "a path was expected");
    json_t *read = kind_path_url.read(&path, text, why) ? json_string(path) : NULL;
    free(path);
    return read;
}

/* ---- a map of them ---- */

static const struct shape_member *find_member(const struct shape_member *members, size_t n,
                                              const char *name, struct error *why)
{
    struct nearest nearest = {.name = span_of(name)};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(members[i].name, name) == 0)
            return &members[i];
        nearest_try(&nearest, span_of(members[i].name));
    }
    struct text known = {0};
    for (size_t i = 0; i < n && !nearest.best.p; i++)
        text_format(&known, "%s%s", i ? ", " : "", members[i].name);
    char *list = text_take(&known);
    error_set(why, "unknown member '%.80s'; %s %.300s%s", name,
              nearest.best.p ? "did you mean" : "there are", nearest.best.p ? nearest.best.p : list,
              nearest.best.p ? "?" : "");
    free(list);
    return NULL;
}

json_t *shape_map(const json_t *from, const struct shape_member *members, size_t n,
                  struct error *why)
{
    const char *name;
    json_t *value, *map = json_object();
    bool good = json_is_object(from) || error_set(why, "a map was expected");
    json_object_foreach((json_t *)(uintptr_t)from, name, value)
    {
        struct error inner;
        const struct shape_member *member = find_member(members, n, name, why);
        if (member && json_is_null(value))
            continue;
        json_t *read = member ? member->read(value, &inner) : NULL;
        if (member && !read)
            error_set(why, "%s%s%.400s", name, strchr(".[", inner.text[0]) ? "" : ": ", inner.text);
        good = read != NULL;
        if (!good)
            break;
        json_object_set_new(map, name, read);
    }
    if (good)
        return map;
    json_decref(map);
    return NULL;
}
