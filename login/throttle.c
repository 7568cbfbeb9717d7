#include "login/throttle.h"

#include "base/str.h"
#include "base/text.h"
#include "login/place.h"
#include "tls/digest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 16384, WIDE = 10, KEY_BYTES = 16 };

/* A count: instead of how many failures there were, the time at which none of them would be left (a
 * leaky bucket in one number). Linked by index into its bucket and into the order of use; 0: none.
 */
struct count {
    unsigned char key[KEY_BYTES];
    int64_t clear_ms;
    uint16_t chained;      /* the next of its bucket */
    uint16_t newer, older; /* in the order of use */
    bool known;            /* user and address: a log-in succeeded */
};

struct throttle {
    unsigned failures_max;
    int64_t window_ms;
    unsigned char secret[DIGEST_BYTES];
    uint16_t buckets[BUCKETS];
    uint16_t used_n, newest, oldest;
    struct count counts[THROTTLE_COUNTS_MAX + 1]; /* the first is none */
};

enum kind { PAIR = 'p', ADDRESS = 'a', USER = 'u' };

struct key {
    unsigned char bytes[DIGEST_BYTES];
};

struct throttle *throttle_new(unsigned failures_max, unsigned window_s)
{
    assert(window_s > 0);
    struct throttle *throttle = must_alloc(sizeof *throttle);
    throttle->failures_max = failures_max;
    throttle->window_ms = (int64_t)window_s * 1000;
    random_fill(throttle->secret, sizeof throttle->secret);
    return throttle;
}

void throttle_free(struct throttle *throttle)
{
    free(throttle);
}

static struct key key_of(const struct throttle *throttle, enum kind kind, struct span user,
                         struct span address)
{
    struct addr room;
    struct text text = {0};
    struct key key;
    text_format(&text, "%c%zu:", kind, kind == ADDRESS ? 0 : user.n);
    if (kind != ADDRESS)
        text_add(&text, user);
    if (kind != USER)
        text_add(&text, place_of(address, &room));
    digest_sign((struct span){(const char *)throttle->secret, sizeof throttle->secret},
                (struct span){text.p, text.n}, key.bytes);
    text_release(&text);
    return key;
}

static uint16_t *bucket_of(struct throttle *throttle, const unsigned char *key)
{
    return &throttle->buckets[(key[0] << 8 | key[1]) % BUCKETS];
}

static void unlink_use(struct throttle *throttle, uint16_t at)
{
    struct count *count = &throttle->counts[at];
    *(count->newer ? &throttle->counts[count->newer].older : &throttle->newest) = count->older;
    *(count->older ? &throttle->counts[count->older].newer : &throttle->oldest) = count->newer;
}

static void link_use(struct throttle *throttle, uint16_t at)
{
    struct count *count = &throttle->counts[at];
    count->newer = 0;
    count->older = throttle->newest;
    *(throttle->newest ? &throttle->counts[throttle->newest].newer : &throttle->oldest) = at;
    throttle->newest = at;
}

static struct count *find(struct throttle *throttle, const struct key *key)
{
    for (uint16_t at = *bucket_of(throttle, key->bytes); at; at = throttle->counts[at].chained) {
        if (memcmp(throttle->counts[at].key, key->bytes, KEY_BYTES) != 0)
            continue;
        unlink_use(throttle, at);
        link_use(throttle, at);
        return &throttle->counts[at];
    }
    return NULL;
}

/* A place for a new count: a fresh one, or that of the longest unused. */
static uint16_t make_place(struct throttle *throttle)
{
    if (throttle->used_n < THROTTLE_COUNTS_MAX)
        return ++throttle->used_n;
    uint16_t at = throttle->oldest;
    unlink_use(throttle, at);
    uint16_t *link = bucket_of(throttle, throttle->counts[at].key);
    while (*link != at)
        link = &throttle->counts[*link].chained;
    *link = throttle->counts[at].chained;
    return at;
}

static struct count *find_or_add(struct throttle *throttle, const struct key *key)
{
    struct count *count = find(throttle, key);
    if (count)
        return count;
    uint16_t at = make_place(throttle), *bucket = bucket_of(throttle, key->bytes);
    count = &throttle->counts[at];
    *count = (struct count){.chained = *bucket};
    memcpy(count->key, key->bytes, KEY_BYTES);
    *bucket = at;
    link_use(throttle, at);
    return count;
}

static int64_t cost_ms(const struct throttle *throttle, enum kind kind)
{
    int64_t failures = (int64_t)throttle->failures_max * (kind == PAIR ? 1 : WIDE);
    int64_t cost = throttle->window_ms / failures;
    return cost ? cost : 1;
}

/* How long until the count can take one more. */
static int64_t wait_ms(const struct throttle *throttle, const struct count *count, enum kind kind,
                       int64_t now_ms)
{
    if (!count || count->clear_ms <= now_ms)
        return 0;
    int64_t wait = count->clear_ms + cost_ms(throttle, kind) - throttle->window_ms - now_ms;
    return wait > 0 ? wait : 0;
}

static void charge(struct throttle *throttle, const struct key *key, enum kind kind, int64_t now_ms)
{
    struct count *count = find_or_add(throttle, key);
    if (count->clear_ms < now_ms)
        count->clear_ms = now_ms;
    count->clear_ms += cost_ms(throttle, kind);
}

static bool is_known(struct throttle *throttle, struct span user, struct span address)
{
    struct key key = key_of(throttle, PAIR, user, address);
    const struct count *count = find(throttle, &key);
    return count && count->known;
}

/* The counts that an attempt is judged by: that of the user alone does not bind the user's own
 * addresses. */
static size_t kinds_of(struct throttle *throttle, struct span user, struct span address,
                       const enum kind **kinds)
{
    static const enum kind all[] = {PAIR, ADDRESS, USER};
    *kinds = all;
    return COUNT(all) - is_known(throttle, user, address);
}

unsigned throttle_take(struct throttle *throttle, int64_t now_ms, struct span user,
                       struct span address)
{
    const enum kind *kinds;
    int64_t longest = 0;
    if (throttle->failures_max == 0)
        return 0;
    size_t n = kinds_of(throttle, user, address, &kinds);
    for (size_t i = 0; i < n; i++) {
        struct key key = key_of(throttle, kinds[i], user, address);
        int64_t wait = wait_ms(throttle, find(throttle, &key), kinds[i], now_ms);
        longest = wait > longest ? wait : longest;
    }
    for (size_t i = 0; longest == 0 && i < n; i++) {
        struct key key = key_of(throttle, kinds[i], user, address);
        charge(throttle, &key, kinds[i], now_ms);
    }
    return (unsigned)((longest + 999) / 1000);
}

void throttle_give_back(struct throttle *throttle, struct span user, struct span address)
{
    const enum kind *kinds;
    if (throttle->failures_max == 0)
        return;
    size_t n = kinds_of(throttle, user, address, &kinds);
    for (size_t i = 0; i < n; i++) {
        struct key key = key_of(throttle, kinds[i], user, address);
        struct count *count = find(throttle, &key);
        if (count)
            count->clear_ms -= cost_ms(throttle, kinds[i]);
    }
}

void throttle_succeeded(struct throttle *throttle, int64_t now_ms, struct span user,
                        struct span address)
{
    if (throttle->failures_max == 0)
        return;
    throttle_give_back(throttle, user, address);
    struct key key = key_of(throttle, PAIR, user, address);
    struct count *count = find_or_add(throttle, &key);
    count->clear_ms = now_ms;
    count->known = true;
}
