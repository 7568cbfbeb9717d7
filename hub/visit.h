/* Pages, and the URL rules that people meet (hub contract B4): the hub's root and what is not under
 * it, home, token, admin, the proxy's error pages, users' servers that do not run, links to
 * user-redirect, static files. */
#ifndef HUB_VISIT_H
#define HUB_VISIT_H

#include "hub/router.h"

/* For a path that is not below {hub}: the proxy has no route for it, so the hub is asked. 302 to
 * the same below {hub}. */
void visit_elsewhere(struct request *request);

#endif
