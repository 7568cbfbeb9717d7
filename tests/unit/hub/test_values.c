/* z2jh's singleuser as KubeSpawner's traits, and what is refused with which path. */
#include "base/str.h"
#include "pods/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct error error;

static json_t *json(const char *text)
{
    json_t *tree = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    assert_true(tree || !text);
    return tree;
}

/* The traits of both maps; NULL: `error` says why. */
static json_t *read_both(const char *singleuser, const char *kubespawner)
{
    json_t *values = json(singleuser), *over = json(kubespawner);
    json_t *traits = values_read(values, over, NULL, &error);
    json_decref(values);
    json_decref(over);
    return traits;
}

static void expect_trait(const char *singleuser, const char *kubespawner, const char *name,
                         const char *value)
{
    json_t *traits = read_both(singleuser, kubespawner), *expected = json(value);
    if (!traits)
        fail_msg("%s: %s", singleuser, error.text);
    if (!json_equal(json_object_get(traits, name), expected))
        fail_msg("%s is %s", name,
                 json_dumps(json_object_get(traits, name), JSON_ENCODE_ANY | JSON_COMPACT));
    json_decref(traits);
    json_decref(expected);
}

static void expect_error(const char *singleuser, const char *kubespawner, const char *text)
{
    json_t *traits = read_both(singleuser, kubespawner);
    if (traits)
        fail_msg("%s was taken", singleuser);
    assert_string_equal(error.text, text);
}

static void z2jh_defaults_are_under_it(void **state)
{
    (void)state;
    expect_trait("{}", NULL, "mem_guarantee", "1073741824");
    expect_trait("{}", NULL, "uid", "1000");
    expect_trait("{}", NULL, "fs_gid", "100");
    expect_trait("{}", NULL, "allow_privilege_escalation", "false");
    expect_trait("{}", NULL, "cmd", "[\"jupyterhub-singleuser\"]");
    expect_trait("{}", NULL, "start_timeout", "300");
    expect_trait("{}", NULL, "storage_capacity", "\"10Gi\"");
    expect_trait("{}", NULL, "storage_pvc_ensure", "true");
    expect_trait("{}", NULL, "delete_pvc", "false");
    expect_trait("{\"memory\": {\"limit\": \"2G\"}}", NULL, "mem_guarantee", "1073741824");
}

static void null_takes_a_default_away(void **state)
{
    json_t *traits;
    (void)state;
    traits = read_both("{\"memory\": {\"guarantee\": null}, \"uid\": null, \"cmd\": null,"
                       " \"allowPrivilegeEscalation\": null}",
                       NULL);
    assert_non_null(traits);
    assert_null(json_object_get(traits, "mem_guarantee"));
    assert_null(json_object_get(traits, "uid"));
    assert_null(json_object_get(traits, "cmd"));
    assert_null(json_object_get(traits, "allow_privilege_escalation"));
    json_decref(traits);
}

static void what_is_wrong_is_told_with_its_path(void **state)
{
    (void)state;
    expect_error("{\"memory\": {\"limt\": \"1G\"}}", NULL,
                 "singleuser.memory.limt: there is no such value; did you mean limit?");
    expect_error("{\"memory\": {\"limit\": \"1Gi\"}}", NULL,
                 "singleuser.memory.limit: a size has no i: write 1G, which is 1024-based as well");
    expect_error("{\"cpu\": {\"limit\": \"0.5\"}}", NULL,
                 "singleuser.cpu.limit: a number of cores like 0.5 or 2 was expected, not a text: "
                 "write it without quotes");
    expect_error("{\"events\": \"yes\"}", NULL,
                 "singleuser.events: true or false was expected, not a text: write true or false, "
                 "without quotes");
    expect_error("{\"extraEnv\": {\"DEBUG\": 1}}", NULL,
                 "singleuser.extraEnv.DEBUG: a text was expected; put it in quotes");
    expect_error(
        "{\"extraTolerations\": [{\"operater\": \"Exists\"}]}", NULL,
        "singleuser.extraTolerations[0].operater: Toleration has no such member; did you mean "
        "operator?");
    expect_error("{\"storage\": {\"type\": \"dynamc\"}}", NULL,
                 "singleuser.storage.type: 'dynamc' is not dynamic, static or none");
    expect_error("{}", "{\"memory_limit\": \"1G\"}",
                 "kubespawner.memory_limit: there is no such trait; did you mean mem_limit?");
    expect_error(
        "{}", "{\"namespace\": \"users\"}",
        "kubespawner.namespace: this is not taken: set the hub's key kube_namespace instead");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(z2jh_defaults_are_under_it),
        cmocka_unit_test(null_takes_a_default_away),
        cmocka_unit_test(what_is_wrong_is_told_with_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
