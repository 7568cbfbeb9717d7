/* Bodies of the REST API: what is accepted is kept as JSON that is accepted again as the same. */
#include "tests/fuzz/fuzz.h"

#include "api/body.h"

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_again(const struct route_body *body, bool takes_host)
{
    struct route_body again;
    struct error error;
    size_t n = strlen(body->members);
    char *json = malloc(n + 3);
    json[0] = '{';
    memcpy(json + 1, body->members, n);
    json[n + 1] = '}';
    enum body_verdict verdict =
        route_body_read((struct span){json, n + 2}, takes_host, &again, &error);
    REQUIRE(verdict == BODY_FINE);
    REQUIRE(same(again.members, body->members) && same(again.target, body->target));
    REQUIRE(same(again.user, body->user) && same(again.server, body->server));
    route_body_release(&again);
    free(json);
}

static void check(const char *json, size_t n, bool takes_host)
{
    struct route_body body;
    struct error error = {{0}};
    enum body_verdict verdict = route_body_read((struct span){json, n}, takes_host, &body, &error);
    if (verdict == BODY_FINE) {
        REQUIRE(body.target && body.members);
        check_again(&body, takes_host);
    } else {
        REQUIRE(!body.target && !body.members && !body.user && !body.server);
        REQUIRE(verdict != BODY_NO_JSON || error.text[0] != 0);
    }
    route_body_release(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char *copy = fuzz_copy(bytes, n);
    check(copy, n, false);
    check(copy, n, true);
    free(copy);
    return 0;
}
