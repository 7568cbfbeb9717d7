#include "hub/proxy.h"

#include "base/jobs.h"
#include "base/log.h"
#include "base/str.h"
#include "base/text.h"
#include "hub/hub.h"
#include "hub/routes.h"
#include "hub/settings.h"
#include "keeper/process.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between two starts: at first, at most; one that ran so long begins anew. */
enum { AGAIN_FIRST_MS = 100, AGAIN_LAST_MS = 5000, WELL_MS = 30000 };

struct proxy {
    struct hub *hub;
    struct job job; /* starts it */
    char *file;     /* "PID START-TIME BOOT" of the one that runs */
    char **argv, **environment;
    pid_t pid; /* 0: none runs */
    int pidfd;
    int failed; /* errno of the last try */
    struct readable end;
    struct deadline again;
    int64_t wait_ms, started_ms;
    bool busy, freed; /* the job is under way; proxy_free came meanwhile */
};

extern char **environ;

static void on_spawn(struct job *job);
static void on_spawned(struct job *job);
static void on_end(struct readable *readable);
static void on_again(struct deadline *deadline);

/* --- what it is started with --- */

/* "http://127.0.0.1:8001" → ip and port, in place. */
static void split_url(char *url, const char **ip, const char **port)
{
    char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    char *colon = strrchr(host, ':'); /* hub/settle sees to it that there is one */
    *colon = '\0';
    *port = colon + 1;
    size_t n = strlen(host);
    if (*host == '[' && n > 1 && host[n - 1] == ']') {
        host[n - 1] = '\0';
        host++;
    }
    *ip = host;
}

static void make_arguments(struct proxy *proxy)
{
    const struct settings *settings = proxy->hub->settings;
    const struct words *command = &settings->proxy_command;
    const char *api_ip, *api_port;
    char port[16], *url = must_copy(settings->proxy_api_url);
    struct text error_target = {0};
    split_url(url, &api_ip, &api_port);
    snprintf(port, sizeof port, "%u", settings->proxy_port);
    text_format(&error_target, "%s%serror", settings->hub_connect_url, proxy->hub->hub_url);
    char *error_text = text_take(&error_target);
    const char *const flags[] = {"--ip",       settings->proxy_ip, "--port",
                                 port,         "--api-ip",         api_ip,
                                 "--api-port", api_port,           "--error-target",
                                 error_text,   "--default-target", settings->hub_connect_url};
    char **argv = proxy->argv = must_alloc((command->n + COUNT(flags) + 1) * sizeof *argv);
    for (size_t i = 0; i < command->n; i++)
        *argv++ = must_copy(command->p[i]);
    for (size_t i = 0; i < COUNT(flags); i++)
        *argv++ = must_copy(flags[i]);
    free(error_text);
    free(url);
}

/* Ours, with the token; the token is in no argument. */
static void make_environment(struct proxy *proxy)
{
    static const char name[] = "CONFIGPROXY_AUTH_TOKEN=";
    struct text token = {0};
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **list = proxy->environment = must_alloc((n + 2) * sizeof *list);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], name, sizeof name - 1) != 0 &&
            strncmp(environ[i], "HUBGATE_HUB_", sizeof "HUBGATE_HUB_" - 1) != 0 &&
            strncmp(environ[i], "NOTIFY_SOCKET=", sizeof "NOTIFY_SOCKET=" - 1) != 0)
            list[kept++] = must_copy(environ[i]);
    text_format(&token, "%s%s", name, proxy->hub->settings->proxy_token);
    list[kept] = text_take(&token);
}

static void free_list(char **list)
{
    for (size_t i = 0; list && list[i]; i++)
        free(list[i]);
    free(list);
}

/* --- the one that an earlier hub started --- */

static void write_file(const struct proxy *proxy)
{
    struct process process = {0};
    char boot[PROCESS_BOOT_BYTES];
    process_boot(boot);
    (void)process_read(&process, proxy->pid);
    FILE *file = fopen(proxy->file, "we");
    if (!file ||
        fprintf(file, "%d %" PRIu64 " %s\n", (int)proxy->pid, process.start_ticks, boot) < 0)
        log_line(LOG_WARN, "%s: %s: a restarted hub will not know its proxy", proxy->file,
                 strerror(errno));
    if (file)
        fclose(file);
}

static void watch_it(struct proxy *proxy, pid_t pid, int pidfd)
{
    proxy->pid = pid;
    proxy->pidfd = pidfd;
    proxy->started_ms = loop_now_ms(proxy->hub->loop);
    loop_when_readable(proxy->hub->loop, &proxy->end, pidfd);
}

static bool take_up(struct proxy *proxy)
{
    char boot[PROCESS_BOOT_BYTES];
    uint64_t ticks = 0;
    int pid = 0;
    FILE *file = fopen(proxy->file, "re");
    bool known = file && fscanf(file, "%d %" SCNu64 " %39s", &pid, &ticks, boot) == 3;
    if (file)
        fclose(file);
    int pidfd = known ? process_open(pid, ticks, boot) : -1;
    if (pidfd < 0)
        return false;
    watch_it(proxy, pid, pidfd);
    log_line(LOG_INFO, "The proxy runs already (process %d)", pid);
    return true;
}

/* --- starting --- */

static void start(struct proxy *proxy)
{
    proxy->busy = true;
    jobs_do(proxy->hub->jobs, &proxy->job);
}

/* On a thread: a fork may take its time. */
static void spawn_it(struct proxy *proxy)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    pid_t pid = 0;
    proxy->failed =
        posix_spawnp(&pid, proxy->argv[0], &files, &attributes, proxy->argv, proxy->environment);
    proxy->pid = proxy->failed ? 0 : pid;
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
}

static void later(struct proxy *proxy)
{
    deadline_set(proxy->hub->loop, &proxy->again, proxy->wait_ms);
    proxy->wait_ms = proxy->wait_ms * 2 < AGAIN_LAST_MS ? proxy->wait_ms * 2 : AGAIN_LAST_MS;
}

static void release(struct proxy *proxy)
{
    free_list(proxy->argv);
    free_list(proxy->environment);
    free(proxy->file);
    free(proxy);
}

static void spawned(struct proxy *proxy)
{
    pid_t pid = proxy->pid;
    proxy->busy = false;
    proxy->pid = 0;
    if (proxy->freed) {
        release(proxy);
        return;
    }
    int pidfd = proxy->failed ? -1 : pidfd_open(pid, 0);
    if (pidfd < 0) {
        log_line(LOG_ERROR, "The proxy could not be started: %s: %s (proxy_command)",
                 proxy->argv[0], strerror(proxy->failed ? proxy->failed : errno));
        later(proxy);
        return;
    }
    watch_it(proxy, pid, pidfd);
    write_file(proxy);
    log_line(LOG_INFO, "Started the proxy (process %d)", (int)pid);
    routes_check(proxy->hub->routes, NULL, NULL);
}

static void ended(struct proxy *proxy)
{
    siginfo_t info = {0};
    char how[32] = "taken up from an earlier hub"; /* no child of ours: nobody tells us */
    if (waitid(P_PIDFD, (id_t)proxy->pidfd, &info, WEXITED | WNOHANG) == 0)
        snprintf(how, sizeof how, "%s %d", info.si_code == CLD_EXITED ? "status" : "signal",
                 info.si_status);
    close(proxy->pidfd);
    proxy->pid = 0;
    if (proxy->hub->ending)
        return;
    if (loop_now_ms(proxy->hub->loop) - proxy->started_ms > WELL_MS)
        proxy->wait_ms = AGAIN_FIRST_MS;
    log_line(LOG_ERROR, "The proxy ended (%s); starting it again", how);
    later(proxy);
}

struct proxy *proxy_new(struct hub *hub)
{
    if (hub->settings->proxy_command.n == 0)
        return NULL;
    struct proxy *proxy = must_alloc(sizeof *proxy);
    struct text file = {0};
    text_format(&file, "%s/proxy.pid", hub->settings->state_dir);
    proxy->hub = hub;
    proxy->file = text_take(&file);
    proxy->job = (struct job){.work = on_spawn, .done = on_spawned};
    proxy->end.ready = on_end;
    proxy->again.expire = on_again;
    proxy->wait_ms = AGAIN_FIRST_MS;
    make_arguments(proxy);
    make_environment(proxy);
    if (!take_up(proxy))
        start(proxy);
    return proxy;
}

void proxy_stop(struct proxy *proxy)
{
    if (proxy && proxy->pid)
        pidfd_send_signal(proxy->pidfd, SIGTERM, NULL, 0);
}

void proxy_free(struct proxy *proxy)
{
    if (!proxy)
        return;
    deadline_clear(&proxy->again);
    readable_forget(&proxy->end);
    if (proxy->busy) {
        proxy->freed = true;
        return;
    }
    if (proxy->pid)
        close(proxy->pidfd);
    release(proxy);
}

/* --- callbacks --- */

static void on_spawn(struct job *job)
{
    spawn_it(CONTAINER(job, struct proxy, job));
}

static void on_spawned(struct job *job)
{
    spawned(CONTAINER(job, struct proxy, job));
}

static void on_end(struct readable *readable)
{
    ended(CONTAINER(readable, struct proxy, end));
}

static void on_again(struct deadline *deadline)
{
    start(CONTAINER(deadline, struct proxy, again));
}
