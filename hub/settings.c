#include "hub/settings.h"
#include "base/manual.h"
#include "base/row.h"
#include "hub/keys.h"
#include "hub/secret.h"
#include "hub/settle.h"
#include "kube/yaml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COOKIE_SECRET_BYTES_MIN = 32 };

/* ---- reading ---- */

static enum settings_verdict print(enum conf_verdict asked)
{
    if (asked == CONF_ASKED_VERSION)
        printf("%s\n", keys.version);
    else if (asked == CONF_ASKED_HELP)
        manual_print_help(&keys, stdout);
    else if (asked == CONF_ASKED_MARKDOWN)
        manual_print_markdown(&keys, stdout);
    else if (asked == CONF_ASKED_YAML)
        manual_print_yaml(&keys, stdout);
    else
        manual_print_man(&keys, stdout);
    return SETTINGS_EXIT;
}

/* The rows without a file: which file is it? *path is to be freed; NULL: none. */
static enum settings_verdict find_file(int argc, char **argv, char **path, struct error *error)
{
    struct settings scratch = {0};
    struct conf_given given;
    enum conf_verdict verdict = conf_read(&keys, argc, argv, &scratch, &given, error);
    *path = scratch.config;
    scratch.config = NULL;
    settings_release(&scratch);
    if (verdict == CONF_OK)
        return SETTINGS_OK;
    free(*path);
    *path = NULL;
    return verdict == CONF_BAD ? SETTINGS_BAD : print(verdict);
}

static bool read_over(struct settings *settings, const struct conf_file *file, int argc,
                      char **argv, struct error *error)
{
    struct conf_given given;
    struct settling settling = {settings, file, &given, error};
    return conf_read_file(&keys, file, argc, argv, settings, &given, error) == CONF_OK &&
           settle(&settling);
}

static bool keeps_types(const char *key)
{
    return conf_keeps_types(&keys, key);
}

enum settings_verdict settings_read(struct settings *settings, int argc, char **argv,
                                    struct error *error)
{
    struct conf_file file = {0};
    char *path;
    *settings = (struct settings){0};
    enum settings_verdict verdict = find_file(argc, argv, &path, error);
    if (verdict != SETTINGS_OK)
        return verdict;
    bool good = (!path || yaml_read(&file, path, keeps_types, error)) &&
                read_over(settings, &file, argc, argv, error);
    yaml_release(&file);
    free(path);
    if (good)
        return SETTINGS_OK;
    settings_release(settings);
    return SETTINGS_BAD;
}

void settings_release(struct settings *settings)
{
    conf_release(&keys, settings);
    free(settings->operand);
    free(settings->database);
    json_decref(settings->traits);
    *settings = (struct settings){0};
}

/* ---- secrets of the hub's own making ---- */

static bool settle_cookie_secret(struct settings *settings, struct error *error)
{
    struct error why;
    if (!settings->cookie_secret)
        settings->cookie_secret = secret_read_or_make(settings->cookie_secret_file, &why);
    if (!settings->cookie_secret)
        return error_set(error, "error: cookie_secret_file: %.440s", why.text);
    if (strlen(settings->cookie_secret) < COOKIE_SECRET_BYTES_MIN)
        return error_set(error,
                         "error: the cookie secret has less than %d bytes; make one: openssl rand "
                         "-hex 32",
                         COOKIE_SECRET_BYTES_MIN);
    return true;
}

static bool settle_proxy_token(struct settings *settings, struct error *error)
{
    struct error why;
    struct text path = {0};
    if (settings->proxy_token)
        return true;
    text_format(&path, "%s/proxy_token", settings->state_dir);
    char *file = text_take(&path);
    settings->proxy_token = secret_read_or_make(file, &why);
    free(file);
    return settings->proxy_token || error_set(error, "error: the proxy's token: %.440s", why.text);
}

bool settings_secrets(struct settings *settings, struct error *error)
{
    return settle_cookie_secret(settings, error) && settle_proxy_token(settings, error);
}

/* ---- reading again ---- */

static void add_name(struct text *list, const struct conf_row *row)
{
    char key[CONF_NAME];
    text_put(list, list->n ? ", " : "");
    text_add(list, row_key(row, key));
}

/* Which keys differ goes to one of the two lists; those that may change are exchanged. */
static void exchange(struct settings *current, struct settings *fresh, struct text *changed,
                     struct text *kept)
{
    for (size_t i = 0; i < keys.rows_n; i++) {
        const struct conf_row *row = &keys.rows[i];
        if (!row_is_key(row) || row->type == CONF_REFUSED || row_same(row, current, fresh))
            continue;
        add_name(row->reloads ? changed : kept, row);
        if (row->reloads)
            row_swap(row, current, fresh);
    }
    json_t *traits = current->traits; /* what comes of them goes with them */
    current->traits = fresh->traits;
    fresh->traits = traits;
}

bool settings_reload(struct settings *current, int argc, char **argv, struct text *said,
                     struct error *error)
{
    struct settings fresh;
    struct text changed = {0}, kept = {0};
    if (settings_read(&fresh, argc, argv, error) != SETTINGS_OK)
        return false;
    exchange(current, &fresh, &changed, &kept);
    settings_release(&fresh);
    text_put(said, changed.n ? "changed: " : "nothing changed");
    text_add(said, (struct span){changed.p, changed.n});
    text_put(said, kept.n ? "; needs a restart: " : "");
    text_add(said, (struct span){kept.p, kept.n});
    text_release(&changed);
    text_release(&kept);
    return true;
}
