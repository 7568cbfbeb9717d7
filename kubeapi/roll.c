#include "kubeapi/roll.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static bool is_named(const void *item, const void *wanted)
{
    return strcmp(((const struct rolled *)item)->name, wanted) == 0;
}

void roll_init(struct roll *roll)
{
    *roll = (struct roll){0};
    index_init(&roll->index);
    TAILQ_INIT(&roll->all);
}

void roll_release(struct roll *roll)
{
    struct rolled *rolled;
    while ((rolled = TAILQ_FIRST(&roll->all))) {
        TAILQ_REMOVE(&roll->all, rolled, next);
        rolled_free(rolled);
    }
    index_release(&roll->index);
}

void roll_begin(struct roll *roll)
{
    roll->round++;
}

struct rolled *roll_unseen(const struct roll *roll)
{
    struct rolled *first = TAILQ_FIRST(&roll->all);
    return first && first->round != roll->round ? first : NULL;
}

struct rolled *roll_find(const struct roll *roll, const char *name)
{
    return index_find(&roll->index, index_hash(&roll->index, 0, span_of(name)), is_named, name);
}

void roll_add(struct roll *roll, const struct mirror_name *name)
{
    size_t name_n = strlen(name->name) + 1, uid_n = strlen(name->uid) + 1;
    struct rolled *rolled = must_alloc(sizeof *rolled + name_n + uid_n);
    rolled->hash = index_hash(&roll->index, 0, span_of(name->name));
    rolled->round = roll->round;
    rolled->name = memcpy(rolled + 1, name->name, name_n);
    rolled->uid = memcpy(rolled->name + name_n, name->uid, uid_n);
    rolled->version = must_copy(name->version);
    index_add(&roll->index, rolled->hash, rolled);
    TAILQ_INSERT_TAIL(&roll->all, rolled, next);
    roll->n++;
}

bool roll_see(struct roll *roll, struct rolled *rolled, const char *version)
{
    rolled->round = roll->round;
    TAILQ_REMOVE(&roll->all, rolled, next);
    TAILQ_INSERT_TAIL(&roll->all, rolled, next);
    if (strcmp(rolled->version, version) == 0)
        return false;
    free(rolled->version);
    rolled->version = must_copy(version);
    return true;
}

void roll_remove(struct roll *roll, struct rolled *rolled)
{
    TAILQ_REMOVE(&roll->all, rolled, next);
    index_remove(&roll->index, rolled->hash, rolled);
    roll->n--;
}

void rolled_free(struct rolled *rolled)
{
    free(rolled->version);
    free(rolled);
}
