#include "ctl/describe.h"

#include "base/date.h"
#include "base/str.h"
#include "ctl/kind.h"
#include "ctl/list.h"
#include "ctl/logs.h"
#include "ctl/look.h"
#include "ctl/model.h"
#include "ctl/ref.h"
#include "ctl/shown.h"
#include "ctl/units.h"
#include "ctl/yaml.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_COLUMNS = 17, LOG_LINES = 10 };

/* ---- lines ---- */

static void add_label(struct text *out, const char *label)
{
    text_format(out, "%s:%*s", label, (int)(LABEL_COLUMNS - strlen(label) - 1), "");
}

static void add_text(struct text *out, const char *label, const char *value)
{
    add_label(out, label);
    shown_add(out, span_of(value && *value ? value : "-"));
    text_put(out, "\n");
}

static void add_flag(struct text *out, const char *label, bool value)
{
    add_text(out, label, value ? "yes" : "no");
}

/* In UTC, and how long ago that was, or will be from now. */
static void add_date(struct text *out, const char *label, const json_t *model, const char *name)
{
    int64_t ms, now_ms = units_now_ms();
    if (!model_date(model, name, &ms)) {
        add_text(out, label, NULL);
        return;
    }
    char date[DATE_ROOM];
    struct text value = {0};
    date_print(ms, date);
    text_format(&value, "%.19sZ (%s", date, ms > now_ms ? "in " : "");
    units_age(&value, ms > now_ms ? ms - now_ms : now_ms - ms);
    text_put(&value, ms > now_ms ? ")" : " ago)");
    char *text = text_take(&value);
    add_text(out, label, text);
    free(text);
}

static void add_list(struct text *out, const char *label, const json_t *model, const char *name)
{
    struct text list = {0};
    model_list(model, name, &list);
    char *text = text_take(&list);
    add_text(out, label, text);
    free(text);
}

static void add_indented(struct text *out, struct span lines)
{
    while (lines.p && lines.n) {
        struct span line = span_cut(lines, '\n', &lines);
        text_put(out, "  ");
        text_add(out, line);
        text_put(out, "\n");
    }
}

/* What the hub keeps as JSON, below its label. */
static void add_object(struct text *out, const char *label, const json_t *value)
{
    struct text lines = {0};
    if (json_object_size(value) == 0)
        return;
    yaml_add(&lines, value);
    text_format(out, "%s:\n", label);
    add_indented(out, (struct span){lines.p, lines.n});
    text_release(&lines);
}

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
        add_indented(out, (struct span){lines.p, lines.n});
    } else {
        add_text(out, "Servers", "none");
    }
    text_release(&lines);
    table_free(table);
    json_decref(servers);
    json_decref(one);
}

static void print_user(struct text *out, json_t *user)
{
    add_text(out, "Name", model_text(user, "name"));
    add_flag(out, "Admin", model_true(user, "admin"));
    add_list(out, "Groups", user, "groups");
    add_list(out, "Roles", user, "roles");
    add_date(out, "Created", user, "created");
    add_date(out, "Last activity", user, "last_activity");
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
    add_text(out, "CPU", cpu_text);
    add_text(out, "Memory", memory_text);
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
    add_text(out, "User", user);
    add_text(out, "Server", *name ? name : "(default)");
    add_text(out, "State", model_state(server, &tone));
    add_text(out, "URL", url ? url : model_text(server, "url"));
    add_date(out, "Started", server, "started");
    add_date(out, "Last activity", server, "last_activity");
    add_usage(out, server);
    add_text(out, "Profile", model_profile(server));
    if (model_text(server, "cull_at"))
        add_date(out, "Stopped if idle", server, "cull_at");
    add_object(out, "Options", json_object_get(server, "user_options"));
    add_object(out, "State kept", json_object_get(server, "state"));
    if (logs_tail(order, ref, LOG_LINES, &log) && log.n) {
        text_format(out, "Log, last %d lines:\n", LOG_LINES);
        add_indented(out, (struct span){log.p, log.n});
    }
    text_release(&log);
    free(user);
    free(name);
}

/* ---- the verb ---- */

static enum exit_status describe_user(struct order *order, const char *word)
{
    struct error error;
    struct text out = {0};
    json_t *user = list_user(order, span_of(word), &error);
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
    json_t *user = ref_read(&ref, word, &error) ? list_user(order, ref.user, &error) : NULL;
    json_t *server = user ? find_server(user, &ref) : NULL;
    if (user && !server)
        error_set(
            &error,
            "%s has no such server, or it has never run (hubctl describe user %.*s lists all)",
            word, (int)ref.user.n, ref.user.p);
    if (!server) {
        json_decref(user);
        return order_failed(order, &error);
    }
    if (order_wants_data(order))
        list_print(order, server);
    else
        print_server(order, &out, &ref, server);
    json_decref(user);
    order_print(&out);
    return EXIT_DONE;
}

enum exit_status verb_describe(struct order *order)
{
    const char *what = order->read.words[0];
    if (order->flags.form == FORM_WIDE || order->flags.form == FORM_NAME)
        return order_misused(order, "describe prints text, json or yaml");
    if (strcmp(what, "user") == 0)
        return describe_user(order, order->read.words[1]);
    if (strcmp(what, "server") == 0)
        return describe_server(order, order->read.words[1]);
    return order_misused(order, "'%.80s' cannot be described: user or server", what);
}
