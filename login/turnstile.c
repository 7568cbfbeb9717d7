#include "login/turnstile.h"

#include <stdlib.h>

struct turnstile {
    struct jobs *jobs;
    size_t at_once, waiting_max;
    size_t working_n, waiting_n;
    struct turn *working, *waiting, **last; /* waiting: in order */
};

static void on_work(struct job *job);
static void on_done(struct job *job);

struct turnstile *turnstile_new(struct jobs *jobs, size_t at_once, size_t waiting_max)
{
    struct turnstile *turnstile = must_alloc(sizeof *turnstile);
    *turnstile = (struct turnstile){
        .jobs = jobs, .at_once = at_once, .waiting_max = waiting_max, .last = &turnstile->waiting};
    return turnstile;
}

static void take_out(struct turn *turn)
{
    *turn->back = turn->next;
    if (turn->next)
        turn->next->back = turn->back;
}

static void go(struct turnstile *turnstile, struct turn *turn)
{
    turnstile->working_n++;
    turn->next = turnstile->working;
    turn->back = &turnstile->working;
    if (turn->next)
        turn->next->back = &turn->next;
    turnstile->working = turn;
    turn->job = (struct job){.work = on_work, .done = on_done};
    jobs_do(turnstile->jobs, &turn->job);
}

bool turnstile_pass(struct turnstile *turnstile, struct turn *turn)
{
    if (turnstile->working_n >= turnstile->at_once &&
        turnstile->waiting_n >= turnstile->waiting_max)
        return false;
    turn->turnstile = turnstile;
    turn->worked = false;
    if (turnstile->working_n < turnstile->at_once) {
        go(turnstile, turn);
        return true;
    }
    turnstile->waiting_n++;
    turn->next = NULL;
    turn->back = turnstile->last;
    *turnstile->last = turn;
    turnstile->last = &turn->next;
    return true;
}

static void let_next_go(struct turnstile *turnstile)
{
    struct turn *turn = turnstile->waiting;
    if (!turn)
        return;
    take_out(turn);
    if (!turnstile->waiting)
        turnstile->last = &turnstile->waiting;
    turnstile->waiting_n--;
    go(turnstile, turn);
}

void turnstile_free(struct turnstile *turnstile)
{
    if (!turnstile)
        return;
    while (turnstile->working || turnstile->waiting) {
        struct turn *turn = turnstile->working ? turnstile->working : turnstile->waiting;
        take_out(turn);
        turn->done(turn);
    }
    free(turnstile);
}

static void on_work(struct job *job)
{
    struct turn *turn = CONTAINER(job, struct turn, job);
    turn->work(turn);
    turn->worked = true;
}

static void on_done(struct job *job)
{
    struct turn *turn = CONTAINER(job, struct turn, job);
    struct turnstile *turnstile = turn->turnstile;
    take_out(turn);
    turnstile->working_n--;
    let_next_go(turnstile);
    turn->done(turn);
}
