#include "pods/amount.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void amount_put(struct text *out, double number)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    text_format(out, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static json_t *settle_real(double number)
{
    const double max = 9007199254740992; /* 2^53: whole numbers up to there are exact */
    if (number == floor(number) && fabs(number) <= max)
        return json_integer((json_int_t)number);
    struct text text = {0};
    amount_put(&text, number);
    json_t *value = json_stringn(text.p, text.n);
    text_release(&text);
    return value;
}

json_t *amount_settle(const json_t *tree)
{
    size_t i;
    const char *name;
    json_t *item, *copy;
    if (json_is_real(tree))
        return settle_real(json_real_value(tree));
    if (!json_is_array(tree) && !json_is_object(tree))
        return json_incref((json_t *)(uintptr_t)tree);
    copy = json_is_array(tree) ? json_array() : json_object();
    json_array_foreach((json_t *)(uintptr_t)tree, i, item)
    {
        json_array_append_new(copy, amount_settle(item));
    }
    json_object_foreach((json_t *)(uintptr_t)tree, name, item)
    {
        json_object_set_new(copy, name, amount_settle(item));
    }
    return copy;
}
