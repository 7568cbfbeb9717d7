#include "base/index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { ROOM_MIN = 8 };

/* item == NULL: free. */
struct index_slot {
    uint64_t hash;
    void *item;
};

void index_init(struct index *index)
{
    *index = (struct index){0};
    if (getrandom(&index->seed, sizeof index->seed, 0) < 0)
        index->seed = (uint64_t)(uintptr_t)index;
}

void index_release(struct index *index)
{
    for (size_t i = 0; i < INDEX_PARTS; i++)
        free(index->parts[i].slots);
    *index = (struct index){0};
}

/* Both halves of the product: which bits a change of the word reaches depends on the seed. */
static uint64_t fold(uint64_t hash, uint64_t word)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)(hash ^ word) * 0xff51afd7ed558ccdu;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t index_hash(const struct index *index, uint64_t above, struct span name)
{
    uint64_t hash = fold(index->seed ^ (above * 0x9e3779b97f4a7c15u), name.n);
    while (name.n > 0) {
        uint64_t word = 0;
        size_t n = name.n < 8 ? name.n : 8;
        memcpy(&word, name.p, n);
        hash = fold(hash, word);
        name.p += n;
        name.n -= n;
    }
    return fold(hash, index->seed);
}

/* The part is chosen by the top bits, the place in it by the lowest. */
static size_t part_of(uint64_t hash)
{
    return hash >> 58;
}

static_assert(INDEX_PARTS == 64, "six bits choose the part");

void *index_find(const struct index *index, uint64_t hash, index_is *is, const void *wanted)
{
    const struct index_part *part = &index->parts[part_of(hash)];
    if (part->n == 0)
        return NULL;
    for (size_t i = hash;; i++) {
        const struct index_slot *slot = &part->slots[i & (part->room - 1)];
        if (!slot->item)
            return NULL;
        if (slot->hash == hash && is(slot->item, wanted))
            return slot->item;
    }
}

static void put(const struct index_part *part, struct index_slot slot)
{
    size_t i = slot.hash & (part->room - 1);
    while (part->slots[i].item)
        i = (i + 1) & (part->room - 1);
    part->slots[i] = slot;
}

static void set_room(struct index_part *part, uint32_t room)
{
    struct index_part old = *part;
    part->room = room;
    part->slots = must_alloc(room * sizeof part->slots[0]);
    for (size_t i = 0; i < old.room; i++) {
        if (old.slots[i].item)
            put(part, old.slots[i]);
    }
    free(old.slots);
}

void index_add(struct index *index, uint64_t hash, void *item)
{
    struct index_part *part = &index->parts[part_of(hash)];
    if (part->n >= part->room - part->room / 4)
        set_room(part, part->room ? 2 * part->room : ROOM_MIN);
    put(part, (struct index_slot){hash, item});
    part->n++;
}

/* Those behind the gap move up to where a look-up begins for them, so that none is cut off. */
static void close_gap(const struct index_part *part, size_t gap)
{
    size_t mask = part->room - 1;
    for (size_t i = (gap + 1) & mask; part->slots[i].item; i = (i + 1) & mask) {
        size_t home = part->slots[i].hash & mask;
        if (((i - home) & mask) < ((i - gap) & mask))
            continue;
        part->slots[gap] = part->slots[i];
        gap = i;
    }
    part->slots[gap] = (struct index_slot){0};
}

void index_remove(struct index *index, uint64_t hash, const void *item)
{
    struct index_part *part = &index->parts[part_of(hash)];
    size_t i = hash & (part->room - 1);
    while (part->slots[i].item != item)
        i = (i + 1) & (part->room - 1);
    close_gap(part, i);
    if (--part->n < part->room / 8 && part->room > ROOM_MIN)
        set_room(part, part->room / 2);
}

void index_each(const struct index *index, void (*each)(void *arg, void *item), void *arg)
{
    for (size_t k = 0; k < INDEX_PARTS; k++) {
        const struct index_part *part = &index->parts[k];
        for (size_t i = 0; i < part->room; i++) {
            if (part->slots[i].item)
                each(arg, part->slots[i].item);
        }
    }
}

size_t index_longest(const struct index *index)
{
    size_t longest = 0;
    for (size_t k = 0; k < INDEX_PARTS; k++) {
        const struct index_part *part = &index->parts[k];
        for (size_t i = 0; i < part->room; i++) {
            size_t n = 0;
            while (n < part->room && part->slots[(i + n) & (part->room - 1)].item)
                n++;
            longest = n + 1 > longest ? n + 1 : longest;
        }
    }
    return longest;
}
