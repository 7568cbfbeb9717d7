/* A cluster as it may be spoken to: where its API server is, whom to trust there, and as whom to
 * come. Texts are NULL where nothing was said. */
#ifndef KUBE_CLUSTER_H
#define KUBE_CLUSTER_H

#include "kube/entry.h"

/* A program that prints credentials (client.authentication.k8s.io). It is not run here. */
struct cluster_exec {
    char *command;      /* found in PATH, or a path */
    char **args;        /* the last NULL */
    char **env;         /* "NAME=value", beside the environment; the last NULL */
    char *version;      /* of what it is to print: "client.authentication.k8s.io/v1" */
    bool may_ask;       /* somebody at the terminal … */
    bool must_ask;      /* … without whom it does not work */
    bool takes_cluster; /* wants to be told of the cluster */
    char *hint;         /* how to install it, for a person; any lines */
};

struct cluster {
    char *server;           /* https://10.0.0.1:6443, perhaps with a path; no slash at its end */
    char *ca_file, *ca_pem; /* the latter counts; neither: the system's authorities */
    char *server_name;      /* in the certificate, in place of the server's host */
    bool insecure;          /* whoever answers is trusted */
    char *proxy_url;        /* http, https, socks5h */
    /* The first of these that there is, beside a certificate: a token of the file (read again as it
     * changes), a token, a name with its password, the program's. */
    char *token_file, *token;
    char *username, *password;
    struct cluster_exec *exec;
    char *cert_file, *cert_pem, *key_file, *key_pem; /* PEM counts before its file */
    char **impersonation; /* fields of every request, "Impersonate-User: ada"; the last NULL */
};

/* What a kubeconfig's entries say; user NULL: nobody in particular. The cluster is zero before.
 * Files that they name must be readable. False: it is empty, and *error says which entry of which
 * file is wrong, without a value of it. */
bool cluster_read(struct cluster *cluster, const struct entry *server, const struct entry *user,
                  struct error *error) MUST_CHECK;
void cluster_release(struct cluster *cluster);

#endif
