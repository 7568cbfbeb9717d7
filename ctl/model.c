#include "ctl/model.h"

#include "base/date.h"
#include "base/str.h"

#include <string.h>

const char *model_text(const json_t *model, const char *name)
{
    return json_string_value(json_object_get(model, name));
}

bool model_true(const json_t *model, const char *name)
{
    return json_is_true(json_object_get(model, name));
}

bool model_date(const json_t *model, const char *name, int64_t *ms)
{
    const char *text = model_text(model, name);
    return text && date_parse(span_of(text), ms);
}

void model_list(const json_t *model, const char *name, struct text *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(model, name), i, item)
    {
        const char *text = json_string_value(item);
        text_format(out, "%s%s", out->n && text ? "," : "", text ? text : "");
    }
}

const char *model_state(const json_t *server, enum tone *tone)
{
    const char *pending = model_text(server, "pending");
    *tone = TONE_BUSY;
    if (pending && strcmp(pending, "spawn") == 0)
        return "starting";
    if (pending && strcmp(pending, "stop") == 0)
        return "stopping";
    if (pending)
        return "checking";
    *tone = TONE_GOOD;
    if (model_true(server, "ready"))
        return "ready";
    *tone = TONE_PLAIN;
    return "stopped";
}

const char *model_profile(const json_t *server)
{
    const char *own = model_text(server, "profile"); /* hubgate-hub's, the default one too */
    return own ? own : model_text(json_object_get(server, "user_options"), "profile");
}

static bool number(const json_t *server, const char *name, double *value)
{
    json_t *found = json_object_get(json_object_get(server, "usage"), name);
    *value = json_number_value(found);
    return json_is_number(found);
}

bool model_cpu(const json_t *server, double *cores)
{
    return number(server, "cpu", cores);
}

bool model_memory(const json_t *server, double *bytes)
{
    return number(server, "memory_bytes", bytes);
}

bool model_memory_limit(const json_t *server, double *bytes)
{
    return number(server, "memory_limit_bytes", bytes) && *bytes > 0;
}

static void take_servers(json_t *into, const json_t *user)
{
    const char *name;
    json_t *server;
    json_object_foreach(json_object_get(user, "servers"), name, server)
    {
        json_t *copy = json_copy(server);
        json_object_set(copy, "user", json_object_get(user, "name"));
        if (!model_text(copy, "name"))
            json_object_set_new(copy, "name", json_string(name));
        json_array_append_new(into, copy);
    }
}

json_t *model_servers(const json_t *users)
{
    json_t *servers = json_array();
    size_t i;
    json_t *user;
    json_array_foreach(users, i, user) take_servers(servers, user);
    return servers;
}
