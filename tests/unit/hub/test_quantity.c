/* Kubernetes' quantities. */
#include "base/str.h"
#include "kube/quantity.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void a_quantity_is_a_number(void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},           {"12", 12},         {"250m", 0.25},
        {"100Mi", 0x64p20}, {"1Gi", 0x1p30},    {"1.5Gi", 0x1.8p30},
        {"1Ki", 1024},      {"1500k", 1500000}, {"123456789n", 0.123456789},
        {"87u", 0.000087},  {"1.5", 1.5},       {"2e3", 2000},
        {"3M", 3e6},        {"1E", 1e18},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        double value;
        assert_true(quantity_read(good[i].text, &value));
        assert_true(fabs(value - good[i].value) <= good[i].value * 1e-6);
    }
}

static void what_is_no_quantity_is_refused(void **state)
{
    static const char *const bad[] = {"",    "m",    "x",    "Mi",  "1Xi", "1 Mi", " 1",   "-1",
                                      "--1", "1ee3", "0x10", "nan", "inf", "1Mim", "1Kib", "1e999"};
    double value;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(quantity_read(bad[i], &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quantity_is_a_number),
        cmocka_unit_test(what_is_no_quantity_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
