#include "ctl/top.h"

#include "base/str.h"
#include "ctl/cell.h"
#include "ctl/get.h"
#include "ctl/kube.h"
#include "ctl/listing.h"
#include "ctl/look.h"
#include "ctl/metrics.h"
#include "ctl/model.h"
#include "ctl/pod.h"
#include "ctl/pods.h"
#include "ctl/shown.h"
#include "ctl/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVERY_S = 2, HEAD_LINES = 3 };

static const char default_sort[] = "-cpu";

/* What is measured. */
struct source {
    const char *word;
    const struct kind *kind;
    flag_set others; /* flags of those who are not asked */
    /* With "usage", as far as somebody knows it; why it is not known is remarked. NULL: *error. */
    json_t *(*fetch)(struct order *order, struct text *remarks, struct error *error);
    void (*count)(struct text *out, const json_t *models);
};

/* ---- servers ---- */

static bool lacks_usage(const json_t *server)
{
    return !json_is_object(json_object_get(server, "usage"));
}

/* A hub whose servers are pods measures none of them: the cluster does. */
static void ask_cluster(struct order *order, json_t *servers, struct text *remarks)
{
    struct error error;
    size_t i;
    json_t *server, *pod = NULL;
    json_array_foreach(servers, i, server)
    {
        if (!pod && lacks_usage(server) && pods_are_meant(order, server))
            pod = server;
    }
    if (pod && !(pods_ask(order, pod, &error) && metrics_add_servers(order->kube, servers, &error)))
        text_put(remarks, error.text);
    else if (pod)
        text_format(remarks, "CPU and memory are the cluster's measures%s",
                    kube_where(order->kube));
}

static json_t *fetch_servers(struct order *order, struct text *remarks, struct error *error)
{
    json_t *servers = order_ask_hub(order, error) ? get_servers(order, error) : NULL;
    ask_cluster(order, servers, remarks);
    return servers;
}

static void count_servers(struct text *out, const json_t *servers)
{
    size_t i, ready = 0, pending = 0, n = json_array_size(servers);
    json_t *server;
    json_array_foreach(servers, i, server)
    {
        bool waits = model_text(server, "pending") != NULL;
        pending += waits;
        ready += !waits && model_true(server, "ready");
    }
    text_format(out, "%zu server%s: %zu ready, %zu starting or stopping", n, n == 1 ? "" : "s",
                ready, pending);
}

/* ---- pods ---- */

static const struct column pod_columns[] = {
    {.title = "NAME"},
    {.title = "STATUS"},
    {.title = "CPU", .right = true},
    {.title = "MEMORY", .right = true},
    {.title = "LIMIT", .right = true},
    {.title = "USER"},
    {.title = "SERVER"},
    {.title = "NODE"},
};

static void pod_row(struct table *table, json_t *pod)
{
    struct pod_summary summary;
    double value;
    pod_summarize(pod, &summary);
    table_text(table, pod_name(pod), TONE_PLAIN);
    table_text(table, summary.status, summary.tone);
    bool known = model_cpu(pod, &value);
    cell_measure(table, known, value, units_cores);
    known = model_memory(pod, &value);
    cell_measure(table, known, value, units_bytes);
    known = model_memory_limit(pod, &value);
    cell_measure(table, known, value, units_bytes);
    table_text(table, pod_user(pod), TONE_PLAIN);
    table_text(table, pod_server(pod), TONE_PLAIN);
    cell_member(table, json_object_get(pod, "spec"), "nodeName");
    pod_summary_release(&summary);
}

static const struct kind kind_measured = {
    "pods", "pod", pod_columns, COUNT(pod_columns), pod_row, pods_name,
};

static json_t *fetch_pods(struct order *order, struct text *remarks, struct error *error)
{
    struct error why;
    json_t *pods = order_ask_cluster(order, error) ? pods_all(order->kube, error) : NULL;
    if (!pods)
        return NULL;
    if (!metrics_add(order->kube, pods, &why))
        text_put(remarks, why.text);
    return listing_sieve(&kind_measured, pods, &order->flags);
}

static void count_pods(struct text *out, const json_t *pods)
{
    size_t i, n = json_array_size(pods), runs = 0;
    json_t *pod;
    json_array_foreach(pods, i, pod)
    {
        struct pod_summary summary;
        pod_summarize(pod, &summary);
        runs += summary.tone == TONE_GOOD;
        pod_summary_release(&summary);
    }
    text_format(out, "%zu pod%s: %zu running", n, n == 1 ? "" : "s", runs);
}

static const struct source sources[] = {
    {"servers", &kind_servers, 0, fetch_servers, count_servers},
    {"pods", &kind_measured, FLAGS_HUB, fetch_pods, count_pods},
};

/* ---- once ---- */

static void add_sum(struct text *out, const char *label, const json_t *models,
                    bool (*read)(const json_t *model, double *value),
                    void (*print)(struct text *out, double value))
{
    size_t i;
    json_t *model;
    double sum = 0, value;
    bool known = false;
    json_array_foreach(models, i, model)
    {
        if (!read(model, &value))
            continue;
        sum += value;
        known = true;
    }
    text_format(out, "   %s ", label);
    if (known)
        print(out, sum);
    else
        text_put(out, "-");
}

/* "12 servers: 11 ready, 1 starting or stopping   CPU 3.20   memory 4.1Gi", the sums of what is
 * known. */
static void add_sums(struct text *out, const struct source *source, const json_t *models)
{
    source->count(out, models);
    add_sum(out, "CPU", models, model_cpu, units_cores);
    add_sum(out, "memory", models, model_memory, units_bytes);
    text_put(out, "\n");
}

static void add_table(struct order *order, const struct source *source, struct table_look *look,
                      struct text *out, json_t *models)
{
    struct table *table = kind_table(source->kind, models);
    if (table_sort(table, order->flags.sort ? order->flags.sort : default_sort))
        table_add(table, look, out);
    table_free(table);
}

static bool can_sort(const struct source *source, const char *by)
{
    struct table *table = table_new(source->kind->columns, source->kind->columns_n);
    bool can = table_sort(table, by);
    table_free(table);
    return can;
}

static enum exit_status print_once(struct order *order, const struct source *source)
{
    struct error error;
    struct text out = {0}, remarks = {0};
    struct table_look look = look_here();
    json_t *models = source->fetch(order, &remarks, &error);
    char *remark = text_take(&remarks);
    if (*remark)
        order_remark(order, "%s", remark);
    free(remark);
    if (!models)
        return order_failed(order, &error);
    add_sums(&out, source, models);
    text_put(&out, "\n");
    add_table(order, source, &look, &out, models);
    order_print(&out);
    json_decref(models);
    return EXIT_DONE;
}

/* ---- live ---- */

/* Writes the lines over what was there, each wiped to its end, and wipes what is below. */
static void paint(struct span lines, size_t columns)
{
    struct text out = {0};
    text_put(&out, "\x1b[H");
    while (lines.p && lines.n) {
        struct span line = span_cut(lines, '\n', &lines);
        if (!memchr(line.p, '\x1b', line.n)) /* the table's own are cut already */
            line.n = shown_fit(line, columns);
        text_add(&out, line);
        text_put(&out, "\x1b[K\n");
    }
    text_put(&out, "\x1b[J");
    order_print(&out);
    fflush(stdout);
}

static void add_clock(struct text *out, const struct order *order, const struct source *source)
{
    char clock[16];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(clock, sizeof clock, "%H:%M:%S", &tm);
    bool of_hub = source->kind == &kind_servers;
    text_format(out, "%s   %s%s   Ctrl-C ends\n", clock,
                of_hub ? order->access.url ? order->access.url : "" : "pods",
                of_hub || !order->kube ? "" : kube_where(order->kube));
}

/* Into the place of the empty line, where there is something to remark. */
static void add_remark(struct text *out, struct text *remarks)
{
    shown_add(out, (struct span){remarks->p, remarks->n});
    text_put(out, "\n");
    text_release(remarks);
}

static void print_live(struct order *order, const struct source *source)
{
    struct error error;
    struct text out = {0}, remarks = {0};
    struct table_look look = look_here();
    size_t lines = look_lines(&look.columns);
    json_t *models = source->fetch(order, &remarks, &error);
    add_clock(&out, order, source);
    if (models) {
        add_sums(&out, source, models);
        add_remark(&out, &remarks);
        look.rows = lines > HEAD_LINES + 2 ? lines - HEAD_LINES - 2 : 1;
        add_table(order, source, &look, &out, models);
    } else { /* a hub that restarts comes back */
        text_put(&remarks, error.text);
        add_remark(&out, &remarks);
    }
    paint((struct span){out.p, out.n}, look.columns);
    text_release(&out);
    json_decref(models);
}

static const struct source *find_source(const struct order *order)
{
    const char *word = order->read.words_n ? order->read.words[0] : sources[0].word;
    for (size_t i = 0; i < COUNT(sources); i++) {
        if (strcmp(word, sources[i].word) == 0)
            return &sources[i];
    }
    return NULL;
}

enum exit_status verb_top(struct order *order)
{
    size_t columns_n;
    const char *by = order->flags.sort ? order->flags.sort : default_sort;
    const struct source *source = find_source(order);
    struct timespec pause = {.tv_sec = order->flags.every_s ? order->flags.every_s : EVERY_S};
    if (!source)
        return order_misused(order, "'%.80s' is not measured: servers or pods",
                             order->read.words[0]);
    if (order->read.given & source->others)
        return order_misused(order, "pods are the cluster's");
    if (!can_sort(source, by))
        return order_misused(order, "--sort %s: there is no such column", by);
    if (order->flags.once || look_lines(&columns_n) == 0)
        return print_once(order, source);
    fputs("\x1b[2J", stdout);
    for (;;) {
        print_live(order, source);
        nanosleep(&pause, NULL);
    }
}
