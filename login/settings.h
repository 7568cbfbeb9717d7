/* What an admin sets about logging in. Plain fields: whoever reads the configuration fills them.
 * The struct outlives the authenticator, which reads it in every turn of the loop anew: between two
 * of them the texts may move, and the lists of who may come in may change; the rest means the same
 * throughout. NULL and zero: not set. */
#ifndef LOGIN_SETTINGS_H
#define LOGIN_SETTINGS_H

#include "base/base.h"

struct login_list {
    const char *const *items;
    size_t n;
};

struct oauth2_settings {
    const char *label; /* for the button: "GitHub"; default: "OAuth 2.0" */
    const char *client_id, *client_secret;
    const char *issuer; /* OpenID Connect: the URLs below are found from it */
    const char *authorize_url, *token_url, *userinfo_url;
    const char *scope;          /* default: "openid profile email" with an issuer, else none */
    const char *username_claim; /* of userinfo, dotted path: default "preferred_username" */
    const char *groups_claim;   /* the same; default: none, groups are not known */
    struct login_list domains;  /* names must be addresses by mail of these; none: any name */
    const char *ca_file;        /* PEM, in place of the system's authorities */
    bool secret_in_body; /* client_secret_post instead of client_secret_basic (RFC 6749 2.3.1) */
};

struct header_settings {
    const char *user;          /* default "X-Remote-User" */
    const char *groups;        /* comma-separated; default: none, groups are not known */
    struct login_list trusted; /* addresses and ranges: those of the proxies, see authenticator.h */
    const char *secret_name, *secret; /* a field and its value that the proxy adds; or neither */
};

struct login_settings {
    const char *authenticator; /* dummy, password-file, pam, oauth2, header */

    const char *dummy_password; /* NULL: any will do. For tests, and machines of one's own */
    const char *password_file;
    const char *pam_service; /* default "login" */
    struct oauth2_settings oauth2;
    struct header_settings header;

    /* Who of those who prove who they are may come in; nobody unless one says so. */
    bool allow_all;
    struct login_list allow_users, allow_groups;
    struct login_list admin_users, admin_groups; /* may come in, too */
    /* Whether the hub has such a user already, added by an admin or by an earlier log-in: may come
     * in where no allow_groups are set, as in JupyterHub. So taking a name off allow_users keeps
     * nobody out whom the hub still has: delete the user, too. NULL: nobody. */
    bool (*is_member)(void *arg, const char *name);
    void *is_member_arg;

    unsigned failures_max;      /* of one user from one address, see throttle.h; 0: no limit */
    unsigned failures_window_s; /* at least 1 */
};

#endif
