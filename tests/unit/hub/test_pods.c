/* The life of a server's pod, from the wish to its end, against a cluster whose pods the test moves
 * by hand. */
#include "tests/unit/hub/pods_rig.h"

#define PODS   "/api/v1/namespaces/jhub/pods"
#define CLAIMS "/api/v1/namespaces/jhub/persistentvolumeclaims"

static void expect_end(struct told *told, bool asked, const char *why)
{
    UNTIL_LATER(told->cluster->rig, told->ended_n);
    assert_int_equal(told->asked, asked);
    assert_string_equal(told->why, why);
}

/* --- on its way --- */

static void a_server_gets_a_claim_a_pod_and_an_address(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    assert_non_null(json_object_get(cluster->claims, "claim-ada"));
    assert_int_equal(told.started_n, 0);
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL(cluster->rig, told.started_n);
    assert_string_equal(told.url, "http://10.0.0.7:8888");
    char *kept = state_of(&told);
    assert_string_equal(kept, "{\"pod_name\":\"jupyter-ada\",\"uid\":\"uid-1\","
                              "\"namespace\":\"jhub\",\"pvc_name\":\"claim-ada\","
                              "\"pvc_is_own\":true}");
    free(kept);
    told_release(&told);
    cluster_free(cluster);
}

static void an_address_of_ipv6_stands_in_brackets(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("fd00::7"));
    UNTIL(cluster->rig, told.started_n);
    assert_string_equal(told.url, "http://[fd00::7]:8888");
    told_release(&told);
    cluster_free(cluster);
}

static void it_runs_once_all_its_containers_are_ready(void **state)
{
    static const char *const not_yet[] = {
        "{'phase':'Running','podIP':'10.0.0.7'}",
        "{'phase':'Running','podIP':'10.0.0.7','containerStatuses':[{'name':'notebook',"
        "'ready':false}]}",
        "{'phase':'Running','podIP':'10.0.0.7','containerStatuses':[{'name':'notebook',"
        "'ready':true},{'name':'beside','ready':false}]}",
        "{'phase':'Running','containerStatuses':[{'name':'notebook','ready':true}]}",
        "{'phase':'Running','podIP':'http://evil/','containerStatuses':[{'name':'notebook',"
        "'ready':true}]}",
        "{'phase':'Pending','podIP':'10.0.0.7','containerStatuses':[{'name':'notebook',"
        "'ready':true}]}",
        "{'phase':7,'podIP':[],'containerStatuses':'x','conditions':{}}",
        "{'containerStatuses':[7,'x',null,{'state':[]}]}",
    };
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    for (size_t i = 0; i < COUNT(not_yet); i++) {
        cluster_set_status(cluster, "jupyter-ada", not_yet[i]);
        settle(cluster->rig);
        assert_int_equal(told.started_n + told.ended_n, 0);
    }
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL(cluster->rig, told.started_n);
    told_release(&told);
    cluster_free(cluster);
}

static void events_of_its_pod_move_the_bar(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    cluster_event(cluster, "uid-1", "Normal", "Scheduled", "assigned to node1");
    cluster_event(cluster, "uid-0", "Normal", "Scheduled", "of one before");
    cluster_event(cluster, "uid-1", "Warning", "FailedAttachVolume",
                  "Multi-Attach error for volume pvc-1");
    cluster_event(cluster, "uid-1", "Warning", "FailedAttachVolume",
                  "Multi-Attach error for volume pvc-1");
    cluster_event(cluster, "uid-1", "Warning", "FailedScheduling", "no node");
    cluster_event(cluster, "uid-1", "Normal", "Pulled", "two\\nlines");
    UNTIL(cluster->rig, told_says(&told, "Pulled") || told_says(&told, "two"));
    text_add(&told.progress, (struct span){"", 1});
    assert_string_equal(told.progress.p, "30 [Normal] assigned to node1\n"
                                         "50 [Warning] Multi-Attach error for volume pvc-1\n"
                                         "63 [Normal] two\\nlines\n");
    told_release(&told);
    cluster_free(cluster);
}

/* U+009B begins what a terminal obeys, as ESC [ does. */
static void what_is_said_of_a_pod_moves_no_terminal(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    cluster_event(cluster, "uid-1", "Normal", "Pulled",
                  "a\033[2Jb\x7f"
                  "c\xc2\x9b"
                  "2Jd\xc2\x85 \xc2\xa0\xc3\xa4");
    UNTIL(cluster->rig, told.progress.n);
    assert_true(told_says(&told, "[Normal] a [2Jb c 2Jd  \xc2\xa0\xc3\xa4"));
    told_release(&told);
    cluster_free(cluster);
}

static void a_pod_without_a_node_says_so_and_waits(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada",
                       "{'phase':'Pending','conditions':[{'type':'PodScheduled','status':'False',"
                       "'reason':'Unschedulable','message':'0/3 nodes are available'}]}");
    UNTIL(cluster->rig, told_says(&told, "waiting for a node: 0/3 nodes are available"));
    pass(cluster->rig, 3600 * 1000);
    assert_int_equal(told.ended_n, 0);
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL(cluster->rig, told.started_n);
    told_release(&told);
    cluster_free(cluster);
}

static void a_start_that_lasts_says_so(void **state)
{
    struct cluster *cluster = cluster_ready_with(
        "{}", "{'slow_spawn_message_threshold':10,'slow_spawn_message_frequency':5}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    pass(cluster->rig, 11000);
    assert_true(told_says(&told, "still waiting, 11 s so far"));
    pass(cluster->rig, 6000);
    assert_true(told_says(&told, "still waiting, 17 s so far"));
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL(cluster->rig, told.started_n);
    size_t said = told.progress.n;
    pass(cluster->rig, 60000);
    assert_int_equal(told.progress.n, said);
    told_release(&told);
    cluster_free(cluster);
}

static void it_may_be_reached_by_a_name(void **state)
{
    struct cluster *cluster =
        cluster_ready_with("{}", "{'pod_connect_ip':'{username}.pods.{namespace}.svc'}");
    struct told told, other;
    (void)state;
    begin_running(cluster, &told);
    assert_string_equal(told.url, "http://ada.pods.jhub.svc:8888");
    char *kept = state_of(&told);
    cluster->spawner->driver->release(told.spawn);
    resume(cluster, &other, kept);
    UNTIL(cluster->rig, other.started_n);
    assert_string_equal(other.url, "http://ada.pods.jhub.svc:8888");
    free(kept);
    told_release(&told);
    told_release(&other);
    cluster_free(cluster);
    cluster = cluster_ready_with("{}", "{'pod_connect_ip':'{unescaped_username}.svc'}");
    begin(cluster, &told, "a/b", "");
    UNTIL(cluster->rig, told.ended_n);
    assert_non_null(strstr(told.why, "pod_connect_ip"));
    told_release(&told);
    cluster_free(cluster);
}

/* --- starts that fail --- */

static void what_cannot_start_fails_soon_with_its_reason(void **state)
{
    static const struct {
        const char *status, *why;
        bool at_once;
    } rows[] = {
        {WAITS_FOR("InvalidImageName", "x"), "its image's name is none (InvalidImageName): x",
         true},
        {WAITS_FOR("ErrImageNeverPull", "x"),
         "its image is not on the node, and may not be pulled (ErrImageNeverPull): x", true},
        {WAITS_FOR("ErrImagePull", "img:1: not found"),
         "its image cannot be pulled, img:1 (ErrImagePull): img:1: not found", false},
        {WAITS_FOR("ErrImagePull", "dial tcp: i/o timeout"),
         "its image cannot be pulled, img:1 (ErrImagePull): dial tcp: i/o timeout", false},
        {WAITS_FOR("CreateContainerConfigError", "secret x not found"),
         "its container's settings are no good (CreateContainerConfigError): secret x not found",
         false},
        {WAITS_FOR("CreateContainerError", "x"),
         "its container cannot be made (CreateContainerError): x", false},
        {WAITS_FOR("RunContainerError", "exec: no such file"),
         "its container cannot be started (RunContainerError): exec: no such file", false},
        {WAITS_FOR("CrashLoopBackOff", "back-off 10s"),
         "it ends again and again (CrashLoopBackOff): back-off 10s", true},
        {"{'phase':'Running','containerStatuses':[{'name':'notebook','restartCount':1,'state':{"
         "'waiting':{'reason':'CrashLoopBackOff'}},'lastState':{'terminated':{'exitCode':3,"
         "'reason':'Error'}}}]}",
         "ended with status 3", true},
        {"{'phase':'Running','podIP':'10.0.0.7','containerStatuses':[{'name':'notebook','ready':"
         "true,'restartCount':1,'state':{'running':{}},'lastState':{'terminated':{'exitCode':137,"
         "'reason':'OOMKilled'}}}]}",
         "it used more memory than it may, and was killed (OOMKilled)", true},
        {ENDED_WITH("3", "Error"), "ended with status 3", true},
        {ENDED_WITH("0", "Completed"), "ended with status 0", true},
        {ENDED_WITH("137", "OOMKilled"),
         "it used more memory than it may, and was killed (OOMKilled)", true},
        {"{'phase':'Failed','reason':'Evicted','message':'The node was low on memory'}",
         "its node turned it out (Evicted): The node was low on memory", true},
        {"{'phase':'Failed','reason':'UnexpectedAdmissionError','message':'no GPU'}",
         "its pod failed (UnexpectedAdmissionError): no GPU", true},
        {"{'phase':'Failed'}", "its pod has ended", true},
        {"{'phase':'Succeeded','containerStatuses':[{'name':'notebook','state':{'terminated':"
         "{'exitCode':0,'reason':'Completed'}}}]}",
         "ended with status 0", true},
        {"{'phase':'Pending','initContainerStatuses':[{'name':'first','state':{'waiting':"
         "{'reason':'CrashLoopBackOff'}}}]}",
         "container first: it ends again and again (CrashLoopBackOff)", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster *cluster = cluster_ready("{}");
        struct told told;
        begin_pod(cluster, &told);
        cluster_set_status(cluster, "jupyter-ada", rows[i].status);
        settle(cluster->rig);
        if (!rows[i].at_once) {
            assert_int_equal(told.ended_n, 0);
            assert_true(told_says(&told, rows[i].why));
            pass(cluster->rig, 20 * 1000);
        }
        expect_end(&told, false, rows[i].why);
        assert_null(cluster_pod(cluster, "jupyter-ada"));
        assert_non_null(json_object_get(cluster->claims, "claim-ada"));
        told_release(&told);
        cluster_free(cluster);
    }
}

static void what_gets_over_its_trouble_starts(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada", WAITS_FOR("ErrImagePull", "timeout"));
    pass(cluster->rig, 8000);
    cluster_set_status(cluster, "jupyter-ada", WAITS_FOR("ContainerCreating", ""));
    pass(cluster->rig, 60000);
    assert_int_equal(told.ended_n, 0);
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL(cluster->rig, told.started_n);
    told_release(&told);
    cluster_free(cluster);
}

static void a_pull_that_backs_off_is_told_with_what_was_wrong(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada", WAITS_FOR("ErrImagePull", "i/o timeout"));
    pass(cluster->rig, 8000);
    cluster_set_status(cluster, "jupyter-ada", WAITS_FOR("ImagePullBackOff", "Back-off"));
    pass(cluster->rig, 8000);
    expect_end(&told, false, "its image cannot be pulled, img:1 (ErrImagePull): i/o timeout");
    told_release(&told);
    cluster_free(cluster);
}

static void what_the_api_server_refuses_fails_at_once_with_its_words(void **state)
{
    static const struct {
        unsigned status;
        const char *reason, *message, *says;
    } rows[] = {
        {403, "Forbidden", "exceeded quota: compute", "exceeded quota: compute"},
        {422, "Invalid", "spec.containers[0].image: Required value", "Required value"},
        {400, "BadRequest", "unknown field", "unknown field"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster *cluster = cluster_ready("{}");
        struct told told;
        cluster_fail(cluster, "POST " PODS, rows[i].status, rows[i].reason, rows[i].message, 1);
        begin(cluster, &told, "ada", "");
        UNTIL(cluster->rig, told.ended_n);
        assert_false(told.asked);
        assert_non_null(strstr(told.why, rows[i].says));
        assert_non_null(strstr(told.why, "create pod jupyter-ada"));
        told_release(&told);
        cluster_free(cluster);
    }
}

static void an_api_server_that_fails_for_a_while_is_asked_again(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    cluster_fail(cluster, "POST " CLAIMS, 503, "ServiceUnavailable", "etcd is away", 2);
    cluster_fail(cluster, "POST " PODS, 429, "TooManyRequests", "again", 2);
    cluster_fail(cluster, "POST " PODS, 0, NULL, NULL, 1);
    begin(cluster, &told, "ada", "");
    UNTIL_LATER(cluster->rig, cluster_pod(cluster, "jupyter-ada"));
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    UNTIL_LATER(cluster->rig, told.started_n);
    told_release(&told);
    cluster_free(cluster);
}

static void an_api_server_that_fails_for_long_fails_the_start(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    cluster_fail(cluster, "POST " PODS, 503, "ServiceUnavailable", "etcd is away", 1000);
    begin(cluster, &told, "ada", "");
    UNTIL_LATER(cluster->rig, told.ended_n);
    assert_false(told.asked);
    assert_non_null(strstr(told.why, "etcd is away"));
    told_release(&told);
    cluster_free(cluster);
}

static void an_order_that_cannot_be_made_fails_with_its_reason(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    json_t *overrides = cluster_json("[{'mem_limit':'much'}]");
    unsigned asked = cluster->rig->asked;
    (void)state;
    begin_order(cluster, &told,
                (struct spawn_order){.user = "ada", .server = "", .overrides = overrides});
    UNTIL(cluster->rig, told.ended_n);
    assert_non_null(strstr(told.why, "mem_limit"));
    assert_int_equal(cluster->rig->asked, asked);
    json_decref(overrides);
    told_release(&told);
    cluster_free(cluster);
}

static void a_profile_lays_its_settings_over_ours(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    json_t *overrides = cluster_json("[{'image':'first:1','cpu_limit':2},{'image':'second:1'}]");
    (void)state;
    begin_order(cluster, &told,
                (struct spawn_order){.user = "ada", .server = "", .overrides = overrides});
    UNTIL(cluster->rig, cluster_pod(cluster, "jupyter-ada"));
    const json_t *spec = json_object_get(cluster_pod(cluster, "jupyter-ada"), "spec");
    const json_t *container = json_array_get(json_object_get(spec, "containers"), 0);
    assert_string_equal(json_string_value(json_object_get(container, "image")), "second:1");
    json_decref(overrides);
    settle(cluster->rig);
    told_release(&told);
    cluster_free(cluster);
}

/* --- the claim --- */

static void a_claim_that_is_there_is_used(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    json_object_set_new(cluster->claims, "claim-ada", json_object());
    begin_running(cluster, &told);
    told_release(&told);
    cluster_free(cluster);
}

static json_t *claim_of(const char *user)
{
    return json_pack("{s:{s:{s:s}}}", "metadata", "annotations", "hub.jupyter.org/username", user);
}

/* Of a server "bob" of ada's that template makes the claim of ada-bob. */
static void a_claim_of_another_user_is_not_used(void **state)
{
    static const struct {
        const char *template, *claim, *whose;
        bool runs;
    } rows[] = {
        {"claim-{username}-{servername}", "claim-ada-bob", "ada-bob", false},
        {"claim-{username}-{servername}", "claim-ada-bob", "ada", true},
        {"claim-{user_server}", "claim-ada--bob", "eve", false},
        {"{pod_name}", "jupyter-ada--bob", "eve", false},
        {"claim-of-users", "claim-of-users", "ada-bob", true}, /* it is everybody's */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char values[160];
        struct told told;
        snprintf(values, sizeof values, "{'storage':{'dynamic':{'pvcNameTemplate':'%s'}}}",
                 rows[i].template);
        struct cluster *cluster = cluster_ready(values);
        json_object_set_new(cluster->claims, rows[i].claim, claim_of(rows[i].whose));
        begin(cluster, &told, "ada", "bob");
        UNTIL(cluster->rig, told.ended_n || json_object_size(cluster->pods) > 0);
        assert_int_equal(json_object_size(cluster->pods), rows[i].runs);
        if (!rows[i].runs)
            assert_non_null(strstr(told.why, rows[i].claim));
        told_release(&told);
        cluster_free(cluster);
    }
}

static void a_quota_that_refuses_a_claim_that_is_there_is_no_matter(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    json_object_set_new(cluster->claims, "claim-ada", json_object());
    cluster_fail(cluster, "POST " CLAIMS, 403, "Forbidden", "exceeded quota: storage", 1);
    begin_running(cluster, &told);
    told_release(&told);
    cluster_free(cluster);
}

static void a_quota_that_refuses_a_claim_fails_the_start(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    cluster_fail(cluster, "POST " CLAIMS, 403, "Forbidden", "exceeded quota: storage", 1);
    begin(cluster, &told, "ada", "");
    UNTIL(cluster->rig, told.ended_n);
    assert_non_null(strstr(told.why, "exceeded quota: storage"));
    assert_non_null(strstr(told.why, "claim-ada"));
    told_release(&told);
    cluster_free(cluster);
}

static const char *claim_of_pod(const struct cluster *cluster, const char *pod)
{
    const json_t *spec = json_object_get(cluster_pod(cluster, pod), "spec");
    const json_t *volume = json_array_get(json_object_get(spec, "volumes"), 0);
    const json_t *claim = json_object_get(volume, "persistentVolumeClaim");
    return json_string_value(json_object_get(claim, "claimName"));
}

static void a_claim_keeps_the_name_that_it_was_made_with(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_order(cluster, &told,
                (struct spawn_order){.user = "ada",
                                     .server = "",
                                     .state = "{\"pvc_name\":\"old-claim\",\"namespace\":"
                                              "\"jhub\"}"});
    UNTIL(cluster->rig, cluster_pod(cluster, "jupyter-ada"));
    assert_string_equal(claim_of_pod(cluster, "jupyter-ada"), "old-claim");
    assert_non_null(json_object_get(cluster->claims, "old-claim"));
    assert_null(json_object_get(cluster->claims, "claim-ada"));
    settle(cluster->rig);
    told_release(&told);
    cluster_free(cluster);
}

static void a_claim_may_be_called_as_the_template_says_now(void **state)
{
    struct cluster *cluster = cluster_ready_with("{}", "{'remember_pvc_name':false}");
    struct told told;
    (void)state;
    begin_order(
        cluster, &told,
        (struct spawn_order){.user = "ada", .server = "", .state = "{\"pvc_name\":\"old-claim\"}"});
    UNTIL(cluster->rig, cluster_pod(cluster, "jupyter-ada"));
    assert_string_equal(claim_of_pod(cluster, "jupyter-ada"), "claim-ada");
    settle(cluster->rig);
    told_release(&told);
    cluster_free(cluster);
}

static void a_claim_of_an_older_kubespawner_is_found(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    json_object_set_new(cluster->claims, "claim-ada-40x-2ey", json_object());
    begin(cluster, &told, "ada@x.y", "");
    UNTIL(cluster->rig, json_object_size(cluster->pods) > 0);
    settle(cluster->rig);
    const char *pod = json_object_iter_key(json_object_iter(cluster->pods));
    assert_string_equal(claim_of_pod(cluster, pod), "claim-ada-40x-2ey");
    assert_int_equal(json_object_size(cluster->claims), 1);
    char *kept = state_of(&told);
    assert_non_null(strstr(kept, "\"pvc_name\":\"claim-ada-40x-2ey\""));
    free(kept);
    told_release(&told);
    cluster_free(cluster);
}

static void without_storage_there_is_no_claim(void **state)
{
    struct cluster *cluster = cluster_ready("{'storage':{'type':'none'}}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    assert_false(was_asked(cluster->rig, CLAIMS));
    told_release(&told);
    cluster_free(cluster);
}

/* --- what is in the way --- */

static json_t *leftover(const char *labels)
{
    json_t *pod = json_pack("{s:{s:o},s:{}}", "metadata", "labels", cluster_json(labels), "spec");
    return pod;
}

static void a_pod_from_before_is_replaced(void **state)
{
    static const char *const labels[] = {
        "{'component':'singleuser-server','hubgate.org/hub':'h1'}",
        "{'component':'singleuser-server'}", /* KubeSpawner's */
    };
    (void)state;
    for (size_t i = 0; i < COUNT(labels); i++) {
        struct cluster *cluster = cluster_new("{}");
        struct told told;
        json_t *pod = leftover(labels[i]);
        cluster_add(cluster, "jupyter-ada", pod, NULL);
        json_decref(pod);
        UNTIL(cluster->rig, cluster->watches[0]);
        begin(cluster, &told, "ada", "");
        UNTIL_LATER(cluster->rig, cluster_pod(cluster, "jupyter-ada") &&
                                      strcmp(cluster_uid(cluster, "jupyter-ada"), "uid-2") == 0);
        assert_true(told_says(&told, "Removing the pod from before"));
        cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
        UNTIL_LATER(cluster->rig, told.started_n);
        told_release(&told);
        cluster_free(cluster);
    }
}

static void a_pod_that_is_not_ours_is_left_alone(void **state)
{
    static const char *const labels[] = {
        "{'component':'singleuser-server','hubgate.org/hub':'other'}",
        "{'app':'database'}",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(labels); i++) {
        struct cluster *cluster = cluster_ready("{}");
        struct told told;
        json_t *pod = leftover(labels[i]);
        cluster_add(cluster, "jupyter-ada", pod, NULL);
        json_decref(pod);
        begin(cluster, &told, "ada", "");
        UNTIL(cluster->rig, told.ended_n);
        assert_non_null(strstr(told.why, "not of this hub"));
        assert_string_equal(cluster_uid(cluster, "jupyter-ada"), "uid-1");
        told_release(&told);
        cluster_free(cluster);
    }
}

static void a_pod_that_does_not_go_is_named(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    json_t *pod = leftover("{'component':'singleuser-server','hubgate.org/hub':'h1'}");
    (void)state;
    cluster->spawner->driver->free(cluster->spawner);
    cluster_open(cluster);
    cluster_add(cluster, "jupyter-ada", pod, NULL);
    json_decref(pod);
    cluster_fail(cluster, "DELETE " PODS, 409, "Conflict", "a finalizer", 1000);
    begin(cluster, &told, "ada", "");
    UNTIL_LATER(cluster->rig, told.ended_n);
    assert_non_null(strstr(told.why, "jupyter-ada"));
    assert_non_null(strstr(told.why, "finalizers"));
    told_release(&told);
    cluster_free(cluster);
}

static void two_servers_never_share_a_pod(void **state)
{
    struct cluster *cluster = cluster_ready("{'podNameTemplate':'jupyter-{username}'}");
    struct told told, other;
    (void)state;
    begin_running(cluster, &told);
    begin(cluster, &other, "ada", "second");
    UNTIL(cluster->rig, other.ended_n);
    assert_string_equal(other.why, "its pod's name is taken by another server: ask an admin (the "
                                   "hub's log says whose, and what to change)");
    assert_int_equal(told.ended_n, 0);
    told_release(&told);
    told_release(&other);
    cluster_free(cluster);
}

/* --- running --- */

static void a_pod_that_ends_by_itself_is_told_with_its_reason(void **state)
{
    static const struct {
        const char *status, *why;
    } rows[] = {
        {ENDED_WITH("1", "Error"), "ended with status 1"},
        {"{'phase':'Running','podIP':'10.0.0.7','containerStatuses':[{'name':'notebook','ready':"
         "true,'restartCount':1,'state':{'running':{}},'lastState':{'terminated':{'exitCode':5,"
         "'reason':'Error'}}}]}",
         "ended with status 5"},
        {ENDED_WITH("137", "OOMKilled"),
         "it used more memory than it may, and was killed (OOMKilled)"},
        {"{'phase':'Failed','reason':'Evicted','message':'low on memory'}",
         "its node turned it out (Evicted): low on memory"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cluster *cluster = cluster_ready("{}");
        struct told told;
        begin_running(cluster, &told);
        cluster_set_status(cluster, "jupyter-ada", rows[i].status);
        expect_end(&told, false, rows[i].why);
        assert_null(cluster_pod(cluster, "jupyter-ada"));
        told_release(&told);
        cluster_free(cluster);
    }
}

static void a_pod_that_has_ended_stays_where_that_is_wished(void **state)
{
    struct cluster *cluster = cluster_ready_with("{}", "{'delete_stopped_pods':false}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada", "{'phase':'Failed','reason':'Evicted'}");
    expect_end(&told, false, "its node turned it out (Evicted)");
    pass(cluster->rig, 60000);
    assert_non_null(cluster_pod(cluster, "jupyter-ada"));
    told_release(&told);
    cluster_free(cluster);
}

static void a_pod_deleted_by_hand_has_its_grace(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_set_meta(cluster, "jupyter-ada",
                     "{'deletionTimestamp':'2026-12-01T00:00:00Z',"
                     "'deletionGracePeriodSeconds':30}");
    pass(cluster->rig, 29000);
    assert_int_equal(told.ended_n, 0);
    assert_false(was_asked(cluster->rig, "DELETE"));
    cluster_end(cluster, "jupyter-ada");
    expect_end(&told, false, "its pod was deleted");
    told_release(&told);
    cluster_free(cluster);
}

static void a_pod_whose_node_is_lost_is_removed_by_force(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada",
                       "{'phase':'Running','conditions':[{'type':'DisruptionTarget','status':"
                       "'True','reason':'DeletionByTaintManager','message':'Taint manager: "
                       "deleting due to NoExecute taint'}]}");
    cluster_set_meta(cluster, "jupyter-ada",
                     "{'deletionTimestamp':'2026-12-01T00:00:00Z',"
                     "'deletionGracePeriodSeconds':30}");
    settle(cluster->rig);
    pass(cluster->rig, 60000);
    expect_end(&told, false, "its pod was deleted: Taint manager: deleting due to NoExecute taint");
    told_release(&told);
    cluster_free(cluster);
}

static void a_pod_that_vanishes_has_ended(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_end(cluster, "jupyter-ada");
    expect_end(&told, false, "its pod was deleted");
    told_release(&told);
    cluster_free(cluster);
}

static void another_address_is_told(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.7"));
    settle(cluster->rig);
    assert_int_equal(told.started_n, 1);
    cluster_set_status(cluster, "jupyter-ada", RUNS_AT("10.0.0.8"));
    UNTIL(cluster->rig, told.started_n == 2);
    assert_string_equal(told.url, "http://10.0.0.8:8888");
    told_release(&told);
    cluster_free(cluster);
}

static void a_container_beside_it_may_fail(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_set_status(cluster, "jupyter-ada",
                       "{'phase':'Running','podIP':'10.0.0.7','containerStatuses':["
                       "{'name':'notebook','ready':true,'state':{'running':{}}},"
                       "{'name':'beside','ready':false,'state':{'waiting':{'reason':"
                       "'CrashLoopBackOff'}}}]}");
    pass(cluster->rig, 60000);
    assert_int_equal(told.ended_n, 0);
    told_release(&told);
    cluster_free(cluster);
}

/* --- a stop, at every stage --- */

static void a_stop_waits_until_the_pod_is_gone(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster->slow_end = true;
    stop(&told, false);
    stop(&told, false);
    UNTIL(cluster->rig, was_asked(cluster->rig, "DELETE " PODS "/jupyter-ada"));
    settle(cluster->rig);
    assert_string_equal(cluster->rig->body,
                        "{\"kind\":\"DeleteOptions\",\"apiVersion\":\"v1\","
                        "\"gracePeriodSeconds\":1,\"preconditions\":{\"uid\":\"uid-1\"}}");
    assert_int_equal(told.ended_n, 0);
    cluster_end(cluster, "jupyter-ada");
    expect_end(&told, true, "stopped");
    told_release(&told);
    cluster_free(cluster);
}

static void a_stop_that_takes_long_ends_by_force(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster->slow_end = true;
    stop(&told, false);
    UNTIL(cluster->rig, was_asked(cluster->rig, "DELETE"));
    settle(cluster->rig);
    pass(cluster->rig, 17000);
    expect_end(&told, true, "stopped");
    assert_non_null(strstr(cluster->rig->body, "\"gracePeriodSeconds\":0"));
    told_release(&told);
    cluster_free(cluster);
}

static void a_stop_may_be_hurried(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster->slow_end = true;
    stop(&told, false);
    UNTIL(cluster->rig, was_asked(cluster->rig, "DELETE"));
    settle(cluster->rig);
    stop(&told, true);
    stop(&told, true);
    UNTIL(cluster->rig, told.ended_n);
    assert_non_null(strstr(cluster->rig->body, "\"gracePeriodSeconds\":0"));
    told_release(&told);
    cluster_free(cluster);
}

static void a_stop_outlasts_an_api_server_that_fails(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_fail(cluster, "DELETE", 500, "InternalError", "etcd is away", 20);
    stop(&told, false);
    expect_end(&told, true, "stopped");
    assert_null(cluster_pod(cluster, "jupyter-ada"));
    told_release(&told);
    cluster_free(cluster);
}

static void a_pod_that_is_gone_already_is_no_matter(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_running(cluster, &told);
    cluster_fail(cluster, "DELETE", 404, "NotFound", "gone", 1);
    stop(&told, false);
    expect_end(&told, true, "stopped");
    told_release(&told);
    cluster_free(cluster);
}

/* Whatever was asked for is not answered; the start is stopped, released, or the driver freed. */
static void a_start_can_be_broken_off_at_every_call(void **state)
{
    static const char *const calls[] = {"POST " CLAIMS, "GET " CLAIMS, "POST " PODS,
                                        "GET " PODS "/", "DELETE " PODS "/"};
    (void)state;
    for (size_t i = 0; i < COUNT(calls); i++) {
        for (unsigned way = 0; way < 4; way++) {
            struct cluster *cluster = cluster_ready("{}");
            struct told told;
            if (i > 2) {
                json_t *pod = leftover("{'component':'singleuser-server'}");
                cluster_add(cluster, "jupyter-ada", pod, "ADDED");
                json_decref(pod);
            }
            if (i == 1)
                cluster_fail(cluster, "POST " CLAIMS, 403, "Forbidden", "quota", 1);
            cluster_fail(cluster, calls[i], 0, NULL, NULL, 1);
            begin(cluster, &told, "ada", "");
            UNTIL(cluster->rig, cluster->rig->held_n);
            if (way < 2) {
                stop(&told, way == 1);
                stop(&told, true);
                assert_int_equal(told.ended_n, 0);
                expect_end(&told, true, "stopped");
            } else if (way == 2) {
                cluster->spawner->driver->release(told.spawn);
            }
            told_release(&told);
            cluster_free(cluster);
        }
    }
}

static void a_start_can_be_stopped_before_it_began(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    json_t *overrides = cluster_json("[{'mem_limit':'much'}]");
    (void)state;
    begin(cluster, &told, "ada", "");
    stop(&told, false);
    expect_end(&told, true, "stopped");
    begin_order(cluster, &told,
                (struct spawn_order){.user = "ada", .server = "", .overrides = overrides});
    stop(&told, false);
    UNTIL(cluster->rig, told.ended_n);
    begin_order(cluster, &told,
                (struct spawn_order){.user = "ada", .server = "", .overrides = overrides});
    cluster->spawner->driver->release(told.spawn);
    settle(cluster->rig);
    assert_int_equal(told.ended_n, 0);
    json_decref(overrides);
    told_release(&told);
    cluster_free(cluster);
}

static void a_pod_made_for_a_start_that_was_stopped_is_removed(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    cluster_fail(cluster, "POST " PODS, 0, NULL, NULL, 1);
    begin(cluster, &told, "ada", "");
    UNTIL(cluster->rig, cluster->rig->held_n);
    stop(&told, false);
    expect_end(&told, true, "stopped");
    json_t *pod = leftover("{'component':'singleuser-server','hubgate.org/hub':'h1'}");
    cluster_add(cluster, "jupyter-ada", pod, "ADDED");
    json_decref(pod);
    UNTIL_LATER(cluster->rig, !cluster_pod(cluster, "jupyter-ada"));
    told_release(&told);
    cluster_free(cluster);
}

static void a_waiting_start_can_be_stopped(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    (void)state;
    begin_pod(cluster, &told);
    stop(&told, true);
    expect_end(&told, true, "stopped");
    assert_null(cluster_pod(cluster, "jupyter-ada"));
    told_release(&told);
    cluster_free(cluster);
}

static void on_verified(void *arg, bool is_it)
{
    *(int *)arg = is_it;
}

static void an_address_in_the_cluster_needs_no_proof(void **state)
{
    struct cluster *cluster = cluster_ready("{}");
    struct told told;
    int is_it = -1;
    (void)state;
    begin_running(cluster, &told);
    cluster->spawner->driver->verify(told.spawn, on_verified, &is_it);
    assert_int_equal(is_it, -1);
    UNTIL(cluster->rig, is_it == 1);
    cluster->spawner->driver->verify(told.spawn, on_verified, &is_it);
    cluster->spawner->driver->release(told.spawn);
    is_it = -1;
    settle(cluster->rig);
    assert_int_equal(is_it, -1);
    told_release(&told);
    cluster_free(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_gets_a_claim_a_pod_and_an_address),
        cmocka_unit_test(an_address_of_ipv6_stands_in_brackets),
        cmocka_unit_test(it_runs_once_all_its_containers_are_ready),
        cmocka_unit_test(events_of_its_pod_move_the_bar),
        cmocka_unit_test(what_is_said_of_a_pod_moves_no_terminal),
        cmocka_unit_test(a_pod_without_a_node_says_so_and_waits),
        cmocka_unit_test(a_start_that_lasts_says_so),
        cmocka_unit_test(it_may_be_reached_by_a_name),
        cmocka_unit_test(what_cannot_start_fails_soon_with_its_reason),
        cmocka_unit_test(what_gets_over_its_trouble_starts),
        cmocka_unit_test(a_pull_that_backs_off_is_told_with_what_was_wrong),
        cmocka_unit_test(what_the_api_server_refuses_fails_at_once_with_its_words),
        cmocka_unit_test(an_api_server_that_fails_for_a_while_is_asked_again),
        cmocka_unit_test(an_api_server_that_fails_for_long_fails_the_start),
        cmocka_unit_test(an_order_that_cannot_be_made_fails_with_its_reason),
        cmocka_unit_test(a_profile_lays_its_settings_over_ours),
        cmocka_unit_test(a_claim_that_is_there_is_used),
        cmocka_unit_test(a_claim_of_another_user_is_not_used),
        cmocka_unit_test(a_quota_that_refuses_a_claim_that_is_there_is_no_matter),
        cmocka_unit_test(a_quota_that_refuses_a_claim_fails_the_start),
        cmocka_unit_test(a_claim_keeps_the_name_that_it_was_made_with),
        cmocka_unit_test(a_claim_may_be_called_as_the_template_says_now),
        cmocka_unit_test(a_claim_of_an_older_kubespawner_is_found),
        cmocka_unit_test(without_storage_there_is_no_claim),
        cmocka_unit_test(a_pod_from_before_is_replaced),
        cmocka_unit_test(a_pod_that_is_not_ours_is_left_alone),
        cmocka_unit_test(a_pod_that_does_not_go_is_named),
        cmocka_unit_test(two_servers_never_share_a_pod),
        cmocka_unit_test(a_pod_that_ends_by_itself_is_told_with_its_reason),
        cmocka_unit_test(a_pod_that_has_ended_stays_where_that_is_wished),
        cmocka_unit_test(a_pod_deleted_by_hand_has_its_grace),
        cmocka_unit_test(a_pod_whose_node_is_lost_is_removed_by_force),
        cmocka_unit_test(a_pod_that_vanishes_has_ended),
        cmocka_unit_test(another_address_is_told),
        cmocka_unit_test(a_container_beside_it_may_fail),
        cmocka_unit_test(a_stop_waits_until_the_pod_is_gone),
        cmocka_unit_test(a_stop_that_takes_long_ends_by_force),
        cmocka_unit_test(a_stop_may_be_hurried),
        cmocka_unit_test(a_stop_outlasts_an_api_server_that_fails),
        cmocka_unit_test(a_pod_that_is_gone_already_is_no_matter),
        cmocka_unit_test(a_start_can_be_broken_off_at_every_call),
        cmocka_unit_test(a_start_can_be_stopped_before_it_began),
        cmocka_unit_test(a_pod_made_for_a_start_that_was_stopped_is_removed),
        cmocka_unit_test(a_waiting_start_can_be_stopped),
        cmocka_unit_test(an_address_in_the_cluster_needs_no_proof),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
