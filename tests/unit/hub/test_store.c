#include "hub/database.h"
#include "hub/store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char directory[64], path[128];
};

static int make_place(void **state)
{
    struct place *place = must_alloc(sizeof *place);
    snprintf(place->directory, sizeof place->directory, "/tmp/hubgate-store-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof place->path, "%s/hub.sqlite", place->directory);
    *state = place;
    return 0;
}

static int drop_place(void **state)
{
    static const char *const names[] = {"hub.sqlite", "hub.sqlite-wal", "hub.sqlite-shm", "copy"};
    struct place *place = *state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[192];
        snprintf(path, sizeof path, "%s/%s", place->directory, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

static struct store *open_store(const char *path)
{
    struct error error;
    struct store *store = store_open(path, &error);
    assert_non_null(store);
    return store;
}

/* --- what is in it --- */

struct seen {
    unsigned users, servers, tokens, sessions, groups, members;
    char text[256];
};

static void on_user(void *arg, const struct user_row *row)
{
    struct seen *seen = arg;
    seen->users++;
    snprintf(seen->text, sizeof seen->text, "%s %d %lld", row->name, row->admin,
             (long long)row->last_activity_ms);
}

static void on_server(void *arg, const struct server_row *row)
{
    struct seen *seen = arg;
    seen->servers++;
    assert_string_equal(row->state ? row->state : "{}", "{}");
}

static void on_token(void *arg, const struct token_row *row)
{
    struct seen *seen = arg;
    seen->tokens++;
    assert_int_equal(row->hash[0], 7);
    assert_null(row->note);
}

static void on_session(void *arg, const struct session_row *row)
{
    struct seen *seen = arg;
    seen->sessions++;
    assert_string_equal(row->id, "id");
}

static void on_group(void *arg, const struct group_row *row)
{
    struct seen *seen = arg;
    seen->groups++;
    assert_string_equal(row->properties, "{\"a\":1}");
}

static void on_member(void *arg, const struct member_row *row)
{
    struct seen *seen = arg;
    seen->members++;
    assert_string_equal(row->group, "class");
}

static struct seen see(const char *path)
{
    static const struct store_reader reader = {.user = on_user,
                                               .server = on_server,
                                               .token = on_token,
                                               .session = on_session,
                                               .group = on_group,
                                               .member = on_member};
    struct seen seen = {0};
    struct error error;
    struct store *store = open_store(path);
    assert_true(store_read(store, &reader, &seen, &error));
    store_close(store);
    return seen;
}

static void put_one_of_each(struct store *store)
{
    store_put_user(store, &(struct user_row){.id = 1, .name = "ada", .created_ms = 5});
    store_put_user(
        store, &(struct user_row){.id = 1, .name = "ada", .admin = true, .last_activity_ms = 9});
    store_put_server(store, &(struct server_row){.user_id = 1, .name = "", .state = "{}"});
    store_put_token(store,
                    &(struct token_row){.id = 3, .hash = {7}, .user_id = 1, .scopes = "servers"});
    store_put_session(store, &(struct session_row){.hash = {8}, .user_id = 1, .id = "id"});
    store_put_group(store, &(struct group_row){.name = "class", .properties = "{\"a\":1}"});
    store_put_member(store, &(struct member_row){.group = "class", .user_id = 1});
}

static void rows_come_back(void **state)
{
    struct place *place = *state;
    struct loop *loop = loop_new();
    struct store *store = open_store(place->path);
    store_start(store, loop);
    put_one_of_each(store);
    store_close(store);
    loop_free(loop);
    struct seen seen = see(place->path);
    assert_int_equal(seen.users, 1);
    assert_string_equal(seen.text, "ada 1 9");
    assert_int_equal(seen.servers, 1);
    assert_int_equal(seen.tokens, 1);
    assert_int_equal(seen.sessions, 1);
    assert_int_equal(seen.groups, 1);
    assert_int_equal(seen.members, 1);
}

static void all_of_a_user_goes_with_it(void **state)
{
    struct place *place = *state;
    struct loop *loop = loop_new();
    struct store *store = open_store(place->path);
    store_start(store, loop);
    put_one_of_each(store);
    store_drop_user(store, 1);
    /* what was on its way for the user who is gone is nothing to stumble over */
    store_put_server(store, &(struct server_row){.user_id = 1, .name = "late"});
    store_put_user(store, &(struct user_row){.id = 2, .name = "eve"});
    store_close(store);
    loop_free(loop);
    struct seen seen = see(place->path);
    assert_int_equal(seen.users, 1);
    assert_string_equal(seen.text, "eve 0 0");
    assert_int_equal(seen.servers + seen.tokens + seen.sessions + seen.members, 0);
    assert_int_equal(seen.groups, 1);
}

/* --- durability --- */

struct acknowledged {
    struct durable durable;
    struct loop *loop;
    int pipe;
    char letter;
};

static void on_durable(struct durable *durable)
{
    struct acknowledged *one = CONTAINER(durable, struct acknowledged, durable);
    if (write(one->pipe, &one->letter, 1) != 1)
        abort();
    loop_stop(one->loop);
}

/* In a process of its own, until it is killed. */
static void write_for_ever(const char *path, int pipe)
{
    struct loop *loop = loop_new();
    struct store *store = open_store(path);
    store_start(store, loop);
    for (uint64_t id = 1;; id++) {
        char name[32];
        struct acknowledged one = {
            .durable.done = on_durable, .loop = loop, .pipe = pipe, .letter = 'k'};
        snprintf(name, sizeof name, "user-%llu", (unsigned long long)id);
        store_put_user(store, &(struct user_row){.id = id, .name = name});
        store_when_durable(store, &one.durable);
        loop_run(loop);
    }
}

static void what_was_acknowledged_outlives_a_kill(void **state)
{
    struct place *place = *state;
    int ends[2];
    char letters[64];
    size_t acknowledged = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        write_for_ever(place->path, ends[1]);
    }
    close(ends[1]);
    while (acknowledged < 50) {
        ssize_t n = read(ends[0], letters, sizeof letters);
        assert_true(n > 0);
        acknowledged += (size_t)n;
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    for (ssize_t n; (n = read(ends[0], letters, sizeof letters)) > 0;)
        acknowledged += (size_t)n;
    close(ends[0]);
    assert_true(see(place->path).users >= acknowledged);
}

/* --- the file --- */

static void the_file_is_private(void **state)
{
    struct place *place = *state;
    struct stat stat_of;
    umask(0);
    store_close(open_store(place->path));
    assert_int_equal(stat(place->path, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
}

static void a_newer_file_is_refused(void **state)
{
    struct place *place = *state;
    struct error error;
    char command[256];
    store_close(open_store(place->path));
    FILE *file = fopen(place->path, "r+");
    assert_non_null(file);
    fseek(file, 60, SEEK_SET); /* user_version, big-endian (the file format's header) */
    fwrite("\0\0\0\x63", 1, 4, file);
    fclose(file);
    snprintf(command, sizeof command, "schema 99");
    assert_null(store_open(place->path, &error));
    assert_non_null(strstr(error.text, command));
}

static void a_broken_file_is_told_by_name(void **state)
{
    struct place *place = *state;
    struct error error;
    FILE *file = fopen(place->path, "w");
    assert_non_null(file);
    for (int i = 0; i < 200; i++)
        fputs("this is not a data base\n", file);
    fclose(file);
    assert_null(store_open(place->path, &error));
    assert_non_null(strstr(error.text, place->path));
}

static void a_backup_may_be_a_stream(void **state)
{
    struct place *place = *state;
    struct error error;
    char copy[192];
    struct loop *loop = loop_new();
    struct store *store = open_store(place->path);
    store_start(store, loop);
    put_one_of_each(store);
    store_close(store);
    loop_free(loop);
    snprintf(copy, sizeof copy, "%s/copy", place->directory);
    FILE *file = fopen(copy, "w");
    assert_non_null(file);
    assert_true(database_print(place->path, file, &error));
    fclose(file);
    assert_true(see(copy).users >= 1);
    file = fopen("/dev/full", "w");
    assert_non_null(file);
    assert_false(database_print(place->path, file, &error));
    assert_non_null(strstr(error.text, "cannot be written"));
    fclose(file);
}

static void a_backup_is_taken_while_rows_are_written(void **state)
{
    struct place *place = *state;
    struct error error;
    struct stat stat_of;
    char copy[192];
    struct loop *loop = loop_new();
    struct store *store = open_store(place->path);
    store_start(store, loop);
    put_one_of_each(store);
    store_close(store);
    store = open_store(place->path);
    store_start(store, loop);
    store_put_user(store, &(struct user_row){.id = 2, .name = "eve"});
    snprintf(copy, sizeof copy, "%s/copy", place->directory);
    assert_true(database_backup(place->path, copy, &error));
    assert_false(database_backup(place->path, copy, &error));
    assert_non_null(strstr(error.text, "name a new file"));
    store_close(store);
    loop_free(loop);
    assert_int_equal(stat(copy, &stat_of), 0);
    assert_int_equal(stat_of.st_mode & 0777, 0600);
    assert_true(see(copy).users >= 1);
}

int main(void)
{
#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, make_place, drop_place)
    const struct CMUnitTest tests[] = {
        WITH_PLACE(rows_come_back),
        WITH_PLACE(all_of_a_user_goes_with_it),
        WITH_PLACE(what_was_acknowledged_outlives_a_kill),
        WITH_PLACE(the_file_is_private),
        WITH_PLACE(a_newer_file_is_refused),
        WITH_PLACE(a_broken_file_is_told_by_name),
        WITH_PLACE(a_backup_is_taken_while_rows_are_written),
        WITH_PLACE(a_backup_may_be_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
