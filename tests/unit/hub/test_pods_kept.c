/* What the driver of pods knows beside the life of one: servers that are found again, pods that
 * nobody remembers, logs, measures, claims, and what it cannot do just now. */
#include "tests/unit/hub/pods_rig.h"

#define PODS   "/api/v1/namespaces/jhub/pods"
#define CLAIMS "/api/v1/namespaces/jhub/persistentvolumeclaims"
#define OURS   "{'component':'singleuser-server','hubgate.org/hub':'h1'}"
#define OTHERS "{'component':'singleuser-server','hubgate.org/hub':'h2'}"

static const char state_of_ada[] = "{\"pod_name\":\"jupyter-ada\",\"uid\":\"uid-1\","
                                   "\"namespace\":\"jhub\",\"pvc_name\":\"claim-ada\"}";

static void put_pod(struct cluster *cluster, const char *name, const char *labels,
                    const char *status, const char *type)
{
    json_t *pod =
        json_pack("{s:{s:o},s:{s:[{s:s,s:[{s:s,s:i}]}]},s:o}", "metadata", "labels",
                  cluster_json(labels), "spec", "containers", "name", "notebook", "ports", "name",
                  "notebook-port", "containerPort", 8888, "status", cluster_json(status));
    cluster_add(cluster, name, pod, type);
    json_decref(pod);
}

static void all_resumed(struct cluster *cluster)
{
    cluster->spawner->driver->all_resumed(cluster->spawner);
}

static const char *trouble(const struct cluster *cluster)
{
    return cluster->spawner->driver->trouble(cluster->spawner);
}

/* --- after a restart --- */

static void a_server_that_runs_is_found_before_and_after_the_pods_are_known(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        struct cluster *cluster = cluster_new("{}");
        struct told told;
        put_pod(cluster, "jupyter-ada", OURS, RUNS_AT("10.0.0.7"), NULL);
        if (late)
            UNTIL(cluster->rig, !trouble(cluster));
        resume(cluster, &told, state_of_ada);
        all_resumed(cluster);
        UNTIL(cluster->rig, told.started_n);
        assert_string_equal(told.url, "http://10.0.0.7:8888");
        settle(cluster->rig);
        assert_non_null(cluster_pod(cluster, "jupyter-ada"));
        char *kept = state_of(&told);
        assert_non_null(strstr(kept, "\"pvc_name\":\"claim-ada\""));
        free(kept);
        told_release(&told);
        cluster_free(cluster);
    }
}

static void a_server_is_not_given_up_while_nobody_can_say(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    struct told told;
    (void)state;
    put_pod(cluster, "jupyter-ada", OURS, RUNS_AT("10.0.0.7"), NULL);
    cluster_fail(cluster, "GET " PODS "?", 500, "InternalError", "etcd is away", 1000);
    resume(cluster, &told, state_of_ada);
    all_resumed(cluster);
    pass(cluster->rig, 1000);
    assert_non_null(trouble(cluster));
    for (int i = 0; i < 100; i++)
        pass(cluster->rig, 2000);
    assert_int_equal(told.started_n + told.ended_n, 0);
    assert_non_null(strstr(trouble(cluster), "etcd is away"));
    cluster->faults[0].asked = NULL;
    UNTIL_LATER(cluster->rig, told.started_n);
    UNTIL_LATER(cluster->rig, !trouble(cluster));
    told_release(&told);
    cluster_free(cluster);
}

static void what_is_not_there_any_more_has_ended(void **state)
{
    static const struct {
        const char *state, *why;
        bool there;
    } rows[] = {
        {"{\"pod_name\":\"jupyter-ada\",\"uid\":\"uid-1\"}", "its pod is gone", false},
        {"{\"pod_name\":\"jupyter-ada\",\"uid\":\"uid-9\"}", "its pod is gone", true},
        {"{\"pod_name\":\"jupyter-eve\",\"uid\":\"uid-1\"}", "its pod is gone", true},
        {"{\"pid\":7}", "it was not started by this spawner: start it again", true},
        {"[]", "it was not started by this spawner: start it again", true},
        {"no JSON", "it was not started by this spawner: start it again", true},
        {"{\"pod_name\":\"jupyter-ada\",\"namespace\":\"other\"}",
         "its pod jupyter-ada is in the namespace other, and the hub's pods are in jhub "
         "(kube_namespace)",
         true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster *cluster = cluster_new("{}");
        struct told told;
        if (rows[i].there)
            put_pod(cluster, "jupyter-ada", OURS, RUNS_AT("10.0.0.7"), NULL);
        resume(cluster, &told, rows[i].state);
        all_resumed(cluster);
        UNTIL(cluster->rig, told.ended_n);
        assert_false(told.asked);
        assert_string_equal(told.why, rows[i].why);
        UNTIL(cluster->rig, !cluster_pod(cluster, "jupyter-ada"));
        told_release(&told);
        cluster_free(cluster);
    }
}

static void a_state_of_kubespawner_is_understood(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    struct told told;
    (void)state;
    put_pod(cluster, "jupyter-ada", "{'component':'singleuser-server'}", RUNS_AT("10.0.0.7"), NULL);
    resume(cluster, &told,
           "{\"kubespawner_version\":\"7.0.0\",\"pod_name\":\"jupyter-ada\",\"namespace\":"
           "\"jhub\",\"dns_name\":\"x\",\"pvc_name\":\"claim-ada\"}");
    all_resumed(cluster);
    UNTIL(cluster->rig, told.started_n);
    UNTIL(cluster->rig, cluster->watches[0]);
    stop(&told, false);
    UNTIL(cluster->rig, told.ended_n);
    told_release(&told);
    cluster_free(cluster);
}

/* A state of KubeSpawner's names no uid: before the pods are known, what has the name may be
 * anybody's. */
static void without_its_uid_only_a_pod_that_was_looked_at_is_ended(void **state)
{
    static const char kubespawners[] = "{\"pod_name\":\"jupyter-ada\",\"namespace\":\"jhub\"}";
    static const struct {
        const char *labels;
        bool is_ours;
    } rows[] = {
        {OURS, true},
        {"{'component':'singleuser-server'}", true},
        {OTHERS, false},
    };
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(rows); i++) {
        struct cluster *cluster = cluster_new("{}");
        struct told told;
        put_pod(cluster, "jupyter-ada", rows[i / 2].labels, RUNS_AT("10.0.0.7"), NULL);
        cluster_fail(cluster, "GET " PODS "?", 0, NULL, NULL, 1);
        resume(cluster, &told, kubespawners);
        all_resumed(cluster);
        UNTIL(cluster->rig, cluster->rig->held_n);
        stop(&told, i % 2);
        settle(cluster->rig);
        assert_false(was_asked(cluster->rig, "DELETE"));
        UNTIL_LATER(cluster->rig, told.ended_n);
        assert_true(told.asked);
        assert_int_equal(cluster_pod(cluster, "jupyter-ada") == NULL, rows[i / 2].is_ours);
        told_release(&told);
        cluster_free(cluster);
    }
}

static void a_pod_of_another_hub_is_not_found_by_its_name(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    struct told told;
    (void)state;
    put_pod(cluster, "jupyter-ada", OTHERS, RUNS_AT("10.0.0.7"), NULL);
    resume(cluster, &told, "{\"pod_name\":\"jupyter-ada\",\"namespace\":\"jhub\"}");
    all_resumed(cluster);
    UNTIL(cluster->rig, told.ended_n);
    assert_string_equal(told.why, "its pod is gone");
    assert_int_equal(told.started_n, 0);
    settle(cluster->rig);
    assert_non_null(cluster_pod(cluster, "jupyter-ada"));
    told_release(&told);
    cluster_free(cluster);
}

static void what_ended_meanwhile_is_told_with_its_reason(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    struct told told;
    (void)state;
    put_pod(cluster, "jupyter-ada", OURS, ENDED_WITH("137", "OOMKilled"), NULL);
    resume(cluster, &told, state_of_ada);
    all_resumed(cluster);
    UNTIL(cluster->rig, told.ended_n);
    assert_non_null(strstr(told.why, "OOMKilled"));
    assert_null(cluster_pod(cluster, "jupyter-ada"));
    told_release(&told);
    cluster_free(cluster);
}

static void what_was_started_again_meanwhile_goes_on(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    struct told told;
    (void)state;
    put_pod(cluster, "jupyter-ada", OURS,
            "{'phase':'Running','podIP':'10.0.0.7','containerStatuses':[{'name':'notebook','ready':"
            "true,'restartCount':1,'state':{'running':{}},'lastState':{'terminated':{'exitCode':5}}"
            "}]}",
            NULL);
    resume(cluster, &told, state_of_ada);
    all_resumed(cluster);
    UNTIL(cluster->rig, told.started_n);
    UNTIL(cluster->rig, cluster->watches[0]);
    cluster_set_status(cluster, "jupyter-ada",
                       "{'phase':'Running','podIP':'10.0.0.7','containerStatuses':[{'name':"
                       "'notebook','ready':true,'restartCount':2,'state':{'running':{}},"
                       "'lastState':{'terminated':{'exitCode':6}}}]}");
    UNTIL(cluster->rig, told.ended_n);
    assert_string_equal(told.why, "ended with status 6");
    assert_true(was_asked(cluster->rig, "&previous=true"));
    told_release(&told);
    cluster_free(cluster);
}

static void a_server_can_be_stopped_before_it_was_found(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        struct cluster *cluster = cluster_new("{}");
        struct told told;
        if (there)
            put_pod(cluster, "jupyter-ada", OURS, RUNS_AT("10.0.0.7"), NULL);
        cluster_fail(cluster, "GET " PODS "?", 0, NULL, NULL, 1);
        resume(cluster, &told, state_of_ada);
        all_resumed(cluster);
        UNTIL(cluster->rig, cluster->rig->held_n);
        stop(&told, false);
        UNTIL_LATER(cluster->rig, told.ended_n);
        assert_true(told.asked);
        assert_null(cluster_pod(cluster, "jupyter-ada"));
        told_release(&told);
        cluster_free(cluster);
    }
}

static void a_server_can_be_released_before_it_was_found(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    struct told told;
    (void)state;
    put_pod(cluster, "jupyter-ada", OURS, RUNS_AT("10.0.0.7"), NULL);
    resume(cluster, &told, state_of_ada);
    cluster->spawner->driver->release(told.spawn);
    cluster_close(cluster);
    settle(cluster->rig);
    assert_int_equal(told.started_n + told.ended_n, 0);
    assert_non_null(cluster_pod(cluster, "jupyter-ada"));
    told_release(&told);
    cluster_free(cluster);
}

static void servers_go_on_when_the_hub_ends(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told, again;
    (void)state;
    begin_running(cluster, &told);
    char *kept = state_of(&told);
    cluster->spawner->driver->release(told.spawn);
    cluster_close(cluster);
    cluster_open(cluster);
    resume(cluster, &again, kept);
    all_resumed(cluster);
    UNTIL(cluster->rig, again.started_n);
    assert_false(was_asked(cluster->rig, "DELETE"));
    free(kept);
    told_release(&told);
    told_release(&again);
    cluster_free(cluster);
}

/* --- pods that nobody remembers --- */

static void only_pods_of_ours_that_run_for_nobody_are_removed(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    struct told told;
    (void)state;
    put_pod(cluster, "jupyter-ada", OURS, RUNS_AT("10.0.0.7"), NULL);
    put_pod(cluster, "jupyter-lost", OURS, RUNS_AT("10.0.0.8"), NULL);
    put_pod(cluster, "jupyter-ended", OURS, "{'phase':'Failed'}", NULL);
    put_pod(cluster, "jupyter-theirs", OTHERS, RUNS_AT("10.0.0.9"), NULL);
    put_pod(cluster, "jupyter-old", "{'component':'singleuser-server'}", RUNS_AT("10.0.0.9"), NULL);
    resume(cluster, &told, state_of_ada);
    UNTIL(cluster->rig, told.started_n);
    settle(cluster->rig);
    assert_int_equal(json_object_size(cluster->pods), 5);
    all_resumed(cluster);
    UNTIL(cluster->rig, !cluster_pod(cluster, "jupyter-lost"));
    settle(cluster->rig);
    assert_int_equal(json_object_size(cluster->pods), 4);
    told_release(&told);
    cluster_free(cluster);
}

static void a_start_may_come_before_the_pods_are_known(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    struct told told;
    (void)state;
    cluster_fail(cluster, "GET " PODS "?", 503, "ServiceUnavailable", "not yet", 2);
    all_resumed(cluster);
    begin(cluster, &told, "ada", "");
    UNTIL_LATER(cluster->rig, cluster->watches[0] && cluster_pod(cluster, "jupyter-ada"));
    settle(cluster->rig);
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL_LATER(cluster->rig, told.started_n);
    assert_false(was_asked(cluster->rig, "DELETE"));
    told_release(&told);
    cluster_free(cluster);
}

/* --- logs --- */

struct lines {
    unsigned told;
    char *text; /* NULL: there is none */
    size_t n;
};

static void on_lines(void *arg, struct span text)
{
    struct lines *lines = arg;
    lines->told++;
    lines->text = text.p ? must_copy_span(text) : NULL;
    lines->n = text.n;
}

static char *last_lines(struct cluster *cluster, const char *user, unsigned lines_max)
{
    struct lines lines = {0};
    cluster->spawner->driver->logs(cluster->spawner, user, "", lines_max, on_lines, &lines);
    assert_int_equal(lines.told, 0);
    UNTIL_LATER(cluster->rig, lines.told);
    return lines.text;
}

static void expect_lines(struct cluster *cluster, const char *user, unsigned lines_max,
                         const char *expected)
{
    char *text = last_lines(cluster, user, lines_max);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    free(text);
}

static void the_log_of_a_server_is_its_containers(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    expect_lines(cluster, "ada", 10, NULL); /* nothing has run */
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL(cluster->rig, told.started_n);
    expect_lines(cluster, "ada", 10, "one\ntwo\n");
    assert_true(
        was_asked(cluster->rig, "GET " PODS "/jupyter-ada/log?container=notebook&tailLines=10"));
    expect_lines(cluster, "eve", 10, NULL);
    cluster->log = "";
    expect_lines(cluster, "ada", 10, "");
    cluster->log = NULL;
    expect_lines(cluster, "ada", 10, NULL);
    told_release(&told);
    cluster_free(cluster);
}

static void of_a_long_log_the_end_is_told(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    struct text log = {0};
    (void)state;
    for (int i = 0; i < 100000; i++)
        text_format(&log, "line %06d\n", i);
    text_add(&log, (struct span){"", 1});
    begin_running(cluster, &told);
    cluster->log = log.p;
    char *text = last_lines(cluster, "ada", 5000);
    assert_true(strlen(text) <= 256 * 1024 && strlen(text) > 250 * 1024);
    assert_int_equal(strncmp(text, "line 0", 6), 0);
    assert_string_equal(text + strlen(text) - 12, "line 099999\n");
    free(text);
    text_release(&log);
    told_release(&told);
    cluster_free(cluster);
}

static void a_failed_start_leaves_its_last_lines(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada", ENDED_WITH("1", "Error"));
    UNTIL(cluster->rig, told.ended_n);
    cluster->log = NULL;
    expect_lines(cluster, "ada", 10, "one\ntwo\n");
    expect_lines(cluster, "ada", 1, "two\n");
    expect_lines(cluster, "ada", 0, "");
    begin_pod(cluster, &told);
    expect_lines(cluster, "ada", 10, NULL); /* of a start before */
    stop(&told, false);
    UNTIL(cluster->rig, told.ended_n);
    told_release(&told);
    cluster_free(cluster);
}

static void last_lines_are_whole_whatever_bytes_are_in_them(void **state)
{
    static const char log[] = "one\0two\nthree\0\n";
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    struct lines lines = {0};
    (void)state;
    cluster->log = log;
    cluster->log_n = sizeof log - 1;
    begin_running(cluster, &told);
    stop(&told, true);
    UNTIL(cluster->rig, told.ended_n);
    cluster->spawner->driver->logs(cluster->spawner, "ada", "", 10, on_lines, &lines);
    UNTIL_LATER(cluster->rig, lines.told);
    assert_int_equal(lines.n, sizeof log - 1);
    assert_memory_equal(lines.text, log, sizeof log - 1);
    free(lines.text);
    told_release(&told);
    cluster_free(cluster);
}

static void a_start_that_is_given_up_leaves_its_last_lines(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    stop(&told, true); /* it does not answer */
    UNTIL(cluster->rig, told.ended_n);
    expect_lines(cluster, "ada", 10, "one\ntwo\n");
    told_release(&told);
    cluster_free(cluster);
}

static void last_lines_that_do_not_come_hold_up_no_end(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_fail(cluster, "GET " PODS "/jupyter-ada/log", 0, NULL, NULL, 100);
    stop(&told, true);
    UNTIL_LATER(cluster->rig, told.ended_n);
    expect_lines(cluster, "ada", 10, NULL);
    told_release(&told);
    cluster_free(cluster);
}

static void who_waits_for_a_log_is_told_when_the_hub_ends(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    struct lines lines = {0}, others = {0};
    (void)state;
    begin_running(cluster, &told);
    cluster_fail(cluster, "GET " PODS "/jupyter-ada/log", 0, NULL, NULL, 100);
    cluster->spawner->driver->logs(cluster->spawner, "ada", "", 10, on_lines, &lines);
    cluster->spawner->driver->logs(cluster->spawner, "eve", "", 10, on_lines, &others);
    cluster_close(cluster);
    assert_int_equal(lines.told, 1);
    assert_int_equal(others.told, 1);
    assert_null(lines.text);
    told_release(&told);
    cluster_free(cluster);
}

/* --- claims of who is deleted --- */

static void forget(struct cluster *cluster, const char *server, const char *state)
{
    cluster->spawner->driver->forget(cluster->spawner, "ada", server, state);
    settle(cluster->rig);
}

static void a_claim_goes_with_its_user_where_that_is_wished(void **state)
{
    static const char own[] = "{\"pvc_name\":\"claim-ada\",\"pvc_is_own\":true}";
    static const char shared[] = "{\"pvc_name\":\"claim-ada\",\"pvc_is_own\":false}";
    static const char elsewhere[] = "{\"pvc_name\":\"claim-ada\",\"namespace\":\"other\"}";
    static const struct {
        const char *traits, *server, *state;
        bool goes;
    } rows[] = {
        {"{}", "", own, false},
        {"{'delete_pvc':true}", "", own, true},
        {"{'delete_pvc':true}", "", shared, true},
        {"{'delete_pvc':true}", "second", own, true},
        {"{'delete_pvc':true}", "second", shared, false},
        {"{'delete_pvc':true}", "second", "{\"pvc_name\":\"claim-ada\"}", false},
        {"{'delete_pvc':true}", "", elsewhere, false},
        {"{'delete_pvc':true}", "", "{}", false},
        {"{'delete_pvc':true}", "", "no JSON", false},
        {"{'delete_pvc':true}", "", NULL, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster *cluster = cluster_ready_with("{}", rows[i].traits);
        json_object_set_new(cluster->claims, "claim-ada", json_object());
        forget(cluster, rows[i].server, rows[i].state);
        if (rows[i].goes)
            UNTIL(cluster->rig, !json_object_get(cluster->claims, "claim-ada"));
        assert_int_equal(was_asked(cluster->rig, "DELETE " CLAIMS "/claim-ada"), rows[i].goes);
        cluster_free(cluster);
    }
}

static void whose_claim_it_is_is_remembered(void **state)
{
    static const struct {
        const char *singleuser, *server, *says;
    } rows[] = {
        {"{}", "second", "\"pvc_name\":\"claim-ada--second\",\"pvc_is_own\":true"},
        {"{'storage':{'dynamic':{'pvcNameTemplate':'claim-{username}'}}}", "second",
         "\"pvc_name\":\"claim-ada\",\"pvc_is_own\":false"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster *cluster = cluster_ready(rows[i].singleuser);
        struct told told;
        begin(cluster, &told, "ada", rows[i].server);
        UNTIL(cluster->rig, json_object_size(cluster->pods));
        settle(cluster->rig);
        char *kept = state_of(&told);
        assert_non_null(strstr(kept, rows[i].says));
        free(kept);
        told_release(&told);
        cluster_free(cluster);
    }
}

/* --- what they use --- */

static struct spawn_usage usage_of(const struct told *told)
{
    return told->cluster->spawner->driver->usage(told->spawn);
}

static void what_a_pod_uses_is_asked_for_once_a_minute_for_all(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    cluster->metrics = "{\"items\":[{\"metadata\":{\"name\":\"jupyter-ada\"},\"containers\":["
                       "{\"name\":\"notebook\",\"usage\":{\"cpu\":\"250m\",\"memory\":\"1Mi\"}},"
                       "{\"name\":\"x\",\"usage\":{\"cpu\":\"1000000n\",\"memory\":\"1Ki\"}}]},"
                       "{\"metadata\":{\"name\":\"other\"}},7]}";
    begin_running(cluster, &told);
    assert_false(usage_of(&told).known);
    UNTIL_LATER(cluster->rig, usage_of(&told).known);
    assert_true(usage_of(&told).cpu > 0.2509 && usage_of(&told).cpu < 0.2511);
    assert_int_equal(usage_of(&told).memory_bytes, 1024 * 1024 + 1024);
    unsigned asked = cluster->rig->asked;
    for (int i = 0; i < 5; i++) {
        pass(cluster->rig, 10 * 1000);
        (void)usage_of(&told);
    }
    assert_int_equal(cluster->rig->asked, asked);
    pass(cluster->rig, 15 * 1000);
    assert_int_equal(cluster->rig->asked, asked + 1);
    for (int i = 0; i < 10; i++) /* nobody asks */
        pass(cluster->rig, 15 * 1000);
    assert_int_equal(cluster->rig->asked, asked + 1);
    told_release(&told);
    cluster_free(cluster);
}

static void where_nobody_measures_nothing_is_known(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    unsigned asked = cluster->rig->asked;
    for (int i = 0; i < 20; i++) {
        assert_false(usage_of(&told).known);
        pass(cluster->rig, 9 * 1000);
    }
    assert_int_equal(cluster->rig->asked, asked + 1);
    told_release(&told);
    cluster_free(cluster);
}

/* --- what it cannot do --- */

static void rights_that_are_missing_are_named_until_they_are_there(void **state)
{
    struct cluster *cluster = cluster_new("{}");
    (void)state;
    cluster->forbidden = true;
    UNTIL(cluster->rig, trouble(cluster) && strstr(trouble(cluster), "may not"));
    assert_non_null(strstr(trouble(cluster), "may not create pods in namespace jhub"));
    assert_non_null(strstr(trouble(cluster), "may not watch events in namespace jhub"));
    assert_null(strstr(trouble(cluster), "delete persistentvolumeclaims"));
    cluster->forbidden = false;
    UNTIL_LATER(cluster->rig, !trouble(cluster));
    cluster_free(cluster);
}

static void a_watch_that_does_not_get_on_is_trouble_and_ends_nobody(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_fail(cluster, "GET " PODS "?", 500, "InternalError", "garbage", 1000);
    call_stream_end(cluster->watches[0]);
    cluster->watches[0] = NULL;
    UNTIL_LATER(cluster->rig, trouble(cluster));
    assert_non_null(strstr(trouble(cluster), "garbage"));
    assert_int_equal(told.ended_n, 0);
    cluster->faults[0].asked = NULL;
    UNTIL_LATER(cluster->rig, !trouble(cluster));
    assert_int_equal(told.ended_n, 0);
    cluster_end(cluster, "jupyter-ada");
    UNTIL_LATER(cluster->rig, told.ended_n);
    told_release(&told);
    cluster_free(cluster);
}

static void what_happened_while_the_watch_was_away_is_told(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_fail(cluster, "GET " PODS "?", 410, "Expired", "too old", 1);
    call_stream_end(cluster->watches[0]);
    cluster->watches[0] = NULL;
    cluster_end(cluster, "jupyter-ada");
    UNTIL_LATER(cluster->rig, told.ended_n);
    assert_string_equal(told.why, "its pod was deleted");
    told_release(&told);
    cluster_free(cluster);
}

static void a_cluster_where_nothing_happens_is_hardly_asked(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    unsigned asked = cluster->rig->asked;
    for (int i = 0; i < 360; i++)
        pass(cluster->rig, 10 * 1000);
    assert_true(cluster->rig->asked - asked <= 2 * 3600 / 180);
    assert_int_equal(told.ended_n, 0);
    told_release(&told);
    cluster_free(cluster);
}

static void other_settings_count_for_the_next_start(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    struct error error;
    json_t *values = cluster_json("{'storage':{'type':'none'}}");
    json_t *traits = values_read(values, NULL, NULL, &error);
    (void)state;
    assert_non_null(traits);
    pods_set_traits(cluster->spawner, traits);
    json_decref(traits);
    json_decref(values);
    begin_pod(cluster, &told);
    assert_int_equal(json_object_size(cluster->claims), 0);
    told_release(&told);
    cluster_free(cluster);
}

static void a_cluster_that_is_not_known_ends_the_start(void **state)
{
    struct loop *loop = loop_new();
    struct error error;
    const struct pods_settings settings = {.kubeconfig = "/nonexistent/config", .hub = "h1"};
    (void)state;
    assert_null(pods_new(loop, &settings, &error));
    assert_non_null(strstr(error.text, "/nonexistent/config"));
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_runs_is_found_before_and_after_the_pods_are_known),
        cmocka_unit_test(a_server_is_not_given_up_while_nobody_can_say),
        cmocka_unit_test(what_is_not_there_any_more_has_ended),
        cmocka_unit_test(a_state_of_kubespawner_is_understood),
        cmocka_unit_test(without_its_uid_only_a_pod_that_was_looked_at_is_ended),
        cmocka_unit_test(a_pod_of_another_hub_is_not_found_by_its_name),
        cmocka_unit_test(what_ended_meanwhile_is_told_with_its_reason),
        cmocka_unit_test(what_was_started_again_meanwhile_goes_on),
        cmocka_unit_test(a_server_can_be_stopped_before_it_was_found),
        cmocka_unit_test(a_server_can_be_released_before_it_was_found),
        cmocka_unit_test(servers_go_on_when_the_hub_ends),
        cmocka_unit_test(only_pods_of_ours_that_run_for_nobody_are_removed),
        cmocka_unit_test(a_start_may_come_before_the_pods_are_known),
        cmocka_unit_test(the_log_of_a_server_is_its_containers),
        cmocka_unit_test(of_a_long_log_the_end_is_told),
        cmocka_unit_test(a_failed_start_leaves_its_last_lines),
        cmocka_unit_test(last_lines_are_whole_whatever_bytes_are_in_them),
        cmocka_unit_test(a_start_that_is_given_up_leaves_its_last_lines),
        cmocka_unit_test(last_lines_that_do_not_come_hold_up_no_end),
        cmocka_unit_test(who_waits_for_a_log_is_told_when_the_hub_ends),
        cmocka_unit_test(a_claim_goes_with_its_user_where_that_is_wished),
        cmocka_unit_test(whose_claim_it_is_is_remembered),
        cmocka_unit_test(what_a_pod_uses_is_asked_for_once_a_minute_for_all),
        cmocka_unit_test(where_nobody_measures_nothing_is_known),
        cmocka_unit_test(rights_that_are_missing_are_named_until_they_are_there),
        cmocka_unit_test(a_watch_that_does_not_get_on_is_trouble_and_ends_nobody),
        cmocka_unit_test(what_happened_while_the_watch_was_away_is_told),
        cmocka_unit_test(a_cluster_where_nothing_happens_is_hardly_asked),
        cmocka_unit_test(other_settings_count_for_the_next_start),
        cmocka_unit_test(a_cluster_that_is_not_known_ends_the_start),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
