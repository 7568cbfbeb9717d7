/* Names of Kubernetes objects and values of labels, made from names of users and servers: the
 * "safe" scheme of KubeSpawner 7 (spawner contract 3), byte for byte, so that the volumes of a hub
 * that is replaced are found again, and the escaping of those before it. */
#ifndef KUBE_SLUG_H
#define KUBE_SLUG_H

#include "base/text.h"

/* Characters: of a slug within a template, of a label's value that had to be made, of a label's
 * value or an object's name at most; room for each. */
enum { SLUG_MAX = 48, SLUG_LABEL_MAX = 32, SLUG_NAME_MAX = 63, SLUG_ROOM = SLUG_NAME_MAX + 1 };

/* The name itself where it is a good name for an object (RFC 1035 2.3.1) without "--" and at most
 * SLUG_MAX long; else what is left of it and eight digits of its hash. The name is UTF-8. */
void slug_of(struct span name, char out[static SLUG_ROOM]);
/* For a label's value, which may also have upper case, '.' and '_', or be empty. */
void slug_label(struct span name, char out[static SLUG_ROOM]);
/* {user_server}: the user's slug for the default server (server.n == 0), "user--server" for
 * another, or what is left of both with one hash where that is too long. */
void slug_user_server(struct span user, struct span server, char out[static SLUG_ROOM]);
/* The scheme before: all but lower-case letters and digits as -xx. Not bounded, not safe. */
void slug_escaped(struct span name, struct text *out);

#endif
