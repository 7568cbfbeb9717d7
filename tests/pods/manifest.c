/* What the floor of pods makes of settings, to be held against KubeSpawner's: reads a JSON object
 * from each line, answers in a line {"pod", "claim", "names", "traits"} or {"error"}. With the word
 * `tables` it prints the tables of values, traits and models, with `reference` the page of them,
 * docs/reference/pods.md. */
#include "base/str.h"
#include "pods/manifest.h"
#include "pods/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENVIRONMENT_MAX = 200 };

static const char *text_of(const json_t *task, const char *name)
{
    const char *text = json_string_value(json_object_get(task, name));
    return text ? text : "";
}

/* The traits of singleuser, kubespawner, labels and each of overrides; NULL: *error says why. */
static json_t *read_traits(const json_t *task, struct error *error)
{
    size_t i;
    json_t *override;
    json_t *traits =
        values_read(json_object_get(task, "singleuser"), json_object_get(task, "kubespawner"),
                    json_object_get(task, "labels"), error);
    bool good = traits != NULL;
    json_array_foreach(json_object_get(task, "check"), i, override)
    {
        good = good && traits_check(override, "override", error);
    }
    json_array_foreach(json_object_get(task, "overrides"), i, override)
    {
        good = good && traits_check(override, "override", error) &&
               traits_overlay(traits, override, "override", error);
    }
    if (good)
        return traits;
    json_decref(traits);
    return NULL;
}

static void read_order(struct pod_order *order, const char **environment, const json_t *task)
{
    size_t i, n = 0;
    json_t *pair;
    json_array_foreach(json_object_get(task, "environment"), i, pair)
    {
        if (n < ENVIRONMENT_MAX)
            environment[n++] = json_string_value(pair);
    }
    environment[n] = NULL;
    *order = (struct pod_order){
        .owner = {.user = text_of(task, "user"),
                  .server = text_of(task, "server"),
                  .user_id = (uint64_t)json_integer_value(json_object_get(task, "user_id")),
                  .space = text_of(task, "space"),
                  .hub_space = json_string_value(json_object_get(task, "hub_space"))},
        .prefix = text_of(task, "prefix"),
        .environment = environment,
        .hub = json_string_value(json_object_get(task, "hub"))};
}

static json_t *answer(const json_t *task)
{
    struct error error = {{0}};
    struct pod_names names;
    struct pod_order order;
    const char *environment[ENVIRONMENT_MAX + 1];
    json_t *pod = NULL, *claim = NULL, *traits = read_traits(task, &error);
    read_order(&order, environment, task);
    if (traits && names_make(&names, traits, &order.owner, &error)) {
        order.owner.pod = names.pod;
        order.owner.claim = names.claim;
        pod = manifest_pod(traits, &order, &error);
        bool has_claim = traits_flag(traits, "storage_pvc_ensure");
        if (pod)
            claim = has_claim ? manifest_claim(traits, &order, &error) : json_null();
    }
    json_t *said =
        claim ? json_pack("{s:O, s:O, s:O, s:{s:s, s:s, s:s, s:b}}", "pod", pod, "claim", claim,
                          "traits", traits, "names", "pod", names.pod, "claim", names.claim,
                          "claim_before", names.claim_before, "claim_is_own", names.claim_is_own)
              : json_pack("{s:s}", "error", error.text);
    json_decref(pod);
    json_decref(claim);
    json_decref(traits);
    return said;
}

/* ---- the tables ---- */

static json_t *json_text(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *traits_table(void)
{
    size_t n;
    const struct trait *all = traits_all(&n);
    json_t *table = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(table, json_pack("{s:s, s:i, s:b, s:o}", "name", all[i].name,
                                               "standing", (int)all[i].standing, "fixed",
                                               all[i].fixed, "says", json_text(all[i].says)));
    return table;
}

static json_t *values_table(void)
{
    size_t n;
    const struct value *all = values_all(&n);
    json_t *table = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(table,
                              json_pack("{s:s, s:o, s:i}", "path", all[i].path, "trait",
                                        json_text(all[i].trait), "standing", (int)all[i].standing));
    return table;
}

static json_t *models_table(void)
{
    json_t *table = json_object();
    for (enum model model = MODEL_NONE + 1; model < MODELS_N; model++)
        json_object_set_new(table, model_kind(model), json_string(model_members(model)));
    return table;
}

static int print_tables(void)
{
    json_t *tables = json_pack("{s:o, s:o, s:o, s:o, s:o}", "traits", traits_table(), "values",
                               values_table(), "models", models_table(), "trait_defaults",
                               traits_defaults(), "value_defaults", values_defaults());
    int failed = json_dumpf(tables, stdout, JSON_COMPACT);
    json_decref(tables);
    return failed;
}

/* ---- the page of them ---- */

/* A default as the page has it. */
static void print_default(const json_t *value)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    printf(" %s%s%s |", text ? "`" : "–", text ? text : "", text ? "`" : "");
    free(text);
}

/* "a list or map of Toleration objects" */
static void print_form(enum form form, enum model model)
{
    if (form == FORM_OBJECTS)
        printf(" a list or map of %s objects |", model_kind(model));
    else if (form == FORM_OBJECT || form == FORM_CHANGES)
        printf(" members of a %s |", model_kind(model));
    else
        printf(" %s |", form_words(form));
}

static void print_standing(enum standing standing, const char *says)
{
    static const char *const words[] = {"same", "different", "no effect", "refused"};
    printf(" %s%s%s |\n", words[standing], says ? ": " : "", says ? says : "");
}

static void print_traits(void)
{
    size_t n;
    const struct trait *all = traits_all(&n);
    json_t *defaults = traits_defaults();
    printf("| trait | takes | default | profiles | |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        bool is_out = all[i].standing == STANDS_OUT;
        printf("| `%s` |", all[i].name);
        if (is_out)
            printf(" – |");
        else
            print_form(all[i].form, all[i].model);
        print_default(json_object_get(defaults, all[i].name));
        printf(" %s |", is_out || all[i].fixed ? "no" : "yes");
        print_standing(all[i].standing, all[i].says);
    }
    json_decref(defaults);
}

static const json_t *default_at(const json_t *map, const char *path)
{
    struct span rest = span_of(path);
    while (map && rest.p) {
        struct span name = span_cut(rest, '.', &rest);
        map = json_object_getn(map, name.p, name.n);
    }
    return map;
}

static const struct trait *find_trait(const char *name)
{
    size_t n, i = 0;
    const struct trait *all = traits_all(&n);
    while (strcmp(all[i].name, name) != 0)
        i++;
    return &all[i];
}

static void print_values(void)
{
    size_t n;
    const struct value *all = values_all(&n);
    json_t *defaults = values_defaults();
    printf("| value | takes | default | sets | |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        const struct trait *trait = all[i].trait ? find_trait(all[i].trait) : NULL;
        printf("| `%s` |", all[i].path);
        print_form(trait ? trait->form : all[i].form, trait ? trait->model : all[i].model);
        print_default(default_at(defaults, all[i].path));
        printf(trait ? " `%s` |" : " – |", trait ? trait->name : "");
        print_standing(all[i].standing, all[i].says);
    }
    json_decref(defaults);
}

static int print_reference(void)
{
    printf("# Settings of pods\n\n"
           "What a server's pod is made of: the map `singleuser`, with the names and defaults of "
           "z2jh's\n"
           "chart, and over it the map `kubespawner`, with KubeSpawner's traits, as z2jh's\n"
           "`hub.config.KubeSpawner` has them. A profile's `kubespawner_override` has traits too. "
           "An unknown\n"
           "name and a value of another type are refused when the hub starts. From these settings "
           "come the\n"
           "same pods and claims as from KubeSpawner 7.1 under z2jh 4.4; what is meant to differ "
           "is said\n"
           "here. `make docs` prints this page from the program's tables.\n\n"
           "## singleuser\n\n"
           "Maps are merged with the defaults; null takes a default away.\n\n");
    print_values();
    printf(
        "\n## kubespawner\n\n"
        "Each trait replaces what `singleuser` made of it. Those that profiles may change are "
        "merged, map\n"
        "by map: null takes a member away, anything else replaces. The defaults are those below\n"
        "`singleuser`, where that sets the trait.\n\n");
    print_traits();
    printf(
        "\n## Also different\n\n"
        "- The annotations `hub.jupyter.org/kubespawner-version` and `…/jupyterhub-version` are\n"
        "  `hubgate.org/version` here, and pods and claims have a label `hubgate.org/hub`, whose "
        "they are.\n"
        "- The volumes of `singleuser.storage` are a map by their names, so that a profile that "
        "has a map\n"
        "  of volumes adds to them. A list replaces all of them, the home too.\n"
        "- Templates are filled in as KubeSpawner does, but a field has no format, conversion or "
        "index:\n"
        "  `{username:>8}` is refused.\n"
        "- `{unescaped_username}` and the like are put in as they are; only names and labels are "
        "made safe.\n"
        "- Names of members in Kubernetes' objects may be spelled `mountPath` or `mount_path`, and "
        "are the\n"
        "  same member when they are merged.\n"
        "- A member that a PodSpec, Container, Volume, VolumeMount, Toleration, affinity term or "
        "EnvVar does\n"
        "  not have is refused at the start; what is inside of a member is the API server's to "
        "judge.\n");
    return 0;
}

/* ---- tasks ---- */

static int answer_lines(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        json_t *task = json_loads(line, 0, NULL), *said = answer(task);
        char *text = json_dumps(said, JSON_COMPACT);
        printf("%s\n", text ? text : "{}");
        fflush(stdout);
        free(text);
        json_decref(said);
        json_decref(task);
    }
    free(line);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "tables") == 0)
        return print_tables();
    if (argc > 1 && strcmp(argv[1], "reference") == 0)
        return print_reference();
    return answer_lines();
}
