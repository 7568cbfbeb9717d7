#include "base/jobs.h"

#include "base/log.h"
#include "base/mailbox.h"

#include <pthread.h>
#include <stdlib.h>

struct jobs {
    struct mailbox *mailbox;
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    struct job *first, **last; /* waiting, under the mutex */
    bool stopping;
    unsigned threads_n;
    pthread_t threads[];
};

/* A job on its way back. */
struct done {
    struct letter letter;
    struct job *job;
};

static void on_done(struct letter *letter)
{
    struct done *done = CONTAINER(letter, struct done, letter);
    struct job *job = done->job;
    free(done);
    job->done(job);
}

static struct job *next_job(struct jobs *jobs)
{
    pthread_mutex_lock(&jobs->mutex);
    while (!jobs->first && !jobs->stopping)
        pthread_cond_wait(&jobs->filled, &jobs->mutex);
    struct job *job = jobs->first;
    if (job && !(jobs->first = job->next))
        jobs->last = &jobs->first;
    pthread_mutex_unlock(&jobs->mutex);
    return job;
}

static void *work(void *arg)
{
    struct jobs *jobs = arg;
    for (struct job *job; (job = next_job(jobs));) {
        struct done *done = must_alloc(sizeof *done);
        *done = (struct done){.letter.open = on_done, .job = job};
        job->work(job);
        mailbox_post(jobs->mailbox, &done->letter);
    }
    log_leave();
    return NULL;
}

struct jobs *jobs_new(struct loop *loop, unsigned threads)
{
    struct jobs *jobs = must_alloc(sizeof *jobs + threads * sizeof jobs->threads[0]);
    jobs->mailbox = mailbox_new(loop);
    jobs->last = &jobs->first;
    pthread_mutex_init(&jobs->mutex, NULL);
    pthread_cond_init(&jobs->filled, NULL);
    while (jobs->threads_n < threads &&
           pthread_create(&jobs->threads[jobs->threads_n], NULL, work, jobs) == 0)
        jobs->threads_n++;
    if (jobs->threads_n == 0)
        abort(); /* at start-up: a process without threads has no memory either */
    return jobs;
}

void jobs_do(struct jobs *jobs, struct job *job)
{
    job->next = NULL;
    pthread_mutex_lock(&jobs->mutex);
    *jobs->last = job;
    jobs->last = &job->next;
    pthread_cond_signal(&jobs->filled);
    pthread_mutex_unlock(&jobs->mutex);
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->mutex);
    jobs->stopping = true;
    pthread_cond_broadcast(&jobs->filled);
    pthread_mutex_unlock(&jobs->mutex);
    for (unsigned i = 0; i < jobs->threads_n; i++)
        pthread_join(jobs->threads[i], NULL);
    mailbox_free(jobs->mailbox);
    pthread_cond_destroy(&jobs->filled);
    pthread_mutex_destroy(&jobs->mutex);
    free(jobs);
}
