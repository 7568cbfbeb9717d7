#include "hub/database.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 10000, SCHEMA = 1 };

/* One script a schema version: a file of version n runs those from n on. Only ever add. */
static const char *const migrations[SCHEMA] = {
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, admin INTEGER NOT NULL,"
    "  created_ms INTEGER NOT NULL, last_activity_ms INTEGER NOT NULL);"
    "CREATE TABLE servers (user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,"
    "  name TEXT NOT NULL, state TEXT, url TEXT, options TEXT, started_ms INTEGER NOT NULL,"
    "  last_activity_ms INTEGER NOT NULL, PRIMARY KEY (user_id, name)) WITHOUT ROWID;"
    "CREATE TABLE tokens (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, kind INTEGER NOT NULL,"
    "  user_id INTEGER REFERENCES users ON DELETE CASCADE, service TEXT, scopes TEXT NOT NULL,"
    "  note TEXT, client_id TEXT, session TEXT, created_ms INTEGER NOT NULL,"
    "  expires_ms INTEGER NOT NULL, last_activity_ms INTEGER NOT NULL);"
    "CREATE INDEX tokens_user ON tokens (user_id);"
    "CREATE TABLE sessions (hash BLOB PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users"
    "  ON DELETE CASCADE, id TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT "
    "NULL)"
    "  WITHOUT ROWID;"
    "CREATE INDEX sessions_user ON sessions (user_id);"
    "CREATE TABLE groups (name TEXT PRIMARY KEY, properties TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE members (group_name TEXT NOT NULL REFERENCES groups ON DELETE CASCADE,"
    "  user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,"
    "  PRIMARY KEY (group_name, user_id)) WITHOUT ROWID;"
    "CREATE INDEX members_user ON members (user_id);",
};

bool database_error(sqlite3 *db, const char *path, struct error *error)
{
    return error_set(error, "%s: %s", path, db ? sqlite3_errmsg(db) : "no memory");
}

static bool run_sql(sqlite3 *db, const char *sql, const char *path, struct error *error)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || database_error(db, path, error);
}

static bool schema_version(sqlite3 *db, int *version, const char *path, struct error *error)
{
    sqlite3_stmt *statement = NULL;
    bool ok = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &statement, NULL) == SQLITE_OK &&
              sqlite3_step(statement) == SQLITE_ROW;
    if (ok)
        *version = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return ok || database_error(db, path, error);
}

static bool migrate(sqlite3 *db, const char *path, struct error *error)
{
    int version = 0;
    if (!schema_version(db, &version, path, error))
        return false;
    if (version > SCHEMA)
        return error_set(error,
                         "%s: made by a newer hubgate-hub (schema %d, this one knows %d): run that "
                         "one, or restore a backup",
                         path, version, SCHEMA);
    for (; version < SCHEMA; version++) {
        char mark[64];
        snprintf(mark, sizeof mark, "PRAGMA user_version = %d; COMMIT", version + 1);
        if (!run_sql(db, "BEGIN IMMEDIATE", path, error) ||
            !run_sql(db, migrations[version], path, error) || !run_sql(db, mark, path, error))
            return false;
    }
    return true;
}

/* SQLite would make the file by the umask alone. */
static bool make_private(const char *path, struct error *error)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600) != 0) {
        error_set(error, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    close(fd);
    return true;
}

struct sqlite3 *database_open(const char *path, struct error *error)
{
    sqlite3 *db = NULL;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    bool ok = make_private(path, error) && (sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK ||
                                            database_error(db, path, error));
    if (ok) {
        sqlite3_busy_timeout(db, BUSY_MS);
        ok = run_sql(db,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = "
                     "ON; PRAGMA cache_size = -2048; PRAGMA trusted_schema = OFF",
                     path, error) &&
             migrate(db, path, error);
    }
    if (ok)
        return db;
    sqlite3_close(db);
    return NULL;
}

/* A copy, to what SQLite calls `to`, that is open until the caller closes it; NULL: *error. */
static sqlite3 *copy_of(const char *path, const char *to, struct error *error)
{
    sqlite3 *from = NULL, *copy = NULL;
    bool ok = sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK ||
              database_error(from, path, error);
    if (ok)
        ok = sqlite3_open_v2(to, &copy, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK ||
             database_error(copy, to, error);
    if (ok) {
        sqlite3_busy_timeout(from, BUSY_MS);
        sqlite3_backup *backup = sqlite3_backup_init(copy, "main", from, "main");
        /* all pages in one step: what is copied is one moment's state */
        if (backup)
            sqlite3_backup_step(backup, -1);
        if (backup)
            sqlite3_backup_finish(backup);
        ok = sqlite3_errcode(copy) == SQLITE_OK || database_error(copy, to, error);
    }
    sqlite3_close(from);
    if (ok)
        return copy;
    sqlite3_close(copy);
    return NULL;
}

bool database_backup(const char *path, const char *to, struct error *error)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(error, "%s: %s%s", to, strerror(errno),
                         errno == EEXIST ? "; name a new file" : "");
    close(fd);
    sqlite3 *copy = copy_of(path, to, error);
    if (!copy)
        unlink(to);
    sqlite3_close(copy);
    return copy != NULL;
}

bool database_print(const char *path, FILE *to, struct error *error)
{
    sqlite3_int64 n = 0;
    sqlite3 *copy = copy_of(path, ":memory:", error);
    if (!copy)
        return false;
    unsigned char *bytes = sqlite3_serialize(copy, "main", &n, 0);
    bool ok = bytes || error_set(error, "%s: there is no memory for a copy", path);
    if (ok)
        ok = (fwrite(bytes, 1, (size_t)n, to) == (size_t)n && fflush(to) == 0) ||
             error_set(error, "the copy cannot be written: %s", strerror(errno));
    sqlite3_free(bytes);
    sqlite3_close(copy);
    return ok;
}
