/* The verb logs, and a server's last lines for others. */
#ifndef CTL_LOGS_H
#define CTL_LOGS_H

#include "base/text.h"
#include "ctl/ref.h"

struct order;

/* Appends so many last lines, made fit for a terminal; false: this hub has none to give. */
bool logs_tail(struct order *order, const struct ref *ref, unsigned lines, struct text *out);

#endif
