/* How one comes to an API server: what is shown, read again and asked of programs, whom one trusts,
 * and that nobody who waits for it holds up the loop. */
#include "tests/unit/hub/kubeapi_rig.h"

#include "kubeapi/plugin.h"
#include "tests/unit/tls_material.h"
#include "tls/tls.h"

#include <sys/eventfd.h>

/* Only this is let in; "": everything. */
static char wanted[64];

static void serve_token(struct rig *rig, struct call *call)
{
    const char *shown = call_header(call, "Authorization");
    (void)rig;
    if (*wanted && (!shown || strcmp(shown, wanted) != 0))
        answer_status(call, 401, "Unauthorized", "Unauthorized");
    else
        answer(call, 200, "{}");
}

/* A server that lets in who shows that. */
static struct rig *set_up_token(const char *user, const char *authorization)
{
    struct rig *rig = set_up_with(NULL);
    snprintf(wanted, sizeof wanted, "%s", authorization);
    rig->serve = serve_token;
    if (user)
        reach(rig, "http", "", user, false);
    return rig;
}

static void expect_line(const struct got *got, unsigned status, const char *error)
{
    assert_int_equal(got->status, status);
    if (error && got->error)
        assert_string_equal(got->error, error);
    else
        assert_true(!error == !got->error);
}

/* --- tokens of files --- */

static struct rig *set_up_file(const char *authorization)
{
    struct rig *rig = set_up_token(NULL, authorization);
    write_file(rig, "token", " one\n");
    reach(rig, "http", "", "tokenFile: token", false);
    return rig;
}

static void a_token_is_read_again_once_it_is_refused(void **state)
{
    struct rig *rig = set_up_file("Bearer one");
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 200, NULL);
    write_file(rig, "token", "two\n");
    snprintf(wanted, sizeof wanted, "Bearer two");
    ask(rig, &got, (struct apicall_request){.method = "POST", .once = true});
    expect_line(&got, 200, NULL);
    assert_false(got.retried);
    assert_int_equal(rig->asked, 3);
    got_release(&got);
    tear_down(rig);
}

static void the_same_token_is_not_shown_twice(void **state)
{
    struct rig *rig = set_up_file("Bearer other");
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 401, "get pod ada: 401 Unauthorized: Unauthorized");
    assert_int_equal(rig->asked, 1);
    got_release(&got);
    tear_down(rig);
}

static void another_that_is_refused_too_is_told(void **state)
{
    struct rig *rig = set_up_file("Bearer other");
    struct got got = {0};
    (void)state;
    write_file(rig, "token", "two\n");
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 401, "get pod ada: 401 Unauthorized: Unauthorized");
    assert_int_equal(rig->asked, 2);
    got_release(&got);
    tear_down(rig);
}

static void a_token_is_read_again_after_a_minute(void **state)
{
    struct rig *rig = set_up_file("");
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){0});
    write_file(rig, "token", "two\n");
    ask(rig, &got, (struct apicall_request){0});
    assert_false(was_asked(rig, "Bearer two"));
    pass(rig, 60000);
    ask(rig, &got, (struct apicall_request){0});
    assert_true(was_asked(rig, "Bearer two"));
    got_release(&got);
    tear_down(rig);
}

/* As a kubelet swaps it, for a moment it may not be there. */
static void a_token_that_cannot_be_read_any_more_goes_on_until_it_is_refused(void **state)
{
    struct rig *rig = set_up_file("Bearer one");
    struct got got = {0};
    char expected[128];
    (void)state;
    unlink(path_of(rig, "token"));
    pass(rig, 60000);
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 200, NULL);
    snprintf(wanted, sizeof wanted, "Bearer two");
    ask(rig, &got, (struct apicall_request){0});
    snprintf(expected, sizeof expected, "get pod ada: %s: No such file or directory",
             path_of(rig, "token"));
    expect_line(&got, 401, expected);
    write_file(rig, "token", " \n");
    ask(rig, &got, (struct apicall_request){0});
    snprintf(expected, sizeof expected, "get pod ada: %s: holds no token", path_of(rig, "token"));
    expect_line(&got, 401, expected);
    write_file(rig, "token", "two");
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 200, NULL);
    got_release(&got);
    tear_down(rig);
}

static void many_who_are_refused_look_once(void **state)
{
    struct rig *rig = set_up_file("Bearer one");
    struct got got[40] = {{0}};
    (void)state;
    write_file(rig, "token", "two");
    snprintf(wanted, sizeof wanted, "Bearer two");
    for (size_t i = 0; i < COUNT(got); i++)
        start(rig, &got[i], (struct apicall_request){0});
    for (size_t i = 0; i < COUNT(got); i++) {
        UNTIL(rig, got[i].told);
        expect_line(&got[i], 200, NULL);
        got_release(&got[i]);
    }
    assert_true(rig->asked <= 2 * COUNT(got));
    tear_down(rig);
}

/* --- programs --- */

/* Writes a program that notes each of its runs, and a user of it. */
static void reach_by_program(struct rig *rig, const char *script, const char *more, bool may_ask)
{
    struct text text = {0}, user = {0};
    text_format(&text, "#!/bin/sh\necho run >>'%s'\n%s\n", path_of(rig, "runs"), script);
    char *program = text_take(&text);
    write_file(rig, "login", program);
    assert_int_equal(chmod(path_of(rig, "login"), 0700), 0);
    text_format(&user,
                "exec: {command: ./login, apiVersion: client.authentication.k8s.io/v1, "
                "interactiveMode: IfAvailable%s}",
                more);
    char *entry = text_take(&user);
    reach(rig, "http", "", entry, may_ask);
    free(program);
    free(entry);
}

#define CREDENTIAL(status)                                                                         \
    "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","       \
    "\"status\":{" status "}}'"
#define TOKEN(token) CREDENTIAL("\"token\":\"" token "\"")

static unsigned runs(const struct rig *rig)
{
    return (unsigned)strlen(file_text(rig, "runs")) / 4;
}

static void a_program_is_run_once_for_all(void **state)
{
    struct rig *rig = set_up_token(NULL, "Bearer one");
    struct got got[20] = {{0}};
    (void)state;
    reach_by_program(rig, TOKEN("one"), "", false);
    assert_int_equal(runs(rig), 0);
    for (size_t i = 0; i < COUNT(got); i++)
        start(rig, &got[i], (struct apicall_request){0});
    for (size_t i = 0; i < COUNT(got); i++) {
        UNTIL(rig, got[i].told);
        expect_line(&got[i], 200, NULL);
        got_release(&got[i]);
    }
    pass(rig, 3600 * 1000);
    ask(rig, &got[0], (struct apicall_request){0});
    expect_line(&got[0], 200, NULL);
    assert_int_equal(runs(rig), 1);
    got_release(&got[0]);
    tear_down(rig);
}

static void a_program_is_run_again_once_it_is_refused(void **state)
{
    struct rig *rig = set_up_token(NULL, "Bearer 1");
    struct got got = {0};
    (void)state;
    reach_by_program(rig,
                     "n=$(wc -l <\"${0%/*}/runs\"); n=$((n))\n"
                     "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
                     "\"ExecCredential\",\"status\":{\"token\":\"'$n'\"}}'",
                     "", false);
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 200, NULL);
    snprintf(wanted, sizeof wanted, "Bearer 2");
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 200, NULL);
    assert_int_equal(runs(rig), 2);
    got_release(&got);
    tear_down(rig);
}

static void a_program_is_run_again_once_its_credentials_expire(void **state)
{
    struct rig *rig = set_up_token(NULL, "");
    struct got got = {0};
    (void)state;
    reach_by_program(rig,
                     "at=$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)\n"
                     "echo '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
                     "\"ExecCredential\",\"status\":{\"token\":\"t\","
                     "\"expirationTimestamp\":\"'$at'\"}}'",
                     "", false);
    moved_ms = 0; /* the program's clock */
    ask(rig, &got, (struct apicall_request){0});
    pass(rig, 3500 * 1000);
    ask(rig, &got, (struct apicall_request){0});
    assert_int_equal(runs(rig), 1);
    pass(rig, 200 * 1000);
    ask(rig, &got, (struct apicall_request){0});
    assert_int_equal(runs(rig), 2);
    got_release(&got);
    tear_down(rig);
}

/* The process whose number that file has. One that nobody has reaped yet runs no more. */
static pid_t pid_in(const struct rig *rig, const char *name)
{
    return (pid_t)strtol(file_text(rig, name), NULL, 10);
}

static bool is_running(pid_t pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *in = fopen(path, "r");
    if (!in)
        return false;
    bool read = fgets(text, sizeof text, in) != NULL;
    fclose(in);
    const char *state = strrchr(text, ')');
    return read && state && state[2] != 'Z' && state[2] != 'X';
}

static void expect_program(const char *script, const char *more, const char *error)
{
    struct rig *rig = set_up_token(NULL, "");
    struct got got = {0};
    reach_by_program(rig, script, more, false);
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, error ? 0 : 200, error);
    assert_int_equal(runs(rig), 1);
    assert_int_equal(rig->asked, error ? 0 : 1);
    if (*file_text(rig, "left"))
        assert_int_equal(kill(pid_in(rig, "left"), SIGKILL), 0);
    got_release(&got);
    tear_down(rig);
}

#define LOGIN "get pod ada: the kubeconfig's program 'login' "

static void what_a_program_prints_is_looked_at(void **state)
{
    (void)state;
    expect_program(TOKEN("one"), "", NULL);
    expect_program("echo hello", "",
                   LOGIN "is of no use: what it printed is no JSON object of kind ExecCredential");
    expect_program("true", "",
                   LOGIN "is of no use: what it printed is no JSON object of kind ExecCredential");
    expect_program("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"x/v1\"}'", "",
                   LOGIN "is of no use: what it printed has another apiVersion than the "
                         "kubeconfig's exec.apiVersion");
    expect_program(CREDENTIAL(""), "",
                   LOGIN "is of no use: what it printed has neither a token nor a "
                         "clientCertificateData in its status");
    expect_program(TOKEN("a\\u0007b"), "",
                   LOGIN "is of no use: what it printed has a token that is not one word");
    expect_program(CREDENTIAL("\"clientCertificateData\":\"-----BEGIN CERTIFICATE-----\""), "",
                   LOGIN "is of no use: what it printed has only one of clientCertificateData and "
                         "clientKeyData");
    expect_program(CREDENTIAL("\"clientCertificateData\":\"x\",\"clientKeyData\":\"y\""), "",
                   LOGIN "is of no use: what it printed has a clientCertificateData or "
                         "clientKeyData that is no PEM");
    expect_program(CREDENTIAL("\"token\":\"t\",\"expirationTimestamp\":\"soon\""), "",
                   LOGIN "is of no use: what it printed has an expirationTimestamp that is no "
                         "date");
    expect_program(CREDENTIAL("\"token\":7"), "",
                   LOGIN "is of no use: what it printed has something other than texts in its "
                         "status");
    expect_program("echo first >&2; echo 'log in first: login --now' >&2; exit 3", "",
                   LOGIN "ended with status 3: log in first: login --now");
    expect_program("kill -9 $$", "", LOGIN "ended with status 137");
    expect_program("head -c 2000000 /dev/zero", "",
                   LOGIN "printed more than a megabyte, and was killed");
    /* What it leaves behind is not waited for. */
    expect_program("sleep 100 & echo $! >\"${0%/*}/left\"\n" TOKEN("one"), "", NULL);
}

static void a_program_that_is_not_there_is_named_with_its_hint(void **state)
{
    struct rig *rig = set_up_token("exec: {command: no-such-login, apiVersion: "
                                   "client.authentication.k8s.io/v1beta1, "
                                   "installHint: \"get it\\nfrom x\"}",
                                   "");
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 0,
                "get pod ada: the kubeconfig's program 'no-such-login' is not installed: get it "
                "from x");
    got_release(&got);
    tear_down(rig);
}

static void a_program_that_must_ask_is_not_run_where_nobody_is(void **state)
{
    struct rig *rig = set_up_token("exec: {command: cat, apiVersion: "
                                   "client.authentication.k8s.io/v1, interactiveMode: Always}",
                                   "");
    struct got got = {0};
    (void)state;
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 0,
                "get pod ada: the kubeconfig's program 'cat' needs somebody at a terminal (its "
                "interactiveMode is Always)");
    got_release(&got);
    tear_down(rig);
}

/* What it is told, and what it may touch: no descriptor of ours, no input, no signal ignored. */
static void a_program_is_told_of_the_cluster_and_of_nothing_else(void **state)
{
    struct rig *rig = set_up_token(NULL, "");
    struct got got = {0};
    char expected[400];
    (void)state;
    setenv("LAID_OVER", "ours", 1);
    reach_by_program(rig,
                     "cd \"${0%/*}\"; echo \"$KUBERNETES_EXEC_INFO\" >info\n"
                     "echo \"$LAID_OVER $MORE\" >env; cat >input; ls /proc/self/fd | wc -l >fds\n"
                     "grep SigIgn /proc/self/status >ignored; echo \"$@\" >args\n" TOKEN("one"),
                     ", provideClusterInfo: true, args: [a, 'b c'], "
                     "env: [{name: LAID_OVER, value: theirs}, {name: MORE, value: '1'}]",
                     false);
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 200, NULL);
    snprintf(expected, sizeof expected,
             "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\","
             "\"spec\":{\"interactive\":false,\"cluster\":{\"server\":\"http://127.0.0.1:%u\","
             "\"config\":null}}}\n",
             rig->bound.port);
    assert_string_equal(file_text(rig, "info"), expected);
    assert_string_equal(file_text(rig, "env"), "theirs 1\n");
    assert_string_equal(file_text(rig, "input"), "");
    assert_string_equal(file_text(rig, "fds"), "4\n"); /* 0 to 2, and that of ls */
    assert_string_equal(file_text(rig, "args"), "a b c\n");
    /* glibc ignores two of its own, 32 and 33, in whatever it spawns. */
    assert_int_equal(
        strtoull(file_text(rig, "ignored") + strlen("SigIgn:\t"), NULL, 16) & 0x7fffffff, 0);
    unsetenv("LAID_OVER");
    got_release(&got);
    tear_down(rig);
}

static void a_program_may_ask_somebody_at_the_terminal(void **state)
{
    struct rig *rig = set_up_token(NULL, "");
    struct got got = {0};
    (void)state;
    reach_by_program(rig, "echo \"$KUBERNETES_EXEC_INFO\" >\"${0%/*}/info\"\n" TOKEN("one"), "",
                     true);
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 200, NULL);
    assert_non_null(strstr(file_text(rig, "info"), "\"interactive\":true"));
    got_release(&got);
    tear_down(rig);
}

/* The program ends only when the loop has done something. */
static void a_program_does_not_hold_up_the_loop(void **state)
{
    struct rig *rig = set_up_token(NULL, "");
    struct got got = {0};
    (void)state;
    reach_by_program(rig, "while [ ! -e \"${0%/*}/go\" ]; do sleep 0.01; done\n" TOKEN("one"), "",
                     false);
    start(rig, &got, (struct apicall_request){0});
    UNTIL_LATER(rig, runs(rig));
    assert_int_equal(got.told, 0);
    write_file(rig, "go", "");
    UNTIL(rig, got.told);
    expect_line(&got, 200, NULL);
    got_release(&got);
    tear_down(rig);
}

/* With all that it started. */
static void a_program_that_is_not_wanted_any_more_is_killed(void **state)
{
    struct rig *rig = set_up_token(NULL, "");
    struct got got = {0};
    (void)state;
    reach_by_program(rig, "sleep 1000 & echo $! >\"${0%/*}/child\"; echo $$ >\"${0%/*}/pid\"; wait",
                     "", false);
    struct apicall *call = start(rig, &got, (struct apicall_request){0});
    UNTIL_LATER(rig, *file_text(rig, "pid"));
    pid_t program = pid_in(rig, "pid"), child = pid_in(rig, "child");
    assert_true(is_running(program) && is_running(child));
    apicall_cancel(call);
    tear_down(rig);
    while (is_running(program) || is_running(child))
        usleep(1000);
    assert_int_equal(got.told, 0);
}

static void a_program_that_takes_too_long_is_killed(void **state)
{
    struct cluster_exec exec = {.command = (char *)"sleep",
                                .args = (char *[]){(char *)"1000", NULL},
                                .version = (char *)"client.authentication.k8s.io/v1"};
    struct cluster cluster = {.server = (char *)"https://x", .exec = &exec};
    struct plugin_credential credential;
    struct error error;
    const struct plugin_order order = {
        .cluster = &cluster, .cancel = eventfd(0, EFD_CLOEXEC), .time_ms = 50};
    (void)state;
    assert_false(plugin_run(&order, &credential, &error));
    assert_string_equal(error.text,
                        "the kubeconfig's program 'sleep' took too long, and was killed");
    close(order.cancel);
}

/* --- TLS --- */

struct secure {
    struct rig *rig;
    struct tls_secret secret;
    struct tls_context *context;
};

static void secure_start(struct secure *secure, const char *name, const char *clients_ca)
{
    secure->context = material_server(name, clients_ca, &secure->secret);
    secure->rig = set_up_with(secure->context);
    secure->rig->serve = serve_token;
    *wanted = '\0';
}

static void secure_end(struct secure *secure)
{
    tear_down(secure->rig);
    tls_context_free(secure->context);
}

static void secure_reach(struct secure *secure, const char *cluster, const char *user)
{
    char more[256];
    snprintf(more, sizeof more, ", certificate-authority: '%s'%s", material("ca.pem"), cluster);
    reach(secure->rig, "https", more, user, false);
}

/* why NULL: it works; "": the server ends it, for reasons of its own. */
static void secure_expect(struct secure *secure, const char *why)
{
    struct got got = {0};
    ask(secure->rig, &got, (struct apicall_request){.once = why && !*why});
    if (!why && got.error)
        fail_msg("%s", got.error);
    assert_int_equal(got.status, why ? 0 : 200);
    if (why && !strstr(got.error, why))
        fail_msg("%s", got.error);
    got_release(&got);
}

static void a_certificate_must_have_the_servers_name(void **state)
{
    struct secure secure;
    (void)state;
    secure_start(&secure, "server", NULL); /* has 127.0.0.1 */
    secure_reach(&secure, "", "");
    secure_expect(&secure, NULL);
    secure_end(&secure);

    secure_start(&secure, "rsa", NULL); /* has hub.test alone */
    secure_reach(&secure, "", "");
    secure_expect(&secure, "no alternative certificate subject name matches");
    secure_end(&secure);

    secure_start(&secure, "rsa", NULL);
    secure_reach(&secure, ", tls-server-name: hub.test", "");
    secure_expect(&secure, NULL);
    secure_end(&secure);

    secure_start(&secure, "stranger", NULL); /* of another authority */
    secure_reach(&secure, "", "");
    secure_expect(&secure, "certificate");
    secure_end(&secure);
}

static void certificates_are_shown_and_read_again(void **state)
{
    struct secure secure;
    char user[256];
    (void)state;
    secure_start(&secure, "server", "ca.pem");
    snprintf(user, sizeof user, "client-certificate: '%s', client-key: '%s'",
             path_of(secure.rig, "me.pem"), path_of(secure.rig, "me.key"));
    char command[512];
    snprintf(command, sizeof command, "cp %s %s && cp %s %s", material("stranger.pem"),
             path_of(secure.rig, "me.pem"), material("stranger.key"),
             path_of(secure.rig, "me.key"));
    assert_int_equal(system(command), 0);
    secure_reach(&secure, "", user);
    secure_expect(&secure, "");
    snprintf(command, sizeof command, "cp %s %s && cp %s %s", material("client.pem"),
             path_of(secure.rig, "me.pem"), material("client.key"), path_of(secure.rig, "me.key"));
    assert_int_equal(system(command), 0);
    pass(secure.rig, 60000);
    secure_expect(&secure, NULL);
    secure_end(&secure);
}

static void a_program_may_bring_a_certificate(void **state)
{
    struct secure secure;
    char script[1024];
    (void)state;
    secure_start(&secure, "server", "ca.pem");
    snprintf(script, sizeof script,
             "#!/bin/sh\n"
             "line() { awk '{printf \"%%s\\\\n\", $0}' \"$1\"; }\n"
             "printf '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
             "\"ExecCredential\",\"status\":{\"clientCertificateData\":\"%%s\",\"clientKeyData\":"
             "\"%%s\"}}' \"$(line %s)\" \"$(line %s)\"\n",
             material("client.pem"), material("client.key"));
    write_file(secure.rig, "login", script);
    assert_int_equal(chmod(path_of(secure.rig, "login"), 0700), 0);
    secure_reach(&secure, "",
                 "exec: {command: ./login, apiVersion: client.authentication.k8s.io/v1, "
                 "interactiveMode: Never}");
    secure_expect(&secure, NULL);
    secure_end(&secure);
}

/* --- in a cluster --- */

static void be_in_a_cluster(struct rig *rig, const char *host)
{
    char port[16];
    snprintf(port, sizeof port, "%u", rig->bound.port);
    setenv("KUBERNETES_SERVICE_HOST", host, 1);
    setenv("KUBERNETES_SERVICE_PORT", port, 1);
}

static void a_pod_comes_as_its_service_account(void **state)
{
    struct secure secure;
    struct error error;
    char command[256];
    struct got got = {0};
    (void)state;
    secure_start(&secure, "server", NULL);
    struct rig *rig = secure.rig;
    write_file(rig, "token", "one");
    write_file(rig, "namespace", "jhub");
    snprintf(command, sizeof command, "cp %s %s", material("other.pem"), path_of(rig, "ca.crt"));
    assert_int_equal(system(command), 0);
    unsetenv("KUBERNETES_SERVICE_HOST");
    assert_false(apiserver_is_near());
    assert_null(apiserver_in_cluster(rig->loop, rig->folder, &error));
    assert_non_null(strstr(error.text, "KUBERNETES_SERVICE_HOST"));
    be_in_a_cluster(rig, "127.0.0.1");
    assert_true(apiserver_is_near());
    rig->server = apiserver_in_cluster(rig->loop, rig->folder, &error);
    assert_non_null(rig->server);
    assert_string_equal(apiserver_namespace(rig->server), "jhub");
    assert_string_equal(apiserver_context(rig->server), "");
    apiserver_set_namespace(rig->server, "other");
    assert_string_equal(apiserver_namespace(rig->server), "other");
    secure_expect(&secure, "certificate"); /* not of that authority */
    snprintf(command, sizeof command, "cp %s %s", material("ca.pem"), path_of(rig, "ca.crt"));
    assert_int_equal(system(command), 0);
    pass(rig, 60000); /* which is read again, too */
    ask(rig, &got, (struct apicall_request){0});
    expect_line(&got, 200, NULL);
    assert_true(was_asked(rig, "[Bearer one]"));
    got_release(&got);
    secure_end(&secure);
}

/* RFC 5952: in brackets, in a URL. */
static void an_address_of_ipv6_is_one(void **state)
{
    struct rig *rig = set_up_token(NULL, "");
    struct error error;
    (void)state;
    write_file(rig, "token", "one");
    write_file(rig, "ca.crt", "-----BEGIN CERTIFICATE-----");
    be_in_a_cluster(rig, "fd00::1");
    rig->server = apiserver_in_cluster(rig->loop, rig->folder, &error);
    assert_non_null(rig->server);
    assert_memory_equal(apiserver_url(rig->server), "https://[fd00::1]:", 18);
    assert_string_equal(apiserver_namespace(rig->server), "default");
    tear_down(rig);
}

static void what_a_pod_lacks_is_named(void **state)
{
    struct rig *rig = set_up_token(NULL, "");
    struct error error;
    char expected[256];
    (void)state;
    be_in_a_cluster(rig, "127.0.0.1");
    assert_null(apiserver_in_cluster(rig->loop, rig->folder, &error));
    snprintf(expected, sizeof expected, "%s: No such file or directory", path_of(rig, "ca.crt"));
    assert_string_equal(error.text, expected);
    write_file(rig, "ca.crt", "hello");
    assert_null(apiserver_in_cluster(rig->loop, rig->folder, &error));
    snprintf(expected, sizeof expected, "%s: holds no PEM", path_of(rig, "ca.crt"));
    assert_string_equal(error.text, expected);
    write_file(rig, "ca.crt", "-----BEGIN CERTIFICATE-----");
    write_file(rig, "token", "");
    assert_null(apiserver_in_cluster(rig->loop, rig->folder, &error));
    snprintf(expected, sizeof expected, "%s: is empty", path_of(rig, "token"));
    assert_string_equal(error.text, expected);
    setenv("KUBERNETES_SERVICE_PORT", "http", 1);
    assert_null(apiserver_in_cluster(rig->loop, rig->folder, &error));
    assert_non_null(strstr(error.text, "no address"));
    tear_down(rig);
}

static void a_context_that_is_not_there_is_named(void **state)
{
    struct rig *rig = set_up_token("", "");
    struct error error;
    (void)state;
    assert_string_equal(apiserver_namespace(rig->server), "jhub");
    assert_string_equal(apiserver_context(rig->server), "here");
    assert_null(apiserver_of_context(rig->loop, path_of(rig, "config"), "there", false, &error));
    assert_non_null(strstr(error.text, "no context 'there': there is 'here'"));
    assert_null(apiserver_of_context(rig->loop, path_of(rig, "none"), NULL, false, &error));
    assert_non_null(strstr(error.text, path_of(rig, "none")));
    tear_down(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_read_again_once_it_is_refused),
        cmocka_unit_test(the_same_token_is_not_shown_twice),
        cmocka_unit_test(another_that_is_refused_too_is_told),
        cmocka_unit_test(a_token_is_read_again_after_a_minute),
        cmocka_unit_test(a_token_that_cannot_be_read_any_more_goes_on_until_it_is_refused),
        cmocka_unit_test(many_who_are_refused_look_once),
        cmocka_unit_test(a_program_is_run_once_for_all),
        cmocka_unit_test(a_program_is_run_again_once_it_is_refused),
        cmocka_unit_test(a_program_is_run_again_once_its_credentials_expire),
        cmocka_unit_test(what_a_program_prints_is_looked_at),
        cmocka_unit_test(a_program_that_is_not_there_is_named_with_its_hint),
        cmocka_unit_test(a_program_that_must_ask_is_not_run_where_nobody_is),
        cmocka_unit_test(a_program_is_told_of_the_cluster_and_of_nothing_else),
        cmocka_unit_test(a_program_may_ask_somebody_at_the_terminal),
        cmocka_unit_test(a_program_does_not_hold_up_the_loop),
        cmocka_unit_test(a_program_that_is_not_wanted_any_more_is_killed),
        cmocka_unit_test(a_program_that_takes_too_long_is_killed),
        cmocka_unit_test(a_certificate_must_have_the_servers_name),
        cmocka_unit_test(certificates_are_shown_and_read_again),
        cmocka_unit_test(a_program_may_bring_a_certificate),
        cmocka_unit_test(a_pod_comes_as_its_service_account),
        cmocka_unit_test(an_address_of_ipv6_is_one),
        cmocka_unit_test(what_a_pod_lacks_is_named),
        cmocka_unit_test(a_context_that_is_not_there_is_named),
    };
    signal(SIGPIPE, SIG_IGN);
    log_start(LOG_ERROR, false);
    int failed = cmocka_run_group_tests(tests, material_make, material_remove);
    log_stop();
    return failed;
}
