/* The calls on the route table (CHP B-IV): what each does with the store and the workers, and
 * what it answers. */
#ifndef API_TABLE_H
#define API_TABLE_H

#include "api/call.h"
#include "api/store.h"
#include "base/loop.h"
#include "proxy/fleet.h"

struct table {
    struct loop *loop;
    struct fleet *fleet;
    struct store *store;
    bool hosts;                   /* --host-routing */
    uint64_t gets, adds, deletes; /* CHP 82 */
};

/* Each answers the call, most after the workers have. The call is authorised, its path fine. */
void table_get(struct table *table, struct call *call);
void table_post(struct table *table, struct call *call);
void table_delete(struct table *table, struct call *call);

/* Checks the target, adds the route and tells the workers; done(arg) once they have it. Takes the
 * body over. false: *error says why the target does not do. */
bool table_add(struct table *table, const char *route, struct route_body *body, fleet_done *done,
               void *arg, struct error *error) MUST_CHECK;
/* `Route added <key> -> <target>`, which those who start us wait for (CHP 10). */
void table_log_added(const char *key, const char *target);

#endif
