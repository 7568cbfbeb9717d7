#include "kubeapi/rights.h"

#include "base/text.h"
#include "kubeapi/apicall.h"
#include "kubeapi/apipath.h"
#include "kubeapi/plain.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_ROOM = 320 };

static const struct apiresource reviews = {"authorization.k8s.io", "v1",
                                           "selfsubjectaccessreviews"};

/* One question. */
struct question {
    struct rights *check;
    struct apicall *call; /* NULL: answered */
    char *verb, *group, *resource, *subresource;
    char missing[LINE_ROOM]; /* "": we have it */
};

struct rights {
    rights_done *done;
    void *arg;
    char *namespace;
    size_t n, open_n;
    struct question questions[];
};

static void on_answer(void *arg, const struct apicall_answer *answer);

/* ---- asking ---- */

static void set(json_t *object, const char *key, const char *value)
{
    if (value)
        json_object_set_new(object, key, json_string(value));
}

static void ask(struct apiserver *server, struct question *question)
{
    json_t *attributes = json_object();
    set(attributes, "namespace", question->check->namespace);
    set(attributes, "verb", question->verb);
    set(attributes, "group", question->group);
    set(attributes, "resource", question->resource);
    set(attributes, "subresource", question->subresource);
    json_t *body = json_pack("{s:s, s:s, s:{s:o}}", "apiVersion", "authorization.k8s.io/v1", "kind",
                             "SelfSubjectAccessReview", "spec", "resourceAttributes", attributes);
    struct text path = {0};
    apipath_put(&path, &reviews, NULL, NULL, NULL);
    char *text = text_take(&path);
    question->call = apicall_start(
        server,
        &(struct apicall_request){
            .what = "ask for our rights", .method = "POST", .path = text, .body = body},
        on_answer, question);
    free(text);
    json_decref(body);
}

static char *copy_or_null(const char *text)
{
    return text ? must_copy(text) : NULL;
}

struct rights *rights_check(struct apiserver *server, const char *namespace,
                            const struct right *rights, size_t n, rights_done *done, void *arg)
{
    assert(n);
    struct rights *check = must_alloc(sizeof *check + n * sizeof check->questions[0]);
    check->done = done;
    check->arg = arg;
    check->namespace = must_copy(namespace);
    check->n = check->open_n = n;
    for (size_t i = 0; i < n; i++) {
        check->questions[i] =
            (struct question){.check = check,
                              .verb = must_copy(rights[i].verb),
                              .group = must_copy(rights[i].group ? rights[i].group : ""),
                              .resource = must_copy(rights[i].resource),
                              .subresource = copy_or_null(rights[i].subresource)};
        ask(server, &check->questions[i]);
    }
    return check;
}

void rights_cancel(struct rights *check)
{
    for (size_t i = 0; i < check->n; i++) {
        struct question *question = &check->questions[i];
        if (question->call)
            apicall_cancel(question->call);
        free(question->verb);
        free(question->group);
        free(question->resource);
        free(question->subresource);
    }
    free(check->namespace);
    free(check);
}

/* ---- answers ---- */

static void tell(struct rights *check, const char *error)
{
    const char **missing = must_alloc((check->n + 1) * sizeof *missing);
    size_t n = 0;
    for (size_t i = 0; i < check->n && !error; i++)
        if (*check->questions[i].missing)
            missing[n++] = check->questions[i].missing;
    check->done(check->arg, missing, n, error);
    free(missing);
    rights_cancel(check);
}

/* "may not get pods/log in namespace jhub", and why where that is said. */
static void note(struct question *question, const json_t *status)
{
    char line[LINE_ROOM];
    const char *why = json_string_value(json_object_get(status, "reason"));
    snprintf(line, sizeof line, "may not %s %s%s%s%s%s in namespace %s%s%.100s", question->verb,
             question->resource, *question->group ? "." : "", question->group,
             question->subresource ? "/" : "", question->subresource ? question->subresource : "",
             question->check->namespace, why && *why ? ": " : "", why ? why : "");
    plain_put((struct span){line, strlen(line)}, question->missing, sizeof question->missing);
}

static void answered(struct question *question, const struct apicall_answer *answer)
{
    struct rights *check = question->check;
    const json_t *status = json_object_get(answer->json, "status");
    const json_t *allowed = json_object_get(status, "allowed");
    question->call = NULL;
    check->open_n--;
    if (answer->error) {
        tell(check, answer->error);
        return;
    }
    if (!json_is_true(allowed))
        note(question, status);
    if (!json_is_boolean(allowed))
        tell(check, "ask for our rights: the answer does not say whether we have them");
    else if (!check->open_n)
        tell(check, NULL);
}

/* ---- callbacks ---- */

static void on_answer(void *arg, const struct apicall_answer *answer)
{
    answered(arg, answer);
}
