#include "kube/yaml.h"
#include "base/str.h"
#include "kube/scalar.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* One reading of a file. */
struct document {
    yaml_parser_t parser;
    const char *path;
    yaml_typed *typed;
    bool keeps_types; /* of the value that is being read */
    struct error *error;
};

static unsigned line_of(yaml_mark_t mark)
{
    return (unsigned)mark.line + 1;
}

static bool refuse(const struct document *document, const yaml_event_t *at, const char *what)
{
    return error_set(document->error, "%s:%u: %s", document->path, line_of(at->start_mark), what);
}

/* libyaml's reason, where it found it; its own words have no values of the file. */
static bool refuse_form(const struct document *document)
{
    const yaml_parser_t *parser = &document->parser;
    const char *what = parser->problem ? parser->problem : "no YAML";
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR)
        return error_set(document->error, "%s: byte %zu: %s", document->path,
                         parser->problem_offset, what);
    return error_set(document->error, "%s:%u: %s%s%s", document->path, line_of(mark),
                     parser->context ? parser->context : "", parser->context ? ": " : "", what);
}

static bool next(struct document *document, yaml_event_t *event)
{
    return yaml_parser_parse(&document->parser, event) || refuse_form(document);
}

static bool is_plain(const yaml_event_t *event)
{
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static bool is_null(const yaml_event_t *event)
{
    return is_plain(event) && scalar_is_null((const char *)event->data.scalar.value);
}

/* Whether the node at this event is written with nothing that we refuse. */
static bool check_node(const struct document *document, const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT)
        return refuse(document, event, "an alias (*name) is not taken; write the value out");
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
            return refuse(document, event, "a zero byte is not taken");
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor)
        return refuse(document, event, "an anchor (&name) is not taken; leave it out");
    if (tag)
        return refuse(document, event, "a tag (!name) is not taken; leave it out");
    return true;
}

static json_t *read_scalar(const struct document *document, const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value, *why;
    if (is_null(event))
        return json_null();
    if (!document->keeps_types || !is_plain(event))
        return json_string(text);
    json_t *value = scalar_read(text, &why);
    if (!value)
        refuse(document, event, why);
    return value;
}

static json_t *read_node(struct document *document, const yaml_event_t *start, unsigned depth);

static json_t *read_list(struct document *document, unsigned depth)
{
    json_t *list = json_array();
    for (;;) {
        yaml_event_t event;
        if (!next(document, &event))
            break;
        bool is_end = event.type == YAML_SEQUENCE_END_EVENT;
        json_t *item = is_end ? NULL : read_node(document, &event, depth);
        yaml_event_delete(&event);
        if (is_end)
            return list;
        if (!item)
            break;
        json_array_append_new(list, item);
    }
    json_decref(list);
    return NULL;
}

/* A key: a scalar of one line that is not there yet. */
static bool check_key(const struct document *document, const yaml_event_t *event, const json_t *map)
{
    if (!check_node(document, event))
        return false;
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(document, event, "a key is one word");
    const char *key = (const char *)event->data.scalar.value;
    if (!span_is_line(span_of(key)))
        return refuse(document, event, "a key has a control character");
    if (json_object_get(map, key))
        return error_set(document->error, "%s:%u: the key '%.80s' is here twice", document->path,
                         line_of(event->start_mark), key);
    return true;
}

/* The value of the key that was just read. */
static json_t *read_value(struct document *document, unsigned depth)
{
    yaml_event_t event;
    if (!next(document, &event))
        return NULL;
    json_t *value = read_node(document, &event, depth);
    yaml_event_delete(&event);
    return value;
}

static json_t *read_map(struct document *document, unsigned depth)
{
    json_t *map = json_object();
    for (;;) {
        yaml_event_t event;
        if (!next(document, &event))
            break;
        bool is_end = event.type == YAML_MAPPING_END_EVENT;
        json_t *value =
            !is_end && check_key(document, &event, map) ? read_value(document, depth) : NULL;
        if (value)
            json_object_set_new(map, (const char *)event.data.scalar.value, value);
        yaml_event_delete(&event);
        if (is_end)
            return map;
        if (!value)
            break;
    }
    json_decref(map);
    return NULL;
}

/* NULL: *document->error says why. */
static json_t *read_node(struct document *document, const yaml_event_t *start, unsigned depth)
{
    if (!check_node(document, start))
        return NULL;
    if (depth == YAML_DEPTH_MAX) {
        refuse(document, start, "lists and maps are nested too deeply");
        return NULL;
    }
    switch (start->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(document, start);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(document, depth + 1);
    case YAML_MAPPING_START_EVENT:
        return read_map(document, depth + 1);
    default:
        refuse(document, start, "a value was expected");
        return NULL;
    }
}

static char *text_of(const json_t *value)
{
    if (json_is_null(value))
        return must_copy("");
    if (json_is_string(value))
        return must_copy(json_string_value(value));
    char *text = json_dumps(value, JSON_COMPACT);
    return text ? text : must_copy("");
}

/* The value of a key at the top; true and 1 there are texts, whatever the key. */
static json_t *read_top(struct document *document, const char *key)
{
    yaml_event_t event;
    if (!next(document, &event))
        return NULL;
    document->keeps_types =
        event.type != YAML_SCALAR_EVENT && document->typed && document->typed(key);
    json_t *value = read_node(document, &event, 1);
    yaml_event_delete(&event);
    return value;
}

static void add_setting(struct conf_file *file, const char *key, unsigned line, const json_t *value)
{
    struct conf_setting *more = realloc(file->settings, (file->n + 1) * sizeof *file->settings);
    if (!more)
        abort();
    file->settings = more;
    more[file->n++] =
        (struct conf_setting){.key = must_copy(key),
                              .text = text_of(value),
                              .is_tree = json_is_array(value) || json_is_object(value),
                              .line = line};
}

/* The map at the top, key by key, up to its end. */
static bool read_settings(struct document *document, struct conf_file *file)
{
    json_t *seen = json_object();
    bool good = true, is_end = false;
    while (good && !is_end) {
        yaml_event_t event;
        good = next(document, &event);
        if (!good)
            break;
        is_end = event.type == YAML_MAPPING_END_EVENT;
        const char *key = (const char *)event.data.scalar.value;
        json_t *value =
            !is_end && check_key(document, &event, seen) ? read_top(document, key) : NULL;
        good = is_end || value;
        if (value) {
            add_setting(file, key, line_of(event.start_mark), value);
            json_object_set_new(seen, key, value);
        }
        yaml_event_delete(&event);
    }
    json_decref(seen);
    return good;
}

/* What comes next, up to the end of the file: at most one document, a map. */
static bool read_document(struct document *document, struct conf_file *file)
{
    bool good = true, is_end = false, was_read = false;
    while (good && !is_end) {
        yaml_event_t event;
        if (!next(document, &event))
            return false;
        is_end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_MAPPING_START_EVENT)
            good = check_node(document, &event) && read_settings(document, file);
        else if (event.type == YAML_SCALAR_EVENT && is_null(&event))
            good = check_node(document, &event);
        else if (event.type == YAML_DOCUMENT_START_EVENT && was_read)
            good = refuse(document, &event, "a second document begins here; one is read");
        else if (event.type == YAML_SCALAR_EVENT || event.type == YAML_SEQUENCE_START_EVENT ||
                 event.type == YAML_ALIAS_EVENT)
            good = refuse(document, &event, "lines like `key: value` were expected");
        was_read = was_read || event.type == YAML_DOCUMENT_START_EVENT;
        yaml_event_delete(&event);
    }
    return good;
}

/* The file's bytes, to be freed; NULL: *error says why. */
static char *read_bytes(const char *path, size_t *n, struct error *error)
{
    FILE *in = fopen(path, "re");
    if (!in) {
        error_set(error, "%s: cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    char *bytes = must_alloc(YAML_BYTES_MAX + 1);
    *n = fread(bytes, 1, YAML_BYTES_MAX + 1, in);
    bool failed = ferror(in) != 0, is_long = *n > YAML_BYTES_MAX;
    if (failed)
        error_set(error, "%s: cannot be read: %s", path, strerror(errno));
    else if (is_long)
        error_set(error, "%s: has more than %d bytes", path, YAML_BYTES_MAX);
    fclose(in);
    if (!failed && !is_long)
        return bytes;
    free(bytes);
    return NULL;
}

bool yaml_read(struct conf_file *file, const char *path, yaml_typed *typed, struct error *error)
{
    size_t n;
    *file = (struct conf_file){.path = path};
    char *bytes = read_bytes(path, &n, error);
    if (!bytes)
        return false;
    struct document document = {.path = path, .typed = typed, .error = error};
    if (!yaml_parser_initialize(&document.parser))
        abort();
    yaml_parser_set_input_string(&document.parser, (const unsigned char *)bytes, n);
    bool good = read_document(&document, file);
    yaml_parser_delete(&document.parser);
    free(bytes);
    if (!good)
        yaml_release(file);
    return good;
}

void yaml_release(struct conf_file *file)
{
    for (size_t i = 0; i < file->n; i++) {
        free(file->settings[i].key);
        free(file->settings[i].text);
    }
    free(file->settings);
    *file = (struct conf_file){0};
}
