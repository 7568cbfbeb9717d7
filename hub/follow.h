/* A server's log as text: its last lines, and when it is followed what is added, looked for each
 * second, until the server has stopped, the client leaves, or half a day is over. A client that
 * reads slowly misses lines rather than make us hold them. */
#ifndef HUB_FOLLOW_H
#define HUB_FOLLOW_H

#include "hub/request.h"

enum { FOLLOW_LINES_MAX = 5000, FOLLOWERS_MAX = 64 };

/* Takes the request and answers it: with nothing where the server never wrote a line, 429 beyond
 * FOLLOWERS_MAX. */
void follow_log(struct request *request, const struct server *server, unsigned lines, bool follow);

/* How many bytes at the end of `before` are the beginning of `now`: both are the last lines of one
 * log, looked at one after the other. */
size_t follow_overlap(struct span before, struct span now);

#endif
