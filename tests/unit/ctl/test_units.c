/* Ages as kubectl has them. */
#include "base/str.h"
#include "ctl/units.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_age_is_as_kubectl_says_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
