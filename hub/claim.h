/* OAuth's token endpoint: a client claims an access token for a code (RFC 6749 4.1.3, 4.1.4, 5.2;
 * hub contract B2.3). */
#ifndef HUB_CLAIM_H
#define HUB_CLAIM_H

struct request;

/* POST {hub}api/oauth2/token. */
void claim_take(struct request *request);

#endif
