/* Addresses in print, and ranges of them. */
#include "net/addr.h"

#include "base/str.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static struct addr addr_of(const char *literal)
{
    struct addr addr;
    if (!addr_parse(&addr, literal, 80))
        fail_msg("%s", literal);
    return addr;
}

static void literals_alone_are_addresses(void **state)
{
    static const char *const bad[] = {"",      "localhost", "1.2.3",      "1.2.3.4.5", "256.1.1.1",
                                      "[::1]", "::1%lo",    "1.2.3.4:80", ":",         "01.2.3.4 "};
    struct addr addr = addr_of("1.2.3.4");
    (void)state;
    assert_int_equal(addr.storage.ss_family, AF_INET);
    assert_int_equal(addr.length, sizeof(struct sockaddr_in));
    assert_int_equal(((struct sockaddr_in *)&addr.storage)->sin_port, htons(80));
    addr = addr_of("2001:db8::1");
    assert_int_equal(addr.storage.ss_family, AF_INET6);
    assert_int_equal(addr.length, sizeof(struct sockaddr_in6));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(addr_parse(&addr, bad[i], 80));
}

static void addresses_print_without_port(void **state)
{
    static const char *const rows[][2] = {
        {"1.2.3.4", "1.2.3.4"},
        {"::1", "::1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::ffff:1.2.3.4", "1.2.3.4"},
    };
    char out[ADDR_TEXT];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct addr addr = addr_of(rows[i][0]);
        struct span text = addr_print((struct sockaddr *)&addr.storage, out);
        assert_true(span_is(text, span_of(rows[i][1])));
    }
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_true(span_is(addr_print((struct sockaddr *)&local, out), SPAN("unix")));
}

static void loopback_is_told_apart(void **state)
{
    static const char *const inside[] = {"127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"};
    static const char *const outside[] = {"0.0.0.0", "128.0.0.1", "::", "::2", "::ffff:10.0.0.1"};
    (void)state;
    for (size_t i = 0; i < COUNT(inside); i++) {
        struct addr addr = addr_of(inside[i]);
        assert_true(addr_is_loopback((struct sockaddr *)&addr.storage));
    }
    for (size_t i = 0; i < COUNT(outside); i++) {
        struct addr addr = addr_of(outside[i]);
        assert_false(addr_is_loopback((struct sockaddr *)&addr.storage));
    }
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    assert_true(addr_is_loopback((struct sockaddr *)&local));
}

static void ranges_hold_their_addresses(void **state)
{
    static const struct {
        const char *range, *address;
        bool has;
    } rows[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"10.0.0.0/8", "::10.1.1.1", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"172.16.0.0/12", "172.31.0.1", true},
        {"172.16.0.0/12", "172.32.0.1", false},
        {"1.2.3.4", "1.2.3.4", true},
        {"1.2.3.4", "1.2.3.5", false},
        {"1.2.3.4/32", "1.2.3.4", true},
        {"1.2.3.4/31", "1.2.3.5", true},
        {"1.2.3.4/31", "1.2.3.6", false},
        {"0.0.0.0/0", "9.9.9.9", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "::1", true},
        {"::/0", "9.9.9.9", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::ffff:10.0.0.0/104", "10.1.1.1", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cidr cidr;
        struct addr addr = addr_of(rows[i].address);
        assert_true(cidr_parse(&cidr, rows[i].range));
        if (cidr_has(&cidr, (struct sockaddr *)&addr.storage) != rows[i].has)
            fail_msg("%s in %s", rows[i].address, rows[i].range);
    }
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    struct cidr all;
    assert_true(cidr_parse(&all, "::/0"));
    assert_false(cidr_has(&all, (struct sockaddr *)&local));
}

static void malformed_ranges_are_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0/8",
        "::/129",
        "localhost/8",
        "10.0.0.0/8 ",
        "*",
        "10.0.0.0/+8",
        "10.0.0.0/a",
        "1111111111111111111111111111111111111111111111111111111111111111111111111/8",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct cidr cidr;
        if (cidr_parse(&cidr, rows[i]))
            fail_msg("'%s' is taken", rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_alone_are_addresses),
        cmocka_unit_test(addresses_print_without_port),
        cmocka_unit_test(loopback_is_told_apart),
        cmocka_unit_test(ranges_hold_their_addresses),
        cmocka_unit_test(malformed_ranges_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
