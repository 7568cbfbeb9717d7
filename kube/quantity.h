/* Kubernetes' quantities, as objects and metrics have them (Kubernetes API: Quantity). */
#ifndef KUBE_QUANTITY_H
#define KUBE_QUANTITY_H

#include "base/base.h"

/* "250m", "128Mi", "97204534n", "3e2": in the quantity's own unit, cores or bytes. False: it is
 * none, or below 0. */
bool quantity_read(const char *text, double *value) MUST_CHECK;

#endif
