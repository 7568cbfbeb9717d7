/* Pointers to things, found by a hash of their names: open addressing, the hash beside the pointer,
 * so that a thing is touched only when it is most likely the one. The table is cut into parts that
 * grow and shrink each by itself: at a million things no call moves more than 32 768 slots. */
#ifndef BASE_INDEX_H
#define BASE_INDEX_H

#include "base/base.h"

enum { INDEX_PARTS = 64 };

struct index {
    uint64_t seed; /* so that names cannot be chosen to collide */
    struct index_part {
        struct index_slot *slots;
        uint32_t n, room; /* room: 0 or a power of two */
    } parts[INDEX_PARTS];
};

void index_init(struct index *index);
/* The things are the caller's. */
void index_release(struct index *index);

/* Of a name below `above`, whatever that number means to the caller. */
uint64_t index_hash(const struct index *index, uint64_t above, struct span name);

typedef bool index_is(const void *item, const void *wanted);
/* The thing of that hash for which is(thing, wanted) holds, or NULL. */
void *index_find(const struct index *index, uint64_t hash, index_is *is, const void *wanted);
/* Once for each thing. */
void index_add(struct index *index, uint64_t hash, void *item);
/* What was added with that hash. */
void index_remove(struct index *index, uint64_t hash, const void *item);

/* All of them, in no order. Nothing is added or removed meanwhile. */
void index_each(const struct index *index, void (*each)(void *arg, void *item), void *arg);
/* The most slots that a look-up may read. For tests. */
size_t index_longest(const struct index *index);

#endif
