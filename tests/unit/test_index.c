/* The index: what was added is found until it is removed, as in a plain list. */
#include "base/index.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THINGS = 3000, OPERATIONS = 60000 };

struct thing {
    char name[16];
    bool in;
};

static bool is_thing(const void *item, const void *wanted)
{
    return strcmp(((const struct thing *)item)->name, wanted) == 0;
}

static uint64_t hash_of(const struct index *index, const char *name)
{
    return index_hash(index, 7, span_of(name));
}

static uint32_t draw(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void count(void *arg, void *item)
{
    assert_true(((struct thing *)item)->in);
    ++*(size_t *)arg;
}

/* mask: the bits of the hash that count; without them all things share a part, or a slot. */
static void agree(uint64_t mask)
{
    struct index index;
    struct thing *things = calloc(THINGS, sizeof *things);
    uint32_t seed = 88172645;
    size_t n = 0, seen = 0;
    index_init(&index);
    for (size_t i = 0; i < THINGS; i++)
        snprintf(things[i].name, sizeof things[i].name, "user-%zu", i);
    for (size_t i = 0; i < OPERATIONS; i++) {
        /* first more is added than removed, then less */
        struct thing *thing = &things[draw(&seed) % (mask ? THINGS : 40)];
        bool add = draw(&seed) % 4 < (i < OPERATIONS / 2 ? 3u : 1u);
        uint64_t hash = hash_of(&index, thing->name) & mask;
        assert_ptr_equal(index_find(&index, hash, is_thing, thing->name), thing->in ? thing : NULL);
        if (add && !thing->in)
            index_add(&index, hash, thing);
        else if (!add && thing->in)
            index_remove(&index, hash, thing);
        n += (size_t)(add && !thing->in) - (size_t)(!add && thing->in);
        thing->in = add;
    }
    index_each(&index, count, &seen);
    assert_int_equal(seen, n);
    for (size_t i = 0; i < THINGS; i++) {
        uint64_t hash = hash_of(&index, things[i].name) & mask;
        struct thing *found = index_find(&index, hash, is_thing, things[i].name);
        assert_ptr_equal(found, things[i].in ? &things[i] : NULL);
    }
    index_release(&index);
    free(things);
}

static void it_agrees_with_a_list(void **state)
{
    (void)state;
    agree(UINT64_MAX);
}

static void names_that_collide_are_told_apart(void **state)
{
    (void)state;
    agree(0xf000000000000000); /* few parts, and all at their first slot */
    agree(0xff);
    agree(0);
}

static void what_is_removed_leaves_no_room_behind(void **state)
{
    struct index index;
    struct thing *things = calloc(THINGS, sizeof *things);
    size_t room = 0;
    (void)state;
    index_init(&index);
    for (size_t i = 0; i < THINGS; i++) {
        snprintf(things[i].name, sizeof things[i].name, "%zu", i);
        index_add(&index, hash_of(&index, things[i].name), &things[i]);
    }
    for (size_t i = 0; i < THINGS; i++)
        index_remove(&index, hash_of(&index, things[i].name), &things[i]);
    for (size_t i = 0; i < INDEX_PARTS; i++)
        room += index.parts[i].room;
    assert_in_range(room, 0, 8 * INDEX_PARTS);
    assert_null(index_find(&index, hash_of(&index, "1"), is_thing, "1"));
    index_release(&index);
    free(things);
}

static void names_below_different_things_differ(void **state)
{
    struct index index;
    (void)state;
    index_init(&index);
    assert_true(index_hash(&index, 1, SPAN("a")) != index_hash(&index, 2, SPAN("a")));
    assert_true(index_hash(&index, 1, SPAN("a")) != index_hash(&index, 1, SPAN("a\0")));
    assert_true(index_hash(&index, 1, SPAN("12345678")) !=
                index_hash(&index, 1, SPAN("123456789")));
    index_release(&index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_a_list),
        cmocka_unit_test(names_that_collide_are_told_apart),
        cmocka_unit_test(what_is_removed_leaves_no_room_behind),
        cmocka_unit_test(names_below_different_things_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
