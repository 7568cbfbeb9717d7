/* A kubeconfig: whatever is in it, it is read, or refused with one line that names it, and each of
 * its contexts is chosen or refused likewise. */
#include "tests/fuzz/fuzz.h"

#include "kube/kubeconfig.h"

#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

static int file = -1;
static char path[32];

static void write_file(const uint8_t *bytes, size_t n)
{
    if (file < 0)
        file = memfd_create("kubeconfig", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    REQUIRE(file >= 0 && ftruncate(file, 0) == 0 && pwrite(file, bytes, n, 0) == (ssize_t)n);
}

static void require_line(const struct error *error)
{
    REQUIRE(strncmp(error->text, path, strlen(path)) == 0);
    REQUIRE(fuzz_is_plain(span_of(error->text)));
}

static void require_cluster(const struct cluster *cluster)
{
    REQUIRE(strncasecmp(cluster->server, "http", 4) == 0);
    REQUIRE(!cluster->token || fuzz_is_plain(span_of(cluster->token)));
    REQUIRE(!(cluster->cert_pem || cluster->cert_file) == !(cluster->key_pem || cluster->key_file));
    for (char **field = cluster->impersonation; field && *field; field++)
        REQUIRE(strncmp(*field, "Impersonate-", 12) == 0 && fuzz_is_plain(span_of(*field)));
    REQUIRE(!cluster->exec || (*cluster->exec->command && cluster->exec->args));
}

static void choose(const struct kubeconfig *config, const char *name)
{
    struct kubeconfig_context context;
    struct cluster cluster = {0};
    struct error error = {{0}};
    if (!kubeconfig_choose(config, name, &context, &cluster, &error)) {
        require_line(&error);
        REQUIRE(!cluster.server && !cluster.exec);
        return;
    }
    require_cluster(&cluster);
    cluster_release(&cluster);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct error error = {{0}};
    write_file(bytes, n);
    struct kubeconfig *config = kubeconfig_read(path, &error);
    if (!config) {
        require_line(&error);
        return 0;
    }
    choose(config, NULL);
    for (size_t i = 0; i < kubeconfig_contexts_n(config); i++)
        choose(config, kubeconfig_context(config, i).name);
    kubeconfig_free(config);
    return 0;
}
