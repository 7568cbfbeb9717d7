#include "pods/claim.h"

#include "kube/marks.h"
#include "kubeapi/apipath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_found(void *arg, const struct apicall_answer *answer);
static void on_found_before(void *arg, const struct apicall_answer *answer);
static void on_made(void *arg, const struct apicall_answer *answer);
static void on_found_after(void *arg, const struct apicall_answer *answer);

static void ask(struct claim *claim, const char *method, const char *name, const json_t *body,
                apicall_done *done)
{
    struct text path = {0}, what = {0};
    apipath_put(&path, &apiresource_claims, apiserver_namespace(claim->server), body ? NULL : name,
                NULL);
    text_format(&what, "%s claim %s", body ? "create" : "read", name);
    char *path_text = text_take(&path), *what_text = text_take(&what);
    claim->call =
        apicall_start(claim->server,
                      &(struct apicall_request){
                          .what = what_text, .method = method, .path = path_text, .body = body},
                      done, claim);
    free(path_text);
    free(what_text);
}

static void make(struct claim *claim)
{
    ask(claim, "POST", claim->name, claim->manifest, on_made);
}

void claim_want(struct claim *claim, struct apiserver *server, const char *name, const char *before,
                json_t *manifest, bool is_checked)
{
    claim->server = server;
    claim->manifest = manifest;
    claim->is_checked = is_checked;
    snprintf(claim->name, sizeof claim->name, "%s", name);
    snprintf(claim->before, sizeof claim->before, "%s", before);
    if (*before && strcmp(before, name) != 0)
        ask(claim, "GET", name, NULL, on_found);
    else
        make(claim);
}

void claim_drop(struct claim *claim)
{
    if (claim->call)
        apicall_cancel(claim->call);
    json_decref(claim->manifest);
    claim->call = NULL;
    claim->manifest = NULL;
}

static void tell(struct claim *claim, const char *name, const char *why)
{
    claim->done(claim, name, why);
}

static const char *user_of(const json_t *object)
{
    const json_t *notes = json_object_get(json_object_get(object, "metadata"), "annotations");
    const char *user = json_string_value(json_object_get(notes, MARK_USER));
    return user ? user : "";
}

/* Whoever may name servers could choose a name of which the template makes another's claim. */
static void tell_found(struct claim *claim, const char *name, const json_t *found)
{
    const char *user = user_of(found);
    char why[2 * NAME_ROOM + 64];
    if (!claim->is_checked || !*user || strcmp(user, user_of(claim->manifest)) == 0) {
        tell(claim, name, NULL);
        return;
    }
    snprintf(why, sizeof why,
             "the claim %s is another user's, by its annotation " MARK_USER
             ": choose another name for the server; pvcNameTemplate tells all apart with "
             "{user_server}",
             name);
    tell(claim, NULL, why);
}

/* --- callbacks --- */

static void on_found(void *arg, const struct apicall_answer *answer)
{
    struct claim *claim = arg;
    claim->call = NULL;
    if (!answer->error)
        tell_found(claim, claim->name, answer->json);
    else if (answer->status == 404)
        ask(claim, "GET", claim->before, NULL, on_found_before);
    else
        tell(claim, NULL, answer->error);
}

static void on_found_before(void *arg, const struct apicall_answer *answer)
{
    struct claim *claim = arg;
    claim->call = NULL;
    if (!answer->error)
        tell_found(claim, claim->before, answer->json);
    else if (answer->status == 404)
        make(claim);
    else
        tell(claim, NULL, answer->error);
}

/* A quota is looked at before it is looked whether the claim is there already. */
static void on_made(void *arg, const struct apicall_answer *answer)
{
    struct claim *claim = arg;
    claim->call = NULL;
    if (!answer->error || (answer->status == 409 && !claim->is_checked)) {
        tell(claim, claim->name, NULL);
    } else if (answer->status == 403 || answer->status == 409) {
        snprintf(claim->refusal, sizeof claim->refusal, "%s", answer->error);
        ask(claim, "GET", claim->name, NULL, on_found_after);
    } else {
        tell(claim, NULL, answer->error);
    }
}

static void on_found_after(void *arg, const struct apicall_answer *answer)
{
    struct claim *claim = arg;
    claim->call = NULL;
    if (!answer->error)
        tell_found(claim, claim->name, answer->json);
    else
        tell(claim, NULL, claim->refusal);
}
