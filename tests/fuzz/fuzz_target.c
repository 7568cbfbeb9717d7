/* Target URLs: what is accepted names one place, and names it again the same way. */
#include "tests/fuzz/fuzz.h"

#include "proxy/target.h"

static void check_plain(const char *text)
{
    for (const char *at = text; *at; at++)
        REQUIRE((unsigned char)*at > 0x20 && *at != 0x7f);
}

/* The authority is a URL's again, of the same host and port. */
static void check_authority(const struct target *target)
{
    char url[600];
    struct target again;
    struct error error;
    snprintf(url, sizeof url, "%s://%s", target->tls ? "https" : "http", target->authority);
    REQUIRE(target_parse(&again, url, &error));
    REQUIRE(target_same_place(&again, target));
    REQUIRE(strcmp(again.authority, target->authority) == 0);
    target_release(&again);
}

static void check(const struct target *target, const char *url)
{
    const char *host = target_host(target), *socket = target_unix_path(target);
    const char *path = target_path(target), *query = target_query(target);
    REQUIRE(path[0] == '/' && (path[1] == 0 || strstr(url, path)));
    REQUIRE((host == NULL) != (socket == NULL));
    check_plain(path);
    check_plain(target->authority);
    if (query) {
        REQUIRE(strstr(url, query));
        check_plain(query);
    }
    if (socket) {
        REQUIRE(strlen(socket) > 0 && strlen(socket) <= 107);
        return;
    }
    REQUIRE(target->port > 0 && host[0] != 0 && strlen(host) <= 255);
    check_authority(target);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct target target;
    struct error error = {{0}};
    char *url = malloc(n + 1);
    if (n)
        memcpy(url, bytes, n);
    url[n] = 0;
    if (target_parse(&target, url, &error)) {
        check(&target, url);
        target_release(&target);
    } else {
        REQUIRE(target.authority == NULL && error.text[0] != 0);
    }
    free(url);
    return 0;
}
