/* A program that prints credentials, run as kubectl runs it (client.authentication.k8s.io: a JSON
 * object of kind ExecCredential on its standard output). All of it blocks: a thread's work. */
#ifndef KUBEAPI_PLUGIN_H
#define KUBEAPI_PLUGIN_H

#include "kube/cluster.h"

enum {
    PLUGIN_OUTPUT_MAX = 1024 * 1024,
    PLUGIN_TIME_MS = 60 * 1000,
    PLUGIN_ASKING_MS = 300 * 1000, /* where it may ask somebody */
};

struct plugin_order {
    const struct cluster *cluster; /* with its exec */
    const char *ca_pem;            /* whom to trust there, for a program that wants to know; NULL */
    bool may_ask;                  /* somebody is at the terminal; what it says there is its own */
    int cancel;                    /* a descriptor: once it is readable the program is killed */
    int64_t time_ms;               /* the most it may take; 0: as above */
};

/* What it printed; NULL where it said nothing. At least a token, or a certificate with its key. */
struct plugin_credential {
    char *token, *cert_pem, *key_pem;
    int64_t expires_ms; /* since 1970; 0: it does not say */
};

/* False: *error is one line that names the program, and what to do where it is not there. */
bool plugin_run(const struct plugin_order *order, struct plugin_credential *credential,
                struct error *error) MUST_CHECK;
void plugin_release(struct plugin_credential *credential);

/* What the program is told in KUBERNETES_EXEC_INFO; to be freed. asks: somebody may be asked. */
char *plugin_info(const struct plugin_order *order, bool asks) MUST_CHECK;
/* What a program printed that was to print that version. For tests. */
bool plugin_read(struct span output, const char *version, struct plugin_credential *credential,
                 struct error *error) MUST_CHECK;

#endif
