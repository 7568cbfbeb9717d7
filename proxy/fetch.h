/* Fetching an error page from --error-target: GET <url><status>?url=<target> (CHP 76), bounded in
 * time and size, kept by status when the target allows it. */
#ifndef PROXY_FETCH_H
#define PROXY_FETCH_H

#include "proxy/answer.h"

enum { FETCH_BUDGET_MS = 1000, FETCH_MAX_BYTES = 256 * 1024 };

/* Calls exchange_page_ready in a later turn; then fetch_page is the page, or NULL. */
struct fetch *fetch_start(struct exchange *exchange, unsigned status);
unsigned fetch_status(const struct fetch *fetch); /* the one it was started for */
const struct page *fetch_page(const struct fetch *fetch);

/* The worker's kept pages; NULL: nothing to free. */
void page_cache_free(struct page_cache *cache);
void fetch_free(struct fetch *fetch); /* ends it if it is under way; NULL: nothing */

#endif
