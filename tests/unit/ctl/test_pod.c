/* The words for a pod's state, as the API server's own table has them, and whose pod it is. */
#include "base/str.h"
#include "ctl/pod.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

#define RUNNING "\"state\": {\"running\": {}}, \"ready\": true, \"restartCount\": 0"
#define ONE     "\"spec\": {\"containers\": [{\"name\": \"notebook\"}]},"
#define TWO     "\"spec\": {\"containers\": [{\"name\": \"notebook\"}, {\"name\": \"side\"}]},"
#define INIT                                                                                       \
    "\"spec\": {\"containers\": [{\"name\": \"notebook\"}], \"initContainers\": [{\"name\": "      \
    "\"a\"}, {\"name\": \"b\"}]},"
#define SIDECAR                                                                                    \
    "\"spec\": {\"containers\": [{\"name\": \"notebook\"}], \"initContainers\": [{\"name\": "      \
    "\"a\", \"restartPolicy\": \"Always\"}]},"

static const struct {
    const char *pod, *says;
} states[] = {
    {"{" ONE "\"status\": {\"phase\": \"Pending\"}}", "0/1 Pending 0"},
    {"{" ONE "\"status\": {\"phase\": \"Pending\", \"conditions\": [{\"type\": \"PodScheduled\","
     "\"status\": \"False\", \"reason\": \"SchedulingGated\"}]}}",
     "0/1 SchedulingGated 0"},
    {"{" ONE "\"status\": {\"phase\": \"Pending\", \"containerStatuses\": [{\"state\":"
     "{\"waiting\": {\"reason\": \"ContainerCreating\"}}, \"ready\": false}]}}",
     "0/1 ContainerCreating 0"},
    {"{" ONE "\"status\": {\"phase\": \"Running\", \"containerStatuses\": [{" RUNNING "}]}}",
     "1/1 Running 0"},
    {"{" TWO "\"status\": {\"phase\": \"Running\", \"containerStatuses\": [{" RUNNING "},"
     "{\"state\": {\"waiting\": {\"reason\": \"CrashLoopBackOff\"}}, \"restartCount\": 7}]}}",
     "1/2 CrashLoopBackOff 7"},
    {"{" ONE "\"status\": {\"phase\": \"Pending\", \"containerStatuses\": [{\"state\":"
     "{\"waiting\": {\"reason\": \"ImagePullBackOff\"}}}]}}",
     "0/1 ImagePullBackOff 0"},
    {"{" ONE "\"status\": {\"phase\": \"Failed\", \"reason\": \"Evicted\"}}", "0/1 Evicted 0"},
    {"{" ONE "\"status\": {\"phase\": \"Running\", \"containerStatuses\": [{\"state\":"
     "{\"terminated\": {\"reason\": \"OOMKilled\", \"exitCode\": 137}}, \"restartCount\": 2}]}}",
     "0/1 OOMKilled 2"},
    {"{" ONE "\"status\": {\"phase\": \"Failed\", \"containerStatuses\": [{\"state\":"
     "{\"terminated\": {\"exitCode\": 3}}}]}}",
     "0/1 ExitCode:3 0"},
    {"{" ONE "\"status\": {\"phase\": \"Failed\", \"containerStatuses\": [{\"state\":"
     "{\"terminated\": {\"signal\": 9}}}]}}",
     "0/1 Signal:9 0"},
    {"{" ONE "\"status\": {\"phase\": \"Succeeded\", \"containerStatuses\": [{\"state\":"
     "{\"terminated\": {\"reason\": \"Completed\", \"exitCode\": 0}}}]}}",
     "0/1 Completed 0"},
    {"{" TWO "\"status\": {\"phase\": \"Running\", \"conditions\": [{\"type\": \"Ready\","
     "\"status\": \"True\"}], \"containerStatuses\": [{\"state\": {\"terminated\": {\"reason\":"
     "\"Completed\"}}}, {" RUNNING "}]}}",
     "1/2 Running 0"},
    {"{" TWO "\"status\": {\"phase\": \"Running\", \"containerStatuses\": [{\"state\":"
     "{\"terminated\": {\"reason\": \"Completed\"}}}, {" RUNNING "}]}}",
     "1/2 NotReady 0"},
    {"{" INIT "\"status\": {\"phase\": \"Pending\", \"initContainerStatuses\": [{\"name\": \"a\","
     "\"state\": {\"running\": {}}}, {\"name\": \"b\", \"state\": {\"waiting\": {\"reason\":"
     "\"PodInitializing\"}}}], \"containerStatuses\": [{\"state\": {\"waiting\": {\"reason\":"
     "\"PodInitializing\"}}}]}}",
     "0/1 Init:0/2 0"},
    {"{" INIT "\"status\": {\"phase\": \"Pending\", \"initContainerStatuses\": [{\"name\": \"a\","
     "\"state\": {\"terminated\": {\"exitCode\": 0}}}, {\"name\": \"b\", \"restartCount\": 3,"
     "\"state\": {\"waiting\": {\"reason\": \"CrashLoopBackOff\"}}}]}}",
     "0/1 Init:CrashLoopBackOff 3"},
    {"{" INIT "\"status\": {\"phase\": \"Pending\", \"initContainerStatuses\": [{\"name\": \"a\","
     "\"state\": {\"terminated\": {\"exitCode\": 1, \"reason\": \"Error\"}}}]}}",
     "0/1 Init:Error 0"},
    {"{" INIT "\"status\": {\"phase\": \"Pending\", \"initContainerStatuses\": [{\"name\": \"a\","
     "\"state\": {\"terminated\": {\"exitCode\": 1}}}]}}",
     "0/1 Init:ExitCode:1 0"},
    {"{" INIT "\"status\": {\"phase\": \"Running\", \"initContainerStatuses\": [{\"name\": \"a\","
     "\"restartCount\": 4, \"state\": {\"terminated\": {\"exitCode\": 0}}}, {\"name\": \"b\","
     "\"state\": {\"terminated\": {\"exitCode\": 0}}}], \"containerStatuses\": [{" RUNNING "}]}}",
     "1/1 Running 0"}, /* what came before does not count once all runs */
    {"{" SIDECAR "\"status\": {\"phase\": \"Running\", \"initContainerStatuses\": [{\"name\":"
     "\"a\", \"started\": true, \"ready\": true, \"restartCount\": 2, \"state\": {\"running\":"
     "{}}}], \"containerStatuses\": [{" RUNNING "}]}}",
     "2/2 Running 2"},
    {"{\"metadata\": {\"deletionTimestamp\": \"2026-12-01T00:00:00Z\"}," ONE
     "\"status\": {\"phase\": \"Running\", \"containerStatuses\": [{" RUNNING "}]}}",
     "1/1 Terminating 0"},
    {"{\"metadata\": {\"deletionTimestamp\": \"2026-12-01T00:00:00Z\"}," ONE
     "\"status\": {\"phase\": \"Running\", \"reason\": \"NodeLost\"}}",
     "0/1 Unknown 0"},
    {"{\"metadata\": {\"deletionTimestamp\": \"2026-12-01T00:00:00Z\"}," ONE
     "\"status\": {\"phase\": \"Failed\", \"reason\": \"Evicted\"}}",
     "0/1 Evicted 0"},
    {"{}", "0/0  0"},
    {"{\"spec\": 7, \"status\": {\"phase\": [], \"containerStatuses\": [null, 3, {\"state\": 1,"
     "\"restartCount\": -5}], \"initContainerStatuses\": \"x\"}}",
     "0/0  0"},
};

static void the_status_is_kubectls(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(states); i++) {
        json_t *pod = parse(states[i].pod);
        struct pod_summary summary;
        struct text out = {0};
        pod_summarize(pod, &summary);
        text_format(&out, "%u/%u %s %llu", summary.ready, summary.total, summary.status,
                    (unsigned long long)summary.restarts);
        char *says = text_take(&out);
        assert_string_equal(says, states[i].says);
        free(says);
        pod_summary_release(&summary);
        json_decref(pod);
    }
}

static enum tone tone_of(const char *pod)
{
    json_t *json = parse(pod);
    struct pod_summary summary;
    pod_summarize(json, &summary);
    enum tone tone = summary.tone;
    pod_summary_release(&summary);
    json_decref(json);
    return tone;
}

static void what_is_wrong_is_told_from_what_takes_its_time(void **state)
{
    (void)state;
    assert_int_equal(tone_of("{\"status\": {\"phase\": \"Running\"}}"), TONE_GOOD);
    assert_int_equal(tone_of("{" ONE "\"status\": {\"phase\": \"Running\"}}"), TONE_BUSY);
    assert_int_equal(tone_of("{\"status\": {\"phase\": \"Pending\"}}"), TONE_BUSY);
    assert_int_equal(tone_of("{\"status\": {\"reason\": \"Init:0/2\"}}"), TONE_BUSY);
    assert_int_equal(tone_of("{\"status\": {\"reason\": \"Init:Error\"}}"), TONE_BAD);
    assert_int_equal(tone_of("{\"status\": {\"reason\": \"Init:\"}}"), TONE_BAD);
    assert_int_equal(tone_of("{\"status\": {\"reason\": \"ErrImagePull\"}}"), TONE_BAD);
    assert_int_equal(tone_of("{\"status\": {\"phase\": \"Succeeded\"}}"), TONE_PLAIN);
    assert_int_equal(tone_of("{}"), TONE_BAD);
}

static void the_last_restart_is_the_latest_end(void **state)
{
    (void)state;
    json_t *pod = parse("{" TWO "\"status\": {\"phase\": \"Running\", \"containerStatuses\": [{"
                        "\"restartCount\": 1, \"lastState\": {\"terminated\": {\"finishedAt\":"
                        "\"2026-12-01T00:00:05Z\"}}, \"state\": {\"running\": {}}}, {"
                        "\"restartCount\": 1, \"lastState\": {\"terminated\": {\"finishedAt\":"
                        "\"2026-12-01T00:00:03Z\"}}, \"state\": {\"running\": {}}}]}}");
    struct pod_summary summary;
    pod_summarize(pod, &summary);
    assert_int_equal(summary.restarts, 2);
    assert_int_equal(summary.restarted_ms % 60000, 5000);
    pod_summary_release(&summary);
    json_decref(pod);
}

static bool is_of(const char *metadata, const char *word, bool any)
{
    struct ref ref;
    struct error error;
    struct text text = {0};
    text_format(&text, "{\"metadata\": %s}", metadata);
    char *whole = text_take(&text);
    json_t *pod = parse(whole);
    assert_true(ref_read(&ref, word, &error));
    bool is = pod_is_of(pod, &ref, any);
    json_decref(pod);
    free(whole);
    return is;
}

static void a_pod_is_found_by_its_annotation_or_its_label(void **state)
{
    (void)state;
    static const char noted[] =
        "{\"annotations\": {\"hub.jupyter.org/username\": \"Ada@x\"}, \"labels\":"
        " {\"hub.jupyter.org/username\": \"Ada-x---12345678\", \"hub.jupyter.org/servername\": "
        "\"\"}}";
    static const char named[] =
        "{\"annotations\": {\"hub.jupyter.org/username\": \"ada\", \"hub.jupyter.org/servername\":"
        " \"g u\"}, \"labels\": {\"hub.jupyter.org/username\": \"ada\"}}";
    static const char labelled[] = "{\"labels\": {\"hub.jupyter.org/username\": \"alice\"}}";
    static const char slugged[] =
        "{\"labels\": {\"hub.jupyter.org/username\": \"alice-example-com---ff8d9819\"}}";
    assert_true(is_of(noted, "Ada@x", false));
    assert_false(is_of(noted, "ada", false));
    assert_false(is_of(noted, "Ada@x/gpu", true));
    assert_true(is_of(named, "ada/g u", false));
    assert_false(is_of(named, "ada", false));
    assert_true(is_of(named, "ada", true));
    assert_false(is_of(named, "ada/other", true));
    assert_true(is_of(labelled, "alice", false));
    assert_true(is_of(slugged, "alice@example.com", false));
    assert_false(is_of("{}", "ada", true));
    assert_false(is_of("{\"annotations\": [], \"labels\": 3}", "ada", true));
}

static void the_complaint_is_the_nearest_to_the_cause(void **state)
{
    (void)state;
    json_t *pod = parse("{\"status\": {\"conditions\": [{\"status\": \"True\", \"message\": \"x\"},"
                        "{\"status\": \"False\", \"message\": \"0/3 nodes are available\"}]}}");
    assert_string_equal(pod_complaint(pod), "0/3 nodes are available");
    json_object_set_new(json_object_get(pod, "status"), "containerStatuses",
                        parse("[{\"state\": {\"waiting\": {\"message\": \"no such image\"}}}]"));
    assert_string_equal(pod_complaint(pod), "no such image");
    json_decref(pod);
    pod = parse("{" ONE "\"status\": {}}");
    assert_null(pod_complaint(pod));
    json_decref(pod);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_is_kubectls),
        cmocka_unit_test(what_is_wrong_is_told_from_what_takes_its_time),
        cmocka_unit_test(the_last_restart_is_the_latest_end),
        cmocka_unit_test(a_pod_is_found_by_its_annotation_or_its_label),
        cmocka_unit_test(the_complaint_is_the_nearest_to_the_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
