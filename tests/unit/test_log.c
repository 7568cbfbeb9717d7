/* The log: one line an event, whatever is in it. Its output is read back from a file. */
#include "base/log.h"

#include "base/str.h"

#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Standard output goes to a file while something is logged. */
struct capture {
    FILE *file;
    int saved;
    char *text;
    size_t n;
};

static void start(struct capture *capture, enum log_level level, bool json)
{
    fflush(stdout);
    capture->file = tmpfile();
    capture->saved = dup(STDOUT_FILENO);
    assert_true(capture->file && dup2(fileno(capture->file), STDOUT_FILENO) >= 0);
    log_start(level, json);
}

static void stop(struct capture *capture)
{
    log_stop();
    dup2(capture->saved, STDOUT_FILENO);
    close(capture->saved);
    fseek(capture->file, 0, SEEK_END);
    capture->n = (size_t)ftell(capture->file);
    capture->text = malloc(capture->n + 1);
    rewind(capture->file);
    assert_int_equal(fread(capture->text, 1, capture->n, capture->file), capture->n);
    capture->text[capture->n] = 0;
    fclose(capture->file);
}

static size_t lines_of(const struct capture *capture)
{
    size_t lines = 0;
    for (size_t i = 0; i < capture->n; i++)
        lines += capture->text[i] == '\n';
    return lines;
}

static void a_line_has_time_name_and_level(void **state)
{
    struct capture capture;
    unsigned year, month, day, hour, minute, second, ms;
    int end = 0;
    (void)state;
    start(&capture, LOG_INFO, false);
    log_line(LOG_INFO, "Adding route %s -> %s", "/", "http://a");
    stop(&capture);
    assert_int_equal(sscanf(capture.text, "%4u-%2u-%2uT%2u:%2u:%2u.%3uZ%n", &year, &month, &day,
                            &hour, &minute, &second, &ms, &end),
                     7);
    assert_int_equal(end, 24);
    assert_string_equal(capture.text + end, " [ConfigProxy] info: Adding route / -> http://a\n");
    free(capture.text);
}

static void lines_below_the_level_are_not_written(void **state)
{
    struct capture capture;
    (void)state;
    start(&capture, LOG_WARN, false);
    assert_true(log_wants(LOG_ERROR) && log_wants(LOG_WARN) && !log_wants(LOG_INFO));
    log_line(LOG_INFO, "no");
    log_line(LOG_ERROR, "yes");
    stop(&capture);
    assert_int_equal(lines_of(&capture), 1);
    assert_non_null(strstr(capture.text, "error: yes\n"));
    free(capture.text);
}

static void control_bytes_never_make_a_line(void **state)
{
    struct capture capture;
    (void)state;
    start(&capture, LOG_INFO, false);
    log_line(LOG_INFO, "a%sb", "\n2026 [ConfigProxy] info: forged\r\x1b[31m\t\x7f");
    stop(&capture);
    assert_int_equal(lines_of(&capture), 1);
    assert_non_null(strstr(capture.text, "info: a?2026 [ConfigProxy] info: forged??[31m??b\n"));
    free(capture.text);
}

static void a_line_is_bounded(void **state)
{
    struct capture capture;
    char *text = malloc(100001);
    (void)state;
    memset(text, 'x', 100000);
    text[100000] = 0;
    for (int json = 0; json < 2; json++) {
        start(&capture, LOG_INFO, json);
        log_line(LOG_INFO, "%s", text);
        log_line(LOG_INFO, "next");
        stop(&capture);
        assert_int_equal(lines_of(&capture), 2);
        assert_true(capture.n < 20000);
        assert_non_null(strstr(capture.text, "next"));
        free(capture.text);
    }
    free(text);
}

static void a_json_line_is_one_object(void **state)
{
    struct capture capture;
    (void)state;
    start(&capture, LOG_INFO, true);
    assert_true(log_is_json());
    log_line(LOG_WARN, "a \"quoted\" back\\slash\n%s", "\xe7\xa7\x80");
    stop(&capture);
    json_t *root = json_loads(capture.text, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(root, "message")),
                        "a \"quoted\" back\\slash?\xe7\xa7\x80");
    assert_int_equal(json_string_length(json_object_get(root, "time")), 24);
    json_decref(root);
    free(capture.text);
}

/* A log's reader may be strict: bytes that are no UTF-8 must not spoil the object. */
static void a_json_line_is_utf8(void **state)
{
    static const char *const rows[] = {"\xff", "\xc3", "a\x80z", "\xed\xa0\x80",
                                       "\xf5\x80\x80\x80"};
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct capture capture;
        start(&capture, LOG_INFO, true);
        log_line(LOG_INFO, "a%sb", rows[i]);
        stop(&capture);
        json_t *root = json_loads(capture.text, 0, NULL);
        if (!root)
            fail_msg("%s", capture.text);
        json_decref(root);
        free(capture.text);
    }
}

static void fields_go_to_their_form(void **state)
{
    struct capture capture;
    (void)state;
    for (int json = 0; json < 2; json++) {
        start(&capture, LOG_INFO, json);
        log_fields(LOG_INFO, SPAN("text"), SPAN("\"status\":200"));
        stop(&capture);
        assert_non_null(strstr(capture.text, json ? ",\"status\":200}\n" : "info: text\n"));
        free(capture.text);
    }
}

static void *log_lazily_and_leave(void *arg)
{
    (void)arg;
    log_lazily();
    for (int i = 0; i < 1000; i++)
        log_line(LOG_INFO, "lazy");
    log_leave();
    return NULL;
}

static void threads_lines_stay_whole(void **state)
{
    struct capture capture;
    pthread_t threads[2];
    (void)state;
    start(&capture, LOG_INFO, false);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_lazily_and_leave, NULL), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    stop(&capture);
    assert_int_equal(lines_of(&capture), 2000);
    const char *at = capture.text;
    for (size_t i = 0; i < 2000; i++) {
        assert_memory_equal(at + 24, " [ConfigProxy] info: lazy\n", 26);
        at += 24 + 26;
    }
    assert_int_equal(log_dropped(), 0);
    free(capture.text);
}

/* A pipe nobody reads: what is too much is dropped and counted, and nobody waits. */
static void a_reader_that_is_stuck_costs_lines_only(void **state)
{
    enum { LINES = 20000 };
    int ends[2], saved = dup(STDOUT_FILENO);
    char text[1000];
    uint64_t before = log_dropped();
    (void)state;
    memset(text, 'x', sizeof text);
    fflush(stdout);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    log_start(LOG_INFO, false);
    for (int i = 0; i < LINES; i++)
        log_line(LOG_INFO, "%.*s", (int)sizeof text, text);
    uint64_t dropped = log_dropped() - before;
    assert_true(dropped > 0 && dropped < LINES);
    close(ends[0]); /* SIGPIPE is ignored, as in main */
    log_stop();
    dup2(saved, STDOUT_FILENO);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_name_and_level),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(control_bytes_never_make_a_line),
        cmocka_unit_test(a_line_is_bounded),
        cmocka_unit_test(a_json_line_is_one_object),
        cmocka_unit_test(a_json_line_is_utf8),
        cmocka_unit_test(fields_go_to_their_form),
        cmocka_unit_test(threads_lines_stay_whole),
        cmocka_unit_test(a_reader_that_is_stuck_costs_lines_only),
    };
    signal(SIGPIPE, SIG_IGN);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_leave();
    return failed;
}
