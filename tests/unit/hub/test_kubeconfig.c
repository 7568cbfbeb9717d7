/* Kubeconfigs as kubeadm, k3s, EKS and CI write them, laid over each other, and each way to be
 * wrong. */
#include "kube/kubeconfig.h"

#include "base/encode.h"
#include "base/str.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PEM "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

static char folder[] = "/tmp/test_kubeconfig_XXXXXX";
static char pem64[128];
static struct kubeconfig *config;
static struct cluster cluster;
static struct kubeconfig_context context;
static struct error error;

/* The path of a file of the folder; eight stay valid at a time. */
static const char *path_of(const char *name)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % COUNT(paths)];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* '^' is the PEM in base64. */
static const char *write_file(const char *name, const char *text)
{
    const char *path = path_of(name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (; *text; text++) {
        if (*text == '^')
            fputs(pem64, out);
        else
            fputc(*text, out);
    }
    assert_int_equal(fclose(out), 0);
    return path;
}

static void forget(void)
{
    cluster_release(&cluster);
    kubeconfig_free(config);
    config = NULL;
}

static void read_path(const char *path)
{
    forget();
    config = kubeconfig_read(path, &error);
    if (!config)
        fail_msg("%s", error.text);
}

static void choose(const char *name)
{
    cluster_release(&cluster);
    if (!kubeconfig_choose(config, name, &context, &cluster, &error))
        fail_msg("%s", error.text);
}

/* The current context of a file with this text. */
static void choose_of(const char *text)
{
    read_path(write_file("config", text));
    choose(NULL);
}

/* What follows the file's path in the error; a text with one entry each that is chosen. */
static void expect_error(const char *text, const char *what)
{
    char whole[600];
    const char *path = write_file("config", text);
    forget();
    error.text[0] = '\0';
    config = kubeconfig_read(path, &error);
    if (config && kubeconfig_choose(config, NULL, &context, &cluster, &error))
        fail_msg("%s was taken", text);
    snprintf(whole, sizeof whole, "%s%s", path, what);
    assert_string_equal(error.text, whole);
    assert_null(cluster.server);
}

/* A kubeconfig whose one cluster and user have these members, indented by four. */
static const char *with(const char *server, const char *user)
{
    static char text[4096];
    snprintf(text, sizeof text,
             "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts:\n"
             "- {name: c, context: {cluster: k, user: u}}\n"
             "clusters:\n- name: k\n  cluster:\n%s"
             "users:\n- name: u\n  user:\n%s",
             server ? server : "    server: https://k:6443\n", user ? user : "    token: t\n");
    return text;
}

/* ---- typical ones ---- */

static void kubeadm_has_certificates_inline(void **state)
{
    (void)state;
    choose_of("apiVersion: v1\n"
              "clusters:\n"
              "- cluster:\n"
              "    certificate-authority-data: ^\n"
              "    server: https://10.0.0.1:6443\n"
              "  name: kubernetes\n"
              "contexts:\n"
              "- context:\n"
              "    cluster: kubernetes\n"
              "    user: kubernetes-admin\n"
              "  name: kubernetes-admin@kubernetes\n"
              "current-context: kubernetes-admin@kubernetes\n"
              "kind: Config\n"
              "preferences: {}\n"
              "users:\n"
              "- name: kubernetes-admin\n"
              "  user:\n"
              "    client-certificate-data: ^\n"
              "    client-key-data: ^\n");
    assert_string_equal(cluster.server, "https://10.0.0.1:6443");
    assert_string_equal(cluster.ca_pem, PEM);
    assert_string_equal(cluster.cert_pem, PEM);
    assert_string_equal(cluster.key_pem, PEM);
    assert_null(cluster.ca_file);
    assert_null(cluster.token);
    assert_null(cluster.exec);
    assert_null(cluster.impersonation);
    assert_false(cluster.insecure);
    assert_string_equal(context.name, "kubernetes-admin@kubernetes");
    assert_string_equal(context.user, "kubernetes-admin");
    assert_null(context.namespace);
}

static void json_is_yaml(void **state)
{
    (void)state;
    choose_of("{\"kind\":\"Config\",\"apiVersion\":\"v1\",\"current-context\":\"default\",\n"
              "\t\"clusters\":[{\"name\":\"default\",\"cluster\":{\"server\":"
              "\"https://127.0.0.1:6443\",\"certificate-authority-data\":\"^\"}}],"
              "\"contexts\":[{\"name\":\"default\",\"context\":{\"cluster\":\"default\",\"user\":"
              "\"default\",\"namespace\":\"jhub\"}}],"
              "\"users\":[{\"name\":\"default\",\"user\":{\"password\":\"p\",\"username\":"
              "\"admin\"}}]}");
    assert_string_equal(cluster.server, "https://127.0.0.1:6443");
    assert_string_equal(cluster.username, "admin");
    assert_string_equal(cluster.password, "p");
    assert_string_equal(context.namespace, "jhub");
}

static void eks_has_a_program(void **state)
{
    (void)state;
    choose_of(with(NULL, "    exec:\n"
                         "      apiVersion: client.authentication.k8s.io/v1beta1\n"
                         "      command: aws\n"
                         "      args:\n"
                         "      - --region\n"
                         "      - eu-west-1\n"
                         "      - eks\n"
                         "      - get-token\n"
                         "      env:\n"
                         "      - name: AWS_PROFILE\n"
                         "        value: hub\n"
                         "      - {name: EMPTY, value: null}\n"
                         "      provideClusterInfo: true\n"
                         "      installHint: |\n"
                         "        Install aws:\n"
                         "        see its page\n"));
    assert_string_equal(cluster.exec->command, "aws");
    assert_string_equal(cluster.exec->args[1], "eu-west-1");
    assert_string_equal(cluster.exec->args[3], "get-token");
    assert_null(cluster.exec->args[4]);
    assert_string_equal(cluster.exec->env[0], "AWS_PROFILE=hub");
    assert_string_equal(cluster.exec->env[1], "EMPTY=");
    assert_null(cluster.exec->env[2]);
    assert_string_equal(cluster.exec->version, "client.authentication.k8s.io/v1beta1");
    assert_true(cluster.exec->may_ask);
    assert_false(cluster.exec->must_ask);
    assert_true(cluster.exec->takes_cluster);
    assert_string_equal(cluster.exec->hint, "Install aws:\nsee its page\n");
}

static void programs_say_whether_they_ask(void **state)
{
    static const struct {
        const char *word;
        bool may, must;
    } modes[] = {{"Never", false, false}, {"IfAvailable", true, false}, {"Always", true, true}};
    (void)state;
    for (size_t i = 0; i < COUNT(modes); i++) {
        char user[256];
        snprintf(user, sizeof user,
                 "    exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/login, "
                 "interactiveMode: %s}\n",
                 modes[i].word);
        choose_of(with(NULL, user));
        assert_string_equal(cluster.exec->command, path_of("bin/login"));
        assert_null(cluster.exec->args[0]);
        assert_null(cluster.exec->env[0]);
        assert_int_equal(cluster.exec->may_ask, modes[i].may);
        assert_int_equal(cluster.exec->must_ask, modes[i].must);
    }
}

static void ci_has_a_token(void **state)
{
    (void)state;
    choose_of(with("    server: https://k8s.example.org/clusters/c-1/\n"
                   "    tls-server-name: kubernetes.default\n"
                   "    proxy-url: socks5://proxy:1080\n"
                   "    disable-compression: true\n",
                   "    token: eyJhbGciOi.J9-_\n"));
    assert_string_equal(cluster.server, "https://k8s.example.org/clusters/c-1");
    assert_string_equal(cluster.server_name, "kubernetes.default");
    assert_string_equal(cluster.proxy_url, "socks5h://proxy:1080");
    assert_string_equal(cluster.token, "eyJhbGciOi.J9-_");
}

static void verification_may_be_left_out(void **state)
{
    (void)state;
    choose_of(with("    server: https://k\n    insecure-skip-tls-verify: true\n", NULL));
    assert_true(cluster.insecure);
    choose_of(with("    server: https://k\n    insecure-skip-tls-verify: false\n", NULL));
    assert_false(cluster.insecure);
}

static void others_may_be_acted_for(void **state)
{
    static const char *const fields[] = {"Impersonate-User: ada", "Impersonate-Uid: 7",
                                         "Impersonate-Group: a", "Impersonate-Group: b c",
                                         "Impersonate-Extra-example.org%2Fscopes: x"};
    (void)state;
    choose_of(with(NULL, "    as: ada\n    as-uid: \"7\"\n    as-groups: [a, b c]\n"
                         "    as-user-extra: {example.org/scopes: [x]}\n"));
    for (size_t i = 0; i < COUNT(fields); i++)
        assert_string_equal(cluster.impersonation[i], fields[i]);
    assert_null(cluster.impersonation[COUNT(fields)]);
}

static void a_context_may_have_no_user(void **state)
{
    (void)state;
    choose_of("current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
              "clusters: [{name: k, cluster: {server: http://127.0.0.1:8001}}]\n");
    assert_string_equal(cluster.server, "http://127.0.0.1:8001");
    assert_null(cluster.token);
    assert_null(context.user);
}

/* ---- files it names ---- */

static void paths_begin_where_the_kubeconfig_is(void **state)
{
    (void)state;
    write_file("ca.crt", PEM);
    mkdir(path_of("pki"), 0700);
    write_file("pki/u.crt", PEM);
    write_file("pki/u.key", PEM);
    write_file("token", "t");
    choose_of(with("    server: https://k\n    certificate-authority: ca.crt\n",
                   "    client-certificate: pki/u.crt\n    client-key: ./pki/u.key\n"
                   "    token: other\n    tokenFile: token\n"));
    assert_string_equal(cluster.ca_file, path_of("ca.crt"));
    assert_string_equal(cluster.cert_file, path_of("pki/u.crt"));
    assert_string_equal(cluster.key_file, path_of("./pki/u.key"));
    assert_string_equal(cluster.token_file, path_of("token"));
}

static void what_is_inline_counts(void **state)
{
    (void)state;
    choose_of(with("    server: https://k\n    certificate-authority: none.crt\n"
                   "    certificate-authority-data: ^\n",
                   "    client-certificate: none.crt\n    client-certificate-data: ^\n"
                   "    client-key: none.key\n    client-key-data: >\n      ^\n"));
    assert_string_equal(cluster.ca_pem, PEM);
    assert_string_equal(cluster.key_pem, PEM);
    assert_null(cluster.ca_file);
    assert_null(cluster.cert_file);
    assert_null(cluster.key_file);
}

static void a_missing_file_is_named(void **state)
{
    char what[256];
    (void)state;
    snprintf(what, sizeof what,
             ": the cluster 'k': certificate-authority: %s: No such file or directory",
             path_of("none.crt"));
    expect_error(with("    server: https://k\n    certificate-authority: none.crt\n", NULL), what);
    snprintf(what, sizeof what, ": the user 'u': tokenFile: %s: No such file or directory",
             path_of("none"));
    expect_error(with(NULL, "    tokenFile: none\n"), what);
    expect_error(with(NULL, "    client-certificate-data: ^\n    client-key: /none/key\n"),
                 ": the user 'u': client-key: /none/key: No such file or directory");
}

/* ---- several files ---- */

static const char first[] = "current-context: ''\n"
                            "contexts: [{name: a, context: {cluster: k, user: u}}]\n"
                            "clusters: [{name: k, cluster: {server: https://first}}]\n";
static const char second[] =
    "current-context: b\n"
    "contexts: [{name: a, context: {cluster: x, namespace: n}}, "
    "{name: b, context: {cluster: k, user: u}}]\n"
    "clusters: [{name: k, cluster: {server: https://second, tls-server-name: n}}]\n"
    "users: [{name: u, user: {token: t, client-certificate: u.crt, client-key: u.crt}}]\n";

static void set_list(const char *list)
{
    forget();
    setenv("KUBECONFIG", list, 1);
}

static void the_first_file_wins(void **state)
{
    char list[512];
    (void)state;
    mkdir(path_of("sub"), 0700);
    write_file("first", first);
    write_file("sub/second", second);
    write_file("sub/u.crt", PEM);
    snprintf(list, sizeof list, ":%s:%s::%s:", path_of("first"), path_of("none"),
             path_of("sub/second"));
    set_list(list);
    read_path(NULL);
    assert_string_equal(kubeconfig_current(config), "b");
    assert_int_equal(kubeconfig_contexts_n(config), 2);
    assert_string_equal(kubeconfig_context(config, 0).name, "a");
    assert_string_equal(kubeconfig_context(config, 0).cluster, "k");
    assert_null(kubeconfig_context(config, 0).namespace);
    assert_string_equal(kubeconfig_context(config, 0).file, path_of("first"));
    assert_string_equal(kubeconfig_context(config, 1).name, "b");
    assert_string_equal(kubeconfig_context(config, 1).file, path_of("sub/second"));
    choose(NULL);
    assert_string_equal(context.name, "b");
    assert_string_equal(cluster.server, "https://first");
    assert_null(cluster.server_name);
    assert_string_equal(cluster.cert_file, path_of("sub/u.crt"));
    choose("a");
    assert_string_equal(cluster.token, "t");
    assert_false(kubeconfig_choose(config, "c", &context, &cluster, &error));
    assert_string_equal(error.text, "KUBECONFIG: no context 'c': there are 'a', 'b'");
    unsetenv("KUBECONFIG");
}

static void an_explicit_path_is_alone(void **state)
{
    (void)state;
    set_list(write_file("first", first));
    read_path(write_file("config", second));
    assert_string_equal(kubeconfig_context(config, 0).cluster, "x");
    unsetenv("KUBECONFIG");
}

static void home_has_the_last_one(void **state)
{
    char what[256];
    (void)state;
    forget();
    setenv("HOME", folder, 1);
    snprintf(what, sizeof what,
             "no kubeconfig: %s/.kube/config: No such file or directory; KUBECONFIG names another",
             folder);
    assert_null(kubeconfig_read(NULL, &error));
    assert_string_equal(error.text, what);
    mkdir(path_of(".kube"), 0700);
    write_file(".kube/config", with(NULL, NULL));
    setenv("KUBECONFIG", "", 1);
    read_path(NULL);
    choose(NULL);
    unsetenv("KUBECONFIG");
    unsetenv("HOME");
    forget();
    assert_null(kubeconfig_read(NULL, &error));
    assert_string_equal(error.text,
                        "no kubeconfig: KUBECONFIG names one, or HOME has .kube/config");
}

static void files_that_are_not_there(void **state)
{
    struct text list = {0};
    (void)state;
    set_list("/nonexistent/a:/nonexistent/b");
    assert_null(kubeconfig_read(NULL, &error));
    assert_string_equal(error.text, "KUBECONFIG: no such file: /nonexistent/a:/nonexistent/b");
    assert_null(kubeconfig_read("/nonexistent/a", &error));
    assert_string_equal(error.text, "/nonexistent/a: cannot be read: No such file or directory");
    const char *path = write_file("first", first);
    for (int i = 0; i <= KUBECONFIG_FILES_MAX; i++)
        text_format(&list, "%s:", path);
    char *many = text_take(&list);
    set_list(many);
    free(many);
    assert_null(kubeconfig_read(NULL, &error));
    assert_non_null(strstr(error.text, "more than 64 files"));
    unsetenv("KUBECONFIG");
}

/* ---- what is wrong ---- */

static void an_unknown_context_says_which_there_are(void **state)
{
    (void)state;
    expect_error("current-context: prdo\ncontexts: [{name: dev}, {name: prod}, {name: stage}]\n",
                 ": no context 'prdo': there are 'prod', 'dev', 'stage'");
    expect_error("contexts: [{name: dev}]\n",
                 ": no current-context, so a context is to be named: there is 'dev'");
    expect_error("", ": no current-context, so a context is to be named: there is none");
    expect_error("current-context: c\n", ": no context 'c': there is none");
    expect_error("current-context: c\ncontexts: [{name: c, context: {cluster: k}}]\n"
                 "clusters: [{name: kk}]\n",
                 ": the context 'c': no cluster 'k': there is 'kk'");
    expect_error("current-context: c\ncontexts: [{name: c, context: {cluster: k, user: u}}]\n"
                 "clusters: [{name: k}]\n",
                 ": the context 'c': no user 'u': there is none");
    expect_error("current-context: c\ncontexts: [{name: c}]\n",
                 ": the context 'c': names no cluster");
}

static void a_long_list_of_contexts_is_cut(void **state)
{
    struct text text = {0};
    (void)state;
    text_put(&text, "current-context: zzz\ncontexts:\n");
    for (int i = 0; i < 1000; i++)
        text_format(&text, "- name: arn:aws:eks:eu-west-1:123456789012:cluster/number-%d\n", i);
    char *whole = text_take(&text);
    forget();
    read_path(write_file("config", whole));
    assert_false(kubeconfig_choose(config, NULL, &context, &cluster, &error));
    assert_non_null(strstr(error.text, "number-0'"));
    assert_non_null(strstr(error.text, "' and 997 more"));
    free(whole);
}

static void too_many_names_are_refused(void **state)
{
    struct text text = {0};
    (void)state;
    text_put(&text, "users:\n");
    for (int i = 0; i <= KUBECONFIG_NAMES_MAX; i++)
        text_format(&text, "- name: u%d\n", i);
    char *whole = text_take(&text);
    expect_error(whole, ": there are more than 4096 users");
    free(whole);
}

static void the_shape_is_refused_with_its_line(void **state)
{
    (void)state;
    expect_error("a: 1\nclusters: x\n", ":2: clusters is a list");
    expect_error("contexts:\n  c: {}\n", ":1: contexts is a list");
    expect_error("kind: Pod\n", ":1: no kubeconfig: that has apiVersion: v1, kind: Config");
    expect_error("apiVersion: v2\n", ":1: no kubeconfig: that has apiVersion: v1, kind: Config");
    expect_error("current-context: [a]\n", ":1: current-context is a name");
    expect_error("current-context: \"a\\nb\"\n", ":1: current-context is a name");
    expect_error("\nusers: [{name: a}, {user: {}}]\n",
                 ":2: item 2 of users has no name of one line");
    expect_error("users: [a]\n", ":1: item 1 of users has no name of one line");
    expect_error("users: [{name: \"a\\nb\"}]\n", ":1: item 1 of users has no name of one line");
    expect_error("users: [{name: [a]}]\n", ":1: item 1 of users has no name of one line");
    expect_error("users: [{name: a}, {name: a}]\n", ": the user 'a': is here twice");
    expect_error("users: [{name: a, user: b}]\n", ": the user 'a': 'user' is a map");
    expect_error("users: [\n", ":2: while parsing a flow node: did not find expected node content");
    expect_error("\"a\\nb\": 1\n", ":1: a key has a control character");
    expect_error("[]\n", ":1: lines like `key: value` were expected");
}

static void servers_that_are_wrong(void **state)
{
    static const char url[] = ": the cluster 'k': server is to be a URL like https://10.0.0.1:6443";
    static const char *const bad[] = {"",
                                      "10.0.0.1:6443",
                                      "https://",
                                      "ftp://k",
                                      "https://u:p@k",
                                      "https://k/?secret",
                                      "https://k h",
                                      "https://k/#secret"};
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        char server[64];
        snprintf(server, sizeof server, "    server: '%s'\n", bad[i]);
        expect_error(with(server, NULL), url);
    }
    expect_error(with("    server: [a]\n", NULL), ": the cluster 'k': server is a text");
    expect_error(with("    server: https://k\n    proxy-url: ftp://secret@p\n", NULL),
                 ": the cluster 'k': proxy-url is to begin with http://, https:// or socks5://");
    expect_error(with("    server: https://k\n    insecure-skip-tls-verify: maybe\n", NULL),
                 ": the cluster 'k': insecure-skip-tls-verify is true or false");
    expect_error(with("    server: https://k\n    insecure-skip-tls-verify: true\n"
                      "    certificate-authority-data: ^\n",
                      NULL),
                 ": the cluster 'k': insecure-skip-tls-verify trusts everybody, "
                 "certificate-authority one: leave one of them out");
    expect_error(with("    server: https://k\n    certificate-authority-data: '*secret*'\n", NULL),
                 ": the cluster 'k': certificate-authority-data is not base64");
    expect_error(with("    server: https://k\n    certificate-authority-data: c2VjcmV0\n", NULL),
                 ": the cluster 'k': certificate-authority-data holds no PEM in its base64");
}

static void users_that_are_wrong(void **state)
{
    static const char *const rows[][2] = {
        {"    client-certificate-data: ^\n", "has a client-certificate without its client-key"},
        {"    client-key-data: ^\n", "has a client-key without its client-certificate"},
        {"    client-key-data: c2VjcmV0AA==\n", "client-key-data holds no PEM in its base64"},
        {"    token: secret\n    username: u\n",
         "has both a token and a username: leave one of them out"},
        {"    token: \"a\\r\\nsecret: b\"\n", "token has a line end or another control character"},
        {"    token: {secret: a}\n", "token is a text"},
        {"    username: a:b\n", "a username has no ':'"},
        {"    auth-provider: {name: gcp, config: {access-token: secret}}\n",
         "auth-provider is no more in Kubernetes: its vendor has a program for 'exec'"},
        {"    as-groups: [a]\n", "as-uid, as-groups and as-user-extra need an 'as'"},
        {"    as: a\n    as-groups: a\n", "as-groups is a list"},
        {"    as: a\n    as-groups: [\"a\\nb: c\"]\n",
         "as, as-uid, as-groups and as-user-extra hold texts of one line"},
        {"    as: [a]\n", "as, as-uid, as-groups and as-user-extra hold texts of one line"},
        {"    as: a\n    as-user-extra: {a: b}\n", "as-user-extra holds lists"},
        {"    exec: aws\n", "exec is a map"},
        {"    exec: {}\n", "exec has no command"},
        {"    exec: {command: a}\n",
         "exec.apiVersion is to be client.authentication.k8s.io/v1 or v1beta1: an older program "
         "needs a newer kubeconfig"},
        {"    exec: {command: a, apiVersion: client.authentication.k8s.io/v1alpha1}\n",
         "exec.apiVersion is to be client.authentication.k8s.io/v1 or v1beta1: an older program "
         "needs a newer kubeconfig"},
        {"    exec: {command: a, apiVersion: client.authentication.k8s.io/v1}\n",
         "exec.interactiveMode is to be Never, IfAvailable or Always"},
        {"    exec: {command: a, args: b}\n", "exec.args is a list"},
        {"    exec: {command: a, args: [[b]]}\n", "exec.args holds texts"},
        {"    exec: {command: a, env: [b]}\n", "exec.env holds maps of a name and a value"},
        {"    exec: {command: a, env: [{name: 'b=c', value: d}]}\n",
         "exec.env holds maps of a name and a value"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char what[256];
        snprintf(what, sizeof what, ": the user 'u': %s", rows[i][1]);
        expect_error(with(NULL, rows[i][0]), what);
        assert_null(strstr(error.text, "secret"));
    }
}

/* ---- another current context ---- */

static void expect_file(const char *name, const char *text)
{
    char bytes[1024];
    FILE *in = fopen(path_of(name), "r");
    assert_non_null(in);
    bytes[fread(bytes, 1, sizeof bytes - 1, in)] = '\0';
    fclose(in);
    assert_string_equal(bytes, text);
}

static void use(const char *text, const char *name)
{
    read_path(write_file("config", text));
    if (!kubeconfig_use(config, name, &error))
        fail_msg("%s", error.text);
    assert_string_equal(kubeconfig_current(config), name);
    assert_int_not_equal(access(path_of("config.lock"), F_OK), 0);
}

#define CONTEXTS "contexts: [{name: a}, {name: 'b: c'}] # mine\n"

static void the_line_of_the_current_context_changes(void **state)
{
    (void)state;
    use("# x\ncurrent-context: b # y\n\n" CONTEXTS, "a");
    expect_file("config", "# x\ncurrent-context: \"a\"\n\n" CONTEXTS);
    use(CONTEXTS "current-context:\n", "b: c");
    expect_file("config", CONTEXTS "current-context: \"b: c\"\n");
    use(CONTEXTS "current-context: b", "a");
    expect_file("config", CONTEXTS "current-context: \"a\"\n");
    use(CONTEXTS "users:", "a");
    expect_file("config", CONTEXTS "users:\ncurrent-context: \"a\"\n");
}

static void mode_and_link_stay(void **state)
{
    struct stat about;
    (void)state;
    read_path(write_file("config", CONTEXTS));
    chmod(path_of("config"), 0640);
    assert_int_equal(symlink("config", path_of("link")), 0);
    read_path(path_of("link"));
    assert_true(kubeconfig_use(config, "a", &error));
    expect_file("config", CONTEXTS "current-context: \"a\"\n");
    assert_int_equal(lstat(path_of("link"), &about), 0);
    assert_true(S_ISLNK(about.st_mode));
    assert_int_equal(stat(path_of("config"), &about), 0);
    assert_int_equal(about.st_mode & 0777, 0640);
}

static void expect_no_use(const char *text, const char *name, const char *what)
{
    read_path(write_file("config", text));
    assert_false(kubeconfig_use(config, name, &error));
    if (!strstr(error.text, what))
        fail_msg("%s", error.text);
    expect_file("config", text);
}

static void what_cannot_be_changed_stays(void **state)
{
    static const char *const texts[] = {
        "{\"contexts\": [{\"name\": \"a\"}],\n\"current-context\": \"b\"}\n",
        "{contexts: [{name: a}]}\n",
        "contexts: [{name: a}]\ncurrent-context: >-\n  b\n",
        "contexts: [{name: a}]\n\"current-context\": b\n",
        "contexts: [{name: a}]\n...\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        expect_no_use(texts[i], "a", "not on a line of its own");
        assert_int_not_equal(access(path_of("config.lock"), F_OK), 0);
    }
    expect_no_use(CONTEXTS, "d", ": no context 'd': there are 'a', 'b: c'");
    write_file("config.lock", "");
    expect_no_use(CONTEXTS, "a", "config.lock is there: somebody else changes the file");
    unlink(path_of("config.lock"));
}

static void the_file_that_says_it_changes(void **state)
{
    char list[512];
    (void)state;
    write_file("first", CONTEXTS);
    write_file("second", "current-context: x\n");
    snprintf(list, sizeof list, "%s:%s", path_of("first"), path_of("second"));
    set_list(list);
    read_path(NULL);
    assert_true(kubeconfig_use(config, "a", &error));
    expect_file("first", CONTEXTS);
    expect_file("second", "current-context: \"a\"\n");
    write_file("second", "users:\n");
    read_path(NULL);
    assert_true(kubeconfig_use(config, "a", &error));
    expect_file("first", CONTEXTS "current-context: \"a\"\n");
    unsetenv("KUBECONFIG");
}

/* What is wrong elsewhere does not hinder. */
static void other_contexts_are_not_looked_into(void **state)
{
    struct text text = {0};
    (void)state;
    text_put(&text, with(NULL, NULL));
    text_put(&text, "- name: broken\n  user: {auth-provider: {name: gcp}}\n");
    char *whole = text_take(&text);
    choose_of(whole);
    free(whole);
}

static int set_up(void **state)
{
    struct text text = {0};
    (void)state;
    text_base64(&text, SPAN(PEM));
    snprintf(pem64, sizeof pem64, "%.*s", (int)text.n, text.p);
    text_release(&text);
    unsetenv("KUBECONFIG");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];
    (void)state;
    forget();
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kubeadm_has_certificates_inline),
        cmocka_unit_test(json_is_yaml),
        cmocka_unit_test(eks_has_a_program),
        cmocka_unit_test(programs_say_whether_they_ask),
        cmocka_unit_test(ci_has_a_token),
        cmocka_unit_test(verification_may_be_left_out),
        cmocka_unit_test(others_may_be_acted_for),
        cmocka_unit_test(a_context_may_have_no_user),
        cmocka_unit_test(paths_begin_where_the_kubeconfig_is),
        cmocka_unit_test(what_is_inline_counts),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(the_first_file_wins),
        cmocka_unit_test(an_explicit_path_is_alone),
        cmocka_unit_test(home_has_the_last_one),
        cmocka_unit_test(files_that_are_not_there),
        cmocka_unit_test(an_unknown_context_says_which_there_are),
        cmocka_unit_test(a_long_list_of_contexts_is_cut),
        cmocka_unit_test(too_many_names_are_refused),
        cmocka_unit_test(the_shape_is_refused_with_its_line),
        cmocka_unit_test(servers_that_are_wrong),
        cmocka_unit_test(users_that_are_wrong),
        cmocka_unit_test(other_contexts_are_not_looked_into),
        cmocka_unit_test(the_line_of_the_current_context_changes),
        cmocka_unit_test(mode_and_link_stay),
        cmocka_unit_test(what_cannot_be_changed_stays),
        cmocka_unit_test(the_file_that_says_it_changes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
