/* What the proxy says itself: error pages, health, redirects. Pages come from --error-target first,
 * then --error-path, then the built-in ones (CHP B-VIII). */
#ifndef PROXY_ANSWER_H
#define PROXY_ANSWER_H

#include "proxy/exchange.h"

/* The pages of --error-path, read once: <status>.html, error.html (CHP 75). NULL: not readable. */
struct pages *pages_new(const char *error_path, struct error *error) MUST_CHECK;
void pages_free(struct pages *pages);

/* Answers an exchange whose reply has not begun; it ends by exchange_answered once that is written.
 * words: a sentence for people about what went wrong, or NULL. */
void answer_error(struct exchange *exchange, unsigned status, const char *words);
void answer_health(struct exchange *exchange);
/* --redirect-port (CHP 88, 89). */
void answer_redirect(struct exchange *exchange);

/* A page fetched from the error target: its body and the two fields that are passed on. */
struct page {
    char *body;
    size_t n;
    char type[128], encoding[32]; /* "" for none */
};
void answer_page(struct exchange *exchange, unsigned status, const struct page *page);

#endif
