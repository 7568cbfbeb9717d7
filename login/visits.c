#include "login/visits.h"

#include "base/encode.h"
#include "base/str.h"
#include "login/authenticator.h"
#include "login/place.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 2048 };

/* In the order of their beginning. */
struct visits {
    struct visit *all[VISITS_MAX];
    size_t n;
};

struct visits *visits_new(void)
{
    return must_alloc(sizeof(struct visits));
}

void visit_free(struct visit *visit)
{
    if (!visit)
        return;
    free(visit->callback_url);
    free(visit->next);
    explicit_bzero(visit, sizeof *visit);
    free(visit);
}

void visits_free(struct visits *visits)
{
    if (!visits)
        return;
    for (size_t i = 0; i < visits->n; i++)
        visit_free(visits->all[i]);
    free(visits);
}

void visits_cookie(const char *has, char cookie[static VISIT_TOKEN + 1])
{
    char bytes[VISIT_TOKEN + 3];
    if (!has || strlen(has) != VISIT_TOKEN || base64url_decode(span_of(has), bytes) < 0)
        random_text(cookie);
    else
        memcpy(cookie, has, VISIT_TOKEN + 1);
}

static uint32_t place_number(const char *address)
{
    struct addr room;
    unsigned char digest[DIGEST_BYTES];
    uint32_t number;
    digest_sha256(place_of(span_of(address), &room), digest);
    memcpy(&number, digest, sizeof number);
    return number;
}

static struct visit *take_out(struct visits *visits, size_t at)
{
    struct visit *visit = visits->all[at];
    visits->n--;
    memmove(&visits->all[at], &visits->all[at + 1], (visits->n - at) * sizeof visits->all[0]);
    return visit;
}

static void drop_old(struct visits *visits, int64_t now_ms)
{
    while (visits->n && visits->all[0]->until_ms <= now_ms)
        visit_free(take_out(visits, 0));
}

/* The oldest visit of the place that has most. */
static size_t find_victim(const struct visits *visits)
{
    uint16_t counts[PLACES] = {0}, most = 0;
    size_t victim = 0;
    for (size_t i = 0; i < visits->n; i++)
        counts[visits->all[i]->place % PLACES]++;
    for (size_t i = 0; i < visits->n; i++) {
        uint16_t count = counts[visits->all[i]->place % PLACES];
        if (count > most) {
            most = count;
            victim = i;
        }
    }
    return victim;
}

const struct visit *visits_open(struct visits *visits, int64_t now_ms, const char *cookie,
                                const char *callback_url, const char *next, const char *address)
{
    drop_old(visits, now_ms);
    if (visits->n == VISITS_MAX)
        visit_free(take_out(visits, find_victim(visits)));
    struct visit *visit = must_alloc(sizeof *visit);
    random_text(visit->state);
    random_text(visit->verifier);
    digest_sha256(span_of(cookie), visit->browser);
    visit->place = place_number(address);
    visit->until_ms = now_ms + LOGIN_VISIT_S * 1000;
    visit->callback_url = must_copy(callback_url);
    visit->next = must_copy(strlen(next) <= VISIT_NEXT_MAX ? next : "");
    visits->all[visits->n++] = visit;
    return visit;
}

struct visit *visits_take(struct visits *visits, int64_t now_ms, const char *state,
                          const char *cookie)
{
    unsigned char browser[DIGEST_BYTES];
    drop_old(visits, now_ms);
    digest_sha256(span_of(cookie ? cookie : ""), browser);
    for (size_t i = 0; i < visits->n; i++) {
        const struct visit *visit = visits->all[i];
        if (same_secret(span_of(visit->state), span_of(state)) &&
            same_secret((struct span){(const char *)visit->browser, DIGEST_BYTES},
                        (struct span){(const char *)browser, DIGEST_BYTES}))
            return take_out(visits, i);
    }
    return NULL;
}
