/* The verbs contexts and use-context: what a kubeconfig knows. No cluster is asked. */
#ifndef CTL_CONTEXTS_H
#define CTL_CONTEXTS_H

#include "ctl/verb.h"

#endif
