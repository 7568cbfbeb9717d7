/* Who may log in: one interface to every way of proving who one is. Behind it stand, for all ways
 * alike, the check of names, the throttle, the allow and admin lists and the lines in the log; the
 * caller (the hub) makes sessions of what is granted.
 *
 * Three kinds of ways, each with calls of its own:
 *   FORM      dummy, password-file, pam: a name and a password        authenticator_check
 *   REDIRECT  oauth2: the browser goes to a provider and comes back   authenticator_begin, _finish
 *   HEADER    a reverse proxy in front says who it is                 authenticator_of_headers
 *
 * Everything here is called on the loop, and blocks nothing. `done` is called once for each call
 * that has one, in a later turn of the loop, whatever happens: also when the authenticator ends
 * first. */
#ifndef LOGIN_AUTHENTICATOR_H
#define LOGIN_AUTHENTICATOR_H

#include "base/jobs.h"
#include "login/settings.h"

struct authenticator;
struct fetcher;

enum login_kind { LOGIN_FORM, LOGIN_REDIRECT, LOGIN_HEADER };

enum login_verdict {
    LOGIN_GRANTED,
    LOGIN_REFUSED,   /* 403: not who they say, or not allowed */
    LOGIN_THROTTLED, /* 429: too many failures, again after retry_after_s */
    LOGIN_BUSY,      /* 503: too many log-ins at once, again after retry_after_s */
    LOGIN_ERROR,     /* 500: of the system behind, or a reply of the provider that we cannot use */
};

struct identity {
    const char *name; /* as login/name makes it */
    bool admin; /* by the lists; false says nothing about one whom the hub made admin itself */
    /* Whether the way in says which groups there are: they replace those that the hub has. */
    bool groups_known;
    const char *const *groups; /* each a valid name, once */
    size_t groups_n;
};

/* Valid during `done`. */
struct login_result {
    enum login_verdict verdict;
    struct identity identity; /* if granted */
    /* If not granted: a word for the cause (login/attempt.c has all: "failed", "not_allowed", …)
     * for pages in other languages, and one line of English for the person. Neither hints at
     * whether the user name exists. */
    const char *key, *message;
    unsigned retry_after_s;
    /* What authenticator_begin was given, or "": REDIRECT alone, whatever the verdict if the visit
     * was found; the hub checks it again before it redirects there. */
    const char *next;
};
typedef void login_done(void *arg, const struct login_result *result);

/* NULL with *error set, naming the setting: it is missing or does not fit. The settings stay the
 * caller's and outlive the authenticator; so do jobs and fetcher (NULL for all but oauth2). Reads
 * no file and resolves no name. */
struct authenticator *authenticator_new(struct loop *loop, struct jobs *jobs,
                                        struct fetcher *fetcher,
                                        const struct login_settings *settings,
                                        struct error *error) MUST_CHECK;
/* After jobs_free and the fetcher's end, before loop_free. `done` is called for all that is left.
 */
void authenticator_free(struct authenticator *authenticator);

enum login_kind authenticator_kind(const struct authenticator *authenticator);
/* For the log-in page: "GitHub", the provider's name of oauth2; of the others the way's word. */
const char *authenticator_label(const struct authenticator *authenticator);

/* FORM. The password is copied and wiped. */
struct login_attempt {
    const char *username, *password;
    const char *address; /* of the browser, for the throttle and the log */
};
void authenticator_check(struct authenticator *authenticator, const struct login_attempt *attempt,
                         login_done *done, void *arg);

/* REDIRECT, first half: where to send the browser. */
struct login_begin {
    /* Absolute: the provider knows it, and sends the browser back to it. */
    const char *callback_url;
    const char *next;   /* where the person wants to go after */
    const char *cookie; /* what the browser has from an earlier begin, or NULL */
    const char *address;
};
struct login_began {
    enum login_verdict verdict; /* GRANTED: go */
    const char *key, *message;  /* if not: as in login_result */
    const char *url;            /* 302 to it */
    const char *cookie; /* set it: HttpOnly, SameSite=Lax, Max-Age LOGIN_VISIT_S; tabs share it */
};
typedef void login_begin_done(void *arg, const struct login_began *began);
enum { LOGIN_VISIT_S = 600 };
void authenticator_begin(struct authenticator *authenticator, const struct login_begin *begin,
                         login_begin_done *done, void *arg);
/* Second half: the browser is back at the callback. query: without '?'; cookie: of begin, or NULL.
 */
struct login_finish {
    const char *query, *cookie, *address;
};
void authenticator_finish(struct authenticator *authenticator, const struct login_finish *finish,
                          login_done *done, void *arg);

/* HEADER. Trust is judged here, by header_trusted: the connection's own address (peer) must be in
 * it and, where hubgate stands between, so must be the last hop that X-Forwarded-For names: hubgate
 * writes there whom it was called by, so its last address is that of the proxy in front, and the
 * hub is called by hubgate (put hubgate's own address into the list). Anything else that names
 * itself in headers is refused. Calls done in a later turn like the others. */
struct login_headers {
    const char *peer;          /* of the connection, as addr_print prints it */
    const char *forwarded_for; /* all X-Forwarded-For fields, joined by commas; NULL: none */
    /* The one field of that name; {NULL, 0}: none, or several. */
    struct span (*field)(void *arg, const char *name);
    void *field_arg;
    const char *address; /* of the browser, for the log */
};
void authenticator_of_headers(struct authenticator *authenticator,
                              const struct login_headers *headers, login_done *done, void *arg);

#endif
