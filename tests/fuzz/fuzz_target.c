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
    REQUIRE(strcmp(again.host, target->host) == 0 && again.port == target->port);
    REQUIRE(strcmp(again.authority, target->authority) == 0);
    target_release(&again);
}

static void check(const struct target *target, const char *url)
{
    REQUIRE(strcmp(target->text, url) == 0);
    REQUIRE(target->path[0] == '/');
    REQUIRE((target->host == NULL) != (target->unix_path == NULL));
    check_plain(target->path);
    check_plain(target->authority);
    if (target->query)
        check_plain(target->query);
    if (target->unix_path) {
        REQUIRE(strlen(target->unix_path) > 0 && strlen(target->unix_path) <= 107);
        return;
    }
    REQUIRE(target->port > 0 && target->host[0] != 0 && strlen(target->host) <= 255);
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
        REQUIRE(target.text == NULL && error.text[0] != 0);
    }
    free(url);
    return 0;
}
