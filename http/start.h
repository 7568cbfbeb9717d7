/* The start line of a head. The one door to http-parser, which judges every line but those that
 * almost all requests and replies begin with: these are told by their bytes, to the same verdict.
 */
#ifndef HTTP_START_H
#define HTTP_START_H

#include "http/h1.h"

/* Once, before threads start: http-parser's own limit is one for the process. */
void start_limit(uint64_t max_head_bytes);

/* head->start_line, which holds no control byte but its CRLF: sets target (of requests) and
 * version. */
enum h1_verdict start_read_request(struct head *head);
enum h1_verdict start_read_reply(struct head *head);

#endif
