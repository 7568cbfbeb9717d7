#include "web/multi.h"

#include <event2/event.h>
#include <stdlib.h>

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watched);
static int on_timer(CURLM *curl, long in_ms, void *arg);
static void on_ready(evutil_socket_t fd, short what, void *arg);
static void on_due(evutil_socket_t fd, short what, void *arg);

void multi_init(struct multi *multi, struct loop *loop, void (*moved)(struct multi *multi))
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    *multi = (struct multi){.loop = loop, .moved = moved};
    multi->timer = evtimer_new(loop_base(loop), on_due, multi);
    multi->curl = must_have(curl_multi_init());
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
}

void multi_release(struct multi *multi)
{
    curl_multi_cleanup(multi->curl);
    event_free(multi->timer);
    curl_global_cleanup();
}

void multi_set_connections(struct multi *multi, unsigned host, unsigned total)
{
    curl_multi_setopt(multi->curl, CURLMOPT_MAX_HOST_CONNECTIONS, (long)host);
    curl_multi_setopt(multi->curl, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)total);
    curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)total);
}

void multi_add(struct multi *multi, CURL *easy)
{
    if (curl_multi_add_handle(multi->curl, easy) != CURLM_OK)
        abort();
}

void multi_remove(struct multi *multi, CURL *easy)
{
    curl_multi_remove_handle(multi->curl, easy);
}

bool multi_take_end(struct multi *multi, CURL **easy, CURLcode *result)
{
    int left;
    CURLMsg *message = curl_multi_info_read(multi->curl, &left);
    if (!message)
        return false;
    *easy = message->easy_handle;
    *result = message->data.result;
    return true;
}

static void move(struct multi *multi, curl_socket_t fd, int ready)
{
    int running;
    curl_multi_socket_action(multi->curl, fd, ready, &running);
    multi->moved(multi);
}

static void watch(struct multi *multi, curl_socket_t fd, int what, struct event *watched)
{
    short events = EV_PERSIST;
    if (what & CURL_POLL_IN)
        events |= EV_READ;
    if (what & CURL_POLL_OUT)
        events |= EV_WRITE;
    if (watched)
        event_free(watched);
    watched = what == CURL_POLL_REMOVE
                  ? NULL
                  : must_have(event_new(loop_base(multi->loop), fd, events, on_ready, multi));
    if (watched)
        event_add(watched, NULL);
    curl_multi_assign(multi->curl, fd, watched);
}

static void set_timer(struct multi *multi, long in_ms)
{
    struct timeval in = {in_ms / 1000, in_ms % 1000 * 1000};
    if (in_ms < 0)
        evtimer_del(multi->timer);
    else
        evtimer_add(multi->timer, &in);
}

/* --- callbacks --- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *watched)
{
    (void)easy;
    watch(arg, fd, what, watched);
    return 0;
}

static int on_timer(CURLM *curl, long in_ms, void *arg)
{
    (void)curl;
    set_timer(arg, in_ms);
    return 0;
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    int ready = 0;
    if (what & EV_READ)
        ready |= CURL_CSELECT_IN;
    if (what & EV_WRITE)
        ready |= CURL_CSELECT_OUT;
    move(arg, fd, ready);
}

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    move(arg, CURL_SOCKET_TIMEOUT, 0);
}
