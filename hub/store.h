/* The hub's memory on disk: SQLite (WAL, synchronous=FULL), written by a thread of its own, many
 * writes a transaction. The hub's tables in memory are the truth while it runs; rows go here as
 * they change, and an answer that a user would miss waits with store_when_durable until its rows
 * are on disk. So kill -9 loses nothing that was acknowledged, and no fsync stops the loop. */
#ifndef HUB_STORE_H
#define HUB_STORE_H

#include "base/loop.h"
#include "tls/digest.h"

/* Times are milliseconds since 1970, 0: never. Texts that may be NULL say so. */
struct user_row {
    uint64_t id;
    const char *name;
    bool admin;
    int64_t created_ms, last_activity_ms;
};

struct server_row {
    uint64_t user_id;
    const char *name;    /* "": the default one */
    const char *state;   /* what the driver knows it by, JSON; NULL: it never ran */
    const char *url;     /* where it listens; NULL */
    const char *options; /* user_options, JSON; NULL */
    int64_t started_ms, last_activity_ms;
};

struct token_row {
    uint64_t id;
    unsigned char hash[DIGEST_BYTES];
    unsigned kind;         /* enum token_kind */
    uint64_t user_id;      /* 0: a service's */
    const char *service;   /* NULL: a user's */
    const char *scopes;    /* separated by blanks */
    const char *note;      /* NULL */
    const char *client_id; /* of the OAuth client it is for; NULL */
    const char *session;   /* the browser session it ends with; NULL */
    int64_t created_ms, expires_ms, last_activity_ms;
};

struct session_row {
    unsigned char hash[DIGEST_BYTES];
    uint64_t user_id;
    const char *id; /* the jupyterhub-session-id */
    int64_t created_ms, expires_ms;
};

struct group_row {
    const char *name;
    const char *properties; /* a JSON object */
};

struct member_row {
    const char *group;
    uint64_t user_id;
};

struct store;

/* Opens or makes the file (0600) and brings its schema up to date; blocks, for start-up. A file of
 * a newer hub is refused. */
struct store *store_open(const char *path, struct error *error) MUST_CHECK;

/* Every row, users first; the texts live during the call. Blocks, for start-up. */
struct store_reader {
    void (*user)(void *arg, const struct user_row *row);
    void (*server)(void *arg, const struct server_row *row);
    void (*token)(void *arg, const struct token_row *row);
    void (*session)(void *arg, const struct session_row *row);
    void (*group)(void *arg, const struct group_row *row);
    void (*member)(void *arg, const struct member_row *row);
};
bool store_read(struct store *store, const struct store_reader *reader, void *arg,
                struct error *error) MUST_CHECK;

/* From here on rows are written by the thread; what is waited for is told on this loop. */
void store_start(struct store *store, struct loop *loop);
/* Writes all that waits, then closes. store: NULL is allowed. */
void store_close(struct store *store);

/* Each copies the row and returns at once; the order is kept. put: new or changed. */
void store_put_user(struct store *store, const struct user_row *row);
void store_drop_user(struct store *store, uint64_t id); /* with its servers, tokens, sessions … */
void store_put_server(struct store *store, const struct server_row *row);
void store_drop_server(struct store *store, uint64_t user_id, const char *name);
void store_put_token(struct store *store, const struct token_row *row);
void store_drop_token(struct store *store, uint64_t id);
void store_put_session(struct store *store, const struct session_row *row);
void store_drop_session(struct store *store, const unsigned char hash[static DIGEST_BYTES]);
void store_put_group(struct store *store, const struct group_row *row);
void store_drop_group(struct store *store, const char *name); /* with its members */
void store_put_member(struct store *store, const struct member_row *row);
void store_drop_member(struct store *store, const struct member_row *row);

/* Told on the loop, in a later turn, once every row put or dropped before is on disk. Embedded in
 * its owner, which lives until then. Where the disk fails the thread tries again until it works,
 * saying so in the log: whoever waits is answered by its own deadline. */
struct durable {
    struct durable *next;
    void (*done)(struct durable *durable);
};
void store_when_durable(struct store *store, struct durable *durable);

#endif
