#include "hub/listing.h"

#include "base/encode.h"
#include "base/str.h"
#include "hub/member.h"

#include <stdlib.h>

static bool wants_pages(const struct call *call)
{
    const char *accept = call_header(call, "Accept");
    return accept && span_lists(span_of(accept), SPAN("application/jupyterhub-pagination+json"));
}

/* JupyterHub takes numbers below zero without their sign. */
static bool read_number(struct span query, const char *name, size_t *number)
{
    char *text = form_value(query, name);
    if (!text)
        return true;
    uint64_t value;
    bool ok = span_number(span_of(text[0] == '-' ? text + 1 : text), UINT32_MAX, &value);
    free(text);
    if (ok)
        *number = (size_t)value;
    return ok;
}

bool listing_read(struct request *request, struct listing *listing)
{
    *listing = (struct listing){.paged = wants_pages(request->call)};
    listing->limit = listing->paged ? LISTING_LIMIT : LISTING_LIMIT_MAX;
    if (!read_number(request->call->query, "offset", &listing->offset) ||
        !read_number(request->call->query, "limit", &listing->limit)) {
        request_fail(request, 400, "offset and limit must be whole numbers");
        return false;
    }
    if (listing->limit > LISTING_LIMIT_MAX)
        listing->limit = LISTING_LIMIT_MAX;
    if (listing->limit < 1)
        listing->limit = 1;
    return true;
}

void listing_begin(const struct listing *listing, struct text *json, const char *open)
{
    if (listing->paged)
        text_put(json, "{\"items\":");
    text_put(json, open);
}

/* The request's own URL with another offset: clients fetch it as it is. */
static void print_next(const struct listing *listing, const struct request *request,
                       struct text *url)
{
    const struct call *call = request->call;
    const char *host = call_header(call, "Host");
    if (host && *host)
        text_format(url, "%s://%s", request->https ? "https" : "http", host);
    text_add(url, call->path);
    text_put(url, "?");
    struct span rest = call->query;
    while (rest.p && rest.n > 0) {
        struct span value, one = span_cut(rest, '&', &rest), name = span_cut(one, '=', &value);
        if (one.n == 0 || span_is(name, SPAN("offset")) || span_is(name, SPAN("limit")))
            continue;
        text_add(url, one);
        text_put(url, "&");
    }
    text_format(url, "offset=%zu&limit=%zu", listing->offset + listing->limit, listing->limit);
}

void listing_end(const struct listing *listing, const struct request *request, struct text *json,
                 const char *close)
{
    text_put(json, close);
    if (!listing->paged)
        return;
    text_format(json, ",\"_pagination\":{\"offset\":%zu,\"limit\":%zu,\"total\":%zu,\"next\":",
                listing->offset, listing->limit, listing->total);
    if (listing->offset + listing->limit < listing->total) {
        struct text url = {0};
        print_next(listing, request, &url);
        text_format(json,
                    "{\"offset\":%zu,\"limit\":%zu,\"url\":", listing->offset + listing->limit,
                    listing->limit);
        text_json(json, (struct span){url.p, url.n});
        text_put(json, "}}}");
        text_release(&url);
    } else {
        text_put(json, "null}}");
    }
}
