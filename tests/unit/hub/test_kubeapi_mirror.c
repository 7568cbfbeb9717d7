/* A mirror of what an API server has: listed page by page, watched, taken up again after each way
 * in which a watch ends, and never missing a change. */
#include "tests/unit/hub/kubeapi_rig.h"

#include "kubeapi/mirror.h"

/* --- what a mirror tells --- */

struct seen {
    struct rig *rig;
    struct mirror *mirror;
    struct text told; /* "+ada@1 *ada@2 -ada@2? " ('?': without an object), "synced " */
    unsigned changes, synced, troubles;
    char *trouble;
    unsigned free_at; /* frees the mirror at that change, 1 the first; … */
    bool free_at_synced, free_at_trouble;
};

static void on_change(void *arg, enum mirror_change change, const struct mirror_name *name,
                      json_t *object)
{
    struct seen *seen = arg;
    text_format(&seen->told, "%c%s/%s@%s%s ", "+*-"[change], name -> name, name -> uid,
                name -> version, object ? "" : "?");
    if (object)
        assert_string_equal(
            json_string_value(json_object_get(json_object_get(object, "metadata"), "name")),
            name->name);
    if (++seen->changes == seen->free_at) {
        mirror_free(seen->mirror);
        seen->mirror = NULL;
    }
}

static void on_synced(void *arg)
{
    struct seen *seen = arg;
    seen->synced++;
    text_put(&seen->told, "synced ");
    if (seen->free_at_synced) {
        mirror_free(seen->mirror);
        seen->mirror = NULL;
    }
}

static void on_trouble(void *arg, const char *why)
{
    struct seen *seen = arg;
    free(seen->trouble);
    seen->trouble = why ? must_copy(why) : NULL;
    seen->troubles++;
    if (seen->free_at_trouble) {
        mirror_free(seen->mirror);
        seen->mirror = NULL;
    }
}

static const struct mirror_watcher watcher = {
    .change = on_change, .synced = on_synced, .trouble = on_trouble};

static void mirror_pods(struct rig *rig, struct seen *seen)
{
    const struct mirror_request request = {.what = "pods",
                                           .path = "/api/v1/namespaces/jhub/pods",
                                           .labels = "component=singleuser-server"};
    seen->rig = rig;
    seen->mirror = mirror_start(rig->server, &request, &watcher, seen);
    assert_int_equal(seen->told.n, 0);
}

static void forget(struct seen *seen)
{
    mirror_free(seen->mirror);
    text_release(&seen->told);
    free(seen->trouble);
}

static bool has_told(const struct seen *seen, const char *text)
{
    return seen->told.n == strlen(text) && memcmp(seen->told.p, text, seen->told.n) == 0;
}

static void expect_told(struct seen *seen, const char *text)
{
    text_add(&seen->told, (struct span){"", 1});
    assert_string_equal(seen->told.p, text);
    seen->told.n = 0;
}

/* --- what a server says --- */

#define POD(name, uid, version)                                                                    \
    "{\"metadata\":{\"name\":\"" name "\",\"uid\":\"" uid "\",\"resourceVersion\":\"" version "\"" \
    "}}"
#define EVENT(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define BOOKMARK(version)                                                                          \
    EVENT("BOOKMARK", "{\"kind\":\"Pod\",\"metadata\":{\"resourceVersion\":\"" version "\"}}")
#define STATUS(code, reason)                                                                       \
    "{\"kind\":\"Status\",\"code\":" code ",\"reason\":\"" reason "\",\"message\":\"no\"}"
#define LIST(version, more, items)                                                                 \
    "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version "\",\"continue\":\"" more \
    "\"},\"items\":[" items "]}"

/* Each request takes the next line of the script. */
struct line {
    const char *asked; /* what its target holds */
    unsigned status;   /* 0: a watch, which says `says` and stays; 1: … and ends */
    const char *says;
};
struct script {
    const struct line *lines;
    size_t n;
    struct call *watch; /* that stays */
};

static void on_left(struct call *call)
{
    struct script *script = call->owner;
    if (script->watch == call)
        script->watch = NULL;
    call_stream_end(call);
}

static void serve_watch(struct script *script, struct call *call, const struct line *line)
{
    call->owner = script;
    assert_true(call_stream(call, "application/json", on_left));
    call_stream_send(call, span_of(line->says));
    if (line->status) {
        call_stream_end(call);
        return;
    }
    script->watch = call;
}

static void serve_script(struct rig *rig, struct call *call)
{
    struct script *script = rig->arg;
    if (rig->asked > script->n)
        fail_msg("asked for more: %s", call->target);
    const struct line *line = &script->lines[rig->asked - 1];
    if (!strstr(call->target, line->asked))
        fail_msg("%u: %s without %s", rig->asked, call->target, line->asked);
    if (line->status < 2)
        serve_watch(script, call, line);
    else
        answer(call, line->status, line->says);
}

static struct rig *play(struct script *script, const struct line *lines, size_t n)
{
    struct rig *rig = set_up("token: t1");
    *script = (struct script){.lines = lines, .n = n};
    rig->serve = serve_script;
    rig->arg = script;
    return rig;
}

static void end(struct rig *rig, struct seen *seen)
{
    struct script *script = rig->arg;
    assert_int_equal(rig->asked, script->n);
    forget(seen);
    settle(rig);
    tear_down(rig);
}

/* --- listing and watching --- */

static void what_there_is_is_told_page_by_page_and_then_watched(void **state)
{
    static const struct line lines[] = {
        {"?limit=100&labelSelector=component%3Dsingleuser-server", 200,
         LIST("10", "more!", POD("a", "1", "3") "," POD("b", "2", "4"))},
        {"&continue=more%21&", 200, LIST("10", "", POD("c", "3", "5"))},
        {"?watch=true&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds=", 0,
         EVENT("ADDED", POD("d", "4", "11")) EVENT("MODIFIED", POD("a", "1", "12"))
             EVENT("DELETED", POD("b", "2", "13"))},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    assert_false(mirror_is_synced(seen.mirror));
    UNTIL(rig, seen.changes == 6);
    expect_told(&seen, "+a/1@3 +b/2@4 +c/3@5 synced +d/4@11 *a/1@12 -b/2@13 ");
    assert_true(mirror_is_synced(seen.mirror));
    assert_int_equal(seen.troubles, 0);
    end(rig, &seen);
}

static void a_watch_that_ends_goes_on_from_the_last_version(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "", "")},
        {"resourceVersion=10&", 1, EVENT("ADDED", POD("a", "1", "11"))},
        {"resourceVersion=11&", 1, BOOKMARK("20")},
        {"resourceVersion=20&", 1, ""},
        {"resourceVersion=20&", 0, EVENT("ADDED", POD("b", "2", "21"))},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL_LATER(rig, seen.changes == 2);
    expect_told(&seen, "synced +a/1@11 +b/2@21 ");
    assert_int_equal(seen.troubles, 0);
    end(rig, &seen);
}

/* One that does so at once, again and again, is asked ever more seldom. */
static void serve_ends(struct rig *rig, struct call *call)
{
    if (strstr(call->target, "limit="))
        answer(call, 200, LIST("10", "", ""));
    else if (call_stream(call, "application/json", on_left))
        call_stream_end(call);
    (void)rig;
}

static void watches_that_end_at_once_are_not_asked_for_at_once(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct seen seen = {0};
    (void)state;
    rig->serve = serve_ends;
    mirror_pods(rig, &seen);
    for (int i = 0; i < 600; i++)
        pass(rig, 1000);
    assert_true(rig->asked > 15 && rig->asked < 60);
    forget(&seen);
    tear_down(rig);
}

/* Where connections break all the time, but each comes further. */
static void serve_one_each(struct rig *rig, struct call *call)
{
    unsigned *version = rig->arg;
    struct text text = {0};
    if (strstr(call->target, "limit=")) {
        answer(call, 200, LIST("10", "", ""));
    } else if (call_stream(call, "application/json", on_left)) {
        text_format(&text, EVENT("ADDED", POD("a", "1", "%u")), ++*version);
        call_stream_send(call, (struct span){text.p, text.n});
        call_stream_end(call);
    }
    text_release(&text);
}

static void a_watch_that_tells_something_is_taken_up_soon(void **state)
{
    unsigned version = 10;
    struct rig *rig = set_up("token: t1");
    struct seen seen = {0};
    (void)state;
    rig->serve = serve_one_each;
    rig->arg = &version;
    mirror_pods(rig, &seen);
    for (int i = 0; i < 100; i++)
        pass(rig, 250);
    assert_true(seen.changes >= 90 && rig->asked <= 110);
    assert_int_equal(seen.troubles, 0);
    forget(&seen);
    tear_down(rig);
}

static void while_nothing_happens_next_to_nothing_is_asked(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "", "")},
        {"resourceVersion=10&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, script.watch);
    pass(rig, 179 * 1000);
    assert_int_equal(seen.troubles, 0);
    end(rig, &seen);
}

/* Its end, and the going on, are no trouble. */
static void a_watch_that_is_silent_for_too_long_is_lost(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "", "")},
        {"resourceVersion=10&", 0, BOOKMARK("15")},
        {"resourceVersion=15&", 0, EVENT("ADDED", POD("b", "2", "21"))},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, script.watch);
    pass(rig, 2000); /* it holds */
    pass(rig, 391 * 1000);
    UNTIL(rig, seen.changes == 1);
    expect_told(&seen, "synced +b/2@21 ");
    assert_int_equal(seen.troubles, 0);
    end(rig, &seen);
}

/* --- the ways it comes --- */

static const char whole[] = EVENT("ADDED", POD("a", "1", "11"))
    EVENT("MODIFIED", "{\"metadata\":{\"name\":\"a\",\"uid\":\"1\",\"resourceVersion\":\"12\","
                      "\"annotations\":{\"x\":\"\xe7\xa7\x80\\u0000\\n\"}}}") BOOKMARK("13")
        EVENT("DELETED", POD("a", "1", "14"));

static void a_watch_may_be_split_at_every_byte(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "", "")},
        {"resourceVersion=10&", 0, ""},
    };
    (void)state;
    for (size_t at = 1; at < sizeof whole - 1; at += at < 90 ? 1 : 17) {
        struct script script;
        struct rig *rig = play(&script, lines, COUNT(lines));
        struct seen seen = {0};
        mirror_pods(rig, &seen);
        UNTIL(rig, script.watch);
        call_stream_send(script.watch, (struct span){whole, at});
        settle(rig);
        call_stream_send(script.watch, (struct span){whole + at, sizeof whole - 1 - at});
        UNTIL(rig, seen.changes == 3);
        expect_told(&seen, "synced +a/1@11 *a/1@12 -a/1@14 ");
        end(rig, &seen);
    }
}

static void a_watch_may_come_byte_by_byte(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "", "")},
        {"resourceVersion=10&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, script.watch);
    for (size_t i = 0; i < sizeof whole - 1; i++) {
        call_stream_send(script.watch, (struct span){whole + i, 1});
        settle(rig);
    }
    expect_told(&seen, "synced +a/1@11 *a/1@12 -a/1@14 ");
    end(rig, &seen);
}

static void what_was_begun_when_a_watch_ends_comes_again(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "", "")},
        {"resourceVersion=10&", 1, EVENT("ADDED", POD("a", "1", "11")) "{\"type\":\"ADD"},
        {"resourceVersion=11&", 0, EVENT("ADDED", POD("b", "2", "12"))},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, seen.changes == 2);
    expect_told(&seen, "synced +a/1@11 +b/2@12 ");
    assert_int_equal(seen.troubles, 0);
    end(rig, &seen);
}

/* --- 410 --- */

/* What the list after it says is compared with what was known. */
#define BEFORE LIST("10", "", POD("a", "1", "3") "," POD("b", "2", "4") "," POD("c", "3", "5"))
#define AFTER  LIST("50", "", POD("a", "1", "3") "," POD("b", "2", "44") "," POD("c", "9", "45"))
#define TOLD   "+a/1@3 +b/2@4 +c/3@5 synced *b/2@44 -c/3@5? +c/9@45 synced -b/2@51 "

static void expect_relist(const struct line *lines, size_t n)
{
    struct script script;
    struct rig *rig = play(&script, lines, n);
    struct seen seen = {0};
    mirror_pods(rig, &seen);
    UNTIL(rig, has_told(&seen, TOLD));
    assert_int_equal(seen.troubles, 0);
    end(rig, &seen);
}

static void a_version_that_was_forgotten_is_listed_anew(void **state)
{
    static const struct line by_status[] = {
        {"limit=100", 200, BEFORE},
        {"resourceVersion=10&", 410, STATUS("410", "Expired")},
        {"limit=100&labelSelector", 200, AFTER},
        {"resourceVersion=50&", 0, EVENT("DELETED", POD("b", "2", "51"))},
    };
    static const struct line by_event[] = {
        {"limit=100", 200, BEFORE},
        {"resourceVersion=10&", 0,
         EVENT("ERROR", STATUS("410", "Gone")) EVENT("ADDED", POD("z", "7", "11"))},
        {"limit=100&labelSelector", 200, AFTER},
        {"resourceVersion=50&", 0, EVENT("DELETED", POD("b", "2", "51"))},
    };
    (void)state;
    expect_relist(by_status, COUNT(by_status));
    expect_relist(by_event, COUNT(by_event));
}

static void what_the_list_does_not_have_any_more_is_gone(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, BEFORE},
        {"resourceVersion=10&", 410, STATUS("410", "Expired")},
        {"limit=100&labelSelector", 200, LIST("50", "", POD("b", "2", "4"))},
        {"resourceVersion=50&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, seen.synced == 2 && script.watch);
    expect_told(&seen, "+a/1@3 +b/2@4 +c/3@5 synced -a/1@3? -c/3@5? synced ");
    end(rig, &seen);
}

/* The page's token lives as long as the version does. */
static void a_list_that_was_forgotten_half_way_begins_anew(void **state)
{
    static const struct line lines[] = {
        {"limit=100&labelSelector", 200,
         LIST("10", "x", POD("a", "1", "3") "," POD("b", "2", "4"))},
        {"&continue=x", 410, STATUS("410", "Expired")},
        {"limit=100&labelSelector", 200, LIST("50", "y", POD("b", "2", "44"))},
        {"&continue=y", 200, LIST("50", "", POD("c", "3", "45"))},
        {"resourceVersion=50&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, script.watch);
    expect_told(&seen, "+a/1@3 +b/2@4 *b/2@44 +c/3@45 -a/1@3? synced ");
    end(rig, &seen);
}

static void serve_410(struct rig *rig, struct call *call)
{
    if (strstr(call->target, "limit="))
        answer(call, 200, LIST("10", "", ""));
    else
        answer(call, 410, STATUS("410", "Expired"));
    (void)rig;
}

static void a_server_that_always_forgets_is_trouble_and_asked_seldom(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct seen seen = {0};
    (void)state;
    rig->serve = serve_410;
    mirror_pods(rig, &seen);
    for (int i = 0; i < 600; i++)
        pass(rig, 1000);
    assert_true(rig->asked > 30 && rig->asked < 120);
    assert_string_equal(seen.trouble, "watch pods: 410 Expired: no");
    forget(&seen);
    tear_down(rig);
}

/* --- trouble --- */

/* The first watch says `says`; then there is trouble of that kind, a list, and a watch that works.
 */
static void expect_garbage(const char *says, const char *why)
{
    struct line lines[] = {
        {"limit=100", 200, LIST("10", "", POD("a", "1", "3"))},
        {"resourceVersion=10&", 0, says},
        {"limit=100&labelSelector", 200, LIST("50", "", POD("a", "1", "4"))},
        {"resourceVersion=50&", 0, EVENT("ADDED", POD("b", "2", "51"))},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    mirror_pods(rig, &seen);
    UNTIL(rig, seen.trouble);
    assert_non_null(strstr(seen.trouble, "watch pods: http://127.0.0.1:"));
    assert_non_null(strstr(seen.trouble, why));
    UNTIL_LATER(rig, seen.changes == 3);
    expect_told(&seen, "+a/1@3 synced *a/1@4 synced +b/2@51 ");
    assert_non_null(seen.trouble);
    pass(rig, 1100); /* it holds */
    assert_null(seen.trouble);
    assert_int_equal(seen.troubles, 2);
    end(rig, &seen);
}

static void garbage_is_trouble_and_listed_anew(void **state)
{
    (void)state;
    expect_garbage("what?\n", "no JSON");
    expect_garbage("{\"type\":\"ADDED\"}\n", "without name, uid or version");
    expect_garbage(EVENT("ADDED", "[]"), "without name, uid or version");
    expect_garbage(EVENT("ADDED", POD("a", "", "7")), "without name, uid or version");
    expect_garbage(EVENT("ADDED", POD("a b", "1", "7")), "without name, uid or version");
    expect_garbage(EVENT("MOVED", POD("a", "1", "7")), "not known");
    expect_garbage(EVENT("BOOKMARK", "{}"), "a bookmark without a version");
    expect_garbage(EVENT("ERROR", "{}"), "an error without a Status");
    expect_garbage("[\n", "no JSON");
}

/* More than a stream of the test's endpoint takes at once. */
static void a_line_that_is_too_long_is_trouble(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "", "")},
        {"resourceVersion=10&", 0, "{\"type\":\""},
        {"limit=100&labelSelector", 200, LIST("50", "", "")},
        {"resourceVersion=50&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    static char much[16384];
    (void)state;
    memset(much, 'x', sizeof much);
    mirror_pods(rig, &seen);
    UNTIL(rig, script.watch);
    while (!seen.trouble) {
        if (script.watch && call_stream_room(script.watch) >= sizeof much)
            call_stream_send(script.watch, (struct span){much, sizeof much});
        loop_turn(rig->loop, false);
    }
    assert_non_null(strstr(seen.trouble, "a line of more than 4 MiB"));
    UNTIL_LATER(rig, seen.synced == 2 && script.watch);
    end(rig, &seen);
}

static void what_may_not_be_watched_is_trouble_until_it_may(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 403, STATUS("403", "Forbidden")},
        {"limit=100", 403, STATUS("403", "Forbidden")},
        {"limit=100", 200, LIST("10", "", "")},
        {"resourceVersion=10&", 403, STATUS("403", "Forbidden")},
        {"resourceVersion=10&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, seen.trouble);
    assert_string_equal(seen.trouble, "list pods: 403 Forbidden: no");
    UNTIL_LATER(rig, script.watch);
    assert_string_equal(seen.trouble, "watch pods: 403 Forbidden: no");
    pass(rig, 1100);
    assert_null(seen.trouble);
    assert_int_equal(seen.troubles, 3);
    expect_told(&seen, "synced ");
    end(rig, &seen);
}

/* Nothing is lost and nothing listed again when it comes back. */
static bool is_down;

static void serve_down(struct rig *rig, struct call *call)
{
    struct script *script = rig->arg;
    if (is_down)
        answer_status(call, 503, "ServiceUnavailable", "starting");
    else if (strstr(call->target, "limit="))
        answer(call, 200, LIST("10", "", POD("a", "1", "3")));
    else
        serve_watch(script, call,
                    &(struct line){"", 0,
                                   strstr(call->target, "resourceVersion=11&")
                                       ? ""
                                       : EVENT("ADDED", POD("b", "2", "11"))});
}

static void a_server_that_is_down_is_asked_until_it_is_there(void **state)
{
    struct script script = {0};
    struct rig *rig = set_up("token: t1");
    struct seen seen = {0};
    (void)state;
    rig->serve = serve_down;
    rig->arg = &script;
    is_down = false;
    mirror_pods(rig, &seen);
    UNTIL(rig, script.watch && seen.changes == 2);
    pass(rig, 2000);
    is_down = true;
    call_stream_end(script.watch);
    script.watch = NULL;
    for (int i = 0; i < 600; i++)
        pass(rig, 100);
    assert_string_equal(seen.trouble, "watch pods: 503 ServiceUnavailable: starting");
    unsigned asked = rig->asked;
    for (int i = 0; i < 300; i++)
        pass(rig, 1000);
    assert_true(rig->asked - asked < 150);
    is_down = false;
    for (int i = 0; i < 60; i++)
        pass(rig, 1000);
    assert_null(seen.trouble);
    assert_true(script.watch != NULL);
    expect_told(&seen, "+a/1@3 synced +b/2@11 ");
    forget(&seen);
    settle(rig);
    tear_down(rig);
}

static void a_list_that_is_none_is_trouble(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, "{}"},
        {"limit=100", 200, "nonsense"},
        {"limit=100", 200, LIST("10", "", "{}")},
        {"limit=100", 200, LIST("10", "", POD("a", "1", "3"))},
        {"resourceVersion=10&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL_LATER(rig, script.watch);
    assert_int_equal(seen.troubles, 3);
    assert_non_null(strstr(seen.trouble, "an object without"));
    expect_told(&seen, "+a/1@3 synced ");
    end(rig, &seen);
}

/* Not even one page by another without end. */
static void serve_pages(struct rig *rig, struct call *call)
{
    (void)rig;
    answer(call, 200, LIST("10", "more", POD("a", "1", "3")));
}

static void a_list_without_end_is_trouble(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct seen seen = {0};
    (void)state;
    rig->serve = serve_pages;
    mirror_pods(rig, &seen);
    UNTIL(rig, seen.trouble);
    assert_non_null(strstr(seen.trouble, "said more pages than a list has"));
    assert_true(rig->asked <= MIRROR_OBJECTS_MAX / MIRROR_PAGE + 2);
    forget(&seen);
    tear_down(rig);
}

/* To be freed. */
static char *too_large(void)
{
    char *text = must_alloc(MIRROR_PAGE_BYTES_MAX + 2);
    memset(text, ' ', MIRROR_PAGE_BYTES_MAX + 1);
    text[MIRROR_PAGE_BYTES_MAX + 1] = '\0';
    return text;
}

static void of_a_page_that_is_too_large_half_is_asked_for(void **state)
{
    char *large = too_large();
    const struct line lines[] = {
        {"limit=100&labelSelector", 200, large},
        {"limit=50&labelSelector", 200, LIST("10", "x", POD("a", "1", "3"))},
        {"limit=50&continue=x&", 200, large},
        {"limit=25&continue=x&", 200, LIST("10", "y", POD("b", "2", "4"))},
        {"limit=25&continue=y&", 200, LIST("10", "", POD("c", "3", "5"))},
        {"resourceVersion=10&", 1, EVENT("ERROR", STATUS("410", "Expired"))},
        {"limit=100&labelSelector", 200, LIST("20", "", POD("c", "3", "5"))},
        {"resourceVersion=20&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, script.watch);
    expect_told(&seen, "+a/1@3 +b/2@4 +c/3@5 synced -a/1@3? -b/2@4? synced ");
    assert_int_equal(seen.troubles, 0);
    end(rig, &seen);
    free(large);
}

static void an_object_that_is_too_large_by_itself_is_trouble(void **state)
{
    static const char *const after[] = {
        "list pods: no answer of ",
        ": the answer is larger than 33554432 bytes, with no object but the one after a: see what "
        "makes it so large",
    };
    char *large = too_large();
    const struct line lines[] = {
        {"limit=100&labelSelector", 200, LIST("10", "x", POD("a", "1", "3"))},
        {"limit=100&continue=x&", 200, large},
        {"limit=50&continue=x&", 200, large},
        {"limit=25&continue=x&", 200, large},
        {"limit=12&continue=x&", 200, large},
        {"limit=6&continue=x&", 200, large},
        {"limit=3&continue=x&", 200, large},
        {"limit=1&continue=x&", 200, large},
        {"limit=100&labelSelector", 200, LIST("10", "", POD("a", "1", "3"))},
        {"resourceVersion=10&", 0, ""},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {0};
    (void)state;
    mirror_pods(rig, &seen);
    UNTIL(rig, seen.troubles);
    for (size_t i = 0; i < COUNT(after); i++)
        assert_non_null(strstr(seen.trouble, after[i]));
    UNTIL_LATER(rig, script.watch);
    expect_told(&seen, "+a/1@3 synced ");
    end(rig, &seen);
    free(large);
}

/* --- events --- */

static void from_now_on_nothing_is_kept_and_nothing_old_told(void **state)
{
    static const struct line lines[] = {
        {"?limit=1&fieldSelector=involvedObject.kind%3DPod", 200,
         LIST("10", "more", POD("old", "1", "3"))},
        {"resourceVersion=10&", 1,
         EVENT("ADDED", POD("a", "1", "11")) EVENT("MODIFIED", POD("a", "1", "12"))
             EVENT("DELETED", POD("a", "1", "13"))},
        {"resourceVersion=13&", 0, EVENT("ADDED", POD("a", "2", "14"))},
    };
    struct script script;
    struct rig *rig = play(&script, lines, COUNT(lines));
    struct seen seen = {.rig = rig};
    const struct mirror_request request = {.what = "events",
                                           .path = "/api/v1/namespaces/jhub/events",
                                           .fields = "involvedObject.kind=Pod",
                                           .from_now = true};
    (void)state;
    seen.mirror = mirror_start(rig->server, &request, &watcher, &seen);
    UNTIL(rig, seen.changes == 3);
    expect_told(&seen, "synced +a/1@11 *a/1@12 +a/2@14 ");
    end(rig, &seen);
}

/* --- freeing --- */

static void a_mirror_may_be_freed_by_what_it_tells(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "", POD("a", "1", "3") "," POD("b", "2", "4"))},
        {"resourceVersion=10&", 0,
         EVENT("ADDED", POD("c", "3", "11")) EVENT("MODIFIED", POD("a", "9", "12"))
             EVENT("DELETED", POD("b", "2", "13")) EVENT("ERROR", STATUS("410", "Gone"))},
        {"limit=100", 200, LIST("20", "", POD("d", "4", "15"))},
        {"resourceVersion=20&", 0, "garbage\n"},
    };
    (void)state;
    for (unsigned at = 1; at <= 11; at++) {
        struct script script;
        struct rig *rig = play(&script, lines, COUNT(lines));
        struct seen seen = {.free_at = at, .free_at_synced = at == 10, .free_at_trouble = at == 11};
        mirror_pods(rig, &seen);
        UNTIL(rig, !seen.mirror);
        size_t told = seen.told.n;
        settle(rig);
        assert_int_equal(seen.told.n, told);
        forget(&seen);
        tear_down(rig);
    }
}

static void a_mirror_may_be_freed_at_any_time(void **state)
{
    static const struct line lines[] = {
        {"limit=100", 200, LIST("10", "x", POD("a", "1", "3"))},
        {"continue=x", 200, LIST("10", "", POD("b", "2", "4"))},
        {"resourceVersion=10&", 1, EVENT("ADDED", POD("c", "3", "11"))},
        {"resourceVersion=11&", 403, STATUS("403", "Forbidden")},
    };
    (void)state;
    for (int turns = 0; turns < 120; turns += 3) {
        struct script script;
        struct rig *rig = play(&script, lines, COUNT(lines));
        struct seen seen = {0};
        mirror_pods(rig, &seen);
        for (int i = 0; i < turns; i++)
            loop_turn(rig->loop, false);
        forget(&seen);
        settle(rig);
        tear_down(rig);
    }
}

/* --- churn --- */

/* A server that forgets, cuts and ends by chance, while what it has changes. */
enum { NAMES = 30, HISTORY = 400 };

struct world {
    unsigned version, forgotten;      /* versions up to which history is gone */
    unsigned uid[NAMES], seen[NAMES]; /* of each name: uid, 0: not there; its version */
    struct past {
        unsigned version, name, uid;
        const char *type;
    } past[HISTORY];
    unsigned past_n;
    struct call *watch;
    unsigned watched; /* up to which version */
    unsigned uids, cuts, listed;
    struct call *page; /* a half of a list: the rest is told later */
    /* What the mirror says there is. */
    unsigned told_uid[NAMES], told_version[NAMES];
    struct mirror *mirror;
};

static unsigned number_of(const char *text)
{
    return (unsigned)strtoul(text, NULL, 10);
}

static void on_world_change(void *arg, enum mirror_change change, const struct mirror_name *name,
                            json_t *object)
{
    struct world *world = arg;
    unsigned i = number_of(name->name + 1), uid = number_of(name->uid);
    assert_int_equal(world->told_uid[i], change == MIRROR_ADDED ? 0 : uid);
    assert_true(object || change == MIRROR_GONE);
    world->told_uid[i] = change == MIRROR_GONE ? 0 : uid;
    world->told_version[i] = number_of(name->version);
}

static void on_world_synced(void *arg)
{
    (void)arg;
}

static void put_pod(struct text *text, unsigned name, unsigned uid, unsigned version)
{
    text_format(text, "{\"metadata\":{\"name\":\"n%u\",\"uid\":\"%u\",\"resourceVersion\":\"%u\"}}",
                name, uid, version);
}

static void on_world_left(struct call *call)
{
    struct world *world = call->owner;
    if (world->watch == call)
        world->watch = NULL;
    call_stream_end(call);
}

/* What happened since, to the watch. */
static void world_tell(struct world *world)
{
    struct text text = {0};
    for (unsigned i = 0; world->watch && i < world->past_n; i++) {
        const struct past *past = &world->past[i];
        if (past->version <= world->watched)
            continue;
        text_format(&text, "{\"type\":\"%s\",\"object\":", past->type);
        put_pod(&text, past->name, past->uid, past->version);
        text_put(&text, "}\n");
        world->watched = past->version;
    }
    if (world->watch && text.n && arc4random_uniform(6) == 0) { /* cut somewhere */
        call_stream_send(world->watch, (struct span){text.p, arc4random_uniform((uint32_t)text.n)});
        struct call *watch = world->watch;
        world->watch = NULL;
        world->cuts++;
        call_stream_end(watch);
    } else if (world->watch && text.n) {
        call_stream_send(world->watch, (struct span){text.p, text.n});
    }
    text_release(&text);
}

static void world_list(struct world *world, struct call *call)
{
    struct text text = {0};
    bool first = true;
    world->listed++;
    text_format(&text, "{\"metadata\":{\"resourceVersion\":\"%u\"},\"items\":[", world->version);
    for (unsigned i = 0; i < NAMES; i++) {
        if (!world->uid[i])
            continue;
        text_put(&text, first ? "" : ",");
        put_pod(&text, i, world->uid[i], world->seen[i]);
        first = false;
    }
    text_put(&text, "]}");
    call_answer(call, 200, "application/json", &text, "");
}

static void serve_world(struct rig *rig, struct call *call)
{
    struct world *world = rig->arg;
    const char *from = strstr(call->target, "resourceVersion=");
    unsigned luck = arc4random_uniform(12);
    if (luck == 0) {
        answer_status(call, 500, "InternalError", "etcd is away");
    } else if (!from) {
        world_list(world, call);
    } else if (number_of(from + 16) < world->forgotten) {
        answer(call, 410, STATUS("410", "Expired"));
    } else {
        call->owner = world;
        world->watched = number_of(from + 16);
        assert_true(call_stream(call, "application/json", on_world_left));
        world->watch = call;
        world_tell(world);
    }
}

static void world_change(struct world *world)
{
    unsigned i = arc4random_uniform(NAMES);
    const char *type = "MODIFIED";
    unsigned uid = world->uid[i];
    world->version++;
    if (!uid)
        uid = world->uid[i] = ++world->uids, type = "ADDED";
    else if (arc4random_uniform(3) == 0)
        world->uid[i] = 0, type = "DELETED";
    world->seen[i] = world->version;
    if (world->past_n == HISTORY) {
        memmove(world->past, world->past + 1, (HISTORY - 1) * sizeof world->past[0]);
        world->past_n--;
        world->forgotten = world->past[0].version;
    }
    world->past[world->past_n++] =
        (struct past){.version = world->version, .name = i, .uid = uid, .type = type};
    if (arc4random_uniform(40) == 0) { /* compacted */
        world_tell(world);
        world->forgotten = world->version;
        world->past_n = 0;
    }
}

static bool is_mirrored(const struct world *world)
{
    for (unsigned i = 0; i < NAMES; i++)
        if (world->uid[i] != world->told_uid[i] ||
            (world->uid[i] && world->seen[i] != world->told_version[i]))
            return false;
    return true;
}

static void no_change_is_lost_whatever_happens(void **state)
{
    static const struct mirror_watcher world_watcher = {.change = on_world_change,
                                                        .synced = on_world_synced};
    const struct mirror_request request = {.what = "pods", .path = "/api/v1/namespaces/jhub/pods"};
    struct world world = {.version = 100};
    struct rig *rig = set_up("token: t1");
    (void)state;
    rig->serve = serve_world;
    rig->arg = &world;
    world.mirror = mirror_start(rig->server, &request, &world_watcher, &world);
    for (int round = 0; round < 400; round++) {
        for (unsigned n = arc4random_uniform(8); n; n--)
            world_change(&world);
        world_tell(&world);
        pass(rig, arc4random_uniform(1500));
    }
    for (int i = 0; i < 600 && !is_mirrored(&world); i++)
        pass(rig, 200);
    assert_true(is_mirrored(&world));
    assert_true(world.cuts > 3 && world.listed > 3);
    mirror_free(world.mirror);
    settle(rig);
    tear_down(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_there_is_is_told_page_by_page_and_then_watched),
        cmocka_unit_test(a_watch_that_ends_goes_on_from_the_last_version),
        cmocka_unit_test(watches_that_end_at_once_are_not_asked_for_at_once),
        cmocka_unit_test(a_watch_that_tells_something_is_taken_up_soon),
        cmocka_unit_test(while_nothing_happens_next_to_nothing_is_asked),
        cmocka_unit_test(a_watch_that_is_silent_for_too_long_is_lost),
        cmocka_unit_test(a_watch_may_be_split_at_every_byte),
        cmocka_unit_test(a_watch_may_come_byte_by_byte),
        cmocka_unit_test(what_was_begun_when_a_watch_ends_comes_again),
        cmocka_unit_test(a_version_that_was_forgotten_is_listed_anew),
        cmocka_unit_test(what_the_list_does_not_have_any_more_is_gone),
        cmocka_unit_test(a_list_that_was_forgotten_half_way_begins_anew),
        cmocka_unit_test(a_server_that_always_forgets_is_trouble_and_asked_seldom),
        cmocka_unit_test(garbage_is_trouble_and_listed_anew),
        cmocka_unit_test(a_line_that_is_too_long_is_trouble),
        cmocka_unit_test(what_may_not_be_watched_is_trouble_until_it_may),
        cmocka_unit_test(a_server_that_is_down_is_asked_until_it_is_there),
        cmocka_unit_test(a_list_that_is_none_is_trouble),
        cmocka_unit_test(a_list_without_end_is_trouble),
        cmocka_unit_test(of_a_page_that_is_too_large_half_is_asked_for),
        cmocka_unit_test(an_object_that_is_too_large_by_itself_is_trouble),
        cmocka_unit_test(from_now_on_nothing_is_kept_and_nothing_old_told),
        cmocka_unit_test(a_mirror_may_be_freed_by_what_it_tells),
        cmocka_unit_test(a_mirror_may_be_freed_at_any_time),
        cmocka_unit_test(no_change_is_lost_whatever_happens),
    };
    signal(SIGPIPE, SIG_IGN);
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_stop();
    return failed;
}
