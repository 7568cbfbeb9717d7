#include "spawner/gpus.h"

#include "base/str.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct gpus {
    size_t n;
    struct gpu {
        char *id;
        bool lent;
    } list[];
};

struct gpus *gpus_new(const char *const *ids)
{
    size_t n = 0;
    while (ids && ids[n])
        n++;
    struct gpus *gpus = must_alloc(sizeof *gpus + n * sizeof gpus->list[0]);
    gpus->n = n;
    for (size_t i = 0; i < n; i++)
        gpus->list[i].id = must_copy(ids[i]);
    return gpus;
}

void gpus_free(struct gpus *gpus)
{
    for (size_t i = 0; i < gpus->n; i++)
        free(gpus->list[i].id);
    free(gpus);
}

size_t gpus_count(const struct gpus *gpus)
{
    return gpus->n;
}

static size_t count_free(const struct gpus *gpus)
{
    size_t n = 0;
    for (size_t i = 0; i < gpus->n; i++)
        n += !gpus->list[i].lent;
    return n;
}

static void say_too_few(const struct gpus *gpus, size_t n, size_t left, struct error *error)
{
    const char *s = gpus->n == 1 ? "" : "s";
    if (n > gpus->n)
        error_set(error, "%zu GPU%s wanted, but servers here can have %zu: choose another profile",
                  n, n == 1 ? "" : "s", gpus->n);
    else if (left == 0 && gpus->n > 1)
        error_set(error, "all %zu GPUs are in use: try again later", gpus->n);
    else if (left == 0)
        error_set(error, "the GPU is in use: try again later");
    else
        error_set(error, "%zu of %zu GPU%s free, %zu wanted: try again later", left, gpus->n, s, n);
}

char *gpus_take(struct gpus *gpus, size_t n, struct error *error)
{
    struct text list = {0};
    size_t left = count_free(gpus);
    if (n > left) {
        say_too_few(gpus, n, left, error);
        return NULL;
    }
    for (size_t i = 0; n && i < gpus->n; i++) {
        if (gpus->list[i].lent)
            continue;
        gpus->list[i].lent = true;
        text_format(&list, "%s%s", list.n ? "," : "", gpus->list[i].id);
        n--;
    }
    return text_take(&list);
}

static void mark(struct gpus *gpus, const char *list, bool lent)
{
    for (struct span rest = span_of(list); rest.p;) {
        struct span id = span_cut(rest, ',', &rest);
        for (size_t i = 0; i < gpus->n; i++)
            if (span_is(id, span_of(gpus->list[i].id)))
                gpus->list[i].lent = lent;
    }
}

void gpus_claim(struct gpus *gpus, const char *list)
{
    if (list)
        mark(gpus, list, true);
}

void gpus_give(struct gpus *gpus, const char *list)
{
    if (list)
        mark(gpus, list, false);
}
