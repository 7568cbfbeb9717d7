#include "base/row.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct span row_flag(const struct conf_row *row)
{
    const char *start = strstr(row->flag, "--");
    assert(start);
    return (struct span){start, strcspn(start, " ")};
}

bool row_wants_value(const struct conf_row *row)
{
    return strchr(row->flag, '<') != NULL;
}

bool row_is_key(const struct conf_row *row)
{
    return row->flag && row_wants_value(row) && row->type != CONF_REFERENCE && !row->no_key;
}

struct span row_key(const struct conf_row *row, char out[CONF_NAME])
{
    struct span flag = row_flag(row);
    assert(flag.n - 2 < CONF_NAME);
    for (size_t i = 2; i < flag.n; i++)
        out[i - 2] = flag.p[i] == '-' ? '_' : flag.p[i];
    return (struct span){out, flag.n - 2};
}

const char *row_env(const struct conf *conf, const struct conf_row *row, char out[CONF_NAME])
{
    if (row->env || !conf->env_prefix)
        return row->env;
    if (!row->flag || !row_wants_value(row) || row->type == CONF_REFUSED ||
        row->type == CONF_REFERENCE)
        return NULL;
    char key[CONF_NAME];
    struct span name = row_key(row, key);
    int n = snprintf(out, CONF_NAME, "%s%.*s", conf->env_prefix, (int)name.n, name.p);
    assert(n < CONF_NAME);
    for (char *p = out; n-- > 0; p++)
        *p = (char)toupper((unsigned char)*p);
    return out;
}

static void *field(const struct conf_row *row, void *into)
{
    return (char *)into + row->offset;
}

static const void *field_of(const struct conf_row *row, const void *of)
{
    return (const char *)of + row->offset;
}

static void store_text(const struct conf_row *row, void *into, const char *text)
{
    assert(row->size == sizeof text);
    memcpy(field(row, into), &text, sizeof text);
}

static void store_number(const struct conf_row *row, void *into, int64_t number)
{
    assert(number >= 0);
    if (row->size == sizeof(bool))
        *(bool *)field(row, into) = number != 0;
    else if (row->size == sizeof(uint16_t))
        *(uint16_t *)field(row, into) = (uint16_t)number;
    else if (row->size == sizeof(uint32_t))
        *(uint32_t *)field(row, into) = (uint32_t)number;
    else if (row->size == sizeof(int64_t))
        *(int64_t *)field(row, into) = number;
    else
        assert(!"a number has 16, 32 or 64 bits");
}

static bool take_number(const struct conf_row *row, void *into, const char *value,
                        struct error *why)
{
    int64_t number = 0;
    bool good = *value != '\0';
    for (const char *p = value; good && *p; p++) {
        good = *p >= '0' && *p <= '9' && number <= row->max; /* so that it cannot overflow */
        number = good ? number * 10 + (*p - '0') : 0;
    }
    if (!good || number < row->min || number > row->max)
        return error_set(why, "'%.80s' is not a whole number from %lld to %lld%s%s", value,
                         (long long)row->min, (long long)row->max, row->unit ? " " : "",
                         row->unit ? row->unit : "");
    store_number(row, into, number * (row->scale ? row->scale : 1));
    return true;
}

static bool take_word(const struct conf_row *row, void *into, const char *value, struct error *why)
{
    char choices[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < CONF_WORDS_MAX && row->words[i]; i++) {
        if (strcasecmp(row->words[i], value) == 0) {
            if (row->type == CONF_WORD)
                store_text(row, into, row->words[i]);
            else
                store_number(row, into, (int64_t)i);
            return true;
        }
        int n =
            snprintf(choices + used, sizeof choices - used, "%s%s", i ? ", " : "", row->words[i]);
        used += (size_t)n;
        assert(used < sizeof choices);
    }
    return error_set(why, "'%.80s' is not one of: %s", value, choices);
}

static bool take_empty(const struct conf_row *row, void *into, struct error *why)
{
    if (row->type == CONF_TEXT || row->type == CONF_WORD)
        store_text(row, into, NULL);
    else if (row->type == CONF_NUMBER)
        store_number(row, into, 0);
    row_release(row, into);
    return !row->fallback || row_take(row, into, row->fallback, why);
}

bool row_take(const struct conf_row *row, void *into, const char *value, struct error *why)
{
    if (*value == '\0' && !row->empty_counts)
        return take_empty(row, into, why);
    switch (row->type) {
    case CONF_TEXT:
        store_text(row, into, value);
        return true;
    case CONF_WORD:
    case CONF_INDEX:
        return take_word(row, into, value, why);
    case CONF_NUMBER:
        return take_number(row, into, value, why);
    case CONF_TAKE:
        return row->take(into, value, why);
    case CONF_KIND:
        return row->kind->read(field(row, into), value, why);
    default:
        assert(!"a row of this type has no value");
        return false;
    }
}

void row_switch(const struct conf_row *row, void *into, bool on)
{
    store_number(row, into, on);
}

bool row_same(const struct conf_row *row, const void *a, const void *b)
{
    if (row->type == CONF_KIND)
        return row->kind->same(field_of(row, a), field_of(row, b));
    assert(row->type == CONF_NUMBER || row->type == CONF_INDEX);
    return memcmp(field_of(row, a), field_of(row, b), row->size) == 0;
}

void row_swap(const struct conf_row *row, void *a, void *b)
{
    char kept[32];
    assert(row->size <= sizeof kept);
    memcpy(kept, field(row, a), row->size);
    memcpy(field(row, a), field(row, b), row->size);
    memcpy(field(row, b), kept, row->size);
}

void row_release(const struct conf_row *row, void *into)
{
    if (row->type == CONF_KIND && row->kind->release)
        row->kind->release(field(row, into));
}
