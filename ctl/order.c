#include "ctl/order.h"

#include "base/str.h"
#include "ctl/client.h"
#include "ctl/kube.h"
#include "ctl/shown.h"
#include "ctl/verb.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool order_ask_hub(struct order *order, struct error *error)
{
    if (!order->client && access_find(&order->access, &order->flags, error))
        order->client = client_new(&order->access, &order->flags, &order->note, error);
    return order->client != NULL;
}

bool order_ask_cluster(struct order *order, struct error *error)
{
    if (!order->kube)
        order->kube = kube_new(&order->flags, &order->note, error);
    return order->kube != NULL;
}

void order_release(struct order *order)
{
    kube_free(order->kube);
    client_free(order->client);
    access_release(&order->access);
    free(order->read.words);
}

/* The text as printf makes it, fit for a terminal, to be freed. */
static char *line_of(const char *format, va_list args)
{
    char *line = NULL;
    if (vasprintf(&line, format, args) < 0)
        abort(); /* no memory */
    char *shown = shown_copy(span_of(line));
    free(line);
    return shown;
}

enum exit_status order_failed(struct order *order, const struct error *error)
{
    order_remark(order, "%s", error->text);
    return EXIT_FAILED;
}

enum exit_status order_misused(struct order *order, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *says = line_of(format, args);
    va_end(args);
    order_remark(order, "%s; see hubctl %s%s--help", says, order->verb ? order->verb->name : "",
                 order->verb ? " " : "");
    free(says);
    return EXIT_USAGE;
}

void order_say(struct order *order, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *line = line_of(format, args);
    va_end(args);
    note_wipe(&order->note);
    printf("%s\n", line);
    fflush(stdout);
    free(line);
}

void order_print(struct text *lines)
{
    if (lines->n)
        fwrite(lines->p, 1, lines->n, stdout);
    text_release(lines);
}

void order_remark(struct order *order, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *line = line_of(format, args);
    va_end(args);
    fflush(stdout);
    note_wipe(&order->note);
    fprintf(stderr, "hubctl: %s\n", line);
    free(line);
}

bool order_wants_data(const struct order *order)
{
    return order->flags.form == FORM_JSON || order->flags.form == FORM_YAML;
}
