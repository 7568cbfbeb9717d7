/* The way pam: the accounts of this machine, or whatever its PAM service asks (pam(8)):
 * authentication, then account management. The one door to libpam. No session is opened: that would
 * be the server's.
 *
 * The user's UNIX groups count for allow_groups and admin_groups, but do not become the hub's.
 *
 * One check at a time, since not all modules bear threads; the delay that modules ask for after a
 * failure is not slept on the thread: every refusal is told a second after its attempt began,
 * whatever the cause, so neither user names nor load can be read from it. The hub must be root, or
 * in group shadow, for pam_unix to check others than its own user; otherwise that module runs a
 * helper, and the process's SIGCHLD is at its default while it does: nobody may rely on that signal
 * alone. */
#ifndef LOGIN_PAM_H
#define LOGIN_PAM_H

#include "login/way.h"

extern const struct way_driver way_pam;

#endif
