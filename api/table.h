/* The calls on the route table (CHP B-IV): what each does with the store and the workers, and
 * what it answers. */
#ifndef API_TABLE_H
#define API_TABLE_H

#include "api/body.h"
#include "api/path.h"
#include "api/store.h"
#include "base/loop.h"
#include "proxy/fleet.h"
#include "web/call.h"

struct table {
    struct loop *loop;
    struct fleet *fleet;
    struct store *store;
    bool hosts;                   /* --host-routing */
    uint64_t gets, adds, deletes; /* CHP 82 */
};

/* What a call is about: its owner. */
struct table_call {
    struct table *table;
    struct api_path path;
    char *key; /* of the route, NULL: the table */
    struct route_body body;
    int64_t before_ms;
};

/* Reads the path of a call; goes with the call. */
const struct table_call *table_call_new(struct table *table, struct call *call);

/* Each answers the call, most after the workers have. The call is authorised, its
 * path read and fine. */
void table_get(struct call *call);
void table_post(struct call *call);
void table_delete(struct call *call);

/* Checks the target, adds the route and tells the workers; done(arg) once they have it. Takes the
 * body's members. false: *error says why the target does not do. */
bool table_add(struct table *table, const char *key, struct route_body *body, fleet_done *done,
               void *arg, struct error *error) MUST_CHECK;
/* `Route added <key> -> <target>`, which those who start us wait for (CHP 10). */
void table_log_added(const char *key, const char *target);

#endif
