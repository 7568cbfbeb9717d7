/* The hub's REST API (hub contract C), and the one door to libcurl. Calls block; while one does,
 * what has been going on for two seconds is said by the note. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "base/text.h"

#include <jansson.h>

struct access;
struct flags;
struct note;

/* What the hub answered. Zeroed is empty. */
struct answer {
    long status;
    struct text body;
    json_t *json;       /* the body, NULL: it is none */
    bool from_hub;      /* it carries X-JupyterHub-Version, as all of a hub's answers do */
    char version[64];   /* its value */
    long retry_after_s; /* 0: not said */
};

void answer_release(struct answer *answer);

struct client;

/* The access, flags and note outlive it. False only when libcurl itself fails. */
struct client *client_new(const struct access *access, const struct flags *flags, struct note *note,
                          struct error *error);
void client_free(struct client *client);
const struct access *client_access(const struct client *client);

/* Path is what follows the API's URL, escaped already: "/users/ada". body NULL: none. False: the
 * hub was not reached, or its answer broke off; *error says so. Any status is true. */
bool client_call(struct client *client, const char *method, const char *path, const json_t *body,
                 struct answer *answer, struct error *error) MUST_CHECK;

/* GET whose body comes in pieces, without end of time. A sink that returns false has had enough,
 * which is no error. Where the status is not 200 the answer has the body, and the sink has nothing.
 */
typedef bool client_sink(void *arg, struct span bytes);
bool client_stream(struct client *client, const char *path, const char *accept, client_sink *sink,
                   void *arg, struct answer *answer, struct error *error) MUST_CHECK;

/* A call that goes on beside others: begun, waited for, ended. */
struct call;
struct call *client_begin(struct client *client, const char *method, const char *path,
                          const json_t *body) MUST_CHECK;
/* Whether it is over within so long. */
bool client_wait(struct client *client, struct call *call, int64_t ms);
/* Waits for its end and frees it; as client_call from there on. */
bool client_end(struct client *client, struct call *call, struct answer *answer,
                struct error *error) MUST_CHECK;

#endif
