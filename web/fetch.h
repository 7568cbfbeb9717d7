/* Calls to others over HTTP/1.1 (RFC 9110): the hub's and its spawners', by libcurl on our loop.
 * Nothing blocks: names are looked up on libcurl's threads. No redirect is followed, no proxy of
 * the environment is used, no cookie kept; only http and https are spoken. Connections are kept and
 * used again by requests of the same transport and identity; one that turns out to have been closed
 * meanwhile is replaced and the request sent once more, whatever its method. The process must
 * ignore SIGPIPE. */
#ifndef WEB_FETCH_H
#define WEB_FETCH_H

#include "base/loop.h"

struct fetcher;
struct fetch;
struct fetch_reply;

/* What applies where a request says 0, and the most connections there are at a time; a request
 * beyond them waits for one, its time runs. */
enum {
    FETCH_TIMEOUT_MS = 30000,
    FETCH_CONNECT_MS = 10000,
    FETCH_BODY_MAX = 1024 * 1024,
    FETCH_HEAD_MAX = 64 * 1024,
    FETCH_PIECE_MAX = 64 * 1024,
    FETCH_HOST_CONNECTIONS = 64,
    FETCH_CONNECTIONS = 256,
};

/* Whom to trust with https, and as whom to come. Files are PEM and read with each new connection
 * (authorities: at most once a minute); what is given inline counts before its file. NULL, empty:
 * not given. */
struct fetch_tls {
    const char *ca_file;
    struct span ca_pem; /* neither: the system's authorities */
    const char *cert_file, *key_file;
    struct span cert_pem,
        key_pem;             /* the chain may follow the certificate; the key has no passphrase */
    const char *server_name; /* asked for (SNI) and looked for in the certificate, in place of the
                                URL's host */
    bool insecure;           /* whoever answers is trusted */
};

/* An answer that is told as it comes, and not kept: a watch, a log that is followed. Only one of a
 * status of 2xx is; any other is an answer like any. Both are called as fetch_done is, in order,
 * and may cancel the fetch itself. */
struct fetch_stream {
    void (*head)(void *arg, const struct fetch_reply *reply); /* without a body; NULL: no need */
    void (*piece)(void *arg, struct span piece); /* not empty, at most FETCH_PIECE_MAX */
    int64_t idle_ms; /* from the head on, the most time in which nothing comes; 0: without end. A
                        peer whose machine is gone is noticed within a minute all the same */
};

struct fetch_request {
    const char *method, *url;
    const char *const *headers;  /* "Name: value", the last NULL; NULL: none. One line each */
    struct span body;            /* a POST, PUT or PATCH has one, if empty */
    const char *unix_socket;     /* its path, instead of the URL's host and port; NULL: none */
    int64_t timeout_ms;          /* from the start to the last byte; of a stream: to its head */
    int64_t connect_timeout_ms;  /* of it, for the name, the connection and TLS */
    size_t body_bytes_max;       /* of the answer: beyond it there is none */
    const struct fetch_tls *tls; /* NULL: the system's authorities, as nobody */
    const char *proxy_url;       /* http, https, socks5 or socks5h; NULL: none */
    const struct fetch_stream *stream; /* NULL: the answer is told whole */
    bool fresh_connection;             /* one of its own, closed after */
    bool connect_only;                 /* connects and says nothing: the reply has the connection */
};

struct fetch_reply {
    unsigned status;   /* 0: there was no whole answer */
    const char *error; /* then one line that says why, without query or fields; else NULL */
    bool is_final; /* … and that would be so again: whoever is there is not trusted, or his answer
                      is too large */
    bool is_too_large;  /* … namely its body: body_bytes_max */
    struct span body;   /* terminated; of a stream: empty */
    int fd;             /* connect_only: the connection, the receiver's to close; else -1 */
    struct fetch *from; /* fetch_reply_header's */
};

/* Tells what came; the reply lives as long as the call. It may start and cancel others, but must
 * not free the fetcher. */
typedef void fetch_done(void *arg, const struct fetch_reply *reply);

/* Ends the process when libcurl cannot start. */
struct fetcher *fetcher_new(struct loop *loop);
/* Cancels all, without telling. NULL is allowed. */
void fetcher_free(struct fetcher *fetcher);
/* Other limits than FETCH_HOST_CONNECTIONS and FETCH_CONNECTIONS. */
void fetcher_set_connections(struct fetcher *fetcher, unsigned host, unsigned total);

/* Copies all of the request. done is called once, never from within, unless it is cancelled; the
 * result is good for fetch_cancel until then. */
struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *request,
                          fetch_done *done, void *arg);
/* Nothing will be told any more. */
void fetch_cancel(struct fetch *fetch);
/* Nothing of a stream is told until it goes on, and beyond FETCH_PIECE_MAX bytes nothing more is
 * read: whoever sends waits. Its end waits too, and idle_ms does not run. */
void fetch_pause(struct fetch *fetch);
void fetch_resume(struct fetch *fetch);

/* The first field of that name (without regard to case), or NULL: there is none, or no answer. */
const char *fetch_reply_header(const struct fetch_reply *reply, const char *name);

#endif
