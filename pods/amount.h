/* Numbers as Kubernetes reads them. */
#ifndef PODS_AMOUNT_H
#define PODS_AMOUNT_H

#include "base/text.h"

#include <jansson.h>

/* The shortest text that is this number, with a point or an exponent: "0.1", "2.0", as Python's
 * str() has it. */
void amount_put(struct text *out, double number);
/* A copy of the tree without reals: a whole one is an integer, for fields that are, and any other a
 * text. In Kubernetes only quantities have a fraction, and they may be texts; as a number in JSON
 * 0.1 would arrive as 0.10000000000000001, which is rounded up to 100000001n. */
json_t *amount_settle(const json_t *tree);

#endif
