/* The UNIX user a server runs as. */
#ifndef SPAWNER_ACCOUNT_H
#define SPAWNER_ACCOUNT_H

#include "base/base.h"

#include <sys/types.h>

struct account {
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* NULL: the process's own stay */
    size_t groups_n;
    char *home, *shell;
};

/* Both block on the system's data bases of users. */
bool account_find(struct account *account, const char *user, struct error *error) MUST_CHECK;
/* The one we run as, without a home. */
void account_own(struct account *account);
void account_release(struct account *account);

#endif
