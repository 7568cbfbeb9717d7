#include "pods/errand.h"

#include "base/log.h"
#include "kubeapi/apicall.h"

#include <stdlib.h>
#include <string.h>

struct errand {
    LIST_ENTRY(errand) next;
    struct apicall *call;
    char *path, *what;
};

static void on_deleted(void *arg, const struct apicall_answer *answer);

json_t *errand_options(int64_t grace_s, const char *uid)
{
    json_t *options = json_pack("{s:s, s:s}", "kind", "DeleteOptions", "apiVersion", "v1");
    if (grace_s >= 0)
        json_object_set_new(options, "gracePeriodSeconds", json_integer(grace_s));
    if (uid && *uid)
        json_object_set_new(options, "preconditions", json_pack("{s:s}", "uid", uid));
    return options;
}

static void errand_free(struct errand *errand)
{
    LIST_REMOVE(errand, next);
    if (errand->call)
        apicall_cancel(errand->call);
    free(errand->path);
    free(errand->what);
    free(errand);
}

static bool is_under_way(const struct errands *list, const char *path)
{
    const struct errand *errand;
    LIST_FOREACH (errand, list, next) {
        if (strcmp(errand->path, path) == 0)
            return true;
    }
    return false;
}

void errand_delete(struct errands *list, struct apiserver *server,
                   const struct apiresource *resource, const char *kind, const char *name,
                   const char *uid)
{
    struct text path = {0}, what = {0};
    apipath_put(&path, resource, apiserver_namespace(server), name, NULL);
    char *path_text = text_take(&path);
    if (is_under_way(list, path_text)) {
        free(path_text);
        return;
    }
    text_format(&what, "delete %s %s", kind, name);
    struct errand *errand = must_alloc(sizeof *errand);
    *errand = (struct errand){.path = path_text, .what = text_take(&what)};
    json_t *options = errand_options(0, uid);
    errand->call = apicall_start(
        server,
        &(struct apicall_request){
            .what = errand->what, .method = "DELETE", .path = errand->path, .body = options},
        on_deleted, errand);
    json_decref(options);
    LIST_INSERT_HEAD(list, errand, next);
}

void errands_end(struct errands *list)
{
    while (!LIST_EMPTY(list))
        errand_free(LIST_FIRST(list));
}

/* --- callbacks --- */

static void on_deleted(void *arg, const struct apicall_answer *answer)
{
    struct errand *errand = arg;
    errand->call = NULL;
    if (answer->error && answer->status != 404 && answer->status != 409)
        log_line(LOG_WARN, "%s; it stays", answer->error);
    errand_free(errand);
}
