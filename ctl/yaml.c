#include "ctl/yaml.h"

#include "base/str.h"
#include "ctl/shown.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_word(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcasecmp(text, words[i]) == 0)
            return true;
    }
    return false;
}

static bool is_letter(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

/* Letters of ASCII first, so that it is no number and no mark; nothing within that means something.
 */
static bool is_plain(const char *text)
{
    if ((!is_letter(*text) && *text != '/') || is_word(text))
        return false;
    for (const char *p = text; *p; p++) {
        if (!is_letter(*p) && !(*p >= '0' && *p <= '9') && !strchr("-./@+", *p))
            return false;
    }
    return true;
}

/* A double-quoted scalar of YAML takes the escapes of JSON, but for pairs. */
static void add_string(struct text *out, const char *text)
{
    struct text quoted = {0};
    if (is_plain(text)) {
        text_put(out, text);
        return;
    }
    text_json(&quoted, span_of(text));
    shown_json(out, (struct span){quoted.p, quoted.n}, true);
    text_release(&quoted);
}

static void add_scalar(struct text *out, const json_t *value)
{
    if (json_is_string(value)) {
        add_string(out, json_string_value(value));
        return;
    }
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    text_put(out, text ? text : "null");
    free(text);
}

static void add_line_start(struct text *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        text_put(out, "  ");
}

static void add_node(struct text *out, const json_t *value, unsigned depth, bool begun);

/* What follows "name:", or "-" in a list. */
static void add_below(struct text *out, const json_t *value, unsigned depth)
{
    size_t members = json_is_object(value) ? json_object_size(value) : json_array_size(value);
    if (members == 0) {
        text_put(out, " ");
        if (json_is_object(value) || json_is_array(value))
            text_put(out, json_is_object(value) ? "{}" : "[]");
        else
            add_scalar(out, value);
        text_put(out, "\n");
    } else {
        text_put(out, "\n");
        add_node(out, value, depth, false);
    }
}

static void add_object(struct text *out, const json_t *object, unsigned depth, bool begun)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, name, value) /* it takes no const */
    {
        if (!begun)
            add_line_start(out, depth);
        begun = false;
        add_string(out, name);
        text_put(out, ":");
        add_below(out, value, json_is_array(value) ? depth : depth + 1);
    }
}

static void add_array(struct text *out, const json_t *array, unsigned depth)
{
    size_t i;
    json_t *value;
    json_array_foreach(array, i, value)
    {
        add_line_start(out, depth);
        text_put(out, "-");
        if (json_object_size(value) > 0) { /* its first member stands beside the dash */
            text_put(out, " ");
            add_node(out, value, depth + 1, true);
        } else {
            add_below(out, value, depth + 1);
        }
    }
}

/* begun: the line has been started, the first member goes there. */
static void add_node(struct text *out, const json_t *value, unsigned depth, bool begun)
{
    if (json_object_size(value) > 0)
        add_object(out, value, depth, begun);
    else if (json_array_size(value) > 0)
        add_array(out, value, depth);
}

void yaml_add(struct text *out, const json_t *value)
{
    if (json_object_size(value) > 0 || json_array_size(value) > 0) {
        add_node(out, value, 0, false);
        return;
    }
    if (json_is_object(value) || json_is_array(value))
        text_put(out, json_is_object(value) ? "{}" : "[]");
    else
        add_scalar(out, value);
    text_put(out, "\n");
}
