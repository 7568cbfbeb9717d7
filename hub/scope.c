#include "hub/scope.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define BIT(scope) ((uint64_t)1 << (scope))

static const struct {
    const char *name;
    uint64_t holds; /* directly */
} rows[SCOPES] = {
#define HOLDS(right)           BIT(SCOPE_##right)
#define ROW(right, name, held) [SCOPE_##right] = {name, held},
    SCOPE_ROWS(ROW)
#undef ROW
#undef HOLDS
};

_Static_assert(SCOPES <= 64, "a set of rights is a word");

/* A right with all it holds, at any depth. */
static uint64_t closure(enum scope scope)
{
    uint64_t all = BIT(scope), before = 0;
    while (all != before) {
        before = all;
        for (unsigned i = 0; i < SCOPES; i++)
            if (before & BIT(i))
                all |= rows[i].holds;
    }
    return all;
}

/* What `self` means, each for the user alone (JupyterHub's role user), and that everybody may log
 * in to the services of the configuration. */
static const enum scope self_scopes[] = {SCOPE_USERS, SCOPE_SERVERS, SCOPE_TOKENS,
                                         SCOPE_ACCESS_SERVERS};

static bool add(struct scopes *scopes, enum scope scope, enum scope_filter filter,
                const char *value)
{
    if (scopes->n >= SCOPES_MAX)
        return false;
    scopes->grants = realloc(scopes->grants, (scopes->n + 1) * sizeof *scopes->grants);
    if (!scopes->grants)
        abort();
    scopes->grants[scopes->n++] = (struct scope_grant){.rights = closure(scope),
                                                       .scope = scope,
                                                       .filter = filter,
                                                       .value = value ? must_copy(value) : NULL};
    return true;
}

static enum scope scope_named(struct span name)
{
    unsigned i = 0;
    while (i < SCOPES && !span_is(name, span_of(rows[i].name)))
        i++;
    return (enum scope)i;
}

/* Names may have blanks, which stand between scopes: they are written as %20 there. */
static char *decoded(struct span text)
{
    char *value = must_copy_span(text);
    ptrdiff_t n = percent_decode(text, value);
    if (n < 0 || memchr(value, '\0', (size_t)n)) {
        free(value);
        return NULL;
    }
    value[n] = '\0';
    return value;
}

/* `user=ada` or `server`: which filter, and its value, to be freed; false: neither. */
static bool read_filter(struct span text, const char *user, const char *server,
                        enum scope_filter *filter, char **value)
{
    static const struct {
        const char *word;
        enum scope_filter filter;
    } words[] = {{"user", FILTER_USER},
                 {"server", FILTER_SERVER},
                 {"group", FILTER_GROUP},
                 {"service", FILTER_SERVICE}};
    struct span rest, word = span_cut(text, '=', &rest);
    size_t i = 0;
    while (i < COUNT(words) && !span_is(word, span_of(words[i].word)))
        i++;
    if (i == COUNT(words) || memchr(text.p, '\0', text.n))
        return false;
    *filter = words[i].filter;
    if (rest.p && rest.n > 0) {
        *value = decoded(rest);
        return *value != NULL;
    } else if (*filter == FILTER_USER && user && !rest.p) {
        *value = must_copy(user);
    } else if (*filter == FILTER_SERVER && user && server && !rest.p) {
        struct text text_of = {0};
        text_format(&text_of, "%s/%s", user, server);
        *value = text_take(&text_of);
    } else {
        return false;
    }
    return true;
}

static bool add_self(struct scopes *scopes, const char *user)
{
    bool ok = add(scopes, SCOPE_ACCESS_SERVICES, FILTER_NONE, NULL);
    for (size_t i = 0; ok && i < COUNT(self_scopes); i++)
        ok = add(scopes, self_scopes[i], FILTER_USER, user);
    return ok;
}

static bool parse_one(struct scopes *scopes, struct span word, const char *user, const char *server)
{
    struct span filter_text, name = span_cut(word, '!', &filter_text);
    enum scope scope = scope_named(name);
    enum scope_filter filter = FILTER_NONE;
    char *value = NULL;
    if (scope == SCOPES ||
        (filter_text.p && !read_filter(filter_text, user, server, &filter, &value)))
        return false;
    bool ok = true;
    if (scope == SCOPE_SELF && user)
        ok = add_self(scopes, user);
    else
        ok = add(scopes, scope, filter, value);
    free(value);
    return ok;
}

bool scopes_parse(struct scopes *scopes, struct span text, const char *user, const char *server,
                  struct error *error)
{
    while (text.p) {
        struct span word = span_cut(text, ' ', &text);
        if (word.n > 0 && !parse_one(scopes, word, user, server))
            return error_set(error, "'%.*s' is no scope of this hub",
                             (int)(word.n > 80 ? 80 : word.n), word.p);
    }
    return true;
}

void scopes_add(struct scopes *scopes, enum scope scope)
{
    (void)add(scopes, scope, FILTER_NONE, NULL);
}

void scopes_add_all(struct scopes *scopes)
{
    for (unsigned i = 0; i < SCOPES; i++)
        if (i != SCOPE_SELF && i != SCOPE_INHERIT)
            (void)add(scopes, (enum scope)i, FILTER_NONE, NULL);
}

void scopes_add_self(struct scopes *scopes, const char *user)
{
    (void)add_self(scopes, user);
}

void scopes_release(struct scopes *scopes)
{
    for (size_t i = 0; i < scopes->n; i++)
        free(scopes->grants[i].value);
    free(scopes->grants);
    *scopes = (struct scopes){0};
}

/* listed: a blank in a value would end the scope. */
static void print_grant(const struct scope_grant *grant, bool listed, struct text *text)
{
    static const char *const filters[] = {[FILTER_USER] = "!user=",
                                          [FILTER_SERVER] = "!server=",
                                          [FILTER_GROUP] = "!group=",
                                          [FILTER_SERVICE] = "!service="};
    text_put(text, rows[grant->scope].name);
    if (grant->filter != FILTER_NONE) {
        text_put(text, filters[grant->filter]);
        for (const char *c = grant->value; *c; c++)
            if (listed && (*c == ' ' || *c == '%'))
                text_format(text, "%%%02X", (unsigned)*c);
            else
                text_add(text, (struct span){c, 1});
    }
}

void scopes_print(const struct scopes *scopes, struct text *text)
{
    for (size_t i = 0; i < scopes->n; i++) {
        if (i > 0)
            text_put(text, " ");
        print_grant(&scopes->grants[i], true, text);
    }
}

void scopes_print_json(const struct scopes *scopes, struct text *text)
{
    text_put(text, "[");
    for (size_t i = 0; i < scopes->n; i++) {
        struct text one = {0};
        print_grant(&scopes->grants[i], false, &one);
        if (i > 0)
            text_put(text, ",");
        text_json(text, (struct span){one.p, one.n});
        text_release(&one);
    }
    text_put(text, "]");
}

/* --- asking --- */

/* Whether "ada/lab1" is this server, or a server of this user where none is asked for. */
static bool is_server(const char *value, const struct scope_object *object)
{
    size_t n = object->user ? strlen(object->user) : 0;
    return object->user && object->server && strncmp(value, object->user, n) == 0 &&
           value[n] == '/' && strcmp(value + n + 1, object->server) == 0;
}

static bool is_in_groups(const char *value, const struct scope_object *object)
{
    if (object->group && strcmp(value, object->group) == 0)
        return true;
    for (const char *const *group = object->groups; group && *group; group++)
        if (strcmp(value, *group) == 0)
            return true;
    return false;
}

static bool passes(const struct scope_grant *grant, const struct scope_object *object)
{
    switch (grant->filter) {
    case FILTER_NONE:
        return true;
    case FILTER_USER:
        return object->user && strcmp(grant->value, object->user) == 0;
    case FILTER_SERVER:
        return is_server(grant->value, object);
    case FILTER_GROUP:
        return is_in_groups(grant->value, object);
    case FILTER_SERVICE:
        return object->service && strcmp(grant->value, object->service) == 0;
    }
    return false;
}

bool scopes_allow(const struct scopes *scopes, enum scope scope, const struct scope_object *object)
{
    for (size_t i = 0; i < scopes->n; i++)
        if ((scopes->grants[i].rights & BIT(scope)) && passes(&scopes->grants[i], object))
            return true;
    return false;
}

bool scopes_allow_all(const struct scopes *scopes, enum scope scope)
{
    for (size_t i = 0; i < scopes->n; i++)
        if ((scopes->grants[i].rights & BIT(scope)) && scopes->grants[i].filter == FILTER_NONE)
            return true;
    return false;
}

bool scopes_allow_some(const struct scopes *scopes, enum scope scope)
{
    for (size_t i = 0; i < scopes->n; i++)
        if (scopes->grants[i].rights & BIT(scope))
            return true;
    return false;
}

/* Whether what the one filter lets through, the other does. */
static bool filter_within(const struct scope_grant *inner, const struct scope_grant *outer)
{
    if (outer->filter == FILTER_NONE)
        return true;
    if (inner->filter == outer->filter)
        return strcmp(inner->value, outer->value) == 0;
    size_t n = strlen(outer->value);
    return outer->filter == FILTER_USER && inner->filter == FILTER_SERVER &&
           strncmp(inner->value, outer->value, n) == 0 && inner->value[n] == '/' &&
           !strchr(inner->value + n + 1, '/');
}

bool scopes_within(const struct scopes *inner, const struct scopes *outer)
{
    for (size_t i = 0; i < inner->n; i++) {
        uint64_t missing = inner->grants[i].rights & ~BIT(SCOPE_INHERIT);
        for (size_t j = 0; missing && j < outer->n; j++)
            if (filter_within(&inner->grants[i], &outer->grants[j]))
                missing &= ~outer->grants[j].rights;
        if (missing)
            return false;
    }
    return true;
}
