#include "pods/known.h"

#include "base/str.h"
#include "pods/manifest.h"

#include <stdlib.h>
#include <string.h>

static bool on_same_name(const void *item, const void *wanted);
static void on_free(void *arg, void *item);

void known_init(struct known *known)
{
    index_init(&known->pods);
}

void known_release(struct known *known)
{
    index_each(&known->pods, on_free, NULL);
    index_release(&known->pods);
}

static uint64_t hash_of(const struct known *known, const char *name)
{
    return index_hash(&known->pods, 0, span_of(name));
}

struct known_pod *known_find(const struct known *known, const char *name)
{
    return index_find(&known->pods, hash_of(known, name), on_same_name, name);
}

struct known_pod *known_put(struct known *known, const char *name, const json_t *object,
                            const char *hub)
{
    struct known_pod *pod = known_find(known, name);
    if (!pod) {
        pod = must_alloc(sizeof *pod);
        pod->name = must_copy(name);
        index_add(&known->pods, hash_of(known, name), pod);
    }
    const char *label = status_label(object, MANIFEST_HUB_LABEL);
    pod->ours = strcmp(label, hub) == 0;
    pod->others = *label && !pod->ours;
    status_read(&pod->status, object);
    return pod;
}

void known_free(struct known_pod *pod)
{
    status_release(&pod->status);
    free(pod->name);
    free(pod);
}

void known_take(struct known *known, struct known_pod *pod)
{
    index_remove(&known->pods, hash_of(known, pod->name), pod);
}

/* --- callbacks --- */

static bool on_same_name(const void *item, const void *wanted)
{
    return strcmp(((const struct known_pod *)item)->name, wanted) == 0;
}

static void on_free(void *arg, void *item)
{
    (void)arg;
    known_free(item);
}
