/* hubgate: reads the command line, binds everything, starts the workers and the control loop. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/server.h"
#include "base/notify.h"
#include "base/str.h"
#include "http/h1.h"
#include "net/bind.h"
#include "proxy/answer.h"
#include "proxy/worker.h"

enum { EXIT_INTERRUPTED = 2, DRAIN_LOOK_MS = 20 };

enum port_use { PORT_PUBLIC, PORT_API, PORT_METRICS, PORT_REDIRECT, PORTS };

struct program {
    struct options options;
    struct settled settled;
    struct bound ports[PORTS];
    struct tls_context *api_tls;
    struct loop *loop; /* the control loop */
    struct fleet *fleet;
    struct api *api;
    struct deadline watchdog, drain_look, drain_over;
    struct counters counters; /* while draining */
    struct counters pulse;    /* asked for by the watchdog */
    int64_t public_expiry_s;
    int exit_status;
    bool draining, wrote_pid;
};

static void on_signal(void *arg, int number);
static void on_watchdog(struct deadline *deadline);
static void on_drain_look(struct deadline *deadline);
static void on_drain_over(struct deadline *deadline);

/* --- what is settled before anything runs --- */

static bool has_tls(const struct tls_files *files)
{
    return files->key_file || files->cert_file;
}

static bool settle_error_target(struct program *program, struct error *error)
{
    struct error why;
    const char *url = program->options.error_target;
    if (!url || target_parse(&program->settled.error_target, url, &why))
        return true;
    return error_set(error, "--error-target %s: %s", url, why.text);
}

static void settle_custom_lines(struct program *program)
{
    const struct options *options = &program->options;
    size_t bytes = 1;
    for (size_t i = 0; i < options->custom_headers_n; i++)
        bytes +=
            strlen(options->custom_headers[i].name) + strlen(options->custom_headers[i].value) + 4;
    char *at = program->settled.custom_lines = must_alloc(bytes);
    char *end = at + bytes;
    for (size_t i = 0; i < options->custom_headers_n; i++)
        at += snprintf(at, (size_t)(end - at), "%s: %s\r\n", options->custom_headers[i].name,
                       options->custom_headers[i].value);
}

/* Whether a flag says how to speak TLS to targets, or one of those known at the start does. */
static bool speaks_tls_to_targets(const struct options *options)
{
    const struct tls_files *files = &options->client_ssl;
    return has_tls(files) || files->ca_file || files->dhparam_file || files->ciphers ||
           files->protocol || target_is_tls(options->default_target) ||
           target_is_tls(options->error_target);
}

/* The workers make their own contexts of the same files; here they are tried, and the
 * certificate's end is read. */
static bool check_tls(struct program *program, struct error *error)
{
    const struct options *options = &program->options;
    struct tls_context *context = NULL;
    if (program->settled.tls &&
        !(context = tls_server_new(&options->ssl, &program->settled.tickets, error)))
        return false;
    program->public_expiry_s = context ? tls_context_expiry_s(context) : 0;
    tls_context_free(context);
    if (!program->settled.tls_to_targets)
        return true;
    context = tls_client_new(&options->client_ssl, error);
    tls_context_free(context);
    return context != NULL;
}

/* Everything that can be wrong without a socket. */
static bool settle(struct program *program, struct error *error)
{
    struct settled *settled = &program->settled;
    const struct options *options = &program->options;
    settled->options = options;
    settled->tls = has_tls(&options->ssl);
    settled->tls_to_targets = speaks_tls_to_targets(options);
    if (settled->tls || has_tls(&options->api_ssl))
        tls_secret_new(&settled->tickets);
    settle_custom_lines(program);
    settled->pages = pages_new(options->error_path, error);
    if (!settled->pages || !settle_error_target(program, error))
        return false;
    if (!check_tls(program, error))
        return false;
    if (has_tls(&options->api_ssl)) {
        program->api_tls = tls_server_new(&options->api_ssl, &settled->tickets, error);
        if (!program->api_tls)
            return false;
    }
    return true;
}

/* As many descriptors as the host allows: each WebSocket takes two. */
static void raise_limits(struct options *options)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    /* Clients may not take the last descriptor: targets and the API need some too. */
    rlim_t kept = 32 + limit.rlim_cur / 8;
    if (options->max_connections == 0)
        options->max_connections = limit.rlim_cur > 2 * kept ? limit.rlim_cur - kept : kept / 4;
}

/* --- sockets --- */

/* Sockets a service manager opened for us, by name. */
static bool take_inherited(struct program *program, struct error *error)
{
    static const char *const names[PORTS] = {"public", "api", "metrics", "redirect"};
    struct inherited inherited;
    if (!inherited_take(&inherited, error))
        return false;
    for (size_t i = 0; i < inherited.n; i++) {
        size_t use = 0;
        while (use < PORTS && strcmp(inherited.sockets[i].name, names[use]) != 0)
            use++;
        if (use == PORTS)
            return error_set(error,
                             "FileDescriptorName=%s: a socket handed over is called public, api, "
                             "metrics or redirect",
                             inherited.sockets[i].name);
        bound_take(&program->ports[use], inherited.sockets[i].fd);
    }
    program->options.metrics_on |= program->ports[PORT_METRICS].n > 0;
    return true;
}

static bool bind_one(struct program *program, enum port_use use, const char *flag, const char *ip,
                     uint16_t port, const char *socket, unsigned copies, struct error *error)
{
    struct bound *bound = &program->ports[use];
    if (bound->n > 0) /* handed over */
        return true;
    return socket ? bind_unix(bound, flag, socket, error)
                  : bind_tcp(bound, flag, ip, port, copies, error);
}

static bool redirects(const struct options *options)
{
    return options->redirect_on && !options->socket && options->port != 80; /* CHP 87 */
}

static bool bind_all(struct program *program, struct error *error)
{
    struct options *options = &program->options;
    bool ok = take_inherited(program, error) &&
              bind_one(program, PORT_PUBLIC, options->socket ? "--socket" : "--ip", options->ip,
                       options->port, options->socket, options->workers, error);
    if (ok && program->ports[PORT_PUBLIC].port > 0)
        options->port = program->ports[PORT_PUBLIC].port;
    ok = ok && bind_one(program, PORT_API, options->api_socket ? "--api-socket" : "--api-ip",
                        options->api_ip, options->api_port, options->api_socket, 1, error);
    if (ok && options->metrics_on)
        ok = bind_one(
            program, PORT_METRICS, options->metrics_socket ? "--metrics-socket" : "--metrics-ip",
            options->metrics_ip, options->metrics_port, options->metrics_socket, 1, error);
    if (ok && redirects(options))
        ok = bind_one(program, PORT_REDIRECT, "--redirect-port", "", options->redirect_port, NULL,
                      options->workers, error);
    return ok;
}

/* --- start --- */

static void say_where(const struct program *program, enum port_use use, const char *what,
                      const char *scheme, const char *ip, const char *socket, const char *tail)
{
    if (socket)
        log_line(LOG_INFO, "%s %s%s", what, socket, tail);
    else
        log_line(LOG_INFO, strchr(ip, ':') ? "%s %s://[%s]:%u%s" : "%s %s://%s:%u%s", what, scheme,
                 *ip ? ip : "*", program->ports[use].port, tail);
}

/* The lines of CHP 10. */
static void say_start(const struct program *program)
{
    const struct options *options = &program->options;
    char tail[512];
    log_line(LOG_INFO, "hubgate %s (%s), %u workers", HUBGATE_VERSION, HUBGATE_COMMIT,
             options->workers);
    if (!options->auth_token)
        log_line(LOG_WARN, "REST API is not authenticated.");
    snprintf(tail, sizeof tail, " to %s",
             options->default_target ? options->default_target : "(no default)");
    say_where(program, PORT_PUBLIC, "Proxying", program->settled.tls ? "https" : "http",
              options->ip, options->socket, tail);
    if (program->settled.tls && options->ssl.kernel)
        log_line(LOG_INFO, "TLS records are made by %s",
                 tls_kernel_able() ? "the kernel, for ciphers it knows"
                                   : "OpenSSL: the kernel has no module tls");
    say_where(program, PORT_API, "Proxy API at", program->api_tls ? "https" : "http",
              options->api_ip, options->api_socket, "/api/routes");
    if (options->metrics_on)
        say_where(program, PORT_METRICS, "Serve metrics at", "http", options->metrics_ip,
                  options->metrics_socket, "/metrics");
}

static bool write_pid(struct program *program, struct error *error)
{
    const struct options *options = &program->options;
    if (!options->pid_file)
        return true;
    log_line(LOG_INFO, "Writing pid %d to %s", (int)getpid(), options->pid_file);
    FILE *file = fopen(options->pid_file, "we");
    program->wrote_pid = file != NULL;
    bool ok = file && fprintf(file, "%d", (int)getpid()) > 0;
    if (file && fclose(file) != 0)
        ok = false;
    return ok || error_set(error, "--pid-file %s: %s", options->pid_file, strerror(errno));
}

/* Every worker has the table it starts with: ready. */
static void say_ready(void *arg)
{
    const struct program *program = arg;
    const struct options *options = &program->options;
    if (program->ports[PORT_REDIRECT].port > 0)
        log_line(LOG_INFO, "Added HTTP to HTTPS redirection from %u to %u",
                 program->ports[PORT_REDIRECT].port,
                 options->redirect_to ? options->redirect_to : options->port);
    log_flush();
    notify_send("READY=1");
}

static bool start_api(struct program *program, struct error *error)
{
    const struct options *options = &program->options;
    program->api = api_new(program->loop, program->fleet, options, &program->ports[PORT_API],
                           options->metrics_on ? &program->ports[PORT_METRICS] : NULL,
                           program->api_tls, error);
    if (!program->api)
        return false;
    api_public_expiry(program->api, program->public_expiry_s);
    return !options->default_target ||
           api_add_route(program->api, "/", options->default_target, say_ready, program, error);
}

static void watch_signals(struct program *program)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < COUNT(numbers); i++)
        loop_on_signal(program->loop, numbers[i], on_signal, program);
}

/* SIGTERM and SIGINT wait until there is a loop to take them: as PID 1, or behind a hub that
 * changes its mind at once, they may come at any time. */
static void hold_signals(int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(how, &set, NULL);
}

static bool start(struct program *program, struct error *error)
{
    const struct options *options = &program->options;
    sigset_t all, before;
    program->loop = loop_new();
    program->watchdog.expire = on_watchdog;
    program->drain_look.expire = on_drain_look;
    program->drain_over.expire = on_drain_over;
    watch_signals(program);
    sigfillset(&all); /* signals are the control loop's: threads inherit the mask */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    log_start(options->log_level, options->log_json);
    program->settled.resolver = resolver_new();
    program->fleet = fleet_new(program->loop, &program->settled, error);
    bool ok = program->fleet != NULL;
    if (ok) {
        /* the table goes first: a worker opens its letters before it reads a request */
        ok = start_api(program, error) &&
             fleet_listen(program->fleet, &program->ports[PORT_PUBLIC], false, error) &&
             fleet_listen(program->fleet, &program->ports[PORT_REDIRECT], true, error) &&
             fleet_start(program->fleet, error);
    }
    tls_secret_forget(&program->settled.tickets); /* the last context is made */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hold_signals(SIG_UNBLOCK);
    if (!ok)
        return false;
    say_start(program);
    if (!write_pid(program, error))
        return false;
    if (!options->default_target)
        say_ready(program);
    deadline_set(program->loop, &program->watchdog, notify_watchdog_ms());
    return true;
}

/* --- end --- */

/* Socket files of ours, so that the next start finds none. At once: a successor may make its own
 * while we still finish. */
static void remove_sockets(struct program *program)
{
    for (size_t i = 0; i < PORTS; i++)
        bound_unlink(&program->ports[i]);
}

static void stop(struct program *program)
{
    if (program->fleet && !program->draining)
        notify_send("STOPPING=1");
    remove_sockets(program);
    if (program->wrote_pid)
        unlink(program->options.pid_file);
    api_free(program->api);
    if (program->settled.resolver)
        resolver_stop(program->settled.resolver);
    if (program->fleet)
        fleet_free(program->fleet);
    if (program->settled.resolver)
        resolver_free(program->settled.resolver);
    if (program->loop)
        loop_free(program->loop);
    log_stop();
    tls_context_free(program->api_tls);
    pages_free(program->settled.pages);
    target_release(&program->settled.error_target);
    free(program->settled.custom_lines);
    options_release(&program->options);
}

/* Listeners close at once, so that a successor can bind; exchanges under way may finish. */
static void drain(struct program *program)
{
    log_line(LOG_WARN, "Terminated");
    if (program->draining) {
        loop_stop(program->loop);
        return;
    }
    program->draining = true;
    remove_sockets(program);
    notify_send("STOPPING=1");
    api_drain(program->api);
    fleet_drain(program->fleet, NULL, NULL);
    deadline_set(program->loop, &program->drain_look, DRAIN_LOOK_MS);
    if (program->options.drain_ms > 0)
        deadline_set(program->loop, &program->drain_over, program->options.drain_ms);
    else
        loop_stop(program->loop);
}

static void look_at_drain(void *arg)
{
    struct program *program = arg;
    if (program->counters.exchanges_open > 0) {
        deadline_set(program->loop, &program->drain_look, DRAIN_LOOK_MS);
        return;
    }
    log_line(LOG_INFO, "All requests are finished; %u WebSockets end now",
             (unsigned)program->counters.tunnels_open);
    loop_stop(program->loop);
}

static void on_signal(void *arg, int number)
{
    struct program *program = arg;
    switch (number) {
    case SIGTERM:
        drain(program);
        break;
    case SIGINT:
        log_line(LOG_WARN, "Interrupted");
        program->exit_status = EXIT_INTERRUPTED;
        loop_stop(program->loop);
        break;
    default:
        log_line(LOG_INFO, "Signal %d: nothing to do", number);
    }
    log_flush();
}

/* --- events --- */

/* Every worker has answered. */
static void say_alive(void *arg)
{
    struct program *program = arg;
    notify_send("WATCHDOG=1");
    deadline_set(program->loop, &program->watchdog, notify_watchdog_ms());
}

static void on_watchdog(struct deadline *deadline)
{
    struct program *program = CONTAINER(deadline, struct program, watchdog);
    fleet_counters(program->fleet, &program->pulse, say_alive, program);
}

static void on_drain_look(struct deadline *deadline)
{
    struct program *program = CONTAINER(deadline, struct program, drain_look);
    fleet_counters(program->fleet, &program->counters, look_at_drain, program);
}

static void on_drain_over(struct deadline *deadline)
{
    loop_stop(CONTAINER(deadline, struct program, drain_over)->loop);
}

static int run(struct program *program)
{
    struct error error;
    bool ok = settle(program, &error);
    if (ok && program->options.check) {
        puts("hubgate: flags, certificates and files are good");
        stop(program);
        return EXIT_SUCCESS;
    }
    ok = ok && bind_all(program, &error) && start(program, &error);
    if (ok)
        loop_run(program->loop);
    stop(program);
    if (ok)
        return program->exit_status;
    fprintf(stderr, "hubgate: %s\n", error.text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct program program;
    struct error error;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    /* from the first instruction to the last; the control loop listens to some in between */
    static const int ignored[] = {SIGPIPE, SIGHUP, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < COUNT(ignored); i++)
        sigaction(ignored[i], &ignore, NULL);
    hold_signals(SIG_BLOCK);
    switch (options_read(&program.options, argc, argv, &error)) {
    case OPTIONS_RUN:
        raise_limits(&program.options);
        h1_start(program.options.max_header_bytes);
        return run(&program);
    case OPTIONS_EXIT:
        return EXIT_SUCCESS;
    case OPTIONS_BAD:
        break;
    }
    fprintf(stderr, "%s\n", error.text);
    return EXIT_FAILURE;
}
