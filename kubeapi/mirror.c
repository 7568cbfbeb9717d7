#include "kubeapi/mirror.h"

#include "base/str.h"
#include "base/text.h"
#include "kubeapi/apicall.h"
#include "kubeapi/apipath.h"
#include "kubeapi/backoff.h"
#include "kubeapi/lines.h"
#include "kubeapi/roll.h"
#include "kubeapi/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WATCH_S = 360,         /* a watch lasts that long, or down to half of it */
    WATCH_LATE_MS = 30000, /* … and so much longer before it is thought to be lost */
    HOLDS_MS = 1000,       /* a watch that has lasted so long works */
    FIRST_WAIT_MS = 200,
    PAGE_TOKEN_MAX = 8192,
};

enum next { WATCH_ON, LIST_ANEW };

struct mirror {
    struct apiserver *server;
    struct mirror_watcher watcher;
    void *arg;
    char *what, *path, *labels, *fields;
    bool from_now;
    uint64_t asked;        /* calls so far */
    struct apicall *call;  /* a page of the list, or the watch; NULL: waits for `again` */
    struct deadline again; /* the next try; while the watch lasts, the time from which it holds */
    struct backoff backoff;
    enum next next;
    bool was_forgotten, has_ended; /* since a watch held: by 410; a watch, by itself */
    char *version;                 /* that was seen last */
    bool moves;                    /* the watch has told something */
    char *page;                    /* where the list goes on; NULL: at its start */
    unsigned pages_n, limit;       /* of this list; the objects of its next page */
    char *after;                   /* the last object of the page before; NULL: there was none */
    char *trouble;                 /* as it was told; NULL: there is none */
    struct lines lines;
    struct roll roll;
    bool is_synced;
    bool over; /* freed, but for the grave */
    struct task grave;
};

static void on_again(struct deadline *deadline);
static void on_page(void *arg, const struct apicall_answer *answer);
static void on_head(void *arg);
static void on_piece(void *arg, struct span piece);
static void on_watched(void *arg, const struct apicall_answer *answer);
static void on_grave(struct task *task);

/* ---- what is told ---- */

/* Each of these may free the mirror: look at `over` after. */
static void tell_change(struct mirror *mirror, enum mirror_change change,
                        const struct mirror_name *name, json_t *object)
{
    mirror->watcher.change(mirror->arg, change, name, object);
}

static void tell_trouble(struct mirror *mirror, const char *why)
{
    if (why == mirror->trouble || (why && mirror->trouble && strcmp(why, mirror->trouble) == 0))
        return;
    free(mirror->trouble);
    mirror->trouble = why ? must_copy(why) : NULL;
    if (mirror->watcher.trouble)
        mirror->watcher.trouble(mirror->arg, why);
}

static void tell_synced(struct mirror *mirror)
{
    mirror->is_synced = true;
    mirror->watcher.synced(mirror->arg);
}

/* ---- who is there ---- */

static void set_text(char **text, const char *value)
{
    char *copy = value ? must_copy(value) : NULL;
    free(*text);
    *text = copy;
}

/* Its going was not seen. */
static void drop(struct mirror *mirror, struct rolled *rolled)
{
    const struct mirror_name name = {rolled->name, rolled->uid, rolled->version};
    roll_remove(&mirror->roll, rolled);
    tell_change(mirror, MIRROR_GONE, &name, NULL);
    rolled_free(rolled);
}

/* It is there. False: there are more than we keep. */
static bool see(struct mirror *mirror, const struct mirror_name *name, json_t *object)
{
    struct rolled *rolled = roll_find(&mirror->roll, name->name);
    if (rolled && strcmp(rolled->uid, name->uid) == 0) {
        if (roll_see(&mirror->roll, rolled, name->version))
            tell_change(mirror, MIRROR_CHANGED, name, object);
        return true;
    }
    if (rolled)
        drop(mirror, rolled);
    if (mirror->over)
        return true;
    if (mirror->roll.n == MIRROR_OBJECTS_MAX)
        return false;
    roll_add(&mirror->roll, name);
    tell_change(mirror, MIRROR_ADDED, name, object);
    return true;
}

static void see_gone(struct mirror *mirror, const struct mirror_name *name, json_t *object)
{
    struct rolled *rolled = roll_find(&mirror->roll, name->name);
    if (!rolled || strcmp(rolled->uid, name->uid) != 0)
        return;
    roll_remove(&mirror->roll, rolled);
    rolled_free(rolled);
    tell_change(mirror, MIRROR_GONE, name, object);
}

/* What the list that has been read to its end did not have. */
static void drop_unseen(struct mirror *mirror)
{
    struct rolled *rolled;
    while (!mirror->over && (rolled = roll_unseen(&mirror->roll)))
        drop(mirror, rolled);
}

/* ---- asking ---- */

static void put_selectors(const struct mirror *mirror, struct text *path)
{
    if (mirror->labels)
        apipath_query(path, "labelSelector", mirror->labels);
    if (mirror->fields)
        apipath_query(path, "fieldSelector", mirror->fields);
}

static void ask(struct mirror *mirror, const char *verb, struct text *path,
                const struct apicall_stream *stream, apicall_done *done)
{
    char what[160], *text = text_take(path);
    snprintf(what, sizeof what, "%s %s", verb, mirror->what);
    mirror->asked++;
    mirror->call =
        apicall_start(mirror->server,
                      &(struct apicall_request){.what = what,
                                                .method = "GET",
                                                .path = text,
                                                .accept = stream ? "application/json" : NULL,
                                                .body_bytes_max = MIRROR_PAGE_BYTES_MAX,
                                                .stream = stream},
                      done, mirror);
    free(text);
}

static void ask_page(struct mirror *mirror)
{
    struct text path = {0};
    char limit[16];
    snprintf(limit, sizeof limit, "%u", mirror->limit);
    text_put(&path, mirror->path);
    apipath_query(&path, "limit", limit);
    if (mirror->page)
        apipath_query(&path, "continue", mirror->page);
    put_selectors(mirror, &path);
    ask(mirror, "list", &path, NULL, on_page);
}

static void ask_list(struct mirror *mirror)
{
    roll_begin(&mirror->roll);
    mirror->pages_n = 0;
    mirror->limit = mirror->from_now ? 1 : MIRROR_PAGE;
    set_text(&mirror->page, NULL);
    set_text(&mirror->after, NULL);
    ask_page(mirror);
}

static void ask_watch(struct mirror *mirror)
{
    int64_t time_s = backoff_cut_ms(WATCH_S);
    const struct apicall_stream stream = {
        .head = on_head, .piece = on_piece, .idle_ms = time_s * 1000 + WATCH_LATE_MS};
    struct text path = {0};
    char time[16];
    snprintf(time, sizeof time, "%d", (int)time_s);
    text_put(&path, mirror->path);
    apipath_query(&path, "watch", "true");
    apipath_query(&path, "allowWatchBookmarks", "true");
    apipath_query(&path, "resourceVersion", mirror->version);
    apipath_query(&path, "timeoutSeconds", time);
    put_selectors(mirror, &path);
    mirror->moves = false;
    ask(mirror, "watch", &path, &stream, on_watched);
}

static void go_on(struct mirror *mirror)
{
    if (mirror->next == LIST_ANEW)
        ask_list(mirror);
    else
        ask_watch(mirror);
}

/* ---- what goes wrong ---- */

static void stop(struct mirror *mirror)
{
    if (mirror->call)
        apicall_cancel(mirror->call);
    mirror->call = NULL;
    deadline_clear(&mirror->again);
    lines_release(&mirror->lines);
}

/* Tries again after a while. why: NULL, it is no trouble. */
static void retry(struct mirror *mirror, enum next next, const char *why)
{
    stop(mirror);
    mirror->next = next;
    deadline_set(apiserver_loop(mirror->server), &mirror->again,
                 backoff_next_ms(&mirror->backoff, FIRST_WAIT_MS, MIRROR_BACKOFF_MS));
    if (why)
        tell_trouble(mirror, why);
}

/* Tries again at once, the first time since a watch held; after that as above. */
static void retry_soon(struct mirror *mirror, enum next next, bool *before, const char *why)
{
    bool at_once = !*before;
    *before = true;
    retry(mirror, next, at_once ? NULL : why);
    if (!at_once || mirror->over)
        return;
    deadline_clear(&mirror->again);
    go_on(mirror);
}

static void retry_garbage(struct mirror *mirror, const char *verb, const char *why)
{
    char line[320];
    snprintf(line, sizeof line, "%s %.100s: %.100s said %.80s", verb, mirror->what,
             apiserver_url(mirror->server), why);
    retry(mirror, LIST_ANEW, line);
}

/* ---- the list ---- */

/* NULL: it was taken, or the mirror is no more. */
static const char *take_items(struct mirror *mirror, json_t *items)
{
    struct mirror_name name;
    json_t *item;
    size_t i;
    if (mirror->from_now)
        return NULL;
    json_array_foreach(items, i, item)
    {
        if (!watch_name(item, &name))
            return "an object without name, uid or version";
        if (!see(mirror, &name, item))
            return "more objects than can be kept";
        if (mirror->over)
            return NULL;
        set_text(&mirror->after, name.name);
    }
    return NULL;
}

static void end_list(struct mirror *mirror)
{
    set_text(&mirror->page, NULL);
    drop_unseen(mirror);
    mirror->next = WATCH_ON;
    if (!mirror->over)
        tell_synced(mirror);
    if (!mirror->over)
        ask_watch(mirror);
}

static void take_page(struct mirror *mirror, const json_t *json)
{
    json_t *items = json_object_get(json, "items");
    const char *version = watch_version(json);
    const char *more =
        json_string_value(json_object_get(json_object_get(json, "metadata"), "continue"));
    const char *why = NULL;
    if (!version || !(json_is_array(items) || json_is_null(items)))
        why = "something else than a list";
    else if (more && strlen(more) > PAGE_TOKEN_MAX)
        why = "a continue that is too long";
    else if (mirror->pages_n++ > MIRROR_OBJECTS_MAX / mirror->limit)
        why = "more pages than a list has";
    else
        why = take_items(mirror, items);
    if (mirror->over)
        return;
    if (why) {
        retry_garbage(mirror, "list", why);
        return;
    }
    set_text(&mirror->version, version);
    set_text(&mirror->page, more && *more && !mirror->from_now ? more : NULL);
    if (mirror->page)
        ask_page(mirror);
    else
        end_list(mirror);
}

/* A list is in the order of names: the limit may change from page to page. */
static void ask_smaller(struct mirror *mirror, const char *why)
{
    char line[APICALL_ERROR_ROOM + 400];
    if (mirror->limit > 1) {
        mirror->limit /= 2;
        ask_page(mirror);
        return;
    }
    snprintf(line, sizeof line, "%s, with no object but the %s%.253s: see what makes it so large",
             why, mirror->after ? "one after " : "first", mirror->after ? mirror->after : "");
    retry(mirror, LIST_ANEW, line);
}

static void take_list(struct mirror *mirror, const struct apicall_answer *answer)
{
    mirror->call = NULL;
    if (answer->status == 410)
        retry_soon(mirror, LIST_ANEW, &mirror->was_forgotten, answer->error);
    else if (answer->is_too_large)
        ask_smaller(mirror, answer->error);
    else if (answer->error)
        retry(mirror, LIST_ANEW, answer->error);
    else
        take_page(mirror, answer->json);
}

/* ---- the watch ---- */

/* Refusals that say nothing of the version: it is the watch that is not to be had now. After others
 * it is not asked for again; 504 may say that a version is from the future, of an etcd that is no
 * more. */
static bool is_known(unsigned status)
{
    return status == 401 || status == 403 || status == 429 || status == 503;
}

/* A Status in place of a change: the watch is over. */
static void take_error(struct mirror *mirror, const struct apistatus *status)
{
    char what[160], line[APICALL_ERROR_ROOM];
    snprintf(what, sizeof what, "watch %s", mirror->what);
    apistatus_line(status, what, status->code, apiserver_url(mirror->server), line, sizeof line);
    if (status->code == 410)
        retry_soon(mirror, LIST_ANEW, &mirror->was_forgotten, line);
    else
        retry(mirror, is_known(status->code) ? WATCH_ON : LIST_ANEW, line);
}

/* False: there are more than we keep. */
static bool take_object(struct mirror *mirror, const struct watch_event *event)
{
    bool is_gone = event->type == WATCH_DELETED;
    if (mirror->from_now && !is_gone)
        tell_change(mirror, event->type == WATCH_ADDED ? MIRROR_ADDED : MIRROR_CHANGED,
                    &event->name, event->object);
    else if (mirror->from_now)
        return true;
    else if (is_gone)
        see_gone(mirror, &event->name, event->object);
    else
        return see(mirror, &event->name, event->object);
    return true;
}

static void take_event(struct mirror *mirror, const struct watch_event *event)
{
    if (event->type == WATCH_ERROR) {
        take_error(mirror, &event->status);
        return;
    }
    if (event->type != WATCH_BOOKMARK && !take_object(mirror, event)) {
        retry_garbage(mirror, "watch", "more objects than can be kept");
        return;
    }
    if (mirror->over)
        return;
    set_text(&mirror->version, event->name.version);
    mirror->moves = true;
}

static void take_line(struct mirror *mirror, struct span line)
{
    struct watch_event event;
    const char *why;
    if (!line.n)
        return;
    if (!watch_read(line, &event, &why)) {
        retry_garbage(mirror, "watch", why);
        return;
    }
    take_event(mirror, &event);
    watch_release(&event);
}

static void take_piece(struct mirror *mirror, struct span piece)
{
    struct span line;
    bool too_long = false;
    /* What is told may end the watch, or the mirror. */
    uint64_t asked = mirror->asked;
    while (mirror->call && mirror->asked == asked &&
           lines_next(&mirror->lines, &piece, MIRROR_LINE_MAX, &line, &too_long))
        take_line(mirror, line);
    if (too_long)
        retry_garbage(mirror, "watch", "a line of more than 4 MiB");
}

/* The watch has ended; what was begun of a line comes again with the next. */
static void take_end(struct mirror *mirror, const struct apicall_answer *answer)
{
    bool by_itself = !answer->error || !answer->status;
    mirror->call = NULL;
    if (by_itself && mirror->moves)
        mirror->backoff.ms = 0; /* each comes further than the one before */
    if (by_itself && mirror->moves && mirror->has_ended)
        retry(mirror, WATCH_ON, NULL);
    else if (by_itself)
        retry_soon(mirror, WATCH_ON, &mirror->has_ended, answer->error);
    else if (answer->status == 410)
        retry_soon(mirror, LIST_ANEW, &mirror->was_forgotten, answer->error);
    else
        retry(mirror, is_known(answer->status) ? WATCH_ON : LIST_ANEW, answer->error);
}

/* It has lasted for a while: what was wrong is over. */
static void hold(struct mirror *mirror)
{
    mirror->backoff.ms = 0;
    mirror->was_forgotten = mirror->has_ended = false;
    tell_trouble(mirror, NULL);
}

/* ---- its life ---- */

static char *copy_or_null(const char *text)
{
    return text ? must_copy(text) : NULL;
}

struct mirror *mirror_start(struct apiserver *server, const struct mirror_request *request,
                            const struct mirror_watcher *watcher, void *arg)
{
    struct mirror *mirror = must_alloc(sizeof *mirror);
    *mirror = (struct mirror){.server = server,
                              .watcher = *watcher,
                              .arg = arg,
                              .what = must_copy(request->what),
                              .path = must_copy(request->path),
                              .labels = copy_or_null(request->labels),
                              .fields = copy_or_null(request->fields),
                              .from_now = request->from_now,
                              .again.expire = on_again,
                              .next = LIST_ANEW,
                              .grave.run = on_grave};
    roll_init(&mirror->roll);
    ask_list(mirror);
    return mirror;
}

void mirror_free(struct mirror *mirror)
{
    if (!mirror || mirror->over)
        return;
    stop(mirror);
    mirror->over = true;
    loop_bury(apiserver_loop(mirror->server), &mirror->grave);
}

static void bury(struct mirror *mirror)
{
    char *const texts[] = {mirror->what,    mirror->path, mirror->labels, mirror->fields,
                           mirror->version, mirror->page, mirror->after,  mirror->trouble};
    roll_release(&mirror->roll);
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
    free(mirror);
}

bool mirror_is_synced(const struct mirror *mirror)
{
    return mirror->is_synced;
}

/* ---- callbacks ---- */

static void on_again(struct deadline *deadline)
{
    struct mirror *mirror = CONTAINER(deadline, struct mirror, again);
    if (mirror->call)
        hold(mirror);
    else
        go_on(mirror);
}

static void on_page(void *arg, const struct apicall_answer *answer)
{
    take_list(arg, answer);
}

static void on_head(void *arg)
{
    struct mirror *mirror = arg;
    deadline_set(apiserver_loop(mirror->server), &mirror->again, HOLDS_MS);
}

static void on_piece(void *arg, struct span piece)
{
    take_piece(arg, piece);
}

static void on_watched(void *arg, const struct apicall_answer *answer)
{
    take_end(arg, answer);
}

static void on_grave(struct task *task)
{
    bury(CONTAINER(task, struct mirror, grave));
}
