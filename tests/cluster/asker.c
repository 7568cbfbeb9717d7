/* What kubeapi/ says of an API server, for tests: asks for what its standard input says, a line a
 * question, and writes what it is told as JSON, a line each. Ends with its input.
 *   asker in DIR | asker of KUBECONFIG
 *   mirror PATH LABELS|- | events PATH FIELDS|- | call METHOD PATH BODY|- | log PATH
 *   rights NAMESPACE VERB:RESOURCE[/SUBRESOURCE] … */
#include "base/log.h"
#include "base/str.h"
#include "kubeapi/apicall.h"
#include "kubeapi/lines.h"
#include "kubeapi/mirror.h"
#include "kubeapi/rights.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUESTION_MAX = 65536, WORDS_MAX = 32 };

struct asker {
    struct loop *loop;
    struct apiserver *server;
    struct readable input;
    struct lines lines;
};

static void say(json_t *what)
{
    char *text = json_dumps(what, JSON_COMPACT);
    printf("%s\n", text);
    fflush(stdout);
    free(text);
    json_decref(what);
}

/* --- what is told --- */

static void on_change(void *arg, enum mirror_change change, const struct mirror_name *name,
                      json_t *object)
{
    static const char *const changes[] = {"added", "changed", "gone"};
    (void)arg;
    say(json_pack("{s:s, s:s, s:s, s:s, s:b, s:s*}", "change", changes[change], "name", name->name,
                  "uid", name->uid, "version", name->version, "seen", object != NULL, "reason",
                  json_string_value(json_object_get(object, "reason"))));
}

static void on_synced(void *arg)
{
    (void)arg;
    say(json_pack("{s:b}", "synced", true));
}

static void on_trouble(void *arg, const char *why)
{
    (void)arg;
    say(json_pack("{s:s?}", "trouble", why));
}

static void on_answer(void *arg, const struct apicall_answer *answer)
{
    (void)arg;
    say(json_pack("{s:i, s:s?, s:s, s:b, s:O?}", "status", (int)answer->status, "error",
                  answer->error, "reason", answer->reason, "retried", answer->retried, "object",
                  answer->json));
}

static void on_piece(void *arg, struct span piece)
{
    (void)arg;
    say(json_pack("{s:s%}", "piece", piece.p, piece.n));
}

static void on_rights(void *arg, const char *const *missing, size_t missing_n, const char *error)
{
    json_t *list = json_array();
    (void)arg;
    for (size_t i = 0; i < missing_n; i++)
        json_array_append_new(list, json_string(missing[i]));
    say(json_pack("{s:o, s:s?}", "missing", list, "error", error));
}

/* --- what is asked --- */

static const char *or_none(const char *word)
{
    return strcmp(word, "-") == 0 ? NULL : word;
}

static void ask_mirror(struct asker *asker, char **words)
{
    static const struct mirror_watcher watcher = {
        .change = on_change, .synced = on_synced, .trouble = on_trouble};
    bool is_events = strcmp(words[0], "events") == 0;
    const struct mirror_request request = {.what = is_events ? "events" : "pods",
                                           .path = words[1],
                                           .labels = is_events ? NULL : or_none(words[2]),
                                           .fields = is_events ? or_none(words[2]) : NULL,
                                           .from_now = is_events};
    mirror_start(asker->server, &request, &watcher, asker);
}

static void ask_call(struct asker *asker, char **words)
{
    json_t *body = or_none(words[3]) ? json_loads(words[3], 0, NULL) : NULL;
    const struct apicall_request request = {
        .what = "ask", .method = words[1], .path = words[2], .body = body};
    apicall_start(asker->server, &request, on_answer, asker);
    json_decref(body);
}

static void ask_log(struct asker *asker, char **words)
{
    const struct apicall_stream stream = {.piece = on_piece};
    const struct apicall_request request = {
        .what = "read the log", .method = "GET", .path = words[1], .stream = &stream};
    apicall_start(asker->server, &request, on_answer, asker);
}

static void ask_rights(struct asker *asker, char **words, size_t n)
{
    struct right rights[WORDS_MAX];
    for (size_t i = 2; i < n; i++) {
        char *resource = strchr(words[i], ':'), *sub = strchr(words[i], '/');
        *resource++ = '\0';
        if (sub)
            *sub++ = '\0';
        rights[i - 2] = (struct right){.verb = words[i], .resource = resource, .subresource = sub};
    }
    rights_check(asker->server, words[1], rights, n - 2, on_rights, asker);
}

static void ask(struct asker *asker, char *question)
{
    char *words[WORDS_MAX] = {NULL}, *next = question;
    size_t n = 0;
    while (n < WORDS_MAX - 1 && (words[n] = strsep(&next, " ")))
        n++;
    if (n == 3 && (strcmp(words[0], "mirror") == 0 || strcmp(words[0], "events") == 0))
        ask_mirror(asker, words);
    else if (n == 4 && strcmp(words[0], "call") == 0)
        ask_call(asker, words);
    else if (n == 2 && strcmp(words[0], "log") == 0)
        ask_log(asker, words);
    else if (n > 2 && strcmp(words[0], "rights") == 0)
        ask_rights(asker, words, n);
    else
        say(json_pack("{s:s}", "error", "what?"));
}

static void on_input(struct readable *readable)
{
    struct asker *asker = CONTAINER(readable, struct asker, input);
    char bytes[4096];
    ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
    struct span piece = {bytes, n > 0 ? (size_t)n : 0}, line;
    bool too_long;
    if (n <= 0)
        exit(0);
    while (lines_next(&asker->lines, &piece, QUESTION_MAX, &line, &too_long)) {
        char *question = must_copy_span(line);
        ask(asker, question);
        free(question);
    }
    loop_when_readable(asker->loop, &asker->input, STDIN_FILENO);
}

int main(int argc, char **argv)
{
    struct asker asker = {.loop = loop_new(), .input.ready = on_input};
    struct error error = {"asker in DIR | asker of KUBECONFIG"};
    signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && strcmp(argv[1], "in") == 0)
        asker.server = apiserver_in_cluster(asker.loop, argv[2], &error);
    else if (argc == 3 && strcmp(argv[1], "of") == 0)
        asker.server = apiserver_of_context(asker.loop, argv[2], NULL, false, &error);
    if (!asker.server) {
        fprintf(stderr, "asker: %s\n", error.text);
        return 1;
    }
    loop_when_readable(asker.loop, &asker.input, STDIN_FILENO);
    loop_run(asker.loop);
}
