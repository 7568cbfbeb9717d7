#include "login/header.h"

#include "base/str.h"
#include "net/addr.h"

#include <stdlib.h>
#include <string.h>

enum { FIELD_BYTES_MAX = 16 * 1024 };

struct header {
    struct way way;
    const struct header_settings *settings;
    struct cidr *trusted;
    size_t trusted_n;
};

static bool names_are_good(const struct header_settings *settings, struct error *error)
{
    const char *const names[] = {settings->user, settings->groups, settings->secret_name};
    for (size_t i = 0; i < COUNT(names); i++)
        if (names[i] && !span_is_token(span_of(names[i])))
            return error_set(error, "authenticator header: '%.80s' is no name of a field",
                             names[i]);
    if (settings->trusted.n == 0)
        return error_set(error, "authenticator header needs header_trusted: the addresses of the "
                                "proxies that say who it is");
    if ((settings->secret_name != NULL) != (settings->secret != NULL))
        return error_set(error, "authenticator header: a secret needs a field's name, and a name a "
                                "secret");
    return true;
}

static void let_go(struct way *way)
{
    struct header *header = CONTAINER(way, struct header, way);
    free(header->trusted);
    free(header);
}

static struct way *make(const struct way_needs *needs, struct error *error)
{
    const struct header_settings *settings = &needs->settings->header;
    if (!names_are_good(settings, error))
        return NULL;
    struct header *header = must_alloc(sizeof *header);
    header->way.driver = &way_header;
    header->settings = settings;
    header->trusted = must_alloc(settings->trusted.n * sizeof header->trusted[0]);
    for (; header->trusted_n < settings->trusted.n; header->trusted_n++) {
        const char *text = settings->trusted.items[header->trusted_n];
        if (cidr_parse(&header->trusted[header->trusted_n], text))
            continue;
        error_set(error, "header_trusted: '%.80s' is no address and no range of them", text);
        let_go(&header->way);
        return NULL;
    }
    return &header->way;
}

static bool trusts(const struct header *header, struct span literal)
{
    char text[ADDR_TEXT];
    struct addr addr;
    if (literal.n >= sizeof text)
        return false;
    memcpy(text, literal.p, literal.n);
    text[literal.n] = '\0';
    if (literal.n == 0 || !addr_parse(&addr, text, 0))
        return false;
    for (size_t i = 0; i < header->trusted_n; i++)
        if (cidr_has(&header->trusted[i], (const struct sockaddr *)&addr.storage))
            return true;
    return false;
}

/* The caller of whoever called us. */
static struct span last_hop(const char *chain)
{
    const char *comma = strrchr(chain, ',');
    return span_trim(span_of(comma ? comma + 1 : chain));
}

static bool secret_is_good(const struct header *header, const struct login_headers *headers)
{
    const struct header_settings *settings = header->settings;
    if (!settings->secret)
        return true;
    struct span given = headers->field(headers->field_arg, settings->secret_name);
    return given.n && same_secret(given, span_of(settings->secret));
}

/* Why it is not believed, NULL: it is. */
static const char *distrust(const struct header *header, const struct login_headers *headers)
{
    if (!trusts(header, span_of(headers->peer)))
        return "the caller is not in header_trusted";
    if (headers->forwarded_for && !trusts(header, last_hop(headers->forwarded_for)))
        return "the proxy's caller is not in header_trusted";
    if (!secret_is_good(header, headers))
        return "the proxy did not send its secret";
    return NULL;
}

static void of_headers(struct way *way, const struct login_headers *headers,
                       struct attempt *attempt)
{
    const struct header *header = CONTAINER(way, struct header, way);
    const struct header_settings *settings = header->settings;
    const char *why = distrust(header, headers);
    if (why) {
        attempt_end(attempt, END_NO_HEADER, "%s", why);
        return;
    }
    struct span name = span_trim(
        headers->field(headers->field_arg, settings->user ? settings->user : "X-Remote-User"));
    if (!name.n) {
        attempt_end(attempt, END_NO_HEADER, "no field, or several, with the user's name");
        return;
    }
    if (settings->groups) {
        struct span list = headers->field(headers->field_arg, settings->groups);
        attempt_groups_known(attempt);
        while (list.p && list.n <= FIELD_BYTES_MAX)
            attempt_add_group(attempt, span_trim(span_cut(list, ',', &list)));
    }
    attempt_grant(attempt, name);
}

const struct way_driver way_header = {
    .word = "header", .kind = LOGIN_HEADER, .make = make, .of_headers = of_headers, .free = let_go};
