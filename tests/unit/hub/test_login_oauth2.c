/* The way oauth2, against a provider on the same loop that answers as each test says. */
#include "base/encode.h"
#include "base/str.h"
#include "login/oauth2.h"
#include "login/visits.h"
#include "tests/unit/hub/login_rig.h"
#include "web/endpoint.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define CALLBACK    "http://hub.example.org/hub/oauth_callback"
#define TOKEN_REPLY "{\"access_token\": \"at-hush\", \"token_type\": \"Bearer\"}"

/* What the provider says, and what it was asked last. */
struct script {
    unsigned status;
    char *text;
};
enum place { DOCUMENT, TOKEN, USERINFO, PLACES };
static const char *const paths[PLACES] = {"/.well-known/openid-configuration", "/token",
                                          "/userinfo"};

static struct rig rig;
static struct bound bound;
static struct calls calls;
static struct endpoint *endpoint;
static struct script scripts[PLACES];
static unsigned asked[PLACES];
static char *form, *authorization; /* of the last call of /token, of the last call of all */
static struct call *held;          /* a place whose status is 0 holds its call */
static char base[32], issuer[32], token_url[64], userinfo_url[64], authorize_url[64];

/* What begin came to. */
static struct {
    unsigned told;
    enum login_verdict verdict;
    char *url, *state, *challenge;
    char cookie[64], key[32];
} began;

static void say(enum place place, unsigned status, const char *text)
{
    free(scripts[place].text);
    scripts[place] = (struct script){status, must_copy(text)};
}

static void keep(char **text, const char *value)
{
    free(*text);
    *text = must_copy(value ? value : "");
}

static void on_serve(void *arg, struct call *call)
{
    (void)arg;
    for (size_t i = 0; i < PLACES; i++) {
        struct text text = {0};
        struct span body = call_body(call);
        if (!span_is(call->path, span_of(paths[i])))
            continue;
        asked[i]++;
        keep(&authorization, call_header(call, "Authorization"));
        if (i == TOKEN) {
            free(form);
            form = must_copy_span(body);
        }
        if (scripts[i].status == 0) {
            held = call;
            loop_stop(rig.loop);
            return;
        }
        text_put(&text, scripts[i].text);
        call_answer(call, scripts[i].status, "application/json", &text, "");
        return;
    }
    call_answer_plain(call, 404, "not here");
}

static void document(const char *its_issuer)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"issuer\": \"%s\", \"authorization_endpoint\": \"%s/authorize\", "
             "\"token_endpoint\": \"%s/token\", \"userinfo_endpoint\": \"%s/userinfo\"}",
             its_issuer, base, base, base);
    say(DOCUMENT, 200, text);
}

static int set_up(void **state)
{
    struct error error;
    (void)state;
    if (!bind_tcp(&bound, "test", "127.0.0.1", 0, 1, &error))
        return -1;
    snprintf(base, sizeof base, "http://127.0.0.1:%u", bound.port);
    snprintf(issuer, sizeof issuer, "%s", base);
    snprintf(token_url, sizeof token_url, "%s/token", base);
    snprintf(userinfo_url, sizeof userinfo_url, "%s/userinfo", base);
    snprintf(authorize_url, sizeof authorize_url, "%s/authorize?tenant=1", base);
    rig = (struct rig){.settings = {.authenticator = "oauth2",
                                    .allow_all = true,
                                    .oauth2 = {.client_id = "the hub",
                                               .client_secret = "cs:hush",
                                               .authorize_url = authorize_url,
                                               .token_url = token_url,
                                               .userinfo_url = userinfo_url}}};
    memset(asked, 0, sizeof asked);
    began.told = 0;
    say(DOCUMENT, 404, "");
    say(TOKEN, 200, TOKEN_REPLY);
    say(USERINFO, 200, "{\"preferred_username\": \"Ada\", \"groups\": [\"staff\", \"chess\"]}");
    return 0;
}

static void open_it(void)
{
    static const struct endpoint_limits limits = {
        .idle_ms = 60000,
        .read_ms = 60000,
        .answer_ms = 60000,
        .write_ms = 60000,
        .head_bytes_max = 65536,
        .body_bytes_max = 1 << 20,
        .peers_max = 100,
        .late = "late",
    };
    struct error error;
    rig_open(&rig);
    endpoint = endpoint_new(rig.loop, &limits, &bound, NULL, &calls, on_serve, NULL, &error);
    assert_non_null(endpoint);
}

static void close_it(void)
{
    struct loop *loop = rig.loop;
    jobs_free(rig.jobs);
    fetcher_free(rig.fetcher);
    authenticator_free(rig.authenticator);
    endpoint_free(endpoint);
    calls_release(&calls);
    loop_free(loop);
    endpoint = NULL;
}

static int tear_down(void **state)
{
    (void)state;
    close_it();
    free(began.url);
    free(began.state);
    free(began.challenge);
    began.url = began.state = began.challenge = NULL;
    for (size_t i = 0; i < PLACES; i++) {
        free(scripts[i].text);
        scripts[i].text = NULL;
    }
    free(form);
    free(authorization);
    form = authorization = NULL;
    return 0;
}

static void on_began(void *arg, const struct login_began *told)
{
    struct span query;
    (void)arg;
    began.told++;
    began.verdict = told->verdict;
    snprintf(began.key, sizeof began.key, "%s", told->key ? told->key : "");
    if (told->verdict == LOGIN_GRANTED) {
        keep(&began.url, told->url);
        snprintf(began.cookie, sizeof began.cookie, "%s", told->cookie);
        span_cut(span_of(began.url), '?', &query);
        free(began.state);
        free(began.challenge);
        began.state = form_value(query, "state");
        began.challenge = form_value(query, "code_challenge");
    }
    loop_stop(rig.loop);
}

static void begin_with(const char *cookie, const char *next)
{
    unsigned before = began.told;
    authenticator_begin(
        rig.authenticator,
        &(struct login_begin){
            .callback_url = CALLBACK, .next = next, .cookie = cookie, .address = "10.0.0.1"},
        on_began, NULL);
    assert_int_equal(began.told, before); /* in a later turn */
    loop_run(rig.loop);
    assert_int_equal(began.told, before + 1);
}

static const struct outcome *finish_with(const char *query, const char *cookie)
{
    struct outcome *outcome = rig_expect(&rig);
    authenticator_finish(
        rig.authenticator,
        &(struct login_finish){.query = query, .cookie = cookie, .address = "10.0.0.1"},
        on_login_told, outcome);
    assert_int_equal(outcome->told, 0);
    return rig_wait(&rig);
}

/* The browser comes back with this behind its state. */
static const struct outcome *come_back(const char *rest)
{
    char query[256];
    snprintf(query, sizeof query, "state=%s%s", began.state, rest);
    return finish_with(query, began.cookie);
}

/* There and back. */
static const struct outcome *log_in(void)
{
    begin_with(NULL, "/hub/user/ada/lab?x=1&y=2");
    assert_int_equal(began.verdict, LOGIN_GRANTED);
    return come_back("&code=code-hush");
}

static void assert_member(struct span from, const char *name, const char *expected)
{
    char *value = form_value(from, name);
    if (!expected)
        assert_null(value);
    else
        assert_string_equal(value ? value : "(none)", expected);
    free(value);
}

static void the_browser_is_sent_with_all_it_needs(void **state)
{
    struct span query, start;
    (void)state;
    rig.settings.oauth2.scope = "openid groups";
    rig.settings.oauth2.label = "Our School";
    open_it();
    assert_int_equal(authenticator_kind(rig.authenticator), LOGIN_REDIRECT);
    assert_string_equal(authenticator_label(rig.authenticator), "Our School");
    begin_with(NULL, "/hub/home");
    start = span_cut(span_of(began.url), '&', &query);
    assert_true(span_is(start, span_of(authorize_url))); /* its own query stays */
    assert_member(query, "response_type", "code");
    assert_member(query, "client_id", "the hub");
    assert_member(query, "redirect_uri", CALLBACK);
    assert_member(query, "scope", "openid groups");
    assert_member(query, "code_challenge_method", "S256");
    assert_member(query, "client_secret", NULL);
    assert_int_equal(strlen(began.state), 43);
    assert_int_equal(strlen(began.challenge), 43);
    assert_int_equal(strlen(began.cookie), 43);
    assert_null(strstr(began.url, began.cookie));
    assert_null(strchr(began.url, ' '));
}

static void a_code_becomes_a_user(void **state)
{
    unsigned char digest[DIGEST_BYTES];
    struct text text = {0}, pair = {0};
    (void)state;
    rig.settings.oauth2.groups_claim = "groups";
    open_it();
    const struct outcome *outcome = log_in();
    assert_int_equal(outcome->verdict, LOGIN_GRANTED);
    assert_string_equal(outcome->name, "ada");
    assert_string_equal(outcome->groups, "staff,chess");
    assert_true(outcome->groups_known);
    assert_string_equal(outcome->next, "/hub/user/ada/lab?x=1&y=2");
    assert_string_equal(authorization, "Bearer at-hush");
    assert_member(span_of(form), "grant_type", "authorization_code");
    assert_member(span_of(form), "code", "code-hush");
    assert_member(span_of(form), "redirect_uri", CALLBACK);
    assert_member(span_of(form), "client_secret", NULL);
    char *verifier = form_value(span_of(form), "code_verifier"); /* RFC 7636 4.6 */
    digest_sha256(span_of(verifier), digest);
    text_base64url(&text, (struct span){(const char *)digest, sizeof digest});
    assert_true(span_is((struct span){text.p, text.n}, span_of(began.challenge)));
    text_release(&text);
    text_release(&pair);
    free(verifier);
}

static void the_client_shows_its_secret_in_the_head(void **state)
{
    (void)state;
    say(TOKEN, 400, "{\"error\": \"invalid_grant\"}"); /* so that its head is the last one seen */
    open_it();
    log_in();
    /* "the%20hub:cs%3Ahush" */
    assert_string_equal(authorization, "Basic dGhlJTIwaHViOmNzJTNBaHVzaA==");
    assert_member(span_of(form), "client_id", NULL);
}

static void or_in_the_body(void **state)
{
    (void)state;
    rig.settings.oauth2.secret_in_body = true;
    say(TOKEN, 400, "{\"error\": \"invalid_grant\"}");
    open_it();
    log_in();
    assert_string_equal(authorization, "");
    assert_member(span_of(form), "client_id", "the hub");
    assert_member(span_of(form), "client_secret", "cs:hush");
}

static void a_client_without_secret_has_its_proof_key(void **state)
{
    (void)state;
    rig.settings.oauth2.client_secret = NULL;
    open_it();
    assert_int_equal(log_in()->verdict, LOGIN_GRANTED);
    assert_member(span_of(form), "client_id", "the hub");
    assert_member(span_of(form), "client_secret", NULL);
}

static void a_state_counts_once_and_in_its_own_browser(void **state)
{
    char query[256], first[64];
    (void)state;
    open_it();
    begin_with(NULL, "");
    snprintf(query, sizeof query, "code=x&state=%s", began.state);
    snprintf(first, sizeof first, "%s", began.cookie);
    assert_string_equal(finish_with(query, NULL)->key, "expired");
    begin_with(NULL, ""); /* another browser */
    assert_string_not_equal(began.cookie, first);
    assert_string_equal(finish_with(query, began.cookie)->key, "expired");
    assert_int_equal(asked[TOKEN], 0);
    assert_int_equal(finish_with(query, first)->verdict, LOGIN_GRANTED);
    assert_string_equal(finish_with(query, first)->key, "expired");
    assert_int_equal(asked[TOKEN], 1);
    assert_string_equal(finish_with("", first)->key, "expired");
    assert_string_equal(finish_with("state=&code=%zz", first)->key, "expired");
}

static void tabs_share_a_cookie(void **state)
{
    char query[256], cookie[64];
    (void)state;
    open_it();
    begin_with(NULL, "/first");
    snprintf(query, sizeof query, "code=x&state=%s", began.state);
    snprintf(cookie, sizeof cookie, "%s", began.cookie);
    begin_with(cookie, "/second");
    assert_string_equal(began.cookie, cookie);
    assert_string_equal(come_back("&code=y")->next, "/second");
    assert_string_equal(finish_with(query, cookie)->next, "/first");
}

static void a_provider_may_say_no(void **state)
{
    static const char *const rests[] = {
        "&error=access_denied", "&error=%3Cscript%3E&error_description=hush", "", "&code=",
        "&code=x%00y",          "&code=x&iss=https%3A%2F%2Fevil.example"};
    (void)state;
    rig.settings.oauth2.issuer = issuer;
    open_it();
    for (size_t i = 0; i < COUNT(rests); i++) {
        begin_with(NULL, "/there");
        assert_string_equal(come_back(rests[i])->key, "denied");
        assert_int_equal(rig.outcome.verdict, LOGIN_REFUSED);
        assert_string_equal(rig.outcome.next, "/there");
    }
    assert_int_equal(asked[TOKEN], 0);
}

static void replies_that_are_none_end_the_log_in(void **state)
{
    static const struct {
        enum place place;
        unsigned status;
        const char *text, *key;
    } rows[] = {
        {TOKEN, 400, "{\"error\": \"invalid_grant\"}", "denied"},
        {TOKEN, 401, "{\"error\": \"invalid_client\"}", "unavailable"},
        {TOKEN, 200, "{\"error\": \"bad_verification_code\"}", "unavailable"}, /* as GitHub does */
        {TOKEN, 200, "", "unavailable"},
        {TOKEN, 200, "access_token=at&token_type=bearer", "unavailable"},
        {TOKEN, 200, "[]", "unavailable"},
        {TOKEN, 200, "{\"access_token\": \"\"}", "unavailable"},
        {TOKEN, 200, "{\"access_token\": 7}", "unavailable"},
        {TOKEN, 200, "{\"access_token\": \"a\\r\\nX-Evil: 1\"}", "unavailable"},
        {TOKEN, 200, "{\"access_token\": \"a b\"}", "unavailable"},
        {TOKEN, 201, TOKEN_REPLY, "unavailable"},
        {TOKEN, 302, TOKEN_REPLY, "unavailable"},
        {TOKEN, 500, "<html>", "unavailable"},
        {USERINFO, 401, "{}", "unavailable"},
        {USERINFO, 200, "eyJhbGciOiJSUzI1NiJ9.e30.x", "unavailable"}, /* a JWT */
        {USERINFO, 200, "[\"ada\"]", "unavailable"},
        {USERINFO, 200, "{}", "bad_name"},
        {USERINFO, 200, "{\"preferred_username\": null}", "bad_name"},
        {USERINFO, 200, "{\"preferred_username\": [\"ada\"]}", "bad_name"},
        {USERINFO, 200, "{\"preferred_username\": \"\"}", "bad_name"},
        {USERINFO, 200, "{\"preferred_username\": \"../ada\"}", "bad_name"},
        {USERINFO, 200, "{\"preferred_username\": \"a\\u202eb\"}", "bad_name"},
        {USERINFO, 200, "{\"preferred_username\": \"a\\u0000b\"}", "unavailable"},
    };
    (void)state;
    open_it();
    for (size_t i = 0; i < COUNT(rows); i++) {
        say(TOKEN, 200, TOKEN_REPLY);
        say(rows[i].place, rows[i].status, rows[i].text);
        const struct outcome *outcome = log_in();
        if (strcmp(outcome->key, rows[i].key) != 0)
            fail_msg("row %zu, %s: %s", i, rows[i].text, outcome->key);
    }
}

static void a_reply_has_an_end(void **state)
{
    char *text = must_alloc(3 << 20);
    (void)state;
    memset(text, ' ', (3 << 20) - 1);
    memcpy(text, TOKEN_REPLY, strlen(TOKEN_REPLY));
    open_it();
    say(TOKEN, 200, text);
    assert_string_equal(log_in()->key, "unavailable");
    free(text);
}

static void nested_replies_are_harmless(void **state)
{
    char *text = must_alloc(400001);
    (void)state;
    memset(text, '[', 400000);
    open_it();
    say(USERINFO, 200, text);
    assert_string_equal(log_in()->key, "unavailable");
    free(text);
}

static void nobody_answers(void **state)
{
    (void)state;
    snprintf(token_url, sizeof token_url, "http://127.0.0.1:1/token");
    open_it();
    assert_string_equal(log_in()->key, "unavailable");
    assert_int_equal(rig.outcome.verdict, LOGIN_ERROR);
}

static void the_issuer_tells_its_urls_once(void **state)
{
    struct span query;
    (void)state;
    rig.settings.oauth2 =
        (struct oauth2_settings){.issuer = issuer, .client_id = "hub", .client_secret = "hush"};
    document(issuer);
    open_it();
    assert_string_equal(authenticator_label(rig.authenticator), "OAuth 2.0");
    for (unsigned i = 0; i < 3; i++) /* all at once */
        authenticator_begin(
            rig.authenticator,
            &(struct login_begin){.callback_url = CALLBACK, .next = "", .address = "10.0.0.1"},
            on_began, NULL);
    while (began.told < 3)
        loop_run(rig.loop);
    assert_int_equal(asked[DOCUMENT], 1);
    assert_int_equal(log_in()->verdict, LOGIN_GRANTED);
    assert_int_equal(asked[DOCUMENT], 1);
    span_cut(span_of(began.url), '?', &query);
    assert_member(query, "scope", "openid profile email");
    begin_with(NULL, "");
    assert_int_equal(come_back("&code=x&iss=http%3A%2F%2Fother.example")->verdict, LOGIN_REFUSED);
}

static void documents_that_are_none_are_asked_for_again(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"issuer\": \"https://evil.example\", \"authorization_endpoint\": \"http://a/\", "
        "\"token_endpoint\": \"http://a/\", \"userinfo_endpoint\": \"http://a/\"}",
    };
    char text[512];
    (void)state;
    rig.settings.oauth2 =
        (struct oauth2_settings){.issuer = issuer, .client_id = "hub", .client_secret = "hush"};
    open_it();
    for (size_t i = 0; i < COUNT(texts); i++) {
        say(DOCUMENT, 200, texts[i]);
        begin_with(NULL, "");
        assert_int_equal(began.verdict, LOGIN_ERROR);
        assert_string_equal(began.key, "unavailable");
    }
    snprintf(text, sizeof text,
             "{\"issuer\": \"%s\", \"authorization_endpoint\": \"javascript:alert(1)\", "
             "\"token_endpoint\": \"%s\", \"userinfo_endpoint\": \"%s\"}",
             issuer, base, base);
    say(DOCUMENT, 200, text);
    begin_with(NULL, "");
    assert_int_equal(began.verdict, LOGIN_ERROR);
    say(DOCUMENT, 503, "");
    begin_with(NULL, "");
    assert_int_equal(began.verdict, LOGIN_ERROR);
    document(issuer);
    begin_with(NULL, "");
    assert_int_equal(began.verdict, LOGIN_GRANTED);
}

static void a_provider_that_wants_the_body_gets_it(void **state)
{
    char text[512];
    (void)state;
    rig.settings.oauth2 =
        (struct oauth2_settings){.issuer = issuer, .client_id = "hub", .client_secret = "hush"};
    document(issuer);
    snprintf(text, sizeof text, "%.*s, \"token_endpoint_auth_methods_supported\": [\"%s\"]}",
             (int)strlen(scripts[DOCUMENT].text) - 1, scripts[DOCUMENT].text, "client_secret_post");
    say(DOCUMENT, 200, text);
    open_it();
    assert_int_equal(log_in()->verdict, LOGIN_GRANTED);
    assert_member(span_of(form), "client_secret", "hush");
}

static void claims_are_found_where_they_are(void **state)
{
    static const struct {
        const char *username, *groups, *text, *name, *of;
    } rows[] = {
        {"login", NULL, "{\"login\": \"octocat\", \"id\": 1}", "octocat", ""},
        {"id", NULL, "{\"login\": \"octocat\", \"id\": 583231}", "583231", ""},
        {"email", NULL, "{\"email\": \"Ada@Example.org\"}", "ada@example.org", ""},
        {"email", NULL, "{\"email\": \"a@b.c\", \"email_verified\": true}", "a@b.c", ""},
        {"email", NULL, "{\"email\": \"a@b.c\", \"email_verified\": false}", NULL, ""},
        {"ocs.data.id", "ocs.data.groups",
         "{\"ocs\": {\"data\": {\"id\": \"ada\", \"groups\": [\"a\"]}}}", "ada", "a"},
        {"sub", "https://example.org/groups",
         "{\"sub\": \"ada\", \"https://example.org/groups\": [\"x\", \"y\"]}", "ada", "x,y"},
        {"sub", "realm_access.roles", "{\"sub\": \"ada\", \"realm_access\": {}}", "ada", ""},
        {"sub", "realm_access.roles", "{\"sub\": \"ada\", \"realm_access\": 7}", "ada", ""},
        {"sub", "g", "{\"sub\": \"ada\", \"g\": \"one\"}", "ada", "one"},
        {"sub", "g",
         "{\"sub\": \"ada\", \"g\": [1, null, [\"no\"], {\"name\": \"no\"}, \"yes\", \"yes\", "
         "\"\", "
         "\"bad\\nname\", \"/top/sub\"]}",
         "ada", "yes,top/sub"},
    };
    (void)state;
    open_it();
    for (size_t i = 0; i < COUNT(rows); i++) {
        rig.settings.oauth2.username_claim = rows[i].username;
        rig.settings.oauth2.groups_claim = rows[i].groups;
        say(USERINFO, 200, rows[i].text);
        const struct outcome *outcome = log_in();
        assert_int_equal(outcome->verdict, rows[i].name ? LOGIN_GRANTED : LOGIN_REFUSED);
        assert_string_equal(outcome->name, rows[i].name ? rows[i].name : "");
        assert_string_equal(outcome->groups, rows[i].of);
        assert_int_equal(outcome->groups_known, rows[i].name && rows[i].groups);
    }
}

static void addresses_are_of_the_domains(void **state)
{
    static const char *const domains[] = {"example.org", "example.com"};
    static const struct {
        size_t n;
        const char *text, *name;
    } rows[] = {
        {1, "{\"email\": \"Ada@Example.org\"}", "ada"},
        {2, "{\"email\": \"Ada@Example.org\"}", "ada@example.org"},
        {2, "{\"email\": \"ada@example.com\"}", "ada@example.com"},
        {1, "{\"email\": \"ada@example.com\"}", NULL},
        {1, "{\"email\": \"ada@sub.example.org\"}", NULL},
        {1, "{\"email\": \"ada@example.org@evil.net\"}", NULL},
        {1, "{\"email\": \"@example.org\"}", NULL},
        {1, "{\"email\": \"example.org\"}", NULL},
        {1, "{\"email\": \"ada@example.org\", \"email_verified\": false}", NULL},
        {1, "{\"email\": 7}", NULL},
        {1, "{\"email\": \"\"}", NULL},
    };
    (void)state;
    open_it();
    rig.settings.oauth2.username_claim = "email";
    for (size_t i = 0; i < COUNT(rows); i++) {
        rig.settings.oauth2.domains = (struct login_list){domains, rows[i].n};
        say(USERINFO, 200, rows[i].text);
        const struct outcome *outcome = log_in();
        assert_int_equal(outcome->verdict, rows[i].name ? LOGIN_GRANTED : LOGIN_REFUSED);
        assert_string_equal(outcome->name, rows[i].name ? rows[i].name : "");
    }
}

static void the_lists_look_at_claims(void **state)
{
    static const char *const staff[] = {"staff"}, *const others[] = {"others"};
    (void)state;
    rig.settings.allow_all = false;
    rig.settings.allow_groups = (struct login_list){others, 1};
    rig.settings.oauth2.groups_claim = "groups";
    open_it();
    assert_string_equal(log_in()->key, "not_allowed");
    assert_string_equal(rig.outcome.next, "/hub/user/ada/lab?x=1&y=2");
    rig.settings.admin_groups = (struct login_list){staff, 1};
    assert_int_equal(log_in()->verdict, LOGIN_GRANTED);
    assert_true(rig.outcome.admin);
}

/* Codes, tokens, secrets and states stay out of the log, whatever fails. */
static void the_log_has_no_secrets(void **state)
{
    char path[] = "/tmp/hubgate-test-XXXXXX", text[8192];
    int fd = mkstemp(path), was = dup(STDOUT_FILENO);
    (void)state;
    open_it();
    fflush(stdout);
    dup2(fd, STDOUT_FILENO);
    log_in();
    say(USERINFO, 500, "at-hush");
    log_in();
    say(TOKEN, 400, "{\"error\": \"code-hush cs:hush\"}");
    log_in();
    say(TOKEN, 400, "{\"error\": \"invalid_grant\", \"error_description\": \"code-hush\"}");
    log_in();
    begin_with(NULL, "");
    come_back("&error=code-hush");
    fflush(stdout);
    dup2(was, STDOUT_FILENO);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    close(fd);
    close(was);
    unlink(path);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "log-in of ada from 10.0.0.1"));
    assert_non_null(strstr(text, "/token: status 400, invalid_grant"));
    assert_null(strstr(text, "hush"));
    assert_null(strstr(text, began.state));
    assert_null(strstr(text, began.cookie));
}

static void the_end_tells_those_who_come_back(void **state)
{
    struct outcome outcome = {0};
    char query[256];
    (void)state;
    open_it();
    begin_with(NULL, "/next");
    snprintf(query, sizeof query, "code=x&state=%s", began.state);
    say(TOKEN, 0, "");
    authenticator_finish(
        rig.authenticator,
        &(struct login_finish){.query = query, .cookie = began.cookie, .address = "10.0.0.1"},
        on_login_told, &outcome);
    loop_run(rig.loop); /* until the call is held */
    assert_int_equal(asked[TOKEN], 1);
    close_it();
    assert_int_equal(outcome.told, 1);
    assert_int_equal(outcome.verdict, LOGIN_BUSY);
    set_up(state);
    open_it();
}

static void the_end_tells_those_who_leave(void **state)
{
    static const struct login_begin asked_for = {
        .callback_url = CALLBACK, .next = "", .address = "10.0.0.1"};
    (void)state;
    open_it();
    authenticator_begin(rig.authenticator, &asked_for, on_began, NULL); /* in a turn's end */
    close_it();
    assert_int_equal(began.told, 1);
    assert_int_equal(began.verdict, LOGIN_BUSY);
    set_up(state);
    rig.settings.oauth2 =
        (struct oauth2_settings){.issuer = issuer, .client_id = "hub", .client_secret = "hush"};
    say(DOCUMENT, 0, "");
    open_it();
    authenticator_begin(rig.authenticator, &asked_for, on_began, NULL); /* waits for URLs */
    loop_run(rig.loop);
    assert_int_equal(began.told, 0);
    close_it();
    assert_int_equal(began.told, 1);
    set_up(state);
    open_it();
}

static void settings_that_do_not_fit_are_named(void **state)
{
    struct login_settings settings = {.authenticator = "oauth2"};
    struct error error;
    (void)state;
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text, "authenticator oauth2 needs an oauth2_client_id");
    settings.oauth2.client_id = "hub";
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text,
                        "authenticator oauth2 needs an oauth2_issuer, or oauth2_authorize_url");
    settings.oauth2.authorize_url = "https://example.org/authorize";
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text,
                        "authenticator oauth2 needs an oauth2_issuer, or oauth2_token_url");
    settings.oauth2.issuer = "example.org";
    assert_null(authenticator_new(NULL, NULL, NULL, &settings, &error));
    assert_string_equal(error.text, "oauth2_issuer: 'example.org' is no URL of http or https");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_browser_is_sent_with_all_it_needs),
        TEST(a_code_becomes_a_user),
        TEST(the_client_shows_its_secret_in_the_head),
        TEST(or_in_the_body),
        TEST(a_client_without_secret_has_its_proof_key),
        TEST(a_state_counts_once_and_in_its_own_browser),
        TEST(tabs_share_a_cookie),
        TEST(a_provider_may_say_no),
        TEST(replies_that_are_none_end_the_log_in),
        TEST(a_reply_has_an_end),
        TEST(nested_replies_are_harmless),
        TEST(nobody_answers),
        TEST(the_issuer_tells_its_urls_once),
        TEST(documents_that_are_none_are_asked_for_again),
        TEST(a_provider_that_wants_the_body_gets_it),
        TEST(claims_are_found_where_they_are),
        TEST(addresses_are_of_the_domains),
        TEST(the_lists_look_at_claims),
        TEST(the_log_has_no_secrets),
        TEST(the_end_tells_those_who_come_back),
        TEST(the_end_tells_those_who_leave),
        cmocka_unit_test(settings_that_do_not_fit_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
