/* What a server is started with: the settings, the profile that was chosen, the environment of hub
 * contract B1. */
#ifndef HUB_ORDER_H
#define HUB_ORDER_H

#include "hub/server.h"
#include "spawner/environment.h"

struct order {
    struct spawn_order spawn; /* points into the rest */
    struct environment environment;
    char **command; /* ended by NULL */
    size_t command_n;
    json_t *overrides;
};

/* options: user_options, an object or NULL; `profile` names one by its slug, otherwise the default
 * one counts; the others choose among its options (hub/choice.h). false: *error says what is wrong
 * with them. */
bool order_prepare(struct order *order, const struct server *server, const json_t *options,
                   struct error *error) MUST_CHECK;
/* The server's own token, which is made last. */
void order_add_token(struct order *order, const char *token);
void order_release(struct order *order);

/* The profile that these user_options (JSON text, or NULL) chose; borrowed; NULL: none. */
const json_t *order_profile(const struct hub *hub, const char *options);
/* Whether this user may start a server with these options, an object or NULL, by the settings as
 * they are now. */
bool order_allows(const struct hub *hub, const struct user *user, const json_t *options);
/* Whether this user may choose that profile. */
bool order_profile_is_for(const json_t *profile, const struct user *user);

#endif
