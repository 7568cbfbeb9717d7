#include "kubeapi/plugin.h"

#include "base/date.h"
#include "base/encode.h"
#include "base/str.h"
#include "kubeapi/plain.h"
#include "kubeapi/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what it is told ---- */

static void set(json_t *object, const char *key, const char *value)
{
    if (value)
        json_object_set_new(object, key, json_string(value));
}

static json_t *describe_cluster(const struct plugin_order *order)
{
    const struct cluster *cluster = order->cluster;
    json_t *object = json_object();
    set(object, "server", cluster->server);
    set(object, "tls-server-name", cluster->server_name);
    set(object, "proxy-url", cluster->proxy_url);
    if (cluster->insecure)
        json_object_set_new(object, "insecure-skip-tls-verify", json_true());
    if (order->ca_pem) {
        struct text encoded = {0};
        text_base64(&encoded, span_of(order->ca_pem));
        json_object_set_new(object, "certificate-authority-data",
                            json_stringn(encoded.p, encoded.n));
        text_release(&encoded);
    }
    json_object_set_new(object, "config", json_null());
    return object;
}

char *plugin_info(const struct plugin_order *order, bool asks)
{
    json_t *spec = json_pack("{s:b}", "interactive", asks);
    if (order->cluster->exec->takes_cluster)
        json_object_set_new(spec, "cluster", describe_cluster(order));
    json_t *info = json_pack("{s:s, s:s, s:o}", "apiVersion", order->cluster->exec->version, "kind",
                             "ExecCredential", "spec", spec);
    char *text = json_dumps(info, JSON_COMPACT);
    json_decref(info);
    return text ? text : must_copy("{}");
}

static bool has_name(const char *pair, const char *other)
{
    size_t n = strcspn(other, "=") + 1;
    return strncmp(pair, other, n) == 0;
}

/* Ours, and what the kubeconfig lays over it; the list is to be freed, its texts are not. */
static char **environment_of(const struct cluster_exec *exec, char *info)
{
    size_t n = 2;
    for (char **pair = environ; *pair; pair++)
        n++;
    for (char **pair = exec->env; pair && *pair; pair++)
        n++;
    char **list = must_alloc(n * sizeof *list);
    n = 0;
    for (char **pair = environ; *pair; pair++) {
        bool laid_over = has_name(*pair, info);
        for (char **other = exec->env; other && *other && !laid_over; other++)
            laid_over = has_name(*pair, *other);
        if (!laid_over)
            list[n++] = *pair;
    }
    for (char **pair = exec->env; pair && *pair; pair++)
        list[n++] = *pair;
    list[n] = info;
    return list;
}

/* ---- what it says ---- */

static bool take_text(const json_t *status, const char *key, char **out)
{
    const json_t *value = json_object_get(status, key);
    const char *text = json_string_value(value);
    if (text && *text)
        *out = must_copy(text);
    return !value || json_is_null(value) || (text && strlen(text) == json_string_length(value));
}

static bool take_expiry(const json_t *status, int64_t *ms)
{
    const json_t *value = json_object_get(status, "expirationTimestamp");
    *ms = 0;
    return !value || json_is_null(value) ||
           (json_is_string(value) && date_parse(span_of(json_string_value(value)), ms));
}

/* NULL: it is good. */
static const char *read_status(const json_t *status, struct plugin_credential *credential)
{
    if (!take_text(status, "token", &credential->token) ||
        !take_text(status, "clientCertificateData", &credential->cert_pem) ||
        !take_text(status, "clientKeyData", &credential->key_pem))
        return "has something other than texts in its status";
    if (!take_expiry(status, &credential->expires_ms))
        return "has an expirationTimestamp that is no date";
    if (!credential->token && !credential->cert_pem)
        return "has neither a token nor a clientCertificateData in its status";
    if (credential->token &&
        (!span_is_line(span_of(credential->token)) || !span_is_ascii(span_of(credential->token))))
        return "has a token that is not one word";
    if (!credential->cert_pem != !credential->key_pem)
        return "has only one of clientCertificateData and clientKeyData";
    if (credential->cert_pem && (!strstr(credential->cert_pem, "-----BEGIN ") ||
                                 !strstr(credential->key_pem, "-----BEGIN ")))
        return "has a clientCertificateData or clientKeyData that is no PEM";
    return NULL;
}

static const char *read_credential(const json_t *json, const char *version,
                                   struct plugin_credential *credential)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));
    const char *said = json_string_value(json_object_get(json, "apiVersion"));
    if (!kind || strcmp(kind, "ExecCredential") != 0)
        return "is no JSON object of kind ExecCredential";
    if (!said || strcmp(said, version) != 0)
        return "has another apiVersion than the kubeconfig's exec.apiVersion";
    return read_status(json_object_get(json, "status"), credential);
}

bool plugin_read(struct span output, const char *version, struct plugin_credential *credential,
                 struct error *error)
{
    json_t *json = json_loadb(output.p ? output.p : "", output.n, 0, NULL);
    *credential = (struct plugin_credential){0};
    const char *why = read_credential(json, version, credential);
    json_decref(json);
    if (!why)
        return true;
    plugin_release(credential);
    return error_set(error, "what it printed %s", why);
}

static void free_secret(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void plugin_release(struct plugin_credential *credential)
{
    free_secret(credential->token);
    free_secret(credential->key_pem);
    free(credential->cert_pem);
    *credential = (struct plugin_credential){0};
}

/* ---- both ---- */

/* "the kubeconfig's program 'aws' WHY: HINT" */
static bool blame(const struct cluster_exec *exec, const char *why, const char *more,
                  struct error *error)
{
    const char *slash = strrchr(exec->command, '/');
    char line[PROGRAM_WORDS_ROOM] = "";
    if (more)
        plain_put(span_of(more), line, sizeof line);
    return error_set(error, "the kubeconfig's program '%.60s' %s%s%s",
                     slash ? slash + 1 : exec->command, why, *line ? ": " : "", line);
}

static bool read_output(const struct cluster_exec *exec, const struct program_result *result,
                        struct plugin_credential *credential, struct error *error)
{
    struct error why;
    return plugin_read((struct span){result->output.p, result->output.n}, exec->version, credential,
                       &why) ||
           blame(exec, "is of no use", why.text, error);
}

static bool read_end(const struct cluster_exec *exec, const struct program_result *result,
                     struct plugin_credential *credential, struct error *error)
{
    char why[64];
    switch (result->end) {
    case PROGRAM_DONE:
        return read_output(exec, result, credential, error);
    case PROGRAM_FAILED:
        snprintf(why, sizeof why, "ended with status %d", result->code);
        return blame(exec, why, result->words, error);
    case PROGRAM_MISSING:
        return blame(exec, "is not installed", exec->hint, error);
    case PROGRAM_UNUSABLE:
        return blame(exec, "cannot be run", strerror(result->code), error);
    case PROGRAM_LATE:
        return blame(exec, "took too long, and was killed", result->words, error);
    case PROGRAM_TALKATIVE:
        return blame(exec, "printed more than a megabyte, and was killed", NULL, error);
    case PROGRAM_CANCELLED:
        break;
    }
    return blame(exec, "was not waited for", NULL, error);
}

static char **arguments_of(const struct cluster_exec *exec)
{
    size_t n = 0;
    while (exec->args[n])
        n++;
    char **list = must_alloc((n + 2) * sizeof *list);
    list[0] = exec->command;
    memcpy(list + 1, exec->args, n * sizeof *list);
    return list;
}

bool plugin_run(const struct plugin_order *order, struct plugin_credential *credential,
                struct error *error)
{
    const struct cluster_exec *exec = order->cluster->exec;
    bool asks = order->may_ask && exec->may_ask;
    *credential = (struct plugin_credential){0};
    if (exec->must_ask && !asks)
        return blame(exec, "needs somebody at a terminal (its interactiveMode is Always)", NULL,
                     error);
    struct text pair = {0};
    char *info = plugin_info(order, asks);
    text_put(&pair, "KUBERNETES_EXEC_INFO=");
    text_put(&pair, info);
    free(info);
    char *told = text_take(&pair), **argv = arguments_of(exec);
    char **environment = environment_of(exec, told);
    const struct program program = {.command = exec->command,
                                    .argv = argv,
                                    .environment = environment,
                                    .at_terminal = asks,
                                    .output_bytes_max = PLUGIN_OUTPUT_MAX,
                                    .time_ms = order->time_ms ? order->time_ms
                                               : asks         ? PLUGIN_ASKING_MS
                                                              : PLUGIN_TIME_MS,
                                    .cancel = order->cancel};
    struct program_result result;
    program_run(&program, &result);
    bool good = read_end(exec, &result, credential, error);
    if (result.output.p)
        explicit_bzero(result.output.p, result.output.n);
    text_release(&result.output);
    free(environment);
    free(argv);
    free(told);
    return good;
}
