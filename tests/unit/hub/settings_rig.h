/* Reading the hub's settings from a command line, an environment and a file of a test's own. */
#ifndef TESTS_UNIT_HUB_SETTINGS_RIG_H
#define TESTS_UNIT_HUB_SETTINGS_RIG_H

#include "base/row.h"
#include "base/str.h"
#include "hub/keys.h"
#include "hub/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[] = "/tmp/test_settings_XXXXXX", path[64];
static struct settings settings;
static struct error error;
static char *argv[32];
static int argc;

static inline void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *out = fopen(name, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
    assert_int_equal(chmod(name, mode), 0);
}

/* "secret" → its path in the test's directory, valid until the next call but one. */
static inline const char *in_directory(const char *name)
{
    static char room[2][128];
    static int turn;
    turn = !turn;
    snprintf(room[turn], sizeof room[turn], "%s/%s", directory, name);
    return room[turn];
}

/* The words of `line` after the program's name and, where `text` is not NULL, --config of it. */
static inline void set_line(const char *text, const char *line)
{
    static char words[1024];
    char *rest = words;
    argc = 0;
    argv[argc++] = (char *)(uintptr_t) "hubgate-hub";
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " "))
        if (*word)
            argv[argc++] = word;
    if (text) {
        write_file(path, text, 0644);
        argv[argc++] = (char *)(uintptr_t) "--config";
        argv[argc++] = path;
    }
    argv[argc] = NULL;
}

static inline enum settings_verdict read_settings(const char *text, const char *line)
{
    set_line(text, line);
    settings_release(&settings);
    memset(&error, 0, sizeof error);
    return settings_read(&settings, argc, argv, &error);
}

static inline void expect_good(const char *text, const char *line)
{
    if (read_settings(text, line) != SETTINGS_OK)
        fail_msg("%s %s: %s", text ? text : "", line, error.text);
}

/* What is wrong, where `%` at its start stands for the file's path. */
static inline void expect_error(const char *text, const char *line, const char *what)
{
    char whole[600];
    if (read_settings(text, line) != SETTINGS_BAD)
        fail_msg("%s %s was taken", text ? text : "", line);
    snprintf(whole, sizeof whole, "%s%s", *what == '%' ? path : "", what + (*what == '%'));
    assert_string_equal(error.text, whole);
}

/* No variable of ours but the proxy's token, which most readings need. */
static inline int clean_environment(void **state)
{
    (void)state;
    char name[CONF_NAME];
    for (size_t i = 0; i < keys.rows_n; i++) {
        const char *env = row_env(&keys, &keys.rows[i], name);
        if (env)
            unsetenv(env);
    }
    setenv("CONFIGPROXY_AUTH_TOKEN", "token-of-the-proxy", 1);
    return 0;
}

static inline int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/hub.yaml", directory);
    return 0;
}

static inline int remove_directory(void **state)
{
    (void)state;
    char command[64];
    settings_release(&settings);
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

#endif
