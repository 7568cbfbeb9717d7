/* Settings for pods, and profiles over them: whatever is in them, a pod and a claim come of it that
 * are JSON and have what the API asks for, or a reason in one line. */
#include "tests/fuzz/fuzz.h"

#include "pods/manifest.h"
#include "pods/values.h"

static const char *const environment[] = {"JUPYTERHUB_USER=x", "A=$(B)", "NO_VALUE", "=", NULL};

static void check_name(const json_t *object, const char *kind)
{
    const json_t *data = json_object_get(object, "metadata");
    REQUIRE(strcmp(json_string_value(json_object_get(object, "apiVersion")), "v1") == 0);
    REQUIRE(strcmp(json_string_value(json_object_get(object, "kind")), kind) == 0);
    REQUIRE(json_string_length(json_object_get(data, "name")) > 0);
    REQUIRE(json_string_length(json_object_get(data, "name")) <= NAME_BYTES_MAX);
    REQUIRE(json_object_get(json_object_get(data, "labels"), MANIFEST_HUB_LABEL));
}

/* What is sent is what was made. */
static void check_text(const json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    REQUIRE(text);
    json_t *again = json_loads(text, 0, NULL);
    REQUIRE(json_equal(object, again));
    json_decref(again);
    free(text);
}

static void check_pod(const json_t *pod)
{
    const json_t *spec = json_object_get(pod, "spec");
    size_t i;
    json_t *variable;
    check_name(pod, "Pod");
    check_text(pod);
    REQUIRE(json_array_size(json_object_get(spec, "containers")) > 0);
    const json_t *first = json_array_get(json_object_get(spec, "containers"), 0);
    json_array_foreach(json_object_get(first, "env"), i, variable)
    {
        REQUIRE(!json_is_null(variable));
    }
}

static void make(const json_t *traits, const json_t *task, struct error *error)
{
    const char *user = json_string_value(json_object_get(task, "user"));
    const char *server = json_string_value(json_object_get(task, "server"));
    struct pod_names names;
    struct pod_order order = {.owner = {.user = user && *user ? user : "ada",
                                        .server = server ? server : "",
                                        .user_id = 7,
                                        .space = "users"},
                              .prefix = "/user/ada/",
                              .environment = environment,
                              .hub = "h1"};
    if (!names_make(&names, traits, &order.owner, error))
        return;
    order.owner.pod = names.pod;
    order.owner.claim = names.claim;
    json_t *pod = manifest_pod(traits, &order, error);
    json_t *claim = pod ? manifest_claim(traits, &order, error) : NULL;
    if (pod)
        check_pod(pod);
    if (claim) {
        check_name(claim, "PersistentVolumeClaim");
        check_text(claim);
        *error->text = '\0';
    }
    json_decref(pod);
    json_decref(claim);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct error error = {{0}}, unused;
    size_t i;
    json_t *override, *task = json_loadb((const char *)bytes, n, 0, NULL);
    json_t *traits =
        values_read(json_object_get(task, "singleuser"), json_object_get(task, "kubespawner"),
                    json_object_get(task, "labels"), &error);
    bool good = traits != NULL;
    json_array_foreach(json_object_get(task, "overrides"), i, override)
    {
        bool fits = traits_check(override, "override", &unused);
        good = good && traits_overlay(traits, override, "override", &error);
        REQUIRE(!good || fits || strlen(unused.text) > 0);
    }
    if (good)
        make(traits, task, &error);
    else
        REQUIRE(strlen(error.text) > 0);
    json_decref(traits);
    json_decref(task);
    return 0;
}
