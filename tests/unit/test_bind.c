/* Listening sockets: taken ports, both families, copies, socket files. */
#include "net/bind.h"

#include "net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void bind_or_fail(struct bound *bound, const char *ip, uint16_t port, unsigned copies)
{
    struct error error;
    if (!bind_tcp(bound, "--port", ip, port, copies, &error))
        fail_msg("%s", error.text);
}

/* Whether a client gets through. */
static bool answers(const char *literal, uint16_t port)
{
    struct addr addr;
    assert_true(addr_parse(&addr, literal, port));
    int fd = socket(addr.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&addr.storage, addr.length) == 0;
    if (fd >= 0)
        close(fd);
    return connected;
}

static bool has_ipv6(void)
{
    struct addr addr;
    assert_true(addr_parse(&addr, "::1", 0));
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd >= 0 && bind(fd, (struct sockaddr *)&addr.storage, addr.length) == 0;
    if (fd >= 0)
        close(fd);
    return has;
}

static void port_0_is_any_free_port(void **state)
{
    struct bound a, b;
    (void)state;
    bind_or_fail(&a, "127.0.0.1", 0, 1);
    bind_or_fail(&b, "127.0.0.1", 0, 1);
    assert_int_equal(a.n, 1);
    assert_true(a.port != 0 && a.port != b.port);
    assert_true(answers("127.0.0.1", a.port));
    bound_close(&a);
    assert_false(answers("127.0.0.1", a.port));
    bound_close(&b);
}

static void check_taken(const char *ip, uint16_t port, unsigned copies)
{
    struct bound second;
    struct error error = {{0}};
    char number[8];
    snprintf(number, sizeof number, "%u", port);
    assert_false(bind_tcp(&second, "--port", ip, port, copies, &error));
    assert_non_null(strstr(error.text, "--port"));
    assert_non_null(strstr(error.text, number));
    assert_non_null(strstr(error.text, "in use"));
    assert_int_equal(second.n, 0);
}

static void a_taken_port_is_told(void **state)
{
    struct bound first;
    (void)state;
    bind_or_fail(&first, "127.0.0.1", 0, 1);
    check_taken("127.0.0.1", first.port, 1);
    check_taken("127.0.0.1", first.port, 4);
    check_taken("", first.port, 1);
    bound_close(&first);
    /* also when the first shares it among its own workers */
    bind_or_fail(&first, "127.0.0.1", 0, 4);
    check_taken("127.0.0.1", first.port, 1);
    check_taken("127.0.0.1", first.port, 4);
    bound_close(&first);
    bind_or_fail(&first, "", 0, 2);
    check_taken("", first.port, 2);
    bound_close(&first);
}

static void every_worker_gets_a_copy(void **state)
{
    struct bound bound;
    (void)state;
    bind_or_fail(&bound, "127.0.0.1", 0, 3);
    assert_int_equal(bound.n, 3);
    assert_int_equal(bound.copies, 3);
    for (size_t i = 0; i < bound.n; i++) {
        struct sockaddr_in addr;
        socklen_t length = sizeof addr;
        assert_int_equal(getsockname(bound.fds[i], (struct sockaddr *)&addr, &length), 0);
        assert_int_equal(ntohs(addr.sin_port), bound.port);
    }
    bound_close(&bound);
}

static void all_interfaces_are_of_both_families(void **state)
{
    static const char *const names[] = {"", "*"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bound bound;
        bind_or_fail(&bound, names[i], 0, 1);
        assert_int_equal(bound.n, 1);
        assert_true(answers("127.0.0.1", bound.port));
        if (has_ipv6())
            assert_true(answers("::1", bound.port));
        bound_close(&bound);
    }
}

static void one_name_may_be_several_addresses(void **state)
{
    struct bound bound;
    (void)state;
    bind_or_fail(&bound, "localhost", 0, 2);
    assert_true(bound.n >= 2 && bound.n % 2 == 0);
    assert_true(answers("127.0.0.1", bound.port) || answers("::1", bound.port));
    bound_close(&bound);
}

static void an_address_of_another_host_is_refused(void **state)
{
    struct bound bound;
    struct error error;
    (void)state;
    assert_false(bind_tcp(&bound, "--ip", "192.0.2.1", 0, 1, &error));
    assert_non_null(strstr(error.text, "192.0.2.1"));
    assert_false(bind_tcp(&bound, "--ip", "no.such.name.invalid", 0, 1, &error));
    assert_non_null(strstr(error.text, "no.such.name.invalid"));
    assert_null(strchr(error.text, '\n'));
}

/* --- socket files --- */

static char folder[] = "/tmp/hubgate-bind-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/s", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static bool bind_path(struct bound *bound, struct error *error)
{
    return bind_unix(bound, "--socket", path, error);
}

static void a_socket_file_nobody_answers_at_is_replaced(void **state)
{
    struct bound bound;
    struct error error;
    (void)state;
    assert_true(bind_path(&bound, &error));
    assert_int_equal(bound.n, 1);
    bound_close(&bound); /* the file stays behind */
    assert_int_equal(access(path, F_OK), 0);
    assert_true(bind_path(&bound, &error));
    bound_close(&bound);
    unlink(path);
}

static void a_socket_file_in_use_is_left_alone(void **state)
{
    struct bound first, second;
    struct error error;
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    (void)state;
    assert_true(bind_path(&first, &error));
    assert_false(bind_path(&second, &error));
    assert_non_null(strstr(error.text, "--socket"));
    assert_non_null(strstr(error.text, path));
    memcpy(addr.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    close(fd);
    bound_close(&first);
    unlink(path);
}

static void another_kind_of_file_is_left_alone(void **state)
{
    struct bound bound;
    struct error error;
    struct stat file;
    FILE *other = fopen(path, "w");
    (void)state;
    fclose(other);
    assert_false(bind_path(&bound, &error));
    assert_int_equal(stat(path, &file), 0);
    assert_true(S_ISREG(file.st_mode));
    unlink(path);
}

static void a_socket_path_has_its_bounds(void **state)
{
    struct bound bound;
    struct error error;
    char longer[200];
    (void)state;
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = 0;
    assert_false(bind_unix(&bound, "--socket", longer, &error));
    assert_non_null(strstr(error.text, "107"));
    assert_false(bind_unix(&bound, "--socket", "", &error));
    assert_false(bind_unix(&bound, "--socket", "/no/such/folder/s", &error));
    assert_int_equal(bound.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(port_0_is_any_free_port),
        cmocka_unit_test(a_taken_port_is_told),
        cmocka_unit_test(every_worker_gets_a_copy),
        cmocka_unit_test(all_interfaces_are_of_both_families),
        cmocka_unit_test(one_name_may_be_several_addresses),
        cmocka_unit_test(an_address_of_another_host_is_refused),
        cmocka_unit_test(a_socket_file_nobody_answers_at_is_replaced),
        cmocka_unit_test(a_socket_file_in_use_is_left_alone),
        cmocka_unit_test(another_kind_of_file_is_left_alone),
        cmocka_unit_test(a_socket_path_has_its_bounds),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
