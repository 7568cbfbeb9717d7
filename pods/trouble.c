#include "pods/trouble.h"

#include "base/log.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { CHECK_AGAIN_MS = 60 * 1000 };

static void on_checked(void *arg, const char *const *missing, size_t missing_n, const char *error);
static void on_again(struct deadline *deadline);

/* Puts the line in the other's place, and says so in the log if it is news. */
static void change(char **line, const char *why, const char *over)
{
    if (why && (!*line || strcmp(*line, why) != 0))
        log_line(LOG_WARN, "Kubernetes: %s", why);
    else if (!why && *line)
        log_line(LOG_INFO, "Kubernetes: %s", over);
    char *copy = why ? must_copy(why) : NULL;
    free(*line);
    *line = copy;
}

void trouble_of_watch(struct trouble *trouble, const char *why)
{
    change(&trouble->watch, why, "the pods are watched again");
}

void trouble_of_events(struct trouble *trouble, const char *why)
{
    change(&trouble->events, why, "events are watched again");
}

const char *trouble_says(const struct trouble *trouble, bool synced)
{
    if (trouble->watch)
        return trouble->watch;
    if (trouble->rights)
        return trouble->rights;
    return synced ? NULL : "the API server has not told yet which pods there are";
}

/* --- rights --- */

static void check(struct trouble *trouble)
{
    static const struct right all[] = {
        {.verb = "get", .resource = "pods"},
        {.verb = "list", .resource = "pods"},
        {.verb = "watch", .resource = "pods"},
        {.verb = "create", .resource = "pods"},
        {.verb = "delete", .resource = "pods"},
        {.verb = "get", .resource = "pods", .subresource = "log"},
        {.verb = "get", .resource = "persistentvolumeclaims"},
        {.verb = "create", .resource = "persistentvolumeclaims"},
        {.verb = "list", .resource = "events"},
        {.verb = "watch", .resource = "events"},
        {.verb = "delete", .resource = "persistentvolumeclaims"},
    };
    struct right wanted[COUNT(all)];
    size_t n = 0;
    for (size_t i = 0; i < COUNT(all); i++) {
        bool event = strcmp(all[i].resource, "events") == 0;
        bool claims = i == COUNT(all) - 1;
        if ((!event || trouble->reads_events) && (!claims || trouble->deletes_claims))
            wanted[n++] = all[i];
    }
    trouble->check = rights_check(trouble->server, apiserver_namespace(trouble->server), wanted, n,
                                  on_checked, trouble);
}

static void checked(struct trouble *trouble, const char *const *missing, size_t n,
                    const char *error)
{
    struct text line = {0};
    trouble->check = NULL;
    for (size_t i = 0; i < n; i++)
        text_format(&line, "%s%s", i ? "; " : "the hub ", missing[i]);
    if (n)
        text_put(&line, ": give its service account the rights of the chart's Role");
    char *text = n ? text_take(&line) : NULL;
    if (!error)
        change(&trouble->rights, text, "the hub may do all that it must");
    free(text);
    if (n || error)
        deadline_set(trouble->loop, &trouble->again, CHECK_AGAIN_MS);
}

void trouble_begin(struct trouble *trouble, struct loop *loop, struct apiserver *server,
                   bool deletes_claims, bool reads_events)
{
    *trouble = (struct trouble){.loop = loop,
                                .server = server,
                                .deletes_claims = deletes_claims,
                                .reads_events = reads_events,
                                .again.expire = on_again};
    check(trouble);
}

void trouble_end(struct trouble *trouble)
{
    deadline_clear(&trouble->again);
    if (trouble->check)
        rights_cancel(trouble->check);
    free(trouble->watch);
    free(trouble->events);
    free(trouble->rights);
}

/* --- callbacks --- */

static void on_checked(void *arg, const char *const *missing, size_t missing_n, const char *error)
{
    checked(arg, missing, missing_n, error);
}

static void on_again(struct deadline *deadline)
{
    check(CONTAINER(deadline, struct trouble, again));
}
