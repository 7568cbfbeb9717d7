#include "hub/service.h"

#include "base/str.h"
#include "hub/hub.h"
#include "hub/oauth.h"
#include "hub/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct rig {
    struct settings settings;
    struct hub hub;
    struct error error;
    bool good;
};

static void rig_make(struct rig *rig, const char *services)
{
    *rig = (struct rig){.hub = {.base_url = "/jhub/"}};
    rig->hub.settings = &rig->settings;
    rig->settings.services = json_loads(services, 0, NULL);
    assert_non_null(rig->settings.services);
    rig->good = services_read(&rig->hub, &rig->error);
}

static void rig_free(struct rig *rig)
{
    services_release(&rig->hub);
    json_decref(rig->settings.services);
}

static void services_are_found_by_name_client_and_secret(void **state)
{
    struct rig rig;
    (void)state;
    rig_make(&rig,
             "[{\"name\":\"grader\",\"token\":\"first secret\",\"url\":\"http://127.0.0.1:9000\","
             "\"scopes\":[\"list:users\",\"read:servers\"],\"oauth_no_confirm\":true},"
             "{\"name\":\"culler\",\"token\":\"second secret\",\"admin\":true}]");
    assert_true(rig.good);
    struct service *grader = service_find(&rig.hub, "grader");
    assert_string_equal(grader->prefix, "/jhub/services/grader/");
    assert_string_equal(grader->redirect_uri, "/jhub/services/grader/oauth_callback");
    assert_true(grader->no_confirm);
    assert_false(grader->admin);
    assert_true(scopes_allow_all(&grader->scopes, SCOPE_LIST_USERS));
    assert_false(scopes_allow_all(&grader->scopes, SCOPE_USERS));
    struct service *culler = service_find(&rig.hub, "culler");
    assert_true(culler->admin);
    assert_null(culler->redirect_uri);
    assert_null(service_find(&rig.hub, "none"));
    assert_ptr_equal(service_of_client(&rig.hub, "service-grader"), grader);
    assert_null(service_of_client(&rig.hub, "service-none"));
    assert_ptr_equal(service_of_secret(&rig.hub, SPAN("first secret")), grader);
    assert_ptr_equal(service_of_secret(&rig.hub, SPAN("second secret")), culler);
    assert_null(service_of_secret(&rig.hub, SPAN("first secre")));
    assert_null(service_of_secret(&rig.hub, SPAN("")));
    rig_free(&rig);
}

static void what_does_not_fit_is_named(void **state)
{
    static const char *const rows[][2] = {
        {"[{\"name\":\"a\",\"token\":\"t\",\"scopes\":[\"everything\"]}]", "everything"},
        {"[{\"name\":\"a\",\"token\":\"t\",\"oauth_client_id\":\"jupyterhub-user-ada\"}]",
         "oauth_client_id"},
        {"[{\"name\":\"a\",\"token\":\"t\"},{\"name\":\"b\",\"token\":\"u\",\"oauth_client_id\":"
         "\"service-a\"}]",
         "service-a"},
        {"[{\"name\":\"a\",\"token\":\"t\",\"oauth_redirect_uri\":\"//evil.test\"}]",
         "oauth_redirect_uri"},
        {"[{\"name\":\"a\",\"token\":\"t\",\"oauth_redirect_uri\":\"javascript:x\"}]",
         "oauth_redirect_uri"},
        {"[{\"name\":\"a\",\"token\":\"t\",\"oauth_redirect_uri\":\"https://a.test/#x\"}]",
         "oauth_redirect_uri"},
        {"[{\"name\":\"a\",\"token\":\"t\",\"oauth_redirect_uri\":\"/a b\"}]",
         "oauth_redirect_uri"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct rig rig;
        rig_make(&rig, rows[i][0]);
        assert_false(rig.good);
        assert_non_null(strstr(rig.error.text, rows[i][1]));
        rig_free(&rig);
    }
}

static void a_log_in_leads_back_to_the_registered_address_alone(void **state)
{
    static const struct {
        const char *uri;
        bool good;
    } rows[] = {
        {"/jhub/services/a/oauth_callback", true},
        {"https://hub.test/jhub/services/a/oauth_callback", true},
        {"https://hub.test.evil.test/jhub/services/a/oauth_callback", false},
        {"https://hub.test:443/jhub/services/a/oauth_callback", false},
        {"http://hub.test/jhub/services/a/oauth_callback", false},
        {"/jhub/services/a/oauth_callback/", false},
        {"/jhub/services/a/oauth_callback?x", false},
        {"/services/a/oauth_callback", false},
        {"//jhub/services/a/oauth_callback", false},
        {"", false},
    };
    struct rig rig;
    (void)state;
    rig_make(&rig,
             "[{\"name\":\"a\",\"token\":\"t\",\"url\":\"http://127.0.0.1:9000\"},"
             "{\"name\":\"b\",\"token\":\"u\",\"oauth_redirect_uri\":\"https://b.test/back\"},"
             "{\"name\":\"c\",\"token\":\"v\"}]");
    rig.settings.public_url = "https://hub.test";
    const struct service *a = service_find(&rig.hub, "a"), *b = service_find(&rig.hub, "b");
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(oauth_redirect_is_registered(&rig.hub, NULL, a, rows[i].uri),
                         rows[i].good);
    assert_true(oauth_redirect_is_registered(&rig.hub, NULL, b, "https://b.test/back"));
    assert_false(
        oauth_redirect_is_registered(&rig.hub, NULL, b, "https://hub.testhttps://b.test/back"));
    assert_false(
        oauth_redirect_is_registered(&rig.hub, NULL, service_find(&rig.hub, "c"), "/anything"));
    rig_free(&rig);
}

static void pages_may_lead_to_services_elsewhere(void **state)
{
    struct rig rig;
    struct text text = {0};
    (void)state;
    rig_make(
        &rig,
        "[{\"name\":\"a\",\"token\":\"t\",\"url\":\"http://127.0.0.1:9000\"},"
        "{\"name\":\"b\",\"token\":\"u\",\"oauth_redirect_uri\":\"https://b.test:8443/back?x\"},"
        "{\"name\":\"c\",\"token\":\"v\"}]");
    services_add_origins(&rig.hub, &text);
    char *origins = text_take(&text);
    assert_string_equal(origins, " https://b.test:8443");
    free(origins);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_found_by_name_client_and_secret),
        cmocka_unit_test(what_does_not_fit_is_named),
        cmocka_unit_test(a_log_in_leads_back_to_the_registered_address_alone),
        cmocka_unit_test(pages_may_lead_to_services_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
