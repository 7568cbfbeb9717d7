/* How the end of a command is read (the Status on v4/v5.channel.k8s.io's stream 3). */
#include "base/base.h"
#include "ctl/exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* -1: it is said not to have run, for a reason that holds the text. */
static int code_of(const char *text, const char *why)
{
    json_t *status = json_loads(text, 0, NULL);
    struct error error;
    int code;
    assert_non_null(status);
    bool ran = exec_exit_code(status, &code, &error);
    json_decref(status);
    if (!ran)
        assert_non_null(strstr(error.text, why));
    return ran ? code : -1;
}

#define FAILED(code)                                                                               \
    "{\"status\": \"Failure\", \"reason\": \"NonZeroExitCode\", \"message\": \"m\", \"details\":"  \
    " {\"causes\": [{\"reason\": \"Other\", \"message\": \"9\"}, {\"reason\": \"ExitCode\","       \
    " \"message\": \"" code "\"}]}}"

static void the_exit_code_is_the_commands(void **state)
{
    (void)state;
    assert_int_equal(code_of("{\"status\": \"Success\"}", ""), 0);
    assert_int_equal(code_of(FAILED("3"), ""), 3);
    assert_int_equal(code_of(FAILED("255"), ""), 255);
}

static void what_did_not_run_says_why(void **state)
{
    (void)state;
    assert_int_equal(code_of(FAILED("256"), "m"), -1);
    assert_int_equal(code_of(FAILED("-1"), "m"), -1);
    assert_int_equal(code_of(FAILED(""), "m"), -1);
    assert_int_equal(
        code_of("{\"status\": \"Failure\", \"message\": \"container not found\"}", "not found"),
        -1);
    assert_int_equal(code_of("{}", "does not say why"), -1);
    assert_int_equal(code_of("[1]", "does not say why"), -1);
    assert_int_equal(code_of("{\"status\": 7, \"details\": {\"causes\": 3}}", "not say"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_code_is_the_commands),
        cmocka_unit_test(what_did_not_run_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
