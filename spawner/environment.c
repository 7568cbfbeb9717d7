#include "spawner/environment.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **find(const struct environment *environment, const char *name, size_t n)
{
    for (size_t i = 0; i < environment->n; i++) {
        char *pair = environment->list[i];
        if (strncmp(pair, name, n) == 0 && pair[n] == '=')
            return &environment->list[i];
    }
    return NULL;
}

/* Takes the pair over. */
static void take(struct environment *environment, char *pair)
{
    size_t name_n = strcspn(pair, "=");
    if (name_n == 0 || !pair[name_n]) {
        free(pair);
        return;
    }
    char **there = find(environment, pair, name_n);
    if (there) {
        free(*there);
        *there = pair;
        return;
    }
    if (environment->n + 1 >= environment->room) {
        environment->room = environment->room ? environment->room * 2 : 64;
        environment->list =
            realloc(environment->list, environment->room * sizeof *environment->list);
        if (!environment->list)
            abort();
    }
    environment->list[environment->n++] = pair;
    environment->list[environment->n] = NULL;
}

void environment_set(struct environment *environment, const char *name, const char *value)
{
    environment_format(environment, name, "%s", value);
}

void environment_format(struct environment *environment, const char *name, const char *format, ...)
{
    struct text pair = {0};
    char *value = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&value, format, args) < 0)
        abort();
    va_end(args);
    text_format(&pair, "%s=%s", name, value);
    free(value);
    take(environment, text_take(&pair));
}

void environment_put(struct environment *environment, const char *pair)
{
    take(environment, must_copy(pair));
}

static bool is_named(const char *pair, const char *name)
{
    size_t n = strlen(name);
    if (n && name[n - 1] == '*')
        return strncmp(pair, name, n - 1) == 0;
    return strncmp(pair, name, n) == 0 && pair[n] == '=';
}

void environment_keep(struct environment *environment, const char *const *names)
{
    for (char **pair = environ; names && *pair; pair++)
        for (const char *const *name = names; *name; name++)
            if (is_named(*pair, *name))
                environment_put(environment, *pair);
}

void environment_release(struct environment *environment)
{
    for (size_t i = 0; i < environment->n; i++)
        free(environment->list[i]);
    free(environment->list);
    *environment = (struct environment){0};
}
