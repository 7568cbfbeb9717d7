/* What runs the servers, by the settings (spawner/spawner.h). */
#ifndef HUB_DRIVER_H
#define HUB_DRIVER_H

#include "base/base.h"

struct hub;

/* Makes hub->spawner. Blocks: start-up. */
bool driver_make(struct hub *hub, struct error *error) MUST_CHECK;
/* The settings were read anew: what starts from now on is made by them. */
void driver_reload(struct hub *hub);
/* What keeps the driver from its work just now, one line, and since when as far as was noticed;
 * NULL: nothing. Valid until the next turn. */
const char *driver_trouble(struct hub *hub, int64_t *since_ms);

#endif
