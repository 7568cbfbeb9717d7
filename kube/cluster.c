#include "kube/cluster.h"

#include "base/encode.h"
#include "base/str.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* ---- texts ---- */

static void words_free(char **words)
{
    for (char **word = words; word && *word; word++)
        free(*word);
    free(words);
}

/* Room for a list of that many texts, and its end. */
static char **words_new(size_t n)
{
    return must_alloc((n + 1) * sizeof(char *));
}

/* ---- the server ---- */

static bool read_server(struct cluster *cluster, const struct entry *entry, struct error *error)
{
    if (!entry_line(entry, "server", &cluster->server, error))
        return false;
    struct span url = span_of(cluster->server ? cluster->server : "");
    bool good = (span_starts_nocase(url, SPAN("https://")) && url.n > 8) ||
                (span_starts_nocase(url, SPAN("http://")) && url.n > 7);
    for (size_t i = 0; i < url.n; i++)
        good = good && url.p[i] > ' ' && !strchr("@?#\\", url.p[i]);
    if (!good)
        return entry_refuse(entry, error, "server is to be a URL like https://10.0.0.1:6443");
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    cluster->server[url.n] = '\0';
    return true;
}

/* The proxy looks up the server's name, as it does for kubectl: libcurl calls that socks5h. */
static bool read_proxy(struct cluster *cluster, const struct entry *entry, struct error *error)
{
    static const char *const schemes[] = {"http://", "https://", "socks5h://", "socks5://"};
    char *url;
    if (!entry_line(entry, "proxy-url", &url, error) || !url)
        return !url;
    for (size_t i = 0; i < COUNT(schemes) && !cluster->proxy_url; i++) {
        struct text known = {0};
        if (!span_starts_nocase(span_of(url), span_of(schemes[i])))
            continue;
        text_put(&known, i == 3 ? schemes[2] : schemes[i]);
        text_put(&known, url + strlen(schemes[i]));
        cluster->proxy_url = text_take(&known);
    }
    free(url);
    return cluster->proxy_url ||
           entry_refuse(entry, error, "proxy-url is to begin with http://, https:// or socks5://");
}

static bool read_trust(struct cluster *cluster, const struct entry *entry, struct error *error)
{
    if (!entry_pem(entry, "certificate-authority-data", &cluster->ca_pem, error) ||
        (!cluster->ca_pem &&
         !entry_file(entry, "certificate-authority", &cluster->ca_file, error)) ||
        !entry_line(entry, "tls-server-name", &cluster->server_name, error) ||
        !entry_flag(entry, "insecure-skip-tls-verify", &cluster->insecure, error))
        return false;
    return !cluster->insecure || (!cluster->ca_pem && !cluster->ca_file) ||
           entry_refuse(entry, error,
                        "insecure-skip-tls-verify trusts everybody, certificate-authority one: "
                        "leave one of them out");
}

/* ---- the user ---- */

static bool read_certificate(struct cluster *cluster, const struct entry *entry,
                             struct error *error)
{
    if (!entry_pem(entry, "client-certificate-data", &cluster->cert_pem, error) ||
        (!cluster->cert_pem &&
         !entry_file(entry, "client-certificate", &cluster->cert_file, error)) ||
        !entry_pem(entry, "client-key-data", &cluster->key_pem, error) ||
        (!cluster->key_pem && !entry_file(entry, "client-key", &cluster->key_file, error)))
        return false;
    bool has_certificate = cluster->cert_pem || cluster->cert_file;
    bool has_key = cluster->key_pem || cluster->key_file;
    if (has_certificate == has_key)
        return true;
    return entry_refuse(entry, error, "has a %s without its %s",
                        has_key ? "client-key" : "client-certificate",
                        has_key ? "client-certificate" : "client-key");
}

static bool read_token(struct cluster *cluster, const struct entry *entry, struct error *error)
{
    if (!entry_file(entry, "tokenFile", &cluster->token_file, error) ||
        !entry_line(entry, "token", &cluster->token, error) ||
        !entry_line(entry, "username", &cluster->username, error) ||
        !entry_line(entry, "password", &cluster->password, error))
        return false;
    if (cluster->username && (cluster->token || cluster->token_file))
        return entry_refuse(entry, error, "has both a token and a username: leave one of them out");
    if (cluster->username && strchr(cluster->username, ':'))
        return entry_refuse(entry, error, "a username has no ':'");
    return true;
}

/* One field of every request; the list has room. */
static bool add_field(char **list, const struct entry *entry, const char *name, const char *more,
                      const json_t *value, struct error *error)
{
    struct text line = {0};
    if (!json_is_string(value) || !span_is_line(span_of(json_string_value(value))))
        return entry_refuse(entry, error,
                            "as, as-uid, as-groups and as-user-extra hold texts of "
                            "one line");
    text_put(&line, name);
    text_percent(&line, span_of(more), "!#$&'*+^`|");
    text_format(&line, ": %s", json_string_value(value));
    while (*list)
        list++;
    *list = text_take(&line);
    return true;
}

static size_t count_fields(const json_t *groups, json_t *extra)
{
    const char *key;
    json_t *values;
    size_t n = 2 + json_array_size(groups);
    json_object_foreach(extra, key, values) n += json_array_size(values);
    return n;
}

static bool add_extra(char **list, const struct entry *entry, json_t *extra, struct error *error)
{
    const char *key;
    json_t *values, *value;
    size_t i;
    json_object_foreach(extra, key, values)
    {
        if (!json_is_array(values))
            return entry_refuse(entry, error, "as-user-extra holds lists");
        json_array_foreach(values, i, value) if (!add_field(list, entry, "Impersonate-Extra-", key,
                                                            value, error)) return false;
    }
    return true;
}

/* Somebody else, as whom this user may act. */
static bool read_impersonation(struct cluster *cluster, const struct entry *entry,
                               struct error *error)
{
    const json_t *user = json_object_get(entry->body, "as"), *group;
    const json_t *uid = json_object_get(entry->body, "as-uid");
    json_t *groups, *extra;
    size_t i;
    if (!entry_list(entry, "as-groups", &groups, error) ||
        !entry_map(entry, "as-user-extra", &extra, error))
        return false;
    user = json_is_null(user) ? NULL : user;
    uid = json_is_null(uid) ? NULL : uid;
    if (!user && !uid && !groups && !extra)
        return true;
    if (!user)
        return entry_refuse(entry, error, "as-uid, as-groups and as-user-extra need an 'as'");
    char **list = cluster->impersonation = words_new(count_fields(groups, extra));
    if (!add_field(list, entry, "Impersonate-User", "", user, error) ||
        (uid && !add_field(list, entry, "Impersonate-Uid", "", uid, error)))
        return false;
    json_array_foreach(groups, i, group) if (!add_field(list, entry, "Impersonate-Group", "", group,
                                                        error)) return false;
    return add_extra(list, entry, extra, error);
}

/* ---- the program ---- */

static bool read_args(struct cluster_exec *exec, const struct entry *entry, struct error *error)
{
    json_t *list, *item;
    size_t i;
    if (!entry_list(entry, "args", &list, error))
        return false;
    exec->args = words_new(json_array_size(list));
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item) && !json_is_null(item))
            return entry_refuse(entry, error, "exec.args holds texts");
        exec->args[i] = must_copy(json_is_null(item) ? "" : json_string_value(item));
    }
    return true;
}

static bool read_env(struct cluster_exec *exec, const struct entry *entry, struct error *error)
{
    json_t *list, *item;
    size_t i;
    if (!entry_list(entry, "env", &list, error))
        return false;
    exec->env = words_new(json_array_size(list));
    json_array_foreach(list, i, item)
    {
        const char *name = json_string_value(json_object_get(item, "name"));
        const json_t *value = json_object_get(item, "value");
        const char *text = value && !json_is_null(value) ? json_string_value(value) : "";
        struct text pair = {0};
        if (!name || !*name || strchr(name, '=') || !text)
            return entry_refuse(entry, error, "exec.env holds maps of a name and a value");
        text_format(&pair, "%s=", name);
        text_put(&pair, text);
        exec->env[i] = text_take(&pair);
    }
    return true;
}

static bool read_mode(struct cluster_exec *exec, const struct entry *entry, struct error *error)
{
    char *mode;
    if (!entry_text(entry, "interactiveMode", &mode, error))
        return false;
    bool is_v1 = strcmp(exec->version, "client.authentication.k8s.io/v1") == 0;
    const char *word = mode ? mode : is_v1 ? "" : "IfAvailable";
    exec->must_ask = strcmp(word, "Always") == 0;
    exec->may_ask = exec->must_ask || strcmp(word, "IfAvailable") == 0;
    bool good = exec->may_ask || strcmp(word, "Never") == 0;
    free(mode);
    return good ||
           entry_refuse(entry, error, "exec.interactiveMode is to be Never, IfAvailable or Always");
}

static bool read_version(struct cluster_exec *exec, const struct entry *entry, struct error *error)
{
    static const char start[] = "client.authentication.k8s.io/";
    if (!entry_line(entry, "apiVersion", &exec->version, error))
        return false;
    const char *word = exec->version ? exec->version : "";
    if (strncmp(word, start, strlen(start)) == 0 &&
        (strcmp(word + strlen(start), "v1") == 0 || strcmp(word + strlen(start), "v1beta1") == 0))
        return true;
    return entry_refuse(entry, error,
                        "exec.apiVersion is to be %sv1 or v1beta1: an older program needs a newer "
                        "kubeconfig",
                        start);
}

/* A name is looked for in PATH; what has a slash is a file. */
static bool read_command(struct cluster_exec *exec, const struct entry *entry, struct error *error)
{
    if (!entry_line(entry, "command", &exec->command, error))
        return false;
    if (!exec->command)
        return entry_refuse(entry, error, "exec has no command");
    if (strchr(exec->command, '/')) {
        char *path = entry_path(entry, exec->command);
        free(exec->command);
        exec->command = path;
    }
    return true;
}

static bool read_exec(struct cluster *cluster, const struct entry *user, struct error *error)
{
    struct entry entry = *user;
    json_t *provider;
    if (!entry_map(user, "auth-provider", &provider, error) ||
        !entry_map(user, "exec", &entry.body, error))
        return false;
    if (provider)
        return entry_refuse(user, error,
                            "auth-provider is no more in Kubernetes: its vendor has a program for "
                            "'exec'");
    if (!entry.body)
        return true;
    struct cluster_exec *exec = cluster->exec = must_alloc(sizeof *exec);
    entry.within = "exec.";
    return read_command(exec, &entry, error) && read_args(exec, &entry, error) &&
           read_env(exec, &entry, error) && read_version(exec, &entry, error) &&
           read_mode(exec, &entry, error) &&
           entry_flag(&entry, "provideClusterInfo", &exec->takes_cluster, error) &&
           entry_text(&entry, "installHint", &exec->hint, error);
}

/* ---- both ---- */

bool cluster_read(struct cluster *cluster, const struct entry *server, const struct entry *user,
                  struct error *error)
{
    bool good = read_server(cluster, server, error) && read_proxy(cluster, server, error) &&
                read_trust(cluster, server, error);
    if (good && user)
        good = read_certificate(cluster, user, error) && read_token(cluster, user, error) &&
               read_impersonation(cluster, user, error) && read_exec(cluster, user, error);
    if (!good)
        cluster_release(cluster);
    return good;
}

static void exec_free(struct cluster_exec *exec)
{
    if (!exec)
        return;
    words_free(exec->args);
    words_free(exec->env);
    free(exec->command);
    free(exec->version);
    free(exec->hint);
    free(exec);
}

void cluster_release(struct cluster *cluster)
{
    char *const texts[] = {cluster->server,      cluster->ca_file,   cluster->ca_pem,
                           cluster->server_name, cluster->proxy_url, cluster->token_file,
                           cluster->token,       cluster->username,  cluster->password,
                           cluster->cert_file,   cluster->cert_pem,  cluster->key_file,
                           cluster->key_pem};
    for (size_t i = 0; i < COUNT(texts); i++)
        free(texts[i]);
    words_free(cluster->impersonation);
    exec_free(cluster->exec);
    *cluster = (struct cluster){0};
}
