#include "ctl/client.h"

#include "base/str.h"
#include "ctl/access.h"
#include "ctl/flags.h"
#include "ctl/note.h"
#include "ctl/units.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TIMEOUT_S = 60, CONNECT_TIMEOUT_S = 5, QUIET_MS = 2000, POLL_MS = 500 };
enum { ANSWER_BYTES_MAX = 64 << 20 };

struct client {
    CURLM *multi;
    const struct access *access;
    const struct flags *flags;
    struct note *note;
};

struct call {
    CURL *easy;
    struct curl_slist *lines; /* of the head */
    char *sent;               /* the body */
    struct answer answer;
    client_sink *sink;
    void *arg;
    bool over, enough, too_long;
    CURLcode result;
    int64_t began_ms;
    char why[CURL_ERROR_SIZE];
};

void answer_release(struct answer *answer)
{
    text_release(&answer->body);
    json_decref(answer->json);
    *answer = (struct answer){0};
}

struct client *client_new(const struct access *access, const struct flags *flags, struct note *note,
                          struct error *error)
{
    struct client *client = must_alloc(sizeof *client);
    *client = (struct client){.access = access, .flags = flags, .note = note};
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        client->multi = curl_multi_init();
    if (client->multi)
        return client;
    free(client);
    error_set(error, "libcurl does not start");
    return NULL;
}

void client_free(struct client *client)
{
    if (!client)
        return;
    curl_multi_cleanup(client->multi);
    curl_global_cleanup();
    free(client);
}

const struct access *client_access(const struct client *client)
{
    return client->access;
}

/* ---- one call ---- */

static size_t on_body(char *bytes, size_t size, size_t n, void *arg);
static size_t on_field(char *bytes, size_t size, size_t n, void *arg);

static void add_field(struct call *call, const char *name, const char *value)
{
    struct text line = {0};
    text_format(&line, "%s:%s%s", name, *value ? " " : "", value);
    char *text = text_take(&line);
    call->lines = curl_slist_append(call->lines, text);
    explicit_bzero(text, strlen(text));
    free(text);
}

static void set_fields(const struct client *client, struct call *call, const char *accept)
{
    if (client->access->token) {
        struct text value = {0};
        text_format(&value, "token %s", client->access->token);
        char *text = text_take(&value);
        add_field(call, "Authorization", text);
        explicit_bzero(text, strlen(text));
        free(text);
    }
    add_field(call, "Accept", accept);
    add_field(call, "Expect", "");
    if (call->sent)
        add_field(call, "Content-Type", "application/json");
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->lines);
}

/* Whether the URL's host is this machine by name. */
static bool is_here(const char *url)
{
    static const char *const hosts[] = {"localhost", "[::1]", "127."};
    const char *host = strstr(url, "://") + 3;
    for (size_t i = 0; i < COUNT(hosts); i++) {
        size_t n = strlen(hosts[i]);
        if (strncasecmp(host, hosts[i], n) == 0 &&
            (hosts[i][n - 1] == '.' || strchr(":/", host[n])))
            return true;
    }
    return false;
}

static void set_url(const struct client *client, struct call *call, const char *path)
{
    struct text url = {0};
    text_format(&url, "%s%s", client->access->url, path);
    char *text = text_take(&url);
    curl_easy_setopt(call->easy, CURLOPT_URL, text);
    free(text);
    /* A name is escaped already, and `..` is one like any other. */
    curl_easy_setopt(call->easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(call->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (is_here(client->access->url)) /* no proxy of the environment has a way to it */
        curl_easy_setopt(call->easy, CURLOPT_NOPROXY, "*");
    if (client->flags->ca_file)
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, client->flags->ca_file);
}

static void set_times(const struct client *client, struct call *call)
{
    long timeout_s = client->flags->timeout_s ? (long)client->flags->timeout_s : TIMEOUT_S;
    long connect_s = timeout_s < CONNECT_TIMEOUT_S ? timeout_s : CONNECT_TIMEOUT_S;
    curl_easy_setopt(call->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(call->easy, CURLOPT_CONNECTTIMEOUT, connect_s);
    curl_easy_setopt(call->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (!call->sink)
        curl_easy_setopt(call->easy, CURLOPT_TIMEOUT, timeout_s);
}

static struct call *begin(struct client *client, const char *method, const char *path,
                          const char *accept, const json_t *body, client_sink *sink, void *arg)
{
    struct call *call = must_alloc(sizeof *call);
    call->easy = curl_easy_init();
    if (!call->easy)
        abort(); /* no memory */
    call->sink = sink;
    call->arg = arg;
    call->sent = body ? json_dumps(body, JSON_COMPACT) : NULL;
    call->began_ms = units_monotonic_ms();
    set_url(client, call, path);
    set_times(client, call);
    set_fields(client, call, accept);
    if (strcmp(method, "GET") != 0) {
        curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->sent ? call->sent : "");
        curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, method);
    }
    curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "hubctl/" HUBGATE_VERSION);
    curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->why);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_field);
    curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    curl_multi_add_handle(client->multi, call->easy);
    return call;
}

struct call *client_begin(struct client *client, const char *method, const char *path,
                          const json_t *body)
{
    return begin(client, method, path, "application/jupyterhub-pagination+json, application/json",
                 body, NULL, NULL);
}

/* ---- waiting ---- */

static void note_ends(struct client *client)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        struct call *call;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &call);
        call->over = true;
        call->result = message->data.result;
    }
}

static void say_waiting(struct client *client, const struct call *call)
{
    int64_t waited_ms = units_monotonic_ms() - call->began_ms;
    if (waited_ms >= QUIET_MS)
        note_say(client->note, waited_ms >= QUIET_MS + 2 * POLL_MS,
                 "waiting for the hub to answer (%d s)", (int)(waited_ms / 1000));
}

/* ms < 0: until it is over. */
static bool drive(struct client *client, struct call *call, int64_t ms)
{
    int64_t end_ms = units_monotonic_ms() + ms, poll_ms = POLL_MS;
    for (;;) {
        int running;
        curl_multi_perform(client->multi, &running);
        note_ends(client);
        if (call->over)
            return true;
        if (ms >= 0) {
            int64_t left_ms = end_ms - units_monotonic_ms();
            if (left_ms <= 0)
                return false;
            poll_ms = left_ms < POLL_MS ? left_ms : POLL_MS;
        } else if (!call->sink) {
            say_waiting(client, call);
        }
        curl_multi_poll(client->multi, NULL, 0, (int)poll_ms, NULL);
    }
}

bool client_wait(struct client *client, struct call *call, int64_t ms)
{
    return drive(client, call, ms);
}

/* ---- ends ---- */

/* A line for a person, in which the address stands. */
static bool say_failure(const struct client *client, const struct call *call, struct error *error)
{
    const char *url = client->access->url;
    const char *why = *call->why ? call->why : curl_easy_strerror(call->result);
    if (call->too_long)
        return error_set(error, "%s: the answer is longer than %d MiB", url,
                         ANSWER_BYTES_MAX >> 20);
    switch (call->result) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return error_set(error,
                         "no hub answers at %s (%s): is it running, and is that its address? "
                         "--url or HUBGATE_HUB_URL gives another",
                         url, why);
    case CURLE_OPERATION_TIMEDOUT:
        return error_set(
            error, "the hub at %s did not answer in time (%s): --timeout gives it more", url, why);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return error_set(error, "%s: %s; --ca-file names the certificate to trust", url, why);
    default:
        return error_set(error, "%s: %s", url, why);
    }
}

static void call_free(struct client *client, struct call *call)
{
    curl_multi_remove_handle(client->multi, call->easy);
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->lines);
    free(call->sent);
    free(call);
}

bool client_end(struct client *client, struct call *call, struct answer *answer,
                struct error *error)
{
    drive(client, call, -1);
    note_wipe(client->note);
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->answer.status);
    bool ok = call->result == CURLE_OK || call->enough || say_failure(client, call, error);
    if (ok && call->answer.body.n)
        call->answer.json =
            json_loadb(call->answer.body.p, call->answer.body.n, JSON_DECODE_ANY, NULL);
    answer_release(answer);
    *answer = call->answer;
    call_free(client, call);
    return ok;
}

bool client_call(struct client *client, const char *method, const char *path, const json_t *body,
                 struct answer *answer, struct error *error)
{
    return client_end(client, client_begin(client, method, path, body), answer, error);
}

bool client_stream(struct client *client, const char *path, const char *accept, client_sink *sink,
                   void *arg, struct answer *answer, struct error *error)
{
    return client_end(client, begin(client, "GET", path, accept, NULL, sink, arg), answer, error);
}

/* ---- bytes ---- */

static bool take_bytes(struct call *call, struct span bytes)
{
    long status = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (call->sink && status == 200) {
        call->enough = !call->sink(call->arg, bytes);
        return !call->enough;
    }
    call->too_long = bytes.n > ANSWER_BYTES_MAX - call->answer.body.n;
    if (!call->too_long)
        text_add(&call->answer.body, bytes);
    return !call->too_long;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    return take_bytes(arg, (struct span){bytes, size * n}) ? size * n : 0;
}

static void take_field(struct answer *answer, struct span line)
{
    struct span value, name = span_cut(line, ':', &value);
    uint64_t seconds;
    while (value.n && strchr("\r\n \t", value.p[value.n - 1]))
        value.n--;
    value = span_trim(value);
    if (span_is_nocase(name, SPAN("X-JupyterHub-Version"))) {
        answer->from_hub = true;
        snprintf(answer->version, sizeof answer->version, "%.*s", (int)value.n, value.p);
    } else if (span_is_nocase(name, SPAN("Retry-After")) && span_number(value, 86400, &seconds)) {
        answer->retry_after_s = (long)seconds;
    }
}

static size_t on_field(char *bytes, size_t size, size_t n, void *arg)
{
    struct call *call = arg;
    take_field(&call->answer, (struct span){bytes, size * n});
    return size * n;
}
