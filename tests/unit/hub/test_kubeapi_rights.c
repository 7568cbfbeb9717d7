/* Which of the rights that we need we do not have. */
#include "tests/unit/hub/kubeapi_rig.h"

#include "kubeapi/rights.h"

struct found {
    unsigned told;
    size_t n;
    char *missing[8], *error;
};

static void on_found(void *arg, const char *const *missing, size_t missing_n, const char *error)
{
    struct found *found = arg;
    found->told++;
    found->n = missing_n;
    for (size_t i = 0; i < missing_n; i++)
        found->missing[i] = must_copy(missing[i]);
    found->error = error ? must_copy(error) : NULL;
}

static void forget(struct found *found)
{
    for (size_t i = 0; i < found->n; i++)
        free(found->missing[i]);
    free(found->error);
    *found = (struct found){0};
}

static const struct right rights[] = {
    {"create", "pods", NULL, NULL},
    {"get", "pods", "log", NULL},
    {"create", "persistentvolumeclaims", NULL, NULL},
    {"list", "jobs", NULL, "batch"},
};

/* Allows what has to do with pods themselves. */
static void serve_reviews(struct rig *rig, struct call *call)
{
    json_t *review = json_loads(rig->body, 0, NULL);
    const char *resource = NULL, *verb = NULL, *namespace = NULL, *group = NULL, *sub = NULL;
    assert_string_equal(call->target, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews");
    assert_int_equal(json_unpack(review, "{s:{s:{s:s, s:s, s:s, s:s, s?s}}}", "spec",
                                 "resourceAttributes", "namespace", &namespace, "verb", &verb,
                                 "resource", &resource, "group", &group, "subresource", &sub),
                     0);
    assert_string_equal(namespace, "jhub");
    if (strcmp(resource, "pods") == 0 && !sub)
        answer(call, 201, "{\"status\":{\"allowed\":true,\"reason\":\"RBAC: x\"}}");
    else if (strcmp(resource, "jobs") == 0)
        answer(call, 201,
               "{\"status\":{\"allowed\":false,\"denied\":true,\"reason\":\"no\\njobs\"}}");
    else
        answer(call, 201, "{\"status\":{\"allowed\":false}}");
    json_decref(review);
}

static void each_missing_right_is_named(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct found found = {0};
    (void)state;
    rig->serve = serve_reviews;
    rights_check(rig->server, "jhub", rights, COUNT(rights), on_found, &found);
    assert_int_equal(found.told, 0);
    UNTIL(rig, found.told);
    assert_null(found.error);
    assert_int_equal(found.n, 3);
    assert_string_equal(found.missing[0], "may not get pods/log in namespace jhub");
    assert_string_equal(found.missing[1],
                        "may not create persistentvolumeclaims in namespace jhub");
    assert_string_equal(found.missing[2], "may not list jobs.batch in namespace jhub: no jobs");
    forget(&found);
    tear_down(rig);
}

static void serve_all(struct rig *rig, struct call *call)
{
    (void)rig;
    answer(call, 201, "{\"status\":{\"allowed\":true}}");
}

static void where_none_is_missing_none_is_named(void **state)
{
    struct rig *rig = set_up("token: t1");
    struct found found = {0};
    (void)state;
    rig->serve = serve_all;
    rights_check(rig->server, "jhub", rights, COUNT(rights), on_found, &found);
    UNTIL(rig, found.told);
    assert_null(found.error);
    assert_int_equal(found.n, 0);
    tear_down(rig);
}

static const char *says;
static unsigned code;

static void serve_same(struct rig *rig, struct call *call)
{
    (void)rig;
    answer(call, code, says);
}

static void why_it_cannot_be_found_out_is_told_once(void **state)
{
    struct found found = {0};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct rig *rig = set_up("token: t1");
        rig->serve = serve_same;
        code = i ? 201 : 401;
        says = i ? "{\"status\":{}}" : "{\"kind\":\"Status\",\"reason\":\"Unauthorized\"}";
        rights_check(rig->server, "jhub", rights, COUNT(rights), on_found, &found);
        UNTIL(rig, found.told);
        settle(rig);
        assert_int_equal(found.told, 1);
        assert_int_equal(found.n, 0);
        assert_string_equal(found.error,
                            i ? "ask for our rights: the answer does not say whether we have them"
                              : "ask for our rights: 401 Unauthorized");
        forget(&found);
        tear_down(rig);
    }
}

static void a_check_may_be_cancelled(void **state)
{
    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        struct rig *rig = set_up("token: t1");
        struct found found = {0};
        rig->serve = serve_all;
        struct rights *check =
            rights_check(rig->server, "jhub", rights, COUNT(rights), on_found, &found);
        for (int i = 0; i < turns; i++)
            loop_turn(rig->loop, false);
        if (!found.told) {
            rights_cancel(check);
            settle(rig);
            assert_int_equal(found.told, 0);
        }
        tear_down(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_missing_right_is_named),
        cmocka_unit_test(where_none_is_missing_none_is_named),
        cmocka_unit_test(why_it_cannot_be_found_out_is_told_once),
        cmocka_unit_test(a_check_may_be_cancelled),
    };
    signal(SIGPIPE, SIG_IGN);
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_stop();
    return failed;
}
