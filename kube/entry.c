#include "kube/entry.h"

#include "base/encode.h"
#include "base/str.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool entry_refuse(const struct entry *entry, struct error *error, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return error_set(error, "%.200s: the %s '%.80s': %s", entry->file, entry->kind, entry->name,
                     what);
}

static bool refuse(const struct entry *entry, const char *key, const char *what,
                   struct error *error)
{
    return entry_refuse(entry, error, "%s%s %s", entry->within, key, what);
}

bool entry_text(const struct entry *entry, const char *key, char **out, struct error *error)
{
    const json_t *value = json_object_get(entry->body, key);
    *out = NULL;
    if (!value || json_is_null(value))
        return true;
    if (!json_is_string(value))
        return refuse(entry, key, "is a text", error);
    if (*json_string_value(value))
        *out = must_copy(json_string_value(value));
    return true;
}

bool entry_line(const struct entry *entry, const char *key, char **out, struct error *error)
{
    if (!entry_text(entry, key, out, error))
        return false;
    if (!*out || span_is_line(span_of(*out)))
        return true;
    free(*out);
    *out = NULL;
    return refuse(entry, key, "has a line end or another control character", error);
}

char *entry_path(const struct entry *entry, const char *path)
{
    const char *slash = strrchr(entry->file, '/');
    struct text whole = {0};
    if (*path != '/' && slash)
        text_add(&whole, (struct span){entry->file, (size_t)(slash - entry->file) + 1});
    else if (*path != '/')
        text_put(&whole, "./");
    text_put(&whole, path);
    return text_take(&whole);
}

bool entry_file(const struct entry *entry, const char *key, char **out, struct error *error)
{
    char *path;
    if (!entry_line(entry, key, &path, error))
        return false;
    *out = path ? entry_path(entry, path) : NULL;
    free(path);
    if (!*out || access(*out, R_OK) == 0)
        return true;
    entry_refuse(entry, error, "%s%s: %.120s: %s", entry->within, key, *out, strerror(errno));
    free(*out);
    *out = NULL;
    return false;
}

/* Ends are put into long base64 by hand; nothing of it may be lost otherwise. */
static size_t drop_blanks(char *text)
{
    size_t n = 0;
    for (const char *at = text; *at; at++)
        if (!strchr(" \t\r\n", *at))
            text[n++] = *at;
    text[n] = '\0';
    return n;
}

bool entry_pem(const struct entry *entry, const char *key, char **out, struct error *error)
{
    if (!entry_text(entry, key, out, error))
        return false;
    if (!*out)
        return true;
    const char *why = "is not base64";
    size_t n = drop_blanks(*out);
    char *bytes = must_alloc(n + 1);
    ptrdiff_t length = base64_decode((struct span){*out, n}, bytes);
    free(*out);
    *out = bytes;
    if (length >= 0) {
        bytes[length] = '\0';
        if (strlen(bytes) == (size_t)length && strstr(bytes, "-----BEGIN "))
            return true;
        why = "holds no PEM in its base64";
    }
    free(bytes);
    *out = NULL;
    return refuse(entry, key, why, error);
}

bool entry_flag(const struct entry *entry, const char *key, bool *out, struct error *error)
{
    char *text;
    *out = false;
    if (!entry_text(entry, key, &text, error))
        return false;
    *out = text && span_is_nocase(span_of(text), SPAN("true"));
    bool good = !text || *out || span_is_nocase(span_of(text), SPAN("false"));
    free(text);
    return good || refuse(entry, key, "is true or false", error);
}

bool entry_map(const struct entry *entry, const char *key, json_t **out, struct error *error)
{
    *out = json_object_get(entry->body, key);
    if (json_is_null(*out))
        *out = NULL;
    return !*out || json_is_object(*out) || refuse(entry, key, "is a map", error);
}

bool entry_list(const struct entry *entry, const char *key, json_t **out, struct error *error)
{
    *out = json_object_get(entry->body, key);
    if (json_is_null(*out))
        *out = NULL;
    return !*out || json_is_array(*out) || refuse(entry, key, "is a list", error);
}
