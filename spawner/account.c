#include "spawner/account.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* UID_MIN: below it Debian has the accounts of services (adduser.conf, login.defs), which are not
 * for whoever registers with their name. */
enum { ENTRY_BYTES = 16384, GROUPS_MAX = 65536, UID_MIN = 1000 };

static const char *shell_of(const char *given)
{
    if (given && *given)
        return given;
    return access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

static bool list_groups(struct account *account, const char *user)
{
    for (int room = 64; room <= GROUPS_MAX; room *= 4) {
        int n = room;
        gid_t *groups = must_alloc((size_t)room * sizeof *groups);
        if (getgrouplist(user, account->gid, groups, &n) >= 0) {
            account->groups = groups;
            account->groups_n = (size_t)n;
            return true;
        }
        free(groups);
    }
    return false;
}

bool account_find(struct account *account, const char *user, struct error *error)
{
    char *bytes = must_alloc(ENTRY_BYTES);
    struct passwd entry, *found = NULL;
    *account = (struct account){0};
    int failed = getpwnam_r(user, &entry, bytes, ENTRY_BYTES, &found);
    bool good = false;
    if (failed) {
        error_set(error, "the UNIX user %s cannot be looked up: %s", user, strerror(failed));
    } else if (!found) {
        error_set(error,
                  "there is no UNIX account named %s on this machine: an administrator can "
                  "add one with useradd",
                  user);
    } else if (entry.pw_uid == 0) {
        error_set(error, "%s is this machine's superuser: no server is started for it", user);
    } else if (entry.pw_uid < UID_MIN) {
        error_set(error, "%s is an account of the system (uid %u): no server is started for it",
                  user, (unsigned)entry.pw_uid);
    } else {
        account->uid = entry.pw_uid;
        account->gid = entry.pw_gid;
        account->home = must_copy(entry.pw_dir);
        account->shell = must_copy(shell_of(entry.pw_shell));
        good = list_groups(account, user) ||
               error_set(error, "the UNIX user %s has more groups than can be listed", user);
    }
    free(bytes);
    if (!good)
        account_release(account);
    return good;
}

void account_own(struct account *account)
{
    *account =
        (struct account){.uid = geteuid(), .gid = getegid(), .shell = must_copy(shell_of(NULL))};
}

void account_release(struct account *account)
{
    free(account->groups);
    free(account->home);
    free(account->shell);
    *account = (struct account){0};
}
