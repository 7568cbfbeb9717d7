/* Where a provider is asked: from the settings, or from its document of OpenID Connect
 * Discovery 1.0 (4), fetched at the first need and kept for an hour; one that cannot be had again
 * later stays in use. */
#ifndef LOGIN_PROVIDER_H
#define LOGIN_PROVIDER_H

#include "login/way.h"

struct provider;

struct provider_urls {
    const char *authorize, *token, *userinfo;
    bool secret_in_body; /* client_secret_post (RFC 6749 2.3.1) */
};

/* NULL with *error set: settings are missing, or no URL. */
struct provider *provider_new(const struct way_needs *needs, struct error *error) MUST_CHECK;
/* After the fetcher. Who waits is not told. */
void provider_free(struct provider *provider);

/* Embedded in its owner's struct, which lives until `done`. urls NULL: they cannot be had, and why
 * says why, for the log. */
struct provider_wait {
    struct provider_wait *next;
    void (*done)(struct provider_wait *wait, const struct provider_urls *urls, const char *why);
};
/* The URLs, good until the next turn; NULL: they are asked for, and `done` is told. */
const struct provider_urls *provider_ask(struct provider *provider, struct provider_wait *wait);
/* Those that were told last, good until the next turn; NULL: none yet. */
const struct provider_urls *provider_known(struct provider *provider);

#endif
