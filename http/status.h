/* The reason phrases of the statuses that we send ourselves (RFC 9110 15). */
#ifndef HTTP_STATUS_H
#define HTTP_STATUS_H

/* "Unknown" for a status that is not among them. */
const char *status_reason(unsigned status);

#endif
