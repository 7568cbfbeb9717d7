#include "ctl/describe.h"

#include "base/str.h"
#include "ctl/kind.h"
#include "ctl/kube.h"
#include "ctl/list.h"
#include "ctl/logs.h"
#include "ctl/look.h"
#include "ctl/model.h"
#include "ctl/pods.h"
#include "ctl/podsheet.h"
#include "ctl/ref.h"
#include "ctl/sheet.h"
#include "ctl/units.h"

#include <stdlib.h>
#include <string.h>

enum { LOG_LINES = 10 };

/* ---- a user ---- */

static void add_servers(struct text *out, json_t *user)
{
    json_t *one = json_pack("[O]", user), *servers = model_servers(one);
    struct table *table = kind_table(&kind_servers, servers);
    struct table_look look = look_here();
    struct text lines = {0};
    if (table_rows(table)) {
        table_add(table, &look, &lines);
        text_put(out, "Servers:\n");
        sheet_indented(out, (struct span){lines.p, lines.n});
    } else {
        sheet_text(out, "Servers", "none");
    }
    text_release(&lines);
    table_free(table);
    json_decref(servers);
    json_decref(one);
}

static void print_user(struct text *out, json_t *user)
{
    sheet_text(out, "Name", model_text(user, "name"));
    sheet_flag(out, "Admin", model_true(user, "admin"));
    sheet_list(out, "Groups", user, "groups");
    sheet_list(out, "Roles", user, "roles");
    sheet_date(out, "Created", user, "created");
    sheet_date(out, "Last activity", user, "last_activity");
    add_servers(out, user);
}

/* ---- a server ---- */

static json_t *find_server(const json_t *user, const struct ref *ref)
{
    char *name = must_copy_span(ref->server);
    json_t *server = json_object_get(json_object_get(user, "servers"), name);
    free(name);
    return server;
}

static void add_usage(struct text *out, const json_t *server)
{
    double value;
    struct text cpu = {0}, memory = {0};
    if (model_cpu(server, &value)) {
        units_cores(&cpu, value);
        text_put(&cpu, " cores");
    }
    if (model_memory(server, &value))
        units_bytes(&memory, value);
    if (memory.n && model_memory_limit(server, &value)) {
        text_put(&memory, " of ");
        units_bytes(&memory, value);
    }
    char *cpu_text = text_take(&cpu), *memory_text = text_take(&memory);
    sheet_text(out, "CPU", cpu_text);
    sheet_text(out, "Memory", memory_text);
    free(cpu_text);
    free(memory_text);
}

static void print_server(struct order *order, struct text *out, const struct ref *ref,
                         const json_t *server)
{
    enum tone tone;
    struct text log = {0};
    char *user = must_copy_span(ref->user), *name = must_copy_span(ref->server);
    const char *url = model_text(server, "full_url");
    sheet_text(out, "User", user);
    sheet_text(out, "Server", *name ? name : "(default)");
    sheet_text(out, "State", model_state(server, &tone));
    sheet_text(out, "URL", url ? url : model_text(server, "url"));
    sheet_date(out, "Started", server, "started");
    sheet_date(out, "Last activity", server, "last_activity");
    add_usage(out, server);
    sheet_text(out, "Profile", model_profile(server));
    if (model_text(server, "cull_at"))
        sheet_date(out, "Stopped if idle", server, "cull_at");
    sheet_object(out, "Options", json_object_get(server, "user_options"));
    sheet_object(out, "State kept", json_object_get(server, "state"));
    if (logs_tail(order, ref, LOG_LINES, &log) && log.n) {
        text_format(out, "Log, last %d lines:\n", LOG_LINES);
        sheet_indented(out, (struct span){log.p, log.n});
    }
    text_release(&log);
    free(user);
    free(name);
}

/* The hub's model, to be released. NULL: *error. */
static json_t *read_server(struct order *order, const struct ref *ref, struct error *error)
{
    json_t *user = list_user(order, ref->user, error);
    json_t *server = user ? json_incref(find_server(user, ref)) : NULL;
    struct text name = {0};
    ref_name(ref, &name);
    if (user && !server)
        error_set(error,
                  "%.*s has no such server, or it has never run (hubctl describe user %.*s lists "
                  "all)",
                  (int)name.n, name.p, (int)ref->user.n, ref->user.p);
    text_release(&name);
    json_decref(user);
    return server;
}

/* ---- each thing ---- */

static enum exit_status describe_user(struct order *order, const char *word)
{
    struct error error;
    struct text out = {0};
    json_t *user = order_ask_hub(order, &error) ? list_user(order, span_of(word), &error) : NULL;
    if (!user)
        return order_failed(order, &error);
    if (order_wants_data(order))
        list_print(order, user);
    else
        print_user(&out, user);
    json_decref(user);
    order_print(&out);
    return EXIT_DONE;
}

static enum exit_status describe_server(struct order *order, const char *word)
{
    struct error error;
    struct ref ref;
    struct text out = {0};
    json_t *server = ref_read(&ref, word, &error) && order_ask_hub(order, &error)
                         ? read_server(order, &ref, &error)
                         : NULL;
    if (!server)
        return order_failed(order, &error);
    if (order_wants_data(order))
        list_print(order, server);
    else
        print_server(order, &out, &ref, server);
    json_decref(server);
    order_print(&out);
    return EXIT_DONE;
}

static enum exit_status describe_pod(struct order *order, const char *word)
{
    struct error error;
    struct ref ref;
    struct text out = {0};
    json_t *sheet = ref_read(&ref, word, &error) && order_ask_cluster(order, &error)
                        ? podsheet_read(order->kube, &ref, &error)
                        : NULL;
    if (!sheet)
        return order_failed(order, &error);
    if (order_wants_data(order))
        list_print(order, sheet);
    else
        podsheet_add(&out, sheet);
    json_decref(sheet);
    order_print(&out);
    return EXIT_DONE;
}

/* ---- both of them ---- */

static void print_pod(struct order *order, const json_t *sheet)
{
    struct text out = {0}, lines = {0};
    text_format(&out, "\nWhat the cluster says%s:\n", kube_where(order->kube));
    podsheet_add(&lines, sheet);
    sheet_indented(&out, (struct span){lines.p, lines.n});
    text_release(&lines);
    order_print(&out);
}

/* The hub's part first, and whatever becomes of the cluster's. The latter counts where the flags
 * ask for it, or the hub had nothing to say. */
static enum exit_status describe_both(struct order *order, const char *word)
{
    struct error error;
    struct ref ref;
    struct text out = {0};
    enum exit_status status = EXIT_DONE;
    if (!ref_read(&ref, word, &error))
        return order_misused(order, "%s", error.text);
    json_t *both = json_object();
    json_t *server = order_ask_hub(order, &error) ? read_server(order, &ref, &error) : NULL;
    if (!server)
        status = order_failed(order, &error);
    else if (!order_wants_data(order))
        print_server(order, &out, &ref, server);
    order_print(&out);
    json_object_set(both, "server", server);
    if (pods_are_meant(order, server)) {
        json_t *sheet =
            pods_ask(order, server, &error) ? podsheet_read(order->kube, &ref, &error) : NULL;
        if (!sheet && order->read.given & FLAGS_CLUSTER)
            status = order_failed(order, &error);
        else if (!sheet)
            order_remark(order, "%s", error.text);
        else if (!order_wants_data(order))
            print_pod(order, sheet);
        json_object_update(both, sheet);
        json_decref(sheet);
    }
    if (order_wants_data(order) && json_object_size(both))
        list_print(order, both);
    json_decref(server);
    json_decref(both);
    return status;
}

/* ---- the verb ---- */

static const struct {
    const char *word;
    enum exit_status (*describe)(struct order *order, const char *word);
    flag_set others; /* flags of those who are not asked */
} things[] = {
    {"user", describe_user, FLAGS_CLUSTER},
    {"server", describe_server, FLAGS_CLUSTER},
    {"pod", describe_pod, FLAGS_HUB},
};

enum exit_status verb_describe(struct order *order)
{
    const char *what = order->read.words[0];
    if (order->flags.form == FORM_WIDE || order->flags.form == FORM_NAME)
        return order_misused(order, "describe prints text, json or yaml");
    for (size_t i = 0; i < COUNT(things); i++) {
        if (strcmp(what, things[i].word) != 0)
            continue;
        if (order->read.words_n == 1)
            return order_misused(order, "describe which %s? One who is called so: server %s", what,
                                 what);
        if (order->read.given & things[i].others)
            return order_misused(order, "a %s is the %s's", what,
                                 things[i].others == FLAGS_HUB ? "cluster" : "hub");
        return things[i].describe(order, order->read.words[1]);
    }
    if (order->read.words_n == 1)
        return describe_both(order, what);
    return order_misused(order, "'%.80s' cannot be described: user, server or pod", what);
}
