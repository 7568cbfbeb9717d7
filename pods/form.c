#include "pods/form.h"
#include "base/str.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
    [FORM_TEXT] = "a text",
    [FORM_NAME] = "a text that is not empty",
    [FORM_BOOL] = "true or false",
    [FORM_COUNT] = "a whole number",
    [FORM_CORES] = "a number of cores like 0.5 or 2",
    [FORM_BYTES] = "a size like 512M or 2G",
    [FORM_COMMAND] = "a list of texts, or one text",
    [FORM_TEXTS] = "a list of texts",
    [FORM_COUNTS] = "a list of whole numbers",
    [FORM_LABELS] = "a map of texts",
    [FORM_AMOUNTS] = "a map of amounts, like nvidia.com/gpu: 1",
    [FORM_MAP] = "a map",
    [FORM_CAMEL] = "a map",
    [FORM_CHANGES] = "a map",
    [FORM_OBJECT] = "a map",
    [FORM_OBJECTS] = "a list or map of maps",
    [FORM_SECRETS] = "a list of names, or one name",
    [FORM_ENVIRONMENT] = "a map of texts, or of {valueFrom: …}",
    [FORM_PROFILES] = "a list or map of maps",
    [FORM_SCHEME] = "safe or escape",
    [FORM_ANY] = "anything",
};

const char *form_words(enum form form)
{
    return words[form];
}

/* What it is instead, where that helps: YAML's quotes are easily one too many or too few. */
static json_t *refuse(enum form form, const json_t *value, struct error *why)
{
    const char *hint = "";
    bool wants_text = form == FORM_TEXT || form == FORM_NAME;
    if (json_is_string(value) && (form == FORM_BOOL || form == FORM_COUNT || form == FORM_CORES))
        hint = form == FORM_BOOL ? ", not a text: write true or false, without quotes"
                                 : ", not a text: write it without quotes";
    else if (wants_text && (json_is_number(value) || json_is_boolean(value)))
        hint = "; put it in quotes";
    error_set(why, ": %s was expected%s", words[form], hint);
    return NULL;
}

/* ---- scalars ---- */

static json_t *read_name(enum form form, const json_t *value, struct error *why)
{
    const char *text = json_string_value(value);
    if (!text || !*text || !span_is_line(span_of(text)))
        return refuse(form, value, why);
    return json_string(text);
}

/* Whole numbers come as reals from programs that know no others. */
static json_t *read_count(enum form form, const json_t *value, struct error *why)
{
    const double max = 9e15;
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0 && number <= max) || number != floor(number))
        return refuse(form, value, why);
    return json_integer((json_int_t)number);
}

static json_t *read_cores(enum form form, const json_t *value, struct error *why)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || !(number >= 0 && number <= 1e6))
        return refuse(form, value, why);
    return json_real(number);
}

/* The scale of a size's last letter; 0: none. */
static double scale_of(const char *letter)
{
    static const char letters[] = "KMGT";
    const char *at = *letter ? strchr(letters, *letter) : NULL;
    return at && !letter[1] ? (double)((uint64_t)1 << (10 * (at - letters + 1))) : 0;
}

static json_t *read_bytes(enum form form, const json_t *value, struct error *why)
{
    const double max = (double)((uint64_t)1 << 60);
    double number = json_number_value(value), scale = 1;
    const char *text = json_string_value(value);
    if (text) {
        size_t n = strspn(text, "0123456789.");
        char *end;
        number = strtod(text, &end);
        scale = n && end == text + n ? scale_of(end) : 0;
        if (scale == 0 && n && strchr("KMGT", text[n]) && text[n + 1] == 'i') {
            error_set(why, ": a size has no i: write %.*s%c, which is 1024-based as well",
                      n > 40 ? 40 : (int)n, text, text[n]);
            return NULL;
        }
    }
    if (!(text || json_is_number(value)) || scale == 0 || !(number >= 0 && number * scale <= max))
        return refuse(form, value, why);
    return json_integer((json_int_t)(number * scale));
}

static json_t *read_scheme(enum form form, const json_t *value, struct error *why)
{
    const char *text = json_string_value(value);
    if (!text || (strcmp(text, "safe") != 0 && strcmp(text, "escape") != 0))
        return refuse(form, value, why);
    return json_string(text);
}

/* ---- lists and maps ---- */

/* What each item of one is. */
struct item {
    enum form form;
    enum model model;
    enum model_part part;
};

static const struct item text_item = {FORM_TEXT, MODEL_NONE, MODEL_WHOLE};
static const struct item count_item = {FORM_COUNT, MODEL_NONE, MODEL_WHOLE};
static const struct item map_item = {FORM_MAP, MODEL_NONE, MODEL_WHOLE};

/* Reads each item; errors begin with its place. */
static json_t *read_list(const struct item *of, const json_t *value, struct error *why)
{
    struct error inner;
    size_t i;
    json_t *item, *list = json_array();
    json_array_foreach((json_t *)(uintptr_t)value, i, item)
    {
        json_t *read = form_read(of->form, of->model, of->part, item, &inner);
        if (!read) {
            error_set(why, "[%zu]%.480s", i, inner.text);
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, read);
    }
    return list;
}

/* The same for a map's values; those that are null are left out. */
static json_t *read_values(const struct item *of, const json_t *value, struct error *why)
{
    struct error inner;
    const char *name;
    json_t *item, *map = json_object();
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        json_t *read =
            json_is_null(item) ? NULL : form_read(of->form, of->model, of->part, item, &inner);
        if (!read && !json_is_null(item)) {
            error_set(why, ".%.60s%.400s", name, inner.text);
            json_decref(map);
            return NULL;
        }
        if (read)
            json_object_set_new(map, name, read);
    }
    return map;
}

static json_t *read_list_of(enum form form, const struct item *of, const json_t *value,
                            struct error *why)
{
    return json_is_array(value) ? read_list(of, value, why) : refuse(form, value, why);
}

static json_t *read_map_of(enum form form, const struct item *of, const json_t *value,
                           struct error *why)
{
    return json_is_object(value) ? read_values(of, value, why) : refuse(form, value, why);
}

static json_t *read_amounts(const json_t *value, struct error *why)
{
    const char *name;
    json_t *item, *map;
    if (!json_is_object(value))
        return refuse(FORM_AMOUNTS, value, why);
    map = json_object();
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        if (json_is_null(item))
            continue;
        if (!json_is_string(item) && !json_is_number(item)) {
            error_set(why, ".%.60s: a number was expected, or a text like \"1\"", name);
            json_decref(map);
            return NULL;
        }
        json_object_set(map, name, item);
    }
    return map;
}

static json_t *read_camel(const json_t *value, struct error *why)
{
    const char *name;
    json_t *item;
    if (!json_is_object(value))
        return refuse(FORM_CAMEL, value, why);
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        if (strchr(name, '_')) {
            error_set(why, ".%.60s: keys are spelled as Kubernetes does, like runAsUser", name);
            return NULL;
        }
    }
    return json_deep_copy(value);
}

static json_t *read_command(enum form form, const json_t *value, struct error *why)
{
    if (json_is_array(value))
        return read_list(&text_item, value, why);
    if (!json_is_string(value))
        return refuse(form, value, why);
    json_t *list = json_array();
    json_array_append_new(list, json_string(json_string_value(value)));
    return list;
}

static json_t *read_secret(const json_t *value, struct error *why)
{
    if (!json_is_string(value))
        return model_read(MODEL_SECRET_REFERENCE, MODEL_WHOLE, value, why);
    return json_pack("{s:s}", "name", json_string_value(value));
}

static json_t *read_secrets(const json_t *value, struct error *why)
{
    struct error inner;
    size_t i;
    json_t *item, *list = json_array();
    if (json_is_string(value)) {
        json_array_append_new(list, read_secret(value, why));
        return list;
    }
    bool good = json_is_array(value) || refuse(FORM_SECRETS, value, why);
    json_array_foreach((json_t *)(uintptr_t)value, i, item)
    {
        json_t *read = read_secret(item, &inner);
        if (!read) {
            good = error_set(why, "[%zu]%.480s", i, inner.text);
            break;
        }
        json_array_append_new(list, read);
    }
    if (good)
        return list;
    json_decref(list);
    return NULL;
}

/* A variable that is no text: an EnvVar, whose name is the key where it has none. Null is a
 * variable without a value. */
static json_t *read_variable(const json_t *value, struct error *why)
{
    if (json_is_string(value) || json_is_null(value))
        return json_deep_copy(value);
    if (!json_is_object(value))
        return refuse(FORM_TEXT, value, why);
    json_t *variable = model_read(MODEL_ENV, MODEL_CHANGES, value, why);
    const char *const texts[] = {"name", "value"};
    for (size_t i = 0; variable && i < COUNT(texts); i++) {
        const json_t *text = json_object_get(variable, texts[i]);
        if (!text || json_is_null(text) || json_is_string(text))
            continue;
        error_set(why, ".%s: a text was expected; put it in quotes", texts[i]);
        json_decref(variable);
        variable = NULL;
    }
    return variable;
}

static json_t *read_environment(const json_t *value, struct error *why)
{
    struct error inner;
    const char *name;
    json_t *item, *map;
    if (!json_is_object(value))
        return refuse(FORM_ENVIRONMENT, value, why);
    map = json_object();
    json_object_foreach((json_t *)(uintptr_t)value, name, item)
    {
        json_t *read = read_variable(item, &inner);
        if (!read) {
            error_set(why, ".%.60s%.400s", name, inner.text);
            json_decref(map);
            return NULL;
        }
        json_object_set_new(map, name, read);
    }
    return map;
}

static json_t *read_items(enum form form, const struct item *of, const json_t *value,
                          struct error *why)
{
    if (json_is_array(value))
        return read_list(of, value, why);
    return json_is_object(value) ? read_values(of, value, why) : refuse(form, value, why);
}

json_t *form_read(enum form form, enum model model, enum model_part part, const json_t *value,
                  struct error *why)
{
    const struct item object = {part == MODEL_WHOLE ? FORM_OBJECT : FORM_CHANGES, model, part};
    switch (form) {
    case FORM_TEXT:
        return json_is_string(value) ? json_deep_copy(value) : refuse(form, value, why);
    case FORM_NAME:
        return read_name(form, value, why);
    case FORM_BOOL:
        return json_is_boolean(value) ? json_deep_copy(value) : refuse(form, value, why);
    case FORM_COUNT:
        return read_count(form, value, why);
    case FORM_CORES:
        return read_cores(form, value, why);
    case FORM_BYTES:
        return read_bytes(form, value, why);
    case FORM_COMMAND:
        return read_command(form, value, why);
    case FORM_TEXTS:
        return read_list_of(form, &text_item, value, why);
    case FORM_COUNTS:
        return read_list_of(form, &count_item, value, why);
    case FORM_LABELS:
        return read_map_of(form, &text_item, value, why);
    case FORM_AMOUNTS:
        return read_amounts(value, why);
    case FORM_MAP:
        return json_is_object(value) ? json_deep_copy(value) : refuse(form, value, why);
    case FORM_CAMEL:
        return read_camel(value, why);
    case FORM_CHANGES:
        return model_read(model, MODEL_CHANGES, value, why);
    case FORM_OBJECT:
        return model_read(model, MODEL_WHOLE, value, why);
    case FORM_OBJECTS:
        return read_items(form, &object, value, why);
    case FORM_SECRETS:
        return read_secrets(value, why);
    case FORM_ENVIRONMENT:
        return read_environment(value, why);
    case FORM_PROFILES:
        return read_items(form, &map_item, value, why);
    case FORM_SCHEME:
        return read_scheme(form, value, why);
    case FORM_ANY:
        return json_deep_copy(value);
    }
    return NULL;
}

/* The same for each object among a map's values. */
static json_t *spelled_values(enum model model, const json_t *map, struct error *why)
{
    struct error inner;
    const char *name;
    json_t *item, *copy = json_object();
    json_object_foreach((json_t *)(uintptr_t)map, name, item)
    {
        json_t *spelled = json_is_object(item) ? model_read(model, MODEL_CHANGES, item, &inner)
                                               : json_incref(item);
        if (!spelled) {
            error_set(why, ".%.60s%.400s", name, inner.text);
            json_decref(copy);
            return NULL;
        }
        json_object_set_new(copy, name, spelled);
    }
    return copy;
}

json_t *form_spelled(enum form form, enum model model, const json_t *map, struct error *why)
{
    switch (form) {
    case FORM_CHANGES:
    case FORM_OBJECT:
        return model_read(model, MODEL_CHANGES, map, why);
    case FORM_OBJECTS:
        return spelled_values(model, map, why);
    case FORM_ENVIRONMENT:
        return spelled_values(MODEL_ENV, map, why);
    default:
        return json_incref((json_t *)(uintptr_t)map);
    }
}
