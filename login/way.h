/* A way of proving who one is, from inside: a struct of functions for each. A way judges attempts,
 * and no more; names, throttle, lists and log are the authenticator's. */
#ifndef LOGIN_WAY_H
#define LOGIN_WAY_H

#include "login/attempt.h"

/* Everything a way may need to be made. */
struct way_needs {
    struct loop *loop;
    struct jobs *jobs;
    struct fetcher *fetcher;
    const struct login_settings *settings;
};

struct way;
struct way_driver {
    const char *word;
    enum login_kind kind;
    /* NULL with *error set. */
    struct way *(*make)(const struct way_needs *needs, struct error *error);
    const char *(*label)(const struct way *way); /* NULL: the word */
    void (*check)(struct way *way, struct attempt *attempt);
    void (*begin)(struct way *way, const struct login_begin *begin, login_begin_done *done,
                  void *arg);
    void (*finish)(struct way *way, const struct login_finish *finish, struct attempt *attempt);
    void (*of_headers)(struct way *way, const struct login_headers *headers,
                       struct attempt *attempt);
    void (*free)(struct way *way);
};
/* Every way's struct begins with this. */
struct way {
    const struct way_driver *driver;
};

#endif
