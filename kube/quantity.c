#include "kube/quantity.h"

#include "base/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool quantity_read(const char *text, double *value)
{
    static const struct {
        const char *suffix;
        double factor;
    } units[] = {
        {"", 1},        {"n", 1e-9},    {"u", 1e-6},    {"m", 1e-3},
        {"k", 1e3},     {"M", 1e6},     {"G", 1e9},     {"T", 1e12},
        {"P", 1e15},    {"E", 1e18},    {"Ki", 0x1p10}, {"Mi", 0x1p20},
        {"Gi", 0x1p30}, {"Ti", 0x1p40}, {"Pi", 0x1p50}, {"Ei", 0x1p60},
    };
    char *end;
    /* strtod also takes white space, signs, hexadecimal numbers and words */
    if (*text < '0' || *text > '9' || strchr("xX", text[1] ? text[1] : '.'))
        return false;
    double number = strtod(text, &end);
    for (size_t i = 0; i < COUNT(units) && isfinite(number); i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            *value = number * units[i].factor;
            return true;
        }
    }
    return false;
}
