/* Ages, sizes and durations as kubectl has them. */
#include "base/str.h"
#include "ctl/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void an_age_is_as_kubectl_says_it(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *says;
    } ages[] = {
        {0, "0s"},        {119, "119s"},       {120, "2m"},           {200, "3m20s"},
        {599, "9m59s"},   {600, "10m"},        {10799, "179m"},       {10800, "3h"},
        {25500, "7h5m"},  {28800, "8h"},       {172799, "47h"},       {172800, "2d"},
        {180000, "2d2h"}, {691199, "7d23h"},   {691200, "8d"},        {62985600, "729d"},
        {63072000, "2y"}, {66528000, "2y40d"}, {252287999, "7y364d"}, {252288000, "8y"},
        {-1, "-"},
    };
    for (size_t i = 0; i < COUNT(ages); i++) {
        struct text out = {0};
        units_age(&out, ages[i].seconds * 1000);
        char *says = text_take(&out);
        assert_string_equal(says, ages[i].says);
        free(says);
    }
}

static void a_quantity_is_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},
        {"12", 12},
        {"250m", 0.25},
        {"100Mi", 104857600.0},
        {"1Gi", 1073741824.0},
        {"1500k", 1500000},
        {"123456789n", 0.123456789},
        {"87u", 0.000087},
        {"1.5", 1.5},
        {"2e3", 2000},
        {"3M", 3e6},
        {"1E", 1e18},
    };
    static const char *const bad[] = {"",     "m",    "Mi",  "1Xi", "1 Mi", "--1",
                                      "1ee3", "0x10", "nan", "inf", "1Mim"};
    double value;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(units_quantity(good[i].text, &value));
        assert_true(fabs(value - good[i].value) <= good[i].value * 1e-6);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(units_quantity(bad[i], &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_age_is_as_kubectl_says_it),
        cmocka_unit_test(a_quantity_is_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
