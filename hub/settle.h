/* What settings mean together: defaults that follow from other keys, files of secrets, combinations
 * that cannot work. */
#ifndef HUB_SETTLE_H
#define HUB_SETTLE_H

#include "hub/settings.h"

/* One reading: the rows have filled *settings. */
struct settling {
    struct settings *settings;
    const struct conf_file *file;
    const struct conf_given *given;
    struct error *error;
};

/* Completes the settings, or says what is wrong and where it was given. */
bool settle(struct settling *settling) MUST_CHECK;

/* ---- for its parts ---- */

/* Whether the flag was given anywhere. */
bool settle_has(const struct settling *settling, const char *flag);
/* *error: what is wrong with that flag's value, and where it stood. Returns false. */
bool settle_refuse(struct settling *settling, const char *flag, const char *format, ...)
    PRINTF(3, 4);
/* The secret of a row's file into *secret, unless the environment gave it. */
bool settle_secret(struct settling *settling, const char *flag, const char *file, char **secret,
                   const char *variable) MUST_CHECK;
/* A text that was not given gets its default. */
void settle_default(char **text, const char *format, ...) PRINTF(2, 3);
/* A list that was not given gets its default. */
void settle_list(struct words *list, const struct conf_kind *kind, const char *value);
/* Whether the host of "http://host:port" is this machine alone. */
bool settle_is_local(const char *url);

#endif
