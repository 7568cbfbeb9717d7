/* Keys for stateless session tickets (RFC 5077; RFC 8446 4.6.1). Every hour, an epoch, has its own
 * key, and the secret of an epoch yields both its key and the secret of the next one, then is
 * wiped. Contexts that started from one secret agree on every key without talking, and memory that
 * leaks today opens no ticket that was sealed with a key already dropped. */
#ifndef TLS_TICKET_H
#define TLS_TICKET_H

#include "tls/tls.h"

#include <openssl/ssl.h>

/* The current hour and ten before it: a ticket lives for at least 10 h and less than 11 h. */
enum { TICKET_EPOCHS = 11, TICKET_LIFE_S = (TICKET_EPOCHS - 1) * 3600 };

struct ticket_key {
    unsigned char name[16], aes[32], mac[32];
};

struct ticket_keys {
    struct tls_secret secret; /* of the first epoch whose key was not derived yet */
    int64_t first;            /* the first epoch that ever had a key here */
    int64_t (*hour)(void);    /* the clock: hours since boot, sleep included, never set back */
    struct ticket_key ring[TICKET_EPOCHS]; /* the key of an epoch lies at epoch % TICKET_EPOCHS */
};

int64_t ticket_hour(void);
void ticket_keys_init(struct ticket_keys *keys, const struct tls_secret *secret);
/* Wipes all of it. */
void ticket_keys_clear(struct ticket_keys *keys);

/* The key to seal new tickets with; NULL if none could be derived. */
const struct ticket_key *ticket_key_current(struct ticket_keys *keys);
/* The key of that name if it is still accepted, else NULL; *newest: it is the current one. */
const struct ticket_key *ticket_key_named(struct ticket_keys *keys, const unsigned char name[16],
                                          bool *newest);

/* What is to become of a ticket, in OpenSSL's numbers. RENEW: it is good, and another is given. */
enum { TICKET_ERROR = -1, TICKET_UNKNOWN = 0, TICKET_GOOD = 1, TICKET_RENEW = 2 };

/* What OpenSSL asks for each ticket it seals or opens: SSL_CTX_set_tlsext_ticket_key_evp_cb's
 * contract, with the keys given. */
int ticket_use(struct ticket_keys *keys, unsigned char *name, unsigned char *iv,
               EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, bool seal);

#endif
