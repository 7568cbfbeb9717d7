#include "spawner/launch.h"

#include "base/encode.h"
#include "base/str.h"
#include "net/addr.h"
#include "spawner/child.h"
#include "spawner/ending.h"
#include "spawner/environment.h"
#include "spawner/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper/process.h"

static char **copy_list(const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    char **copy = must_alloc((n + 1) * sizeof *copy);
    for (size_t i = 0; i < n; i++)
        copy[i] = must_copy(list[i]);
    return copy;
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void launch_begin(struct launch *launch, const struct local_settings *settings,
                  const struct cgroups *cgroups, const struct spawn_order *order)
{
    *launch = (struct launch){
        .settings = settings,
        .cgroups = cgroups,
        .user = must_copy(order->user),
        .server = must_copy(order->server),
        .prefix = must_copy(order->prefix),
        .command = copy_list(order->command),
        .environment = copy_list(order->environment),
        .limits = order->limits,
    };
}

void launch_release(struct launch *launch)
{
    free(launch->user);
    free(launch->server);
    free(launch->prefix);
    free_list(launch->command);
    free_list(launch->environment);
    free(launch->home);
    account_release(&launch->account);
    *launch = (struct launch){0};
}

char *launch_url(const char *ip, uint16_t port)
{
    struct text url = {0};
    bool all = strcmp(ip, "0.0.0.0") == 0;
    text_format(&url, strchr(ip, ':') ? "http://[%s]:%u" : "http://%s:%u", all ? "127.0.0.1" : ip,
                (unsigned)port);
    return text_take(&url);
}

/* --- first step --- */

static bool find_home(struct launch *launch, struct error *error)
{
    if (launch->settings->switch_user) {
        if (!account_find(&launch->account, launch->user, error))
            return false;
        launch->home = must_copy(launch->account.home);
        return true;
    }
    account_own(&launch->account);
    launch->home = place_home(launch->settings->homes_dir, launch->user);
    return place_make(launch->home, error);
}

bool launch_prepare(struct launch *launch, struct error *error)
{
    if (!launch->command[0])
        return error_set(error, "there is no command to start the server with");
    if (!find_home(launch, error))
        return false;
    const char *state = launch->settings->state_dir;
    char *directory = place_server(state, launch->user, launch->server, NULL);
    char *status = place_server(state, launch->user, launch->server, "status");
    bool good = place_make(directory, error);
    if (good)
        ending_clear(status, launch->cgroups);
    free(directory);
    free(status);
    return good;
}

/* --- second step --- */

/* What is open while the keeper is started. */
struct desk {
    struct child child;
    struct environment environment;
    char *argv_numbers[2];
};

static void open_desk(struct desk *desk)
{
    *desk = (struct desk){0};
    desk->child.program = desk->child.null = desk->child.log = desk->child.status =
        desk->child.port = -1;
}

static void close_desk(struct desk *desk)
{
    struct child *child = &desk->child;
    int *const fds[] = {&child->program, &child->null, &child->log, &child->status, &child->port};
    for (size_t i = 0; i < COUNT(fds); i++)
        if (*fds[i] >= 0)
            close(*fds[i]);
    for (size_t i = 0; i < child->groups_n; i++)
        close(child->groups[i]);
    free(child->argv);
    environment_release(&desk->environment);
    for (size_t i = 0; i < COUNT(desk->argv_numbers); i++)
        free(desk->argv_numbers[i]);
}

static bool open_file(int *fd, const char *path, int flags, struct error *error)
{
    *fd = open(path, flags | O_CLOEXEC, 0600);
    return *fd >= 0 || error_set(error, "cannot open %s: %s", path, strerror(errno));
}

/* A new file: a keeper that is just ending may still write to the one of before. */
static bool new_file(int *fd, const char *path, int flags, struct error *error)
{
    unlink(path);
    return open_file(fd, path, flags | O_CREAT | O_EXCL, error);
}

static bool open_files(struct launch *launch, const struct trace *trace, struct child *child,
                       struct error *error)
{
    const char *state = launch->settings->state_dir;
    char *log = place_server(state, launch->user, launch->server, "log");
    char *status = place_server(state, launch->user, launch->server, "status");
    struct text line = {0};
    ending_begin(&line, trace);
    bool good = open_file(&child->program, launch->settings->keeper, O_PATH, error) &&
                open_file(&child->null, "/dev/null", O_RDWR, error) &&
                new_file(&child->log, log, O_RDWR, error) &&
                new_file(&child->status, status, O_WRONLY | O_APPEND, error);
    if (good && write(child->status, line.p, line.n) != (ssize_t)line.n)
        good = error_set(error, "cannot write %s: %s", status, strerror(errno));
    text_release(&line);
    free(log);
    free(status);
    return good;
}

/* A port that the kernel gives to nobody else while the socket is open. It does not listen: the
 * server itself can still bind to it, as both say SO_REUSEADDR. */
static bool hold_port(const char *ip, int *fd, uint16_t *port, struct error *error)
{
    struct addr addr;
    const int on = 1;
    if (!addr_parse(&addr, ip, 0))
        return error_set(error, "servers cannot listen on %s: no address", ip);
    *fd = socket(addr.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(*fd, (struct sockaddr *)&addr.storage, addr.length) != 0 ||
        getsockname(*fd, (struct sockaddr *)&addr.storage, &addr.length) != 0)
        return error_set(error, "no port is to be had on %s: %s", ip, strerror(errno));
    if (addr.storage.ss_family == AF_INET6)
        *port = ntohs(((struct sockaddr_in6 *)&addr.storage)->sin6_port);
    else
        *port = ntohs(((struct sockaddr_in *)&addr.storage)->sin_port);
    return true;
}

static void set_limits_told(struct environment *environment, const struct spawn_limits *limits)
{
    if (limits->memory_bytes)
        environment_format(environment, "MEM_LIMIT", "%" PRIu64, limits->memory_bytes);
    if (limits->cpu_millis)
        environment_format(environment, "CPU_LIMIT", "%g", limits->cpu_millis / 1000.0);
}

/* Later ones win: our own variables, the account's, the order's, what only we know. */
static void fill_environment(const struct launch *launch, const struct trace *trace,
                             struct environment *environment)
{
    char *url = launch_url(launch->settings->ip, trace->port);
    environment_set(environment, "PATH", "/usr/local/bin:/usr/bin:/bin");
    environment_set(environment, "LANG", "C.UTF-8");
    environment_keep(environment, launch->settings->environment_keep);
    environment_set(environment, "HOME", launch->home);
    environment_set(environment, "USER", launch->user);
    environment_set(environment, "LOGNAME", launch->user);
    environment_set(environment, "SHELL", launch->account.shell);
    for (char **pair = launch->environment; *pair; pair++)
        environment_put(environment, *pair);
    environment_format(environment, "JUPYTERHUB_SERVICE_URL", "%s%s", url, launch->prefix);
    set_limits_told(environment, &launch->limits);
    if (trace->gpus || launch->hide_gpus) {
        environment_set(environment, "CUDA_VISIBLE_DEVICES", trace->gpus ? trace->gpus : "");
        environment_set(environment, "NVIDIA_VISIBLE_DEVICES", trace->gpus ? trace->gpus : "void");
    }
    environment_set(environment, TRACE_VARIABLE, trace->mark);
    free(url);
}

static void fill_argv(const struct launch *launch, struct desk *desk)
{
    size_t n = 0;
    while (launch->command[n])
        n++;
    if (asprintf(&desk->argv_numbers[0], "%" PRId64, launch->settings->stop_grace_ms) < 0 ||
        asprintf(&desk->argv_numbers[1], "%" PRIu64, launch->settings->log_bytes_max) < 0)
        abort();
    char **argv = must_alloc((n + 4) * sizeof *argv);
    argv[0] = (char *)"hubgate-keeper";
    argv[1] = desk->argv_numbers[0];
    argv[2] = desk->argv_numbers[1];
    for (size_t i = 0; i < n; i++)
        argv[i + 3] = launch->command[i];
    desk->child.argv = argv;
}

/* Where no cgroup can limit. Of each process, not of all together; a user's processes are counted
 * by the kernel, so not where all servers are one user. */
static void fill_rlimits(const struct launch *launch, struct child *child)
{
    const struct spawn_limits *limits = &launch->limits;
    if (limits->memory_bytes && !launch->cgroups->can[CGROUP_MEMORY]) {
        child->rlimits[child->rlimits_n].which = RLIMIT_DATA;
        child->rlimits[child->rlimits_n++].most = limits->memory_bytes;
    }
    if (limits->pids && launch->settings->switch_user && !launch->cgroups->can[CGROUP_PIDS]) {
        child->rlimits[child->rlimits_n].which = RLIMIT_NPROC;
        child->rlimits[child->rlimits_n++].most = (rlim_t)limits->pids + 1;
    }
}

static bool enter_group(struct launch *launch, struct trace *trace, struct child *child,
                        struct error *error)
{
    char name[64];
    snprintf(name, sizeof name, "hubgate-%s", trace->mark);
    if (!cgroup_make(&trace->cgroup, launch->cgroups, name, &launch->limits, error))
        return false;
    int n = cgroup_doors(&trace->cgroup, child->groups, error);
    child->groups_n = n > 0 ? (size_t)n : 0;
    return n >= 0;
}

bool launch_start(struct launch *launch, struct trace *trace, int *pidfd, struct error *error)
{
    struct desk desk;
    struct process process;
    open_desk(&desk);
    trace->uid = launch->account.uid;
    trace->limits = launch->limits;
    bool good = open_files(launch, trace, &desk.child, error) &&
                hold_port(launch->settings->ip, &desk.child.port, &trace->port, error) &&
                enter_group(launch, trace, &desk.child, error);
    if (good) {
        fill_environment(launch, trace, &desk.environment);
        fill_argv(launch, &desk);
        fill_rlimits(launch, &desk.child);
        desk.child.environment = desk.environment.list;
        desk.child.account = &launch->account;
        desk.child.become = launch->settings->switch_user;
        desk.child.directory = launch->home;
        trace->pid = child_start(&desk.child, pidfd, error);
        good = trace->pid > 0;
    }
    if (good && process_read(&process, trace->pid))
        trace->start_ticks = process.start_ticks;
    if (!good)
        cgroup_remove(&trace->cgroup);
    close_desk(&desk);
    return good;
}
