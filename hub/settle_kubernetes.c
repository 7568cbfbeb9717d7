#include "hub/settle_kubernetes.h"
#include "base/str.h"
#include "hub/profile_list.h"
#include "pods/manifest.h"
#include "pods/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_ROOM = 400 };

/* ---- keys of the other driver ---- */

static const struct {
    const char *flag, *instead;
} of_processes[] = {
    {"--server-command", "singleuser.cmd is the command of a pod"},
    {"--default-url", "singleuser.defaultUrl says it of pods"},
    {"--notebook-dir", "kubespawner.notebook_dir says it of pods"},
    {"--switch-user", "singleuser.uid says whom a pod runs as"},
    {"--homes-dir", "singleuser.storage says where users' files are"},
    {"--environment-keep", "pods get none of the hub's variables; set them in singleuser.extraEnv"},
    {"--server-ip", "a pod has an address of its own; leave it out"},
    {"--stop-timeout-s", "kubespawner.delete_grace_period says it of pods"},
    {"--memory-limit", "singleuser.memory.limit says it of pods"},
    {"--cpu-limit", "singleuser.cpu.limit says it of pods"},
    {"--pids-limit", "the nodes bound it (podPidsLimit of their kubelets); leave it out"},
    {"--server-cgroup", "the nodes see to that; leave it out"},
    {"--gpus", "singleuser.extraResource.limits asks for them: nvidia.com/gpu: \"1\""},
    {"--gpu-limit", "singleuser.extraResource.limits asks for them: nvidia.com/gpu: \"1\""},
    {"--log-bytes-max", "the nodes bound it (containerLogMaxSize of their kubelets); leave it out"},
    {"--profiles", "singleuser.profileList has those of pods"},
};

static const char *const of_pods[] = {"--kubeconfig", "--kube-context", "--kube-namespace",
                                      "--singleuser", "--kubespawner",  "--kube-labels"};

static bool refuse_foreign(struct settling *settling)
{
    bool pods = settling->settings->spawner == SPAWNER_KUBERNETES;
    for (size_t i = 0; pods && i < COUNT(of_processes); i++)
        if (settle_has(settling, of_processes[i].flag))
            return settle_refuse(settling, of_processes[i].flag,
                                 "it is for servers on this machine; %s", of_processes[i].instead);
    for (size_t i = 0; !pods && i < COUNT(of_pods); i++)
        if (settle_has(settling, of_pods[i]))
            return settle_refuse(settling, of_pods[i],
                                 "it is for servers that are pods; set spawner to kubernetes");
    return true;
}

/* ---- traits ---- */

/* The error begins with the path, whose first word is a key's name: it is told with the key. */
static bool refuse_path(struct settling *settling, const struct error *why)
{
    static const char *const words[] = {"singleuser", "kubespawner", "kube_labels"};
    static const char *const flags[] = {"--singleuser", "--kubespawner", "--kube-labels"};
    size_t i = 0;
    while (i + 1 < COUNT(words) && strncmp(why->text, words[i], strlen(words[i])) != 0)
        i++;
    const char *rest = why->text;
    size_t n = strlen(words[i]);
    if (strncmp(rest, words[i], n) == 0)
        rest += n + strspn(rest + n, ".: ");
    return settle_refuse(settling, flags[i], "%.390s", rest);
}

static const char *text_of(const json_t *from, const char *name)
{
    return json_string_value(json_object_get(from, name));
}

static bool can_be_made(const json_t *traits, const char *where, struct error *why)
{
    struct error inner;
    return manifest_try(traits, &inner) || error_set(why, "%s: %.400s", where, inner.text);
}

/* ---- overrides ---- */

/* base with a profile's override laid over, new; NULL: *why says what is wrong, and where. */
static json_t *laid_over(const json_t *base, const json_t *override, const char *where,
                         struct error *why)
{
    json_t *traits = json_copy((json_t *)(uintptr_t)base);
    bool good = !override || (traits_check(override, where, why) &&
                              traits_overlay(traits, override, where, why));
    if (good && can_be_made(traits, where, why))
        return traits;
    json_decref(traits);
    return NULL;
}

/* A choice may build on another option's, which is not known yet: what comes of it alone must be
 * good, if anything does. */
static bool check_choice(const json_t *base, const json_t *override, const char *where,
                         struct error *why)
{
    struct error inner;
    if (!override)
        return true;
    if (!traits_check(override, where, why))
        return false;
    json_t *traits = json_copy((json_t *)(uintptr_t)base);
    bool alone = traits_overlay(traits, override, where, &inner);
    bool good = !alone || can_be_made(traits, where, why);
    json_decref(traits);
    return good;
}

static bool check_option(const json_t *option, const json_t *base, const char *profile,
                         struct error *why)
{
    char where[PATH_ROOM];
    const json_t *choice, *other = json_object_get(option, "unlisted_choice");
    const json_t *open = json_object_get(other, "kubespawner_override");
    const char *key = text_of(option, "key");
    size_t i;
    json_array_foreach(json_object_get(option, "choices"), i, choice)
    {
        snprintf(where, sizeof where, "%s.profile_options.%s.choices.%s.kubespawner_override",
                 profile, key, text_of(choice, "id"));
        if (!check_choice(base, json_object_get(choice, "kubespawner_override"), where, why))
            return false;
    }
    snprintf(where, sizeof where, "%s.profile_options.%s.unlisted_choice.kubespawner_override",
             profile, key);
    return !open || traits_check(open, where, why);
}

/* ---- what people see ---- */

/* How many of a kind that is called nvidia.com/gpu or the like. */
static json_int_t gpus_of(const json_t *traits)
{
    const char *name;
    json_t *amount;
    json_int_t n = 0;
    json_object_foreach(json_object_get(traits, "extra_resource_limits"), name, amount)
    {
        const char *kind = strrchr(name, '/');
        if (kind && strcmp(kind, "/gpu") == 0)
            n += json_is_string(amount) ? strtol(json_string_value(amount), NULL, 10)
                                        : json_integer_value(amount);
    }
    return n;
}

/* What a profile's server may use, for the form and for what shows how much of it is used. */
static void add_limits(json_t *profile, const json_t *traits)
{
    json_int_t gpus = gpus_of(traits);
    if (json_object_get(traits, "mem_limit"))
        json_object_set(profile, "memory_limit", json_object_get(traits, "mem_limit"));
    if (json_object_get(traits, "cpu_limit"))
        json_object_set(profile, "cpu_limit", json_object_get(traits, "cpu_limit"));
    if (gpus > 0)
        json_object_set_new(profile, "gpus", json_integer(gpus));
}

static bool settle_profile(json_t *profile, const json_t *base, const char *list, struct error *why)
{
    char place[PATH_ROOM / 2], where[PATH_ROOM];
    size_t i;
    json_t *option;
    snprintf(place, sizeof place, "%s%s", list, text_of(profile, "where"));
    snprintf(where, sizeof where, "%s.kubespawner_override", place);
    json_t *traits = laid_over(base, json_object_get(profile, "override"), where, why);
    bool good = traits != NULL;
    json_array_foreach(json_object_get(profile, "options"), i, option)
    {
        good = good && check_option(option, traits, place, why);
    }
    if (good)
        add_limits(profile, traits);
    json_decref(traits);
    return good;
}

/* ---- all of it ---- */

static bool settle_profiles(struct settling *settling)
{
    struct settings *settings = settling->settings;
    struct error inner, why;
    const json_t *list = json_object_get(settings->traits, "profile_list");
    const char *path = json_object_get(settings->kubespawner, "profile_list")
                           ? "kubespawner.profile_list"
                           : "singleuser.profileList";
    size_t i;
    json_t *profile;
    if (!list)
        return true;
    settings->profiles = profile_list_read(list, &inner);
    if (!settings->profiles) {
        error_set(&why, "%s%.400s", path, inner.text);
        return refuse_path(settling, &why);
    }
    json_array_foreach(settings->profiles, i, profile)
    {
        if (!settle_profile(profile, settings->traits, path, &why))
            return refuse_path(settling, &why);
    }
    return true;
}

/* The driver's own words for what the hub does; the hub's keys win. */
static void take_times(struct settling *settling)
{
    struct settings *settings = settling->settings;
    int64_t start_s = traits_number(settings->traits, "start_timeout");
    int64_t http_s = traits_number(settings->traits, "http_timeout");
    int64_t grace_s = traits_number(settings->traits, "delete_grace_period");
    /* nobody is hurried within the grace; then the node has to say that the pod is gone */
    settings->stop_timeout_ms += grace_s * 1000;
    if (!settle_has(settling, "--start-timeout-s") && start_s > 0)
        settings->start_timeout_ms = start_s * 1000;
    if (!settle_has(settling, "--http-timeout-s") && http_s > 0)
        settings->http_timeout_ms = http_s * 1000;
}

bool settle_kubernetes(struct settling *settling)
{
    struct settings *settings = settling->settings;
    struct error why;
    if (!refuse_foreign(settling))
        return false;
    if (settings->spawner != SPAWNER_KUBERNETES)
        return true;
    if (!settle_has(settling, "--hub-connect-url"))
        return settle_refuse(settling, "--spawner",
                             "pods must know how to reach the hub: set hub_connect_url to an "
                             "address that they can, like http://hub:8081");
    settings->traits =
        values_read(settings->singleuser, settings->kubespawner, settings->kube_labels, &why);
    if (!settings->traits || !can_be_made(settings->traits, "singleuser", &why))
        return refuse_path(settling, &why);
    take_times(settling);
    settings->limits.cpu_millis =
        (uint32_t)(json_real_value(json_object_get(settings->traits, "cpu_limit")) * 1000);
    settings->limits.memory_bytes = (uint64_t)traits_number(settings->traits, "mem_limit");
    return settle_profiles(settling);
}
