/* Of hub/settle: the keys of log-in, and what a provider's preset fills in. */
#ifndef HUB_SETTLE_LOGIN_H
#define HUB_SETTLE_LOGIN_H

#include "hub/settle.h"

/* open_by: the key by which others than this machine reach the hub's pages; NULL: they do not. */
bool settle_login(struct settling *settling, const char *open_by) MUST_CHECK;

#endif
