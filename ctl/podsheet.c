#include "ctl/podsheet.h"

#include "base/str.h"
#include "ctl/cell.h"
#include "ctl/event.h"
#include "ctl/events.h"
#include "ctl/kube.h"
#include "ctl/look.h"
#include "ctl/model.h"
#include "ctl/pod.h"
#include "ctl/pods.h"
#include "ctl/sheet.h"
#include "ctl/shown.h"
#include "ctl/units.h"

#include <stdlib.h>
#include <string.h>

enum { CLAIMS_MAX = 16 };

/* ---- reading ---- */

/* The claims by these names. NULL: *error. */
static json_t *read_claims(struct kube *kube, const json_t *names, struct error *error)
{
    json_t *claims = json_array(), *name;
    bool good = true;
    size_t i;
    json_array_foreach(names, i, name)
    {
        if (!good || i >= CLAIMS_MAX)
            break;
        struct text what = {0};
        char *path = kube_path(kube, &apiresource_claims, json_string_value(name), NULL);
        text_format(&what, "read claim %s", json_string_value(name));
        char *called = text_take(&what);
        json_t *claim = kube_get(kube, called, path, error);
        good = claim != NULL;
        json_array_append_new(claims, claim);
        free(called);
        free(path);
    }
    if (good)
        return claims;
    json_decref(claims);
    return NULL;
}

/* Takes the part; NULL: *error says why it is not known. */
static void set_part(json_t *sheet, const char *name, json_t *part, const struct error *error)
{
    json_object_set_new(sheet, name, part ? part : json_null());
    if (!part)
        json_array_append_new(json_object_get(sheet, "unknown"), json_string(error->text));
}

/* A pod that was there before, under the same name, is another's story. */
static json_t *own_events(json_t *events, const json_t *pod)
{
    const char *uid = model_text(json_object_get(pod, "metadata"), "uid");
    json_t *own = events ? json_array() : NULL, *event;
    size_t i;
    json_array_foreach(events, i, event)
    {
        const json_t *of = json_object_get(event, "involvedObject");
        const char *kind = model_text(of, "kind"), *other = model_text(of, "uid");
        bool before = kind && strcmp(kind, "Pod") == 0 && uid && other && strcmp(uid, other) != 0;
        if (!before)
            json_array_append(own, event);
    }
    json_decref(events);
    return own;
}

json_t *podsheet_read(struct kube *kube, const struct ref *ref, struct error *error)
{
    json_t *pod = pods_one(kube, ref, error);
    if (!pod)
        return NULL;
    json_t *sheet = json_pack("{s:o, s:[]}", "pod", pod, "unknown");
    json_t *claims = pod_claims(pod), *names = json_copy(claims);
    set_part(sheet, "claims", read_claims(kube, claims, error), error);
    json_array_insert_new(names, 0, json_string(pod_name(pod)));
    set_part(sheet, "events", own_events(events_of(kube, names, error), pod), error);
    json_decref(names);
    json_decref(claims);
    return sheet;
}

/* ---- claims ---- */

static const struct column columns[] = {
    {.title = "NAME"},  {.title = "STATUS"}, {.title = "CAPACITY"},
    {.title = "CLASS"}, {.title = "VOLUME"}, {.title = "AGE", .right = true},
};

static void claim_row(struct table *table, json_t *claim)
{
    const json_t *spec = json_object_get(claim, "spec"), *status = json_object_get(claim, "status");
    const json_t *about = json_object_get(claim, "metadata");
    const char *phase = model_text(status, "phase");
    const char *size = model_text(json_object_get(status, "capacity"), "storage");
    if (!size)
        size =
            model_text(json_object_get(json_object_get(spec, "resources"), "requests"), "storage");
    cell_member(table, about, "name");
    table_text(table, phase, phase && strcmp(phase, "Bound") == 0 ? TONE_GOOD : TONE_BUSY);
    table_text(table, size, TONE_PLAIN);
    cell_member(table, spec, "storageClassName");
    cell_member(table, spec, "volumeName");
    cell_age(table, about, "creationTimestamp");
}

static void claim_name(const json_t *claim, struct text *out)
{
    const char *name = model_text(json_object_get(claim, "metadata"), "name");
    text_put(out, name ? name : "");
}

static const struct kind kind_claims = {
    "claims", "claim", columns, COUNT(columns), claim_row, claim_name,
};

/* ---- lines ---- */

static void add_table(struct text *out, const char *label, const struct kind *kind, json_t *models)
{
    struct table *table = kind_table(kind, models);
    struct table_look look = look_here();
    struct text lines = {0};
    if (table_rows(table)) {
        table_add(table, &look, &lines);
        text_format(out, "%s:\n", label);
        sheet_indented(out, (struct span){lines.p, lines.n});
    } else if (models) {
        sheet_text(out, label, json_is_null(models) ? NULL : "none");
    }
    text_release(&lines);
    table_free(table);
}

/* "OOMKilled, exit code 137, 5m ago": of the container the server runs in. */
static void add_last_end(struct text *out, const json_t *pod)
{
    const json_t *all = json_object_get(json_object_get(pod, "status"), "containerStatuses");
    const char *main = pod_main_container(pod);
    size_t i;
    json_t *container;
    json_array_foreach(all, i, container)
    {
        const char *name = model_text(container, "name");
        const json_t *ended =
            json_object_get(json_object_get(container, "lastState"), "terminated");
        const char *reason = model_text(ended, "reason");
        struct text line = {0};
        int64_t ms, now_ms = units_now_ms();
        if (!ended || !name || strcmp(name, main) != 0)
            continue;
        text_format(&line, "%s, exit code %lld", reason ? reason : "no reason",
                    (long long)json_integer_value(json_object_get(ended, "exitCode")));
        if (model_date(ended, "finishedAt", &ms) && ms <= now_ms) {
            text_put(&line, ", ");
            units_age(&line, now_ms - ms);
            text_put(&line, " ago");
        }
        char *text = text_take(&line);
        sheet_text(out, "Ended last", text);
        free(text);
    }
}

static void add_containers(struct text *out, const json_t *pod)
{
    json_t *names = pod_containers(pod), *model = json_pack("{s:O}", "names", names);
    sheet_list(out, "Containers", model, "names");
    json_decref(model);
    json_decref(names);
}

static void add_status(struct text *out, const json_t *pod)
{
    struct pod_summary summary;
    struct text counts = {0};
    pod_summarize(pod, &summary);
    sheet_text(out, "Status", summary.status);
    if (summary.tone != TONE_GOOD && pod_complaint(pod))
        sheet_text(out, "Because", pod_complaint(pod));
    text_format(&counts, "%u of %u containers, %llu restarts", summary.ready, summary.total,
                (unsigned long long)summary.restarts);
    char *text = text_take(&counts);
    sheet_text(out, "Ready", text);
    free(text);
    pod_summary_release(&summary);
}

void podsheet_add(struct text *out, const json_t *sheet)
{
    const json_t *pod = json_object_get(sheet, "pod"), *status = json_object_get(pod, "status");
    size_t i;
    json_t *why;
    sheet_text(out, "Pod", pod_name(pod));
    sheet_text(out, "Namespace", pod_namespace(pod));
    add_status(out, pod);
    add_last_end(out, pod);
    sheet_text(out, "Node", model_text(json_object_get(pod, "spec"), "nodeName"));
    sheet_text(out, "IP", model_text(status, "podIP"));
    sheet_text(out, "Image", pod_image(pod));
    add_containers(out, pod);
    sheet_date(out, "Created", json_object_get(pod, "metadata"), "creationTimestamp");
    add_table(out, "Claims", &kind_claims, json_object_get(sheet, "claims"));
    add_table(out, "Events", &kind_events_of_one, json_object_get(sheet, "events"));
    json_array_foreach(json_object_get(sheet, "unknown"), i, why)
        sheet_text(out, "Not known", json_string_value(why));
}
