#include "proxy/route.h"

#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/str.h"
#include "proxy/upstream.h"

struct routes {
    struct route *root;
    struct index edges; /* (parent, segment) -> route */
    struct route *active, **active_end;
    size_t active_n;
};

struct routes *routes_new(void)
{
    struct routes *routes = must_alloc(sizeof *routes);
    routes->root = must_alloc(sizeof *routes->root);
    routes->active_end = &routes->active;
    index_init(&routes->edges);
    return routes;
}

/* All leading and trailing slashes are stripped (CHP 24). Empty: the root. */
static struct span strip(struct span path)
{
    while (path.n && path.p[0] == '/') {
        path.p++;
        path.n--;
    }
    while (path.n && path.p[path.n - 1] == '/')
        path.n--;
    return path;
}

/* --- nodes --- */

struct edge {
    const struct route *parent;
    struct span segment;
};

static uint64_t hash_of(const struct routes *routes, struct edge edge)
{
    return index_hash(&routes->edges, (uint64_t)(uintptr_t)edge.parent, edge.segment);
}

static struct edge edge_to(const struct route *route)
{
    return (struct edge){route->parent, {route->segment, route->segment_n}};
}

static bool is_at(const void *item, const void *wanted)
{
    const struct route *route = item;
    const struct edge *edge = wanted;
    return route->parent == edge->parent && route->segment_n == edge->segment.n &&
           memcmp(route->segment, edge->segment.p, edge->segment.n) == 0;
}

static struct route *child_of(const struct routes *routes, const struct route *parent,
                              struct span segment)
{
    struct edge edge = {parent, segment};
    if (parent->children == 0)
        return NULL; /* the index is left alone: its slot would come from memory */
    return index_find(&routes->edges, hash_of(routes, edge), is_at, &edge);
}

static struct route *add_child(struct routes *routes, struct route *parent, struct span segment)
{
    struct route *route = must_alloc(offsetof(struct route, segment) + segment.n);
    route->parent = parent;
    route->segment_n = (uint32_t)segment.n;
    memcpy(route->segment, segment.p, segment.n);
    index_add(&routes->edges, hash_of(routes, edge_to(route)), route);
    parent->children++;
    return route;
}

static struct route *find_node(struct routes *routes, const char *key)
{
    struct span rest = strip(span_of(key));
    struct route *node = routes->root;
    if (rest.n == 0)
        return node;
    while (node && rest.p)
        node = child_of(routes, node, span_cut(rest, '/', &rest));
    return node;
}

/* --- a route --- */

/* By the first segment that is one of JupyterHub's words: before it there may be a host and the
 * hub's base URL. */
static enum route_class class_of(const struct route_spec *spec)
{
    struct span rest = strip(span_of(spec->key));
    if (spec->user)
        return ROUTE_USER;
    if (rest.n == 0)
        return ROUTE_HUB;
    while (rest.n) {
        struct span segment = span_cut(rest, '/', &rest);
        if (span_is(segment, SPAN("hub")))
            return ROUTE_HUB;
        if (span_is(segment, SPAN("services")))
            return ROUTE_SERVICE;
        if (span_is(segment, SPAN("user")))
            return ROUTE_OTHER;
    }
    return ROUTE_OTHER;
}

static void set_names(struct route *route, const struct route_spec *spec)
{
    free(route->user);
    free(route->server);
    route->user = spec->user ? must_copy(spec->user) : NULL;
    route->server = spec->server && *spec->server ? must_copy(spec->server) : NULL;
    route->class = (unsigned char)class_of(spec);
    route->id = spec->id;
}

static void let_go_of_pool(struct route *route)
{
    pool_let_go(route->pool);
    route->pool = NULL;
}

static void set_target(struct route *route, struct target target)
{
    if (route->pool && !target_same_place(&route->target, &target))
        let_go_of_pool(route);
    target_release(&route->target);
    route->target = target;
}

/* What a route says, when it is none any more. */
static void empty(struct route *route)
{
    let_go_of_pool(route);
    target_release(&route->target);
    free(route->user);
    free(route->server);
    route->user = route->server = NULL;
}

/* Removes nodes that hold nothing and lead nowhere, from a leaf upwards. */
static void prune(struct routes *routes, struct route *route)
{
    while (!route->live && route->exchanges == 0 && !route->listed) {
        struct route *parent = route->parent;
        empty(route);
        if (route->children > 0 || !parent)
            return;
        index_remove(&routes->edges, hash_of(routes, edge_to(route)), route);
        parent->children--;
        free(route);
        route = parent;
    }
}

size_t route_segments(const struct route *route)
{
    size_t n = 0;
    for (; route->parent; route = route->parent)
        n++;
    return n;
}

struct route *route_hold(struct route *route)
{
    route->exchanges++;
    return route;
}

void routes_let_go(struct routes *routes, struct route *route)
{
    route->exchanges--;
    prune(routes, route);
}

/* --- the table --- */

void routes_put(struct routes *routes, const struct route_spec *spec)
{
    struct span rest = strip(span_of(spec->key));
    struct route *route = routes->root;
    struct target target;
    struct error error;
    if (!target_parse(&target, spec->target, &error))
        return;
    while (rest.n) {
        struct span segment = span_cut(rest, '/', &rest);
        struct route *child = child_of(routes, route, segment);
        route = child ? child : add_child(routes, route, segment);
    }
    route->live = true;
    set_target(route, target);
    set_names(route, spec);
}

void routes_drop(struct routes *routes, const char *key)
{
    struct route *route = find_node(routes, key);
    if (!route || !route->live)
        return;
    route->live = false;
    let_go_of_pool(route); /* the route may live on for its exchanges; no idle connection does */
    prune(routes, route);
}

struct route *routes_find(struct routes *routes, struct span host, struct span decoded_path)
{
    struct span rest = strip(decoded_path);
    struct route *node = routes->root, *deepest = node->live ? node : NULL;
    if (host.p) {
        node = child_of(routes, node, host);
        if (node && node->live)
            deepest = node;
    }
    if (rest.n == 0)
        return deepest;
    while (node && rest.p) {
        node = child_of(routes, node, span_cut(rest, '/', &rest));
        if (node && node->live)
            deepest = node;
    }
    return deepest;
}

size_t routes_longest_probe(const struct routes *routes)
{
    return index_longest(&routes->edges);
}

/* --- activity --- */

void routes_touch(struct routes *routes, struct route *route, int64_t wall_ms)
{
    if (!route->live)
        return; /* an update never brings a route back (CHP 71) */
    route->active_ms = wall_ms;
    if (route->listed)
        return;
    route->listed = true;
    route->next_active = NULL;
    *routes->active_end = route;
    routes->active_end = &route->next_active;
    routes->active_n++;
}

size_t routes_active(const struct routes *routes)
{
    return routes->active_n;
}

static struct route *take_active(struct routes *routes)
{
    struct route *route = routes->active;
    routes->active = route->next_active;
    if (!routes->active)
        routes->active_end = &routes->active;
    routes->active_n--;
    route->listed = false;
    return route;
}

void routes_tell_activity(struct routes *routes, size_t max, fleet_active *each, void *arg)
{
    while (routes->active && max-- > 0) {
        struct route *route = take_active(routes);
        if (route->live)
            each(arg, route->id, route->active_ms);
        prune(routes, route);
    }
}

static void free_route(void *arg, void *item)
{
    (void)arg;
    empty(item);
    free(item);
}

void routes_free(struct routes *routes)
{
    index_each(&routes->edges, free_route, NULL);
    index_release(&routes->edges);
    free_route(NULL, routes->root);
    free(routes);
}
