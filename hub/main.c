/* hubgate-hub: people log in, it starts their Jupyter servers and keeps the proxy's table true. */
#include "base/log.h"
#include "base/notify.h"
#include "base/str.h"
#include "hub/database.h"
#include "hub/hub.h"
#include "hub/settings.h"
#include "login/name.h"
#include "login/password_file.h"
#include "login/prompt.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

struct program {
    struct settings settings;
    struct hub hub;
    struct deadline watchdog;
    int argc;
    char **argv;
    bool ended; /* by a signal: status 0 */
};

static void on_signal(void *arg, int number);
static void on_watchdog(struct deadline *deadline);

/* Each watcher of a start is a connection, each running server a descriptor of its process. */
static void raise_limits(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* Signals are the loop's: threads inherit the mask. */
static void hold_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(how, &set, NULL);
}

static void say_start(const struct program *program)
{
    const struct settings *settings = &program->settings;
    const char *ip = *settings->hub_ip ? settings->hub_ip : "*";
    log_line(LOG_INFO,
             strchr(ip, ':') ? "hubgate-hub %s listens at http://[%s]:%u%s"
                             : "hubgate-hub %s listens at http://%s:%u%s",
             HUBGATE_VERSION, ip, program->hub.bound.port, program->hub.hub_url);
    if (settings->authenticator == AUTH_DUMMY)
        log_line(LOG_WARN, settings->dummy_password
                               ? "Log-in: any user name with the shared password (authenticator: "
                                 "dummy)"
                               : "Log-in: any user name, any password (authenticator: dummy)");
    log_flush();
}

static void reload(struct program *program)
{
    struct error error;
    struct text said = {0};
    if (settings_reload(&program->settings, program->argc, program->argv, &said, &error)) {
        hub_reload(&program->hub);
        log_line(LOG_INFO, "%.*s", (int)said.n, said.p ? said.p : "");
    } else {
        log_line(LOG_ERROR, "The settings stay as they were: %s", error.text);
    }
    text_release(&said);
}

static bool start(struct program *program, struct error *error)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct hub *hub = &program->hub;
    hub->settings = &program->settings;
    if (!hub_take_state(hub, error) || !settings_secrets(&program->settings, error))
        return false;
    hub->loop = loop_new();
    for (size_t i = 0; i < COUNT(numbers); i++)
        loop_on_signal(hub->loop, numbers[i], on_signal, program);
    log_name("HubgateHub");
    log_start(program->settings.log_level, program->settings.log_json);
    /* Before anything that a slow disk may hold up. */
    log_line(LOG_INFO, "hubgate-hub %s starts with %s", HUBGATE_VERSION,
             program->settings.database);
    log_flush();
    if (!hub_start(hub, error))
        return false;
    program->watchdog.expire = on_watchdog;
    deadline_set(hub->loop, &program->watchdog, notify_watchdog_ms());
    hold_signals(SIG_UNBLOCK);
    say_start(program);
    notify_send("READY=1");
    return true;
}

static int run(struct program *program)
{
    struct error error;
    bool ok = start(program, &error);
    if (ok)
        loop_run(program->hub.loop);
    notify_send("STOPPING=1");
    if (program->hub.loop) {
        hub_stop(&program->hub);
        loop_free(program->hub.loop);
        log_stop();
    }
    if (!ok)
        fprintf(stderr, "hubgate-hub: %s\n", error.text);
    return ok && !program->hub.failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* `hubgate-hub password NAME` */
static bool set_password(const struct settings *settings, struct error *error)
{
    if (!settings->operand)
        return error_set(error, "password: name the user, as in `hubgate-hub password ada`");
    char *name = name_normal(span_of(settings->operand));
    if (!name)
        return error_set(error, "password: the name %s", name_fault(span_of(settings->operand)));
    char *password = prompt_password(name, error);
    bool ok = password && password_file_set(settings->password_file, name, password, error);
    if (ok)
        printf("hubgate-hub: %s: the password of %s is set\n", settings->password_file, name);
    if (password)
        explicit_bzero(password, strlen(password));
    free(password);
    free(name);
    return ok;
}

static bool back_up(const char *database, const char *to, struct error *error)
{
    if (strcmp(to, "-") == 0)
        return database_print(database, stdout, error);
    bool ok = database_backup(database, to, error);
    if (ok)
        printf("hubgate-hub: %s is a copy of %s\n", to, database);
    return ok;
}

static int act(struct program *program)
{
    struct error error;
    const struct settings *settings = &program->settings;
    bool ok = true;
    switch (settings->action) {
    case SETTINGS_RUN:
        return run(program);
    case SETTINGS_CHECK:
        puts("hubgate-hub: settings and files are good");
        break;
    case SETTINGS_BACKUP:
        ok = back_up(settings->database, settings->operand, &error);
        break;
    case SETTINGS_PASSWORD:
        ok = set_password(settings, &error);
        break;
    }
    if (!ok)
        fprintf(stderr, "hubgate-hub: %s\n", error.text);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- callbacks --- */

/* SIGTERM is a restart: servers and the proxy go on. SIGINT is a person who wants an end of it all;
 * a second one does not wait. */
static void on_signal(void *arg, int number)
{
    struct program *program = arg;
    struct hub *hub = &program->hub;
    if (number == SIGHUP) {
        reload(program);
    } else if (number == SIGINT && !hub->ending_all) {
        log_line(LOG_WARN, "Interrupted: stopping all servers");
        hub_stop_all(hub);
    } else {
        log_line(LOG_WARN, number == SIGINT ? "Interrupted again" : "Terminated: servers go on");
        loop_stop(hub->loop);
    }
    log_flush();
}

static void on_watchdog(struct deadline *deadline)
{
    struct program *program = CONTAINER(deadline, struct program, watchdog);
    notify_send("WATCHDOG=1");
    deadline_set(program->hub.loop, deadline, notify_watchdog_ms());
}

int main(int argc, char **argv)
{
    static struct program program;
    struct error error;
    int status = EXIT_FAILURE;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
    hold_signals(SIG_BLOCK);
    umask(077);
    raise_limits();
    program.argc = argc;
    program.argv = argv;
    switch (settings_read(&program.settings, argc, argv, &error)) {
    case SETTINGS_OK:
        status = act(&program);
        settings_release(&program.settings);
        break;
    case SETTINGS_EXIT:
        status = EXIT_SUCCESS;
        break;
    case SETTINGS_BAD:
        fprintf(stderr, "hubgate-hub: %s\n", error.text);
        break;
    }
    return status;
}
