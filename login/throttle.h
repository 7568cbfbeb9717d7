/* How often a log-in may fail, by who tries and from where. Three counts, each of which runs dry by
 * failures and fills again evenly over the window:
 *
 * - of a user from an address, failures_max: a stranger elsewhere does not lock a user out.
 *
 * - of an address, failures_max × 10: one address cannot try many users. It may be that of a
 * school, so log-ins that succeed do not count.
 *
 * - of a user, failures_max × 10: many addresses cannot try one user. Addresses from which that
 * user has logged in before neither count here nor are bound, so nobody is locked out of where they
 * are at home.
 *
 * An attempt counts from its start, or a thousand at once would all be tried; it is given back when
 * it succeeds or was never judged. IPv6 addresses count by their /64, which is what one customer
 * has.
 *
 * At most 10 000 counts are kept, in memory that does not grow; the longest unused gives way. Names
 * and addresses are kept as keyed hashes alone, so nobody can choose names that collide. */
#ifndef LOGIN_THROTTLE_H
#define LOGIN_THROTTLE_H

#include "base/base.h"

enum { THROTTLE_COUNTS_MAX = 10000 };

struct throttle;

/* failures_max 0: nothing is refused. window_s > 0. */
struct throttle *throttle_new(unsigned failures_max, unsigned window_s);
void throttle_free(struct throttle *throttle);

/* Takes an attempt. Returns 0, or the whole seconds after which one may succeed again, and nothing
 * was taken. user: as the hub keeps names; address: as printed, or any other text. now_ms: of any
 * clock that only goes forward. */
unsigned throttle_take(struct throttle *throttle, int64_t now_ms, struct span user,
                       struct span address) MUST_CHECK;
/* The attempt succeeded: the pair's failures are forgotten, the address is one of the user's now.
 */
void throttle_succeeded(struct throttle *throttle, int64_t now_ms, struct span user,
                        struct span address);
/* The attempt was not judged (busy, or an error of ours): it does not count. */
void throttle_give_back(struct throttle *throttle, struct span user, struct span address);

#endif
