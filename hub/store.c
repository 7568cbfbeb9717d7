#include "hub/store.h"

#include "base/log.h"
#include "base/mailbox.h"
#include "hub/database.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COLUMNS_MAX = 12, RETRY_S = 1 };

enum statement {
    PUT_USER,
    DROP_USER,
    PUT_SERVER,
    DROP_SERVER,
    PUT_TOKEN,
    DROP_TOKEN,
    PUT_SESSION,
    DROP_SESSION,
    PUT_GROUP,
    DROP_GROUP,
    PUT_MEMBER,
    DROP_MEMBER,
    STATEMENTS
};

static const char *const statements[STATEMENTS] = {
    [PUT_USER] = "INSERT INTO users VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET"
                 " name = ?2, admin = ?3, created_ms = ?4, last_activity_ms = ?5",
    [DROP_USER] = "DELETE FROM users WHERE id = ?1",
    [PUT_SERVER] = "INSERT INTO servers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                   " ON CONFLICT (user_id, name) DO UPDATE SET state = ?3, url = ?4, options = ?5,"
                   " started_ms = ?6, last_activity_ms = ?7",
    [DROP_SERVER] = "DELETE FROM servers WHERE user_id = ?1 AND name = ?2",
    [PUT_TOKEN] = "INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
                  " ON CONFLICT (id) DO UPDATE SET scopes = ?6, note = ?7, expires_ms = ?11,"
                  " last_activity_ms = ?12",
    [DROP_TOKEN] = "DELETE FROM tokens WHERE id = ?1",
    [PUT_SESSION] = "INSERT OR REPLACE INTO sessions VALUES (?1, ?2, ?3, ?4, ?5)",
    [DROP_SESSION] = "DELETE FROM sessions WHERE hash = ?1",
    [PUT_GROUP] = "INSERT INTO groups VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET"
                  " properties = ?2",
    [DROP_GROUP] = "DELETE FROM groups WHERE name = ?1",
    [PUT_MEMBER] = "INSERT OR IGNORE INTO members VALUES (?1, ?2)",
    [DROP_MEMBER] = "DELETE FROM members WHERE group_name = ?1 AND user_id = ?2",
};

struct column {
    enum { COLUMN_NULL, COLUMN_NUMBER, COLUMN_TEXT, COLUMN_BLOB } type;
    int64_t number;
    char *bytes;
    size_t n;
};

/* One row on its way to the thread, or (durable set) somebody who waits for those before. */
struct write {
    struct write *next;
    struct durable *durable;
    enum statement statement;
    size_t columns_n;
    struct column columns[COLUMNS_MAX];
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *prepared[STATEMENTS]; /* the thread's */
    struct mailbox *mailbox;
    pthread_t thread;
    bool running, failing; /* failing: the thread's */
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct write *first, **last; /* under the mutex */
    bool stopping;
};

/* --- opening --- */

static bool prepare_all(struct store *store, const char *path, struct error *error)
{
    for (unsigned i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(store->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &store->prepared[i], NULL) != SQLITE_OK)
            return database_error(store->db, path, error);
    return true;
}

struct store *store_open(const char *path, struct error *error)
{
    struct store *store = must_alloc(sizeof *store);
    store->last = &store->first;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->filled, NULL);
    store->db = database_open(path, error);
    if (store->db && prepare_all(store, path, error))
        return store;
    store_close(store);
    return NULL;
}

/* --- reading --- */

typedef void read_row(sqlite3_stmt *row, const struct store_reader *reader, void *arg);

static const char *text_at(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

static void hash_at(sqlite3_stmt *row, int column, unsigned char hash[static DIGEST_BYTES])
{
    memset(hash, 0, DIGEST_BYTES);
    if (sqlite3_column_bytes(row, column) == DIGEST_BYTES)
        memcpy(hash, sqlite3_column_blob(row, column), DIGEST_BYTES);
}

static void read_user(sqlite3_stmt *row, const struct store_reader *reader, void *arg)
{
    reader->user(arg, &(struct user_row){.id = (uint64_t)sqlite3_column_int64(row, 0),
                                         .name = text_at(row, 1),
                                         .admin = sqlite3_column_int(row, 2) != 0,
                                         .created_ms = sqlite3_column_int64(row, 3),
                                         .last_activity_ms = sqlite3_column_int64(row, 4)});
}

static void read_server(sqlite3_stmt *row, const struct store_reader *reader, void *arg)
{
    reader->server(arg, &(struct server_row){.user_id = (uint64_t)sqlite3_column_int64(row, 0),
                                             .name = text_at(row, 1),
                                             .state = text_at(row, 2),
                                             .url = text_at(row, 3),
                                             .options = text_at(row, 4),
                                             .started_ms = sqlite3_column_int64(row, 5),
                                             .last_activity_ms = sqlite3_column_int64(row, 6)});
}

static void read_token(sqlite3_stmt *row, const struct store_reader *reader, void *arg)
{
    struct token_row token = {.id = (uint64_t)sqlite3_column_int64(row, 0),
                              .kind = (unsigned)sqlite3_column_int(row, 2),
                              .user_id = (uint64_t)sqlite3_column_int64(row, 3),
                              .service = text_at(row, 4),
                              .scopes = text_at(row, 5),
                              .note = text_at(row, 6),
                              .client_id = text_at(row, 7),
                              .session = text_at(row, 8),
                              .created_ms = sqlite3_column_int64(row, 9),
                              .expires_ms = sqlite3_column_int64(row, 10),
                              .last_activity_ms = sqlite3_column_int64(row, 11)};
    hash_at(row, 1, token.hash);
    reader->token(arg, &token);
}

static void read_session(sqlite3_stmt *row, const struct store_reader *reader, void *arg)
{
    struct session_row session = {.user_id = (uint64_t)sqlite3_column_int64(row, 1),
                                  .id = text_at(row, 2),
                                  .created_ms = sqlite3_column_int64(row, 3),
                                  .expires_ms = sqlite3_column_int64(row, 4)};
    hash_at(row, 0, session.hash);
    reader->session(arg, &session);
}

static void read_group(sqlite3_stmt *row, const struct store_reader *reader, void *arg)
{
    reader->group(arg, &(struct group_row){.name = text_at(row, 0), .properties = text_at(row, 1)});
}

static void read_member(sqlite3_stmt *row, const struct store_reader *reader, void *arg)
{
    reader->member(arg, &(struct member_row){.group = text_at(row, 0),
                                             .user_id = (uint64_t)sqlite3_column_int64(row, 1)});
}

bool store_read(struct store *store, const struct store_reader *reader, void *arg,
                struct error *error)
{
    static const struct {
        const char *sql;
        read_row *read;
    } tables[] = {
        {"SELECT * FROM users ORDER BY id", read_user},   {"SELECT * FROM groups", read_group},
        {"SELECT * FROM members", read_member},           {"SELECT * FROM servers", read_server},
        {"SELECT * FROM tokens ORDER BY id", read_token}, {"SELECT * FROM sessions", read_session},
    };
    for (size_t i = 0; i < COUNT(tables); i++) {
        sqlite3_stmt *rows = NULL;
        int status = sqlite3_prepare_v2(store->db, tables[i].sql, -1, &rows, NULL);
        while (status == SQLITE_OK && (status = sqlite3_step(rows)) == SQLITE_ROW) {
            tables[i].read(rows, reader, arg);
            status = SQLITE_OK;
        }
        sqlite3_finalize(rows);
        if (status != SQLITE_DONE)
            return database_error(store->db, tables[i].sql, error);
    }
    return true;
}

/* --- the thread --- */

static void write_free(struct write *write)
{
    for (size_t i = 0; i < write->columns_n; i++)
        free(write->columns[i].bytes);
    free(write);
}

static bool write_row(struct store *store, const struct write *write)
{
    sqlite3_stmt *statement = store->prepared[write->statement];
    for (size_t i = 0; i < write->columns_n; i++) {
        const struct column *column = &write->columns[i];
        int at = (int)i + 1;
        if (column->type == COLUMN_NUMBER)
            sqlite3_bind_int64(statement, at, column->number);
        else if (column->type == COLUMN_TEXT)
            sqlite3_bind_text(statement, at, column->bytes, (int)column->n, SQLITE_STATIC);
        else if (column->type == COLUMN_BLOB)
            sqlite3_bind_blob(statement, at, column->bytes, (int)column->n, SQLITE_STATIC);
        else
            sqlite3_bind_null(statement, at);
    }
    int status = sqlite3_step(statement);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    /* A row that belongs to a user who was deleted meanwhile is nothing to keep. */
    return status == SQLITE_DONE ||
           sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_FOREIGNKEY;
}

/* The thread's: what went wrong, once until it went well again. SQLite may have rolled back by
 * itself. */
static void say_failure(struct store *store)
{
    struct error why;
    database_error(store->db, "", &why);
    if (!store->failing)
        log_line(LOG_ERROR, "The state cannot be written%s; trying again every second", why.text);
    store->failing = true;
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

static bool write_all(struct store *store, const struct write *writes)
{
    bool ok = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK;
    for (const struct write *write = writes; ok && write; write = write->next)
        ok = write->durable || write_row(store, write);
    ok = ok && sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
    if (!ok)
        say_failure(store);
    else if (store->failing)
        log_line(LOG_INFO, "The state is written again");
    store->failing = store->failing && !ok;
    return ok;
}

/* A letter to somebody who waited. */
struct told {
    struct letter letter;
    struct durable *durable;
};

static void on_told(struct letter *letter)
{
    struct told *told = CONTAINER(letter, struct told, letter);
    struct durable *durable = told->durable;
    free(told);
    durable->done(durable);
}

static void tell_and_free(struct store *store, struct write *writes)
{
    for (struct write *next; writes; writes = next) {
        next = writes->next;
        if (writes->durable) {
            struct told *told = must_alloc(sizeof *told);
            *told = (struct told){.letter.open = on_told, .durable = writes->durable};
            mailbox_post(store->mailbox, &told->letter);
        }
        write_free(writes);
    }
}

/* All that waits; NULL: the store is being closed and nothing does. */
static struct write *take_all(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    while (!store->first && !store->stopping)
        pthread_cond_wait(&store->filled, &store->mutex);
    struct write *all = store->first;
    store->first = NULL;
    store->last = &store->first;
    pthread_mutex_unlock(&store->mutex);
    return all;
}

static bool only_waits(const struct write *writes)
{
    while (writes && writes->durable)
        writes = writes->next;
    return !writes;
}

static bool is_stopping(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool stopping = store->stopping;
    pthread_mutex_unlock(&store->mutex);
    return stopping;
}

static void *keep_writing(void *arg)
{
    struct store *store = arg;
    for (struct write *all; (all = take_all(store));) {
        while (!only_waits(all) && !write_all(store, all) && !is_stopping(store))
            nanosleep(&(struct timespec){.tv_sec = RETRY_S}, NULL);
        tell_and_free(store, all);
    }
    log_leave();
    return NULL;
}

void store_start(struct store *store, struct loop *loop)
{
    store->mailbox = mailbox_new(loop);
    store->running = pthread_create(&store->thread, NULL, keep_writing, store) == 0;
    if (!store->running)
        abort(); /* at start-up: without threads there is no hub */
}

void store_close(struct store *store)
{
    if (!store)
        return;
    if (store->running) {
        pthread_mutex_lock(&store->mutex);
        store->stopping = true;
        pthread_cond_signal(&store->filled);
        pthread_mutex_unlock(&store->mutex);
        pthread_join(store->thread, NULL);
        mailbox_free(store->mailbox);
    }
    for (unsigned i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(store->prepared[i]);
    sqlite3_close(store->db);
    pthread_cond_destroy(&store->filled);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

/* --- writing --- */

static struct write *write_new(enum statement statement)
{
    struct write *write = must_alloc(sizeof *write);
    write->statement = statement;
    return write;
}

static void add_number(struct write *write, int64_t number)
{
    write->columns[write->columns_n++] = (struct column){.type = COLUMN_NUMBER, .number = number};
}

static void add_text(struct write *write, const char *text)
{
    struct column *column = &write->columns[write->columns_n++];
    if (text)
        *column = (struct column){.type = COLUMN_TEXT, .bytes = must_copy(text), .n = strlen(text)};
}

static void add_hash(struct write *write, const unsigned char *hash)
{
    write->columns[write->columns_n++] =
        (struct column){.type = COLUMN_BLOB,
                        .bytes = must_copy_span((struct span){(const char *)hash, DIGEST_BYTES}),
                        .n = DIGEST_BYTES};
}

static void send(struct store *store, struct write *write)
{
    pthread_mutex_lock(&store->mutex);
    *store->last = write;
    store->last = &write->next;
    pthread_cond_signal(&store->filled);
    pthread_mutex_unlock(&store->mutex);
}

void store_put_user(struct store *store, const struct user_row *row)
{
    struct write *write = write_new(PUT_USER);
    add_number(write, (int64_t)row->id);
    add_text(write, row->name);
    add_number(write, row->admin);
    add_number(write, row->created_ms);
    add_number(write, row->last_activity_ms);
    send(store, write);
}

void store_drop_user(struct store *store, uint64_t id)
{
    struct write *write = write_new(DROP_USER);
    add_number(write, (int64_t)id);
    send(store, write);
}

void store_put_server(struct store *store, const struct server_row *row)
{
    struct write *write = write_new(PUT_SERVER);
    add_number(write, (int64_t)row->user_id);
    add_text(write, row->name);
    add_text(write, row->state);
    add_text(write, row->url);
    add_text(write, row->options);
    add_number(write, row->started_ms);
    add_number(write, row->last_activity_ms);
    send(store, write);
}

void store_drop_server(struct store *store, uint64_t user_id, const char *name)
{
    struct write *write = write_new(DROP_SERVER);
    add_number(write, (int64_t)user_id);
    add_text(write, name);
    send(store, write);
}

void store_put_token(struct store *store, const struct token_row *row)
{
    struct write *write = write_new(PUT_TOKEN);
    add_number(write, (int64_t)row->id);
    add_hash(write, row->hash);
    add_number(write, row->kind);
    if (row->user_id)
        add_number(write, (int64_t)row->user_id);
    else
        write->columns_n++;
    add_text(write, row->service);
    add_text(write, row->scopes);
    add_text(write, row->note);
    add_text(write, row->client_id);
    add_text(write, row->session);
    add_number(write, row->created_ms);
    add_number(write, row->expires_ms);
    add_number(write, row->last_activity_ms);
    send(store, write);
}

void store_drop_token(struct store *store, uint64_t id)
{
    struct write *write = write_new(DROP_TOKEN);
    add_number(write, (int64_t)id);
    send(store, write);
}

void store_put_session(struct store *store, const struct session_row *row)
{
    struct write *write = write_new(PUT_SESSION);
    add_hash(write, row->hash);
    add_number(write, (int64_t)row->user_id);
    add_text(write, row->id);
    add_number(write, row->created_ms);
    add_number(write, row->expires_ms);
    send(store, write);
}

void store_drop_session(struct store *store, const unsigned char hash[static DIGEST_BYTES])
{
    struct write *write = write_new(DROP_SESSION);
    add_hash(write, hash);
    send(store, write);
}

void store_put_group(struct store *store, const struct group_row *row)
{
    struct write *write = write_new(PUT_GROUP);
    add_text(write, row->name);
    add_text(write, row->properties);
    send(store, write);
}

void store_drop_group(struct store *store, const char *name)
{
    struct write *write = write_new(DROP_GROUP);
    add_text(write, name);
    send(store, write);
}

static void send_member(struct store *store, enum statement statement, const struct member_row *row)
{
    struct write *write = write_new(statement);
    add_text(write, row->group);
    add_number(write, (int64_t)row->user_id);
    send(store, write);
}

void store_put_member(struct store *store, const struct member_row *row)
{
    send_member(store, PUT_MEMBER, row);
}

void store_drop_member(struct store *store, const struct member_row *row)
{
    send_member(store, DROP_MEMBER, row);
}

void store_when_durable(struct store *store, struct durable *durable)
{
    struct write *write = must_alloc(sizeof *write);
    write->durable = durable;
    send(store, write);
}
