#include "ctl/top.h"

#include "base/str.h"
#include "ctl/get.h"
#include "ctl/kind.h"
#include "ctl/look.h"
#include "ctl/model.h"
#include "ctl/shown.h"
#include "ctl/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVERY_S = 2, HEAD_LINES = 3 };

static const char default_sort[] = "-cpu";

/* "12 servers: 11 ready, 1 pending   CPU 3.20   memory 4.1Gi", the sums of what is known. */
static void add_sums(struct text *out, json_t *servers)
{
    size_t i, ready = 0, pending = 0;
    json_t *server;
    double cpu = 0, memory = 0, value;
    bool cpu_known = false, memory_known = false;
    json_array_foreach(servers, i, server)
    {
        bool waits = model_text(server, "pending") != NULL;
        pending += waits;
        ready += !waits && model_true(server, "ready");
        if (model_cpu(server, &value)) {
            cpu += value;
            cpu_known = true;
        }
        if (model_memory(server, &value)) {
            memory += value;
            memory_known = true;
        }
    }
    size_t n = json_array_size(servers);
    text_format(out, "%zu server%s: %zu ready, %zu starting or stopping   CPU ", n,
                n == 1 ? "" : "s", ready, pending);
    if (cpu_known)
        units_cores(out, cpu);
    else
        text_put(out, "-");
    text_put(out, "   memory ");
    if (memory_known)
        units_bytes(out, memory);
    else
        text_put(out, "-");
    text_put(out, "\n");
}

static bool add_table(struct order *order, struct table_look *look, struct text *out,
                      json_t *servers)
{
    struct table *table = kind_table(&kind_servers, servers);
    bool sorted = table_sort(table, order->flags.sort ? order->flags.sort : default_sort);
    table_add(table, look, out);
    table_free(table);
    return sorted;
}

static bool can_sort(const char *by)
{
    struct table *table = table_new(kind_servers.columns, kind_servers.columns_n);
    bool can = table_sort(table, by);
    table_free(table);
    return can;
}

static enum exit_status print_once(struct order *order)
{
    struct error error;
    struct text out = {0};
    struct table_look look = look_here();
    json_t *servers = get_servers(order, &error);
    if (!servers)
        return order_failed(order, &error);
    add_sums(&out, servers);
    text_put(&out, "\n");
    add_table(order, &look, &out, servers);
    order_print(&out);
    json_decref(servers);
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

static void add_clock(struct text *out, const struct order *order)
{
    char clock[16];
    time_t now = time(NULL);
    struct tm tm;
    localtime_r(&now, &tm);
    strftime(clock, sizeof clock, "%H:%M:%S", &tm);
    text_format(out, "%s   %s   Ctrl-C ends\n", clock, order->access.url);
}

static void print_live(struct order *order)
{
    struct error error;
    struct text out = {0};
    struct table_look look = look_here();
    size_t lines = look_lines(&look.columns);
    json_t *servers = get_servers(order, &error);
    add_clock(&out, order);
    if (servers) {
        add_sums(&out, servers);
        text_put(&out, "\n");
        look.rows = lines > HEAD_LINES + 2 ? lines - HEAD_LINES - 2 : 1;
        add_table(order, &look, &out, servers);
    } else { /* a hub that restarts comes back */
        shown_add(&out, span_of(error.text));
        text_put(&out, "\n");
    }
    paint((struct span){out.p, out.n}, look.columns);
    text_release(&out);
    json_decref(servers);
}

enum exit_status verb_top(struct order *order)
{
    size_t columns;
    const char *by = order->flags.sort ? order->flags.sort : default_sort;
    struct timespec pause = {.tv_sec = order->flags.every_s ? order->flags.every_s : EVERY_S};
    if (!can_sort(by))
        return order_misused(order, "--sort %s: there is no such column", by);
    if (order->flags.once || look_lines(&columns) == 0)
        return print_once(order);
    fputs("\x1b[2J", stdout);
    for (;;) {
        print_live(order);
        nanosleep(&pause, NULL);
    }
}
