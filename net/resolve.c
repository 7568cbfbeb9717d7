#include "net/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 8 };

struct resolver {
    pthread_mutex_t mutex;
    pthread_cond_t asked;
    struct lookup *first, **last;
    size_t waiting; /* questions in the list */
    bool stopping;
    pthread_t threads[THREADS]; /* started as questions need them */
    size_t threads_n, idle;
    bool left_behind; /* a thread still uses this */
};

static void resolve(struct lookup *lookup)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", lookup->port);
    lookup->error = getaddrinfo(lookup->host, service, &hints, &found);
    if (lookup->error == EAI_NONAME || lookup->error == EAI_ADDRFAMILY) {
        hints.ai_flags = 0; /* a host whose only interface is loopback */
        lookup->error = getaddrinfo(lookup->host, service, &hints, &found);
    }
    lookup->n = 0;
    if (lookup->error != 0)
        return;
    for (struct addrinfo *at = found; at && lookup->n < LOOKUP_ADDRS; at = at->ai_next) {
        memcpy(&lookup->addrs[lookup->n].storage, at->ai_addr, at->ai_addrlen);
        lookup->addrs[lookup->n++].length = at->ai_addrlen;
    }
    freeaddrinfo(found);
}

static void *resolve_all(void *arg)
{
    struct resolver *resolver = arg;
    pthread_mutex_lock(&resolver->mutex);
    for (;;) {
        resolver->idle++;
        while (!resolver->first && !resolver->stopping)
            pthread_cond_wait(&resolver->asked, &resolver->mutex);
        resolver->idle--;
        if (resolver->stopping)
            break;
        struct lookup *lookup = resolver->first;
        resolver->first = lookup->next;
        resolver->waiting--;
        if (!resolver->first)
            resolver->last = &resolver->first;
        pthread_mutex_unlock(&resolver->mutex);
        resolve(lookup);
        pthread_mutex_lock(&resolver->mutex);
        if (!resolver->stopping) {
            mailbox_post(lookup->reply_to, &lookup->letter);
        } else { /* the mailbox may be gone, and who asked may still look: resolver_free's */
            lookup->next = resolver->first;
            resolver->first = lookup;
        }
    }
    pthread_mutex_unlock(&resolver->mutex);
    return NULL;
}

struct resolver *resolver_new(void)
{
    struct resolver *resolver = must_alloc(sizeof *resolver);
    pthread_mutex_init(&resolver->mutex, NULL);
    pthread_cond_init(&resolver->asked, NULL);
    resolver->last = &resolver->first;
    return resolver;
}

void resolver_stop(struct resolver *resolver)
{
    pthread_mutex_lock(&resolver->mutex);
    resolver->stopping = true;
    pthread_cond_broadcast(&resolver->asked);
    pthread_mutex_unlock(&resolver->mutex);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 1;
    for (size_t i = 0; i < resolver->threads_n; i++) {
        if (pthread_timedjoin_np(resolver->threads[i], NULL, &soon) == 0)
            continue;
        pthread_detach(resolver->threads[i]); /* in a look-up that may take half a minute more */
        resolver->left_behind = true;
    }
}

void resolver_free(struct resolver *resolver)
{
    while (resolver->first) { /* never asked: give it back unanswered */
        struct lookup *lookup = resolver->first;
        resolver->first = lookup->next;
        free(lookup);
    }
    if (resolver->left_behind)
        return;
    pthread_cond_destroy(&resolver->asked);
    pthread_mutex_destroy(&resolver->mutex);
    free(resolver);
}

static void open_answer(struct letter *letter)
{
    struct lookup *lookup = CONTAINER(letter, struct lookup, letter);
    lookup->done(lookup);
}

/* One more thread, if all are at work. false: there is none at all, the host is out of them. */
static bool man(struct resolver *resolver)
{
    if (resolver->waiting >= resolver->idle && resolver->threads_n < THREADS && !resolver->stopping)
        resolver->threads_n += pthread_create(&resolver->threads[resolver->threads_n], NULL,
                                              resolve_all, resolver) == 0;
    return resolver->threads_n > 0 || resolver->stopping;
}

void resolver_ask(struct resolver *resolver, struct lookup *lookup)
{
    lookup->letter.open = open_answer;
    lookup->next = NULL;
    pthread_mutex_lock(&resolver->mutex);
    bool manned = man(resolver);
    if (manned) {
        *resolver->last = lookup;
        resolver->last = &lookup->next;
        resolver->waiting++;
        pthread_cond_signal(&resolver->asked);
    }
    pthread_mutex_unlock(&resolver->mutex);
    if (!manned) {
        lookup->n = 0;
        lookup->error = EAI_AGAIN;
        mailbox_post(lookup->reply_to, &lookup->letter);
    }
}
