/* Names to addresses, asked on a loop. */
#include "net/resolve.h"

#include "base/str.h"

#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30000 };

struct asker {
    struct loop *loop;
    struct mailbox *mailbox;
    struct resolver *resolver;
    struct deadline deadline;
    unsigned open;
};

static void expire(struct deadline *deadline)
{
    (void)deadline;
    abort(); /* no answer came */
}

static int start(void **state)
{
    struct asker *asker = *state = calloc(1, sizeof *asker);
    asker->loop = loop_new();
    asker->mailbox = mailbox_new(asker->loop);
    asker->resolver = resolver_new();
    asker->deadline.expire = expire;
    deadline_set(asker->loop, &asker->deadline, PATIENCE_MS);
    return 0;
}

static int finish(void **state)
{
    struct asker *asker = *state;
    resolver_stop(asker->resolver);
    mailbox_free(asker->mailbox);
    resolver_free(asker->resolver);
    deadline_clear(&asker->deadline);
    loop_free(asker->loop);
    free(asker);
    return 0;
}

static void take_answer(struct lookup *lookup)
{
    struct asker *asker = lookup->owner;
    if (--asker->open == 0)
        loop_stop(asker->loop);
}

static struct lookup *ask(struct asker *asker, const char *host)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    lookup->port = 8081;
    lookup->reply_to = asker->mailbox;
    lookup->owner = asker;
    lookup->done = take_answer;
    asker->open++;
    resolver_ask(asker->resolver, lookup);
    return lookup;
}

static void localhost_is_loopback(void **state)
{
    struct lookup *lookup = ask(*state, "localhost");
    loop_run(((struct asker *)*state)->loop);
    assert_int_equal(lookup->error, 0);
    assert_true(lookup->n >= 1 && lookup->n <= LOOKUP_ADDRS);
    for (size_t i = 0; i < lookup->n; i++) {
        const struct sockaddr *addr = (struct sockaddr *)&lookup->addrs[i].storage;
        assert_true(addr_is_loopback(addr));
        assert_true(addr->sa_family == AF_INET || addr->sa_family == AF_INET6);
        in_port_t port = addr->sa_family == AF_INET
                             ? ((const struct sockaddr_in *)(const void *)addr)->sin_port
                             : ((const struct sockaddr_in6 *)(const void *)addr)->sin6_port;
        assert_int_equal(ntohs(port), 8081);
    }
    free(lookup);
}

static void an_unknown_name_is_an_error(void **state)
{
    struct lookup *lookup = ask(*state, "no.such.name.invalid");
    loop_run(((struct asker *)*state)->loop);
    assert_int_not_equal(lookup->error, 0);
    assert_int_equal(lookup->n, 0);
    free(lookup);
}

static void many_questions_are_all_answered(void **state)
{
    struct lookup *lookups[40];
    for (size_t i = 0; i < COUNT(lookups); i++)
        lookups[i] = ask(*state, "127.0.0.1");
    loop_run(((struct asker *)*state)->loop);
    for (size_t i = 0; i < COUNT(lookups); i++) {
        assert_int_equal(lookups[i]->error, 0);
        assert_int_equal(lookups[i]->n, 1);
        free(lookups[i]);
    }
}

static size_t threads(void)
{
    size_t n = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *entry; (entry = readdir(tasks)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(tasks);
    return n;
}

static void threads_come_with_the_questions(void **state)
{
    size_t before = threads();
    for (int i = 0; i < 3; i++) { /* one after the other: one thread answers all */
        struct lookup *lookup = ask(*state, "127.0.0.1");
        assert_int_equal(threads(), before + 1);
        loop_run(((struct asker *)*state)->loop);
        free(lookup);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(localhost_is_loopback),
        TEST(an_unknown_name_is_an_error),
        TEST(many_questions_are_all_answered),
        TEST(threads_come_with_the_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
