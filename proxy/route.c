#include "proxy/route.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"
#include "proxy/upstream.h"

/* A segment below its parent. Nodes without a route are kept while they have children (CHP 25). */
struct node {
    struct node *parent, *next; /* next in the bucket */
    struct route *route;
    uint32_t hash, children, n;
    char segment[];
};

struct routes {
    struct node *root;
    struct node **buckets;
    size_t buckets_n, nodes_n;
    uint64_t seed;
    struct route *active;
};

struct routes *routes_new(void)
{
    struct routes *routes = must_alloc(sizeof *routes);
    routes->root = must_alloc(sizeof *routes->root);
    routes->buckets_n = 64;
    routes->buckets = must_alloc(routes->buckets_n * sizeof routes->buckets[0]);
    if (getrandom(&routes->seed, sizeof routes->seed, 0) < 0)
        routes->seed = (uint64_t)(uintptr_t)routes;
    return routes;
}

/* Seeded, so that nobody can choose names that share a bucket. */
static uint32_t hash_of(const struct routes *routes, const struct node *parent, struct span segment)
{
    uint64_t hash = routes->seed ^ ((uint64_t)(uintptr_t)parent * 0x9e3779b97f4a7c15u);
    while (segment.n > 0) {
        uint64_t word = 0;
        size_t n = segment.n < 8 ? segment.n : 8;
        memcpy(&word, segment.p, n);
        hash = (hash ^ word ^ n) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
        segment.p += n;
        segment.n -= n;
    }
    return (uint32_t)hash;
}

static struct node *child_of(const struct routes *routes, const struct node *parent,
                             struct span segment)
{
    uint32_t hash = hash_of(routes, parent, segment);
    struct node *node = routes->buckets[hash & (routes->buckets_n - 1)];
    while (node && (node->hash != hash || node->parent != parent || node->n != segment.n ||
                    memcmp(node->segment, segment.p, segment.n) != 0))
        node = node->next;
    return node;
}

static void grow(struct routes *routes)
{
    size_t n = routes->buckets_n * 2;
    struct node **buckets = must_alloc(n * sizeof buckets[0]);
    for (size_t i = 0; i < routes->buckets_n; i++) {
        for (struct node *node = routes->buckets[i], *next; node; node = next) {
            next = node->next;
            node->next = buckets[node->hash & (n - 1)];
            buckets[node->hash & (n - 1)] = node;
        }
    }
    free(routes->buckets);
    routes->buckets = buckets;
    routes->buckets_n = n;
}

static struct node *add_child(struct routes *routes, struct node *parent, struct span segment)
{
    if (routes->nodes_n >= routes->buckets_n)
        grow(routes);
    struct node *node = must_alloc(sizeof *node + segment.n);
    node->hash = hash_of(routes, parent, segment);
    node->parent = parent;
    node->n = (uint32_t)segment.n;
    memcpy(node->segment, segment.p, segment.n);
    struct node **bucket = &routes->buckets[node->hash & (routes->buckets_n - 1)];
    node->next = *bucket;
    *bucket = node;
    parent->children++;
    routes->nodes_n++;
    return node;
}

/* Removes nodes that hold nothing, from a leaf upwards. */
static void prune(struct routes *routes, struct node *node)
{
    while (node != routes->root && !node->route && node->children == 0) {
        struct node **at = &routes->buckets[node->hash & (routes->buckets_n - 1)];
        struct node *parent = node->parent;
        while (*at != node)
            at = &(*at)->next;
        *at = node->next;
        free(node);
        routes->nodes_n--;
        parent->children--;
        node = parent;
    }
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

static struct node *find_node(struct routes *routes, const char *key)
{
    struct span rest = strip(span_of(key));
    struct node *node = routes->root;
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
    if (route->pool && strcmp(route->target.text, target.text) != 0)
        let_go_of_pool(route);
    target_release(&route->target);
    route->target = target;
}

static void free_route(struct route *route)
{
    let_go_of_pool(route);
    target_release(&route->target);
    free(route->user);
    free(route->server);
    free(route);
}

static void free_when_unused(struct route *route)
{
    if (route->dropped && route->exchanges == 0 && !route->listed)
        free_route(route);
}

struct route *route_hold(struct route *route)
{
    route->exchanges++;
    return route;
}

void route_let_go(struct route *route)
{
    route->exchanges--;
    free_when_unused(route);
}

/* --- the table --- */

void routes_put(struct routes *routes, const struct route_spec *spec)
{
    struct span rest = strip(span_of(spec->key));
    struct node *node = routes->root;
    struct target target;
    struct error error;
    uint32_t segments = 0;
    if (!target_parse(&target, spec->target, &error))
        return;
    while (rest.n) {
        struct span segment = span_cut(rest, '/', &rest);
        struct node *child = child_of(routes, node, segment);
        node = child ? child : add_child(routes, node, segment);
        segments++;
    }
    if (!node->route) {
        node->route = must_alloc(sizeof *node->route);
        node->route->segments = segments;
    }
    set_target(node->route, target);
    set_names(node->route, spec);
}

static void drop_at(struct node *node)
{
    struct route *route = node->route;
    node->route = NULL;
    route->dropped = true;
    let_go_of_pool(route); /* the route may live on for its exchanges; no idle connection does */
    free_when_unused(route);
}

void routes_drop(struct routes *routes, const char *key)
{
    struct node *node = find_node(routes, key);
    if (!node || !node->route)
        return;
    drop_at(node);
    prune(routes, node);
}

struct route *routes_find(struct routes *routes, struct span host, struct span decoded_path)
{
    struct span rest = strip(decoded_path);
    const struct node *node = routes->root;
    struct route *deepest = node->route;
    if (host.p) {
        node = child_of(routes, node, host);
        if (node && node->route)
            deepest = node->route;
    }
    if (rest.n == 0)
        return deepest;
    while (node && rest.p) {
        node = child_of(routes, node, span_cut(rest, '/', &rest));
        if (node && node->route)
            deepest = node->route;
    }
    return deepest;
}

size_t routes_longest_chain(const struct routes *routes)
{
    size_t longest = 0;
    for (size_t i = 0; i < routes->buckets_n; i++) {
        size_t n = 0;
        for (const struct node *node = routes->buckets[i]; node; node = node->next)
            n++;
        longest = n > longest ? n : longest;
    }
    return longest;
}

void routes_touch(struct routes *routes, struct route *route, int64_t wall_ms)
{
    if (route->dropped)
        return; /* an update never brings a route back (CHP 71) */
    route->active_ms = wall_ms;
    if (route->listed)
        return;
    route->listed = true;
    route->next_active = routes->active;
    routes->active = route;
}

void routes_tell_activity(struct routes *routes, fleet_active *each, void *arg)
{
    struct route *route = routes->active;
    routes->active = NULL;
    while (route) {
        struct route *next = route->next_active;
        route->listed = false;
        if (!route->dropped)
            each(arg, route->id, route->active_ms);
        free_when_unused(route);
        route = next;
    }
}

static void ignore(void *arg, uint64_t id, int64_t wall_ms)
{
    (void)arg, (void)id, (void)wall_ms;
}

void routes_free(struct routes *routes)
{
    routes_tell_activity(routes, ignore, NULL);
    for (size_t i = 0; i < routes->buckets_n; i++) {
        for (struct node *node = routes->buckets[i], *next; node; node = next) {
            next = node->next;
            if (node->route)
                drop_at(node);
            free(node);
        }
    }
    if (routes->root->route)
        drop_at(routes->root);
    free(routes->root);
    free(routes->buckets);
    free(routes);
}
