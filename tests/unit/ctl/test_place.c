/* The place of a server, read from its URL. */
#include "base/base.h"
#include "ctl/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_url_is_a_host_a_port_and_a_path(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host, *path;
        int port;
        bool tls;
    } places[] = {
        {"https://10.0.0.1:6443", "10.0.0.1", "/api", 6443, true},
        {"HTTPS://api.example", "api.example", "/api", 443, true},
        {"http://127.0.0.1", "127.0.0.1", "/api", 80, false},
        {"https://[::1]:6443", "::1", "/api", 6443, true},
        {"https://[fd00::1]", "fd00::1", "/api", 443, true},
        {"https://rancher.example/k8s/clusters/c-1", "rancher.example", "/k8s/clusters/c-1/api",
         443, true},
        {"https://[::1]/k8s", "::1", "/k8s/api", 443, true},
    };
    for (size_t i = 0; i < COUNT(places); i++) {
        struct place place;
        assert_true(place_read(&place, places[i].url, "/api"));
        assert_string_equal(place.host, places[i].host);
        assert_string_equal(place.path, places[i].path);
        assert_int_equal(place.port, places[i].port);
        assert_int_equal(place.tls, places[i].tls);
        place_release(&place);
    }
}

static void what_is_none_is_refused(void **state)
{
    (void)state;
    static const char *const urls[] = {"",
                                       "ftp://x",
                                       "https://",
                                       "https://:6443",
                                       "https://x:0",
                                       "https://x:65536",
                                       "https://x:y",
                                       "https://x:",
                                       "https://[::1",
                                       "https://[::1]6443",
                                       "https://[]",
                                       "https:///path"};
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct place place;
        assert_false(place_read(&place, urls[i], "/api"));
        assert_null(place.host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_is_a_host_a_port_and_a_path),
        cmocka_unit_test(what_is_none_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
