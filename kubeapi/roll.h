/* Who is there of a kind: names, uids and versions, and nothing else of the objects. */
#ifndef KUBEAPI_ROLL_H
#define KUBEAPI_ROLL_H

#include "base/index.h"
#include "kubeapi/mirror.h"

/* One of them. */
struct rolled {
    TAILQ_ENTRY(rolled) next;
    uint64_t hash;
    uint32_t round; /* in which it was seen last */
    char *version, *name, *uid;
};

struct roll {
    struct index index;
    TAILQ_HEAD(, rolled) all; /* those seen last at the end */
    size_t n;
    uint32_t round;
};

void roll_init(struct roll *roll);
void roll_release(struct roll *roll);

/* A round begins: nobody has been seen in it. */
void roll_begin(struct roll *roll);
/* One whom this round has not seen; NULL: there is none. */
struct rolled *roll_unseen(const struct roll *roll);

struct rolled *roll_find(const struct roll *roll, const char *name);
/* Nobody of that name is there. */
void roll_add(struct roll *roll, const struct mirror_name *name);
/* Sees it, at that version. False: it is the same as before. */
bool roll_see(struct roll *roll, struct rolled *rolled, const char *version);
/* Takes it off the roll; to be freed with rolled_free. */
void roll_remove(struct roll *roll, struct rolled *rolled);
void rolled_free(struct rolled *rolled);

#endif
