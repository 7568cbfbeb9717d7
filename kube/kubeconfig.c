#include "kube/kubeconfig.h"

#include "base/nearest.h"
#include "base/str.h"
#include "base/text.h"
#include "kube/current.h"
#include "kube/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONTEXT, CLUSTER, USER, KINDS };
enum { LIST_MAX = 160 /* bytes of names in an error */ };

static const struct {
    const char *list, *one;
} kinds[KINDS] = {{"contexts", "context"}, {"clusters", "cluster"}, {"users", "user"}};

struct kubeconfig {
    char *files[KUBECONFIG_FILES_MAX];
    size_t files_n;
    struct entry *entries[KINDS];
    size_t entries_n[KINDS];
    char *current;
    const char *current_file; /* that says it */
};

/* ---- entries ---- */

static const struct entry *find(const struct kubeconfig *config, int kind, const char *name)
{
    for (size_t i = 0; i < config->entries_n[kind]; i++)
        if (strcmp(config->entries[kind][i].name, name) == 0)
            return &config->entries[kind][i];
    return NULL;
}

static bool is_name(const json_t *name)
{
    const char *text = json_string_value(name);
    return text && *text && span_is_line(span_of(text));
}

/* Takes the name and a reference to the body. */
static void append(struct kubeconfig *config, int kind, struct entry entry)
{
    size_t n = config->entries_n[kind]++;
    struct entry *more = realloc(config->entries[kind], (n + 1) * sizeof entry);
    if (!more)
        abort();
    config->entries[kind] = more;
    more[n] = entry;
}

/* One that an earlier file has is passed over. */
static bool add_entry(struct kubeconfig *config, int kind, const char *file, const char *name,
                      json_t *body, struct error *error)
{
    const struct entry *there = find(config, kind, name);
    struct entry entry = {
        .kind = kinds[kind].one, .file = file, .within = "", .name = must_copy(name)};
    bool good = true;
    if (there && there->file == file)
        good = entry_refuse(&entry, error, "is here twice");
    else if (!there && config->entries_n[kind] == KUBECONFIG_NAMES_MAX)
        good = error_set(error, "%.200s: there are more than %d %s", file, KUBECONFIG_NAMES_MAX,
                         kinds[kind].list);
    else if (!there && body && !json_is_null(body) && !json_is_object(body))
        good = entry_refuse(&entry, error, "'%s' is a map", kinds[kind].one);
    if (there || !good) {
        free(entry.name);
        return good;
    }
    entry.body = json_is_object(body) ? json_incref(body) : json_object();
    append(config, kind, entry);
    return true;
}

static bool add_entries(struct kubeconfig *config, int kind, const char *file,
                        const struct conf_setting *setting, struct error *error)
{
    json_t *list = setting->is_tree ? json_loads(setting->text, 0, NULL) : NULL, *item;
    bool good = json_is_array(list) || !*setting->text ||
                error_set(error, "%.200s:%u: %s is a list", file, setting->line, setting->key);
    for (size_t i = 0; good && i < json_array_size(list); i++) {
        item = json_array_get(list, i);
        const json_t *name = json_object_get(item, "name");
        good =
            is_name(name) || error_set(error, "%.200s:%u: item %zu of %s has no name of one line",
                                       file, setting->line, i + 1, setting->key);
        good = good && add_entry(config, kind, file, json_string_value(name),
                                 json_object_get(item, kinds[kind].one), error);
    }
    json_decref(list);
    return good;
}

/* ---- files ---- */

static bool take_setting(struct kubeconfig *config, const char *file,
                         const struct conf_setting *setting, struct error *error)
{
    const char *key = setting->key, *text = setting->text;
    for (int kind = 0; kind < KINDS; kind++)
        if (strcmp(key, kinds[kind].list) == 0)
            return add_entries(config, kind, file, setting, error);
    if ((strcmp(key, "kind") == 0 && strcmp(text, "Config") != 0 && *text) ||
        (strcmp(key, "apiVersion") == 0 && strcmp(text, "v1") != 0 && *text))
        return error_set(error, "%.200s:%u: no kubeconfig: that has apiVersion: v1, kind: Config",
                         file, setting->line);
    if (strcmp(key, "current-context") == 0 && (setting->is_tree || !span_is_line(span_of(text))))
        return error_set(error, "%.200s:%u: current-context is a name", file, setting->line);
    if (strcmp(key, "current-context") == 0 && *text && !config->current) {
        config->current = must_copy(text);
        config->current_file = file;
    }
    return true;
}

static bool read_file(struct kubeconfig *config, const char *file, struct error *error)
{
    struct conf_file yaml;
    if (!yaml_read(&yaml, file, NULL, error))
        return false;
    bool good = true;
    for (size_t i = 0; good && i < yaml.n; i++)
        good = take_setting(config, file, &yaml.settings[i], error);
    yaml_release(&yaml);
    return good;
}

static bool add_file(struct kubeconfig *config, struct span path, struct error *error)
{
    if (config->files_n == KUBECONFIG_FILES_MAX)
        return error_set(error, "KUBECONFIG: more than %d files", KUBECONFIG_FILES_MAX);
    char *file = config->files[config->files_n++] = must_copy_span(path);
    return read_file(config, file, error);
}

/* Those that are not there are passed over, as kubectl does, but for the last hope. */
static bool read_list(struct kubeconfig *config, const char *list, struct error *error)
{
    struct span rest = span_of(list);
    while (rest.p) {
        struct span path = span_cut(rest, ':', &rest);
        char *file = must_copy_span(path);
        bool is_missing = path.n == 0 || (access(file, F_OK) != 0 && errno == ENOENT);
        free(file);
        if (!is_missing && !add_file(config, path, error))
            return false;
    }
    return config->files_n || error_set(error, "KUBECONFIG: no such file: %.300s", list);
}

static bool read_home(struct kubeconfig *config, struct error *error)
{
    const char *home = getenv("HOME");
    struct text path = {0};
    if (!home || !*home)
        return error_set(error, "no kubeconfig: KUBECONFIG names one, or HOME has .kube/config");
    text_format(&path, "%s/.kube/config", home);
    char *file = text_take(&path);
    bool good = access(file, F_OK) == 0
                    ? add_file(config, span_of(file), error)
                    : error_set(error, "no kubeconfig: %.200s: %s; KUBECONFIG names another", file,
                                strerror(errno));
    free(file);
    return good;
}

struct kubeconfig *kubeconfig_read(const char *path, struct error *error)
{
    struct kubeconfig *config = must_alloc(sizeof *config);
    const char *list = getenv("KUBECONFIG");
    bool good = path            ? add_file(config, span_of(path), error)
                : list && *list ? read_list(config, list, error)
                                : read_home(config, error);
    if (good)
        return config;
    kubeconfig_free(config);
    return NULL;
}

void kubeconfig_free(struct kubeconfig *config)
{
    if (!config)
        return;
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < config->entries_n[kind]; i++) {
            free(config->entries[kind][i].name);
            json_decref(config->entries[kind][i].body);
        }
        free(config->entries[kind]);
    }
    for (size_t i = 0; i < config->files_n; i++)
        free(config->files[i]);
    free(config->current);
    free(config);
}

/* ---- contexts ---- */

size_t kubeconfig_contexts_n(const struct kubeconfig *config)
{
    return config->entries_n[CONTEXT];
}

static const char *member(const struct entry *entry, const char *key)
{
    const char *text = json_string_value(json_object_get(entry->body, key));
    return text && *text ? text : NULL;
}

static struct kubeconfig_context context_of(const struct entry *entry)
{
    return (struct kubeconfig_context){.name = entry->name,
                                       .cluster = member(entry, "cluster"),
                                       .user = member(entry, "user"),
                                       .namespace = member(entry, "namespace"),
                                       .file = entry->file};
}

struct kubeconfig_context kubeconfig_context(const struct kubeconfig *config, size_t i)
{
    return context_of(&config->entries[CONTEXT][i]);
}

const char *kubeconfig_current(const struct kubeconfig *config)
{
    return config->current;
}

/* ---- choosing ---- */

/* "there are a, b and 3 more", the nearest to the name first. */
static void list_names(const struct kubeconfig *config, int kind, const char *name,
                       struct text *out)
{
    struct nearest nearest = {.name = span_of(name)};
    size_t n = config->entries_n[kind], said = 0;
    for (size_t i = 0; i < n; i++)
        nearest_try(&nearest, span_of(config->entries[kind][i].name));
    text_format(out, n ? "there %s" : "there is none", n == 1 ? "is" : "are");
    if (nearest.best.p) {
        text_format(out, " '%.80s'", nearest.best.p);
        said++;
    }
    for (size_t i = 0; i < n && out->n < LIST_MAX; i++) {
        const char *other = config->entries[kind][i].name;
        if (other == nearest.best.p)
            continue;
        text_format(out, "%s '%.80s'", said ? "," : "", other);
        said++;
    }
    if (said < n)
        text_format(out, " and %zu more", n - said);
}

static bool refuse_context(const struct kubeconfig *config, const char *name, struct error *error)
{
    const char *file = config->files_n > 1 ? "KUBECONFIG" : config->files[0];
    struct text names = {0};
    list_names(config, CONTEXT, name ? name : "", &names);
    char *list = text_take(&names);
    if (name)
        error_set(error, "%.160s: no context '%.80s': %s", file, name, list);
    else
        error_set(error, "%.160s: no current-context, so a context is to be named: %s", file, list);
    free(list);
    return false;
}

/* What a context names, *out NULL: nothing. */
static bool follow(const struct kubeconfig *config, const struct entry *context, int kind,
                   const struct entry **out, struct error *error)
{
    char *name;
    struct text names = {0};
    if (!entry_line(context, kinds[kind].one, &name, error))
        return false;
    *out = name ? find(config, kind, name) : NULL;
    bool good = !name || *out;
    if (!good) {
        list_names(config, kind, name, &names);
        char *list = text_take(&names);
        entry_refuse(context, error, "no %s '%.60s': %.160s", kinds[kind].one, name, list);
        free(list);
    }
    free(name);
    return good;
}

bool kubeconfig_choose(const struct kubeconfig *config, const char *name,
                       struct kubeconfig_context *context, struct cluster *cluster,
                       struct error *error)
{
    const char *wanted = name ? name : config->current;
    const struct entry *chosen = wanted ? find(config, CONTEXT, wanted) : NULL;
    const struct entry *server = NULL, *user = NULL;
    if (!chosen)
        return refuse_context(config, wanted, error);
    char *namespace;
    if (!entry_line(chosen, "namespace", &namespace, error))
        return false;
    free(namespace);
    if (!follow(config, chosen, CLUSTER, &server, error) ||
        !follow(config, chosen, USER, &user, error))
        return false;
    if (!server)
        return entry_refuse(chosen, error, "names no cluster");
    *context = context_of(chosen);
    return cluster_read(cluster, server, user, error);
}

bool kubeconfig_use(struct kubeconfig *config, const char *name, struct error *error)
{
    const char *file = config->current ? config->current_file : config->files[0];
    if (!find(config, CONTEXT, name))
        return refuse_context(config, name, error);
    if (!current_write(file, name, error))
        return false;
    free(config->current);
    config->current = must_copy(name);
    config->current_file = file;
    return true;
}
