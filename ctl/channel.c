#include "ctl/channel.h"

#include "base/str.h"
#include "base/text.h"
#include "ctl/place.h"
#include "ctl/terminal.h"
#include "kubeapi/apiserver.h"
#include "tls/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STREAM_IN, STREAM_OUT, STREAM_ERR, STREAM_STATUS, STREAM_RESIZE, STREAM_CLOSE = 255 };
enum {
    PIECE = 16 << 10, /* of stdin in one message */
    STATUS_BYTES_MAX = 64 << 10,
    HEAD_BYTES_MAX = 32 << 10, /* of a request: tokens are long */
    LAST_WORDS_US = 3000000,   /* what the streams still hold, once the command has ended */
    PING_S = 20,               /* a way that is silent for longer may be closed by somebody on it */
    GONE_S = 60,
};

struct channel {
    struct channel_request request;
    struct place place;
    char *proxy;    /* HOST:PORT, NULL: none */
    char **headers; /* "Name: value", the last NULL */
    bool insecure;
    struct tls_context *tls;
    struct lws_context *lws;
    struct lws *socket, *input, *changes; /* NULL: not open */
    bool can_close;                       /* the server knows of a stream's end (v5) */
    unsigned char stream;                 /* of the message that is coming in */
    unsigned char out[LWS_PRE + 1 + PIECE];
    size_t out_n; /* of stdin, waiting to be sent */
    bool hung_up; /* what stdin still holds is read without waiting */
    bool input_over, input_told, resized;
    struct text said; /* of the status */
    bool over;
    unsigned refused;
    char why[256];
};

/* ---- terms ---- */

/* libwebsockets knows tunnels through plain HTTP proxies alone. */
static bool take_proxy(struct channel *channel, const char *url, struct error *error)
{
    struct span rest = span_of(url ? url : "");
    if (!url)
        return true;
    if (!span_starts_nocase(rest, SPAN("http://")))
        return error_set(error, "exec goes through no proxy but one of http://, and the "
                                "kubeconfig's proxy-url is another; kubectl exec can");
    rest = (struct span){rest.p + 7, rest.n - 7};
    while (rest.n && rest.p[rest.n - 1] == '/')
        rest.n--;
    channel->proxy = must_copy_span(rest);
    return true;
}

static void take_headers(struct channel *channel, const char *const *headers)
{
    size_t n = 0;
    while (headers[n])
        n++;
    channel->headers = must_alloc((n + 1) * sizeof *channel->headers);
    for (size_t i = 0; i < n; i++)
        channel->headers[i] = must_copy(headers[i]);
}

static bool take_tls(struct channel *channel, const struct fetch_tls *tls, struct error *error)
{
    const struct tls_files files = {.ca_file = tls->ca_file,
                                    .ca_pem = tls->ca_pem,
                                    .cert_file = tls->cert_file,
                                    .cert_pem = tls->cert_pem,
                                    .key_file = tls->key_file,
                                    .key_pem = tls->key_pem,
                                    .insecure = tls->insecure,
                                    .flag = "the kubeconfig's TLS"};
    channel->insecure = tls->insecure;
    if (!channel->place.tls)
        return true;
    channel->tls = tls_client_new(&files, error);
    return channel->tls != NULL;
}

/* ---- sending ---- */

/* One message; the bytes are at out + LWS_PRE + 1. */
static bool send_out(struct channel *channel, unsigned char stream, size_t n)
{
    channel->out[LWS_PRE] = stream;
    return lws_write(channel->socket, channel->out + LWS_PRE, n + 1, LWS_WRITE_BINARY) >= 0;
}

static bool send_size(struct channel *channel)
{
    struct terminal_size size;
    unsigned char held[64]; /* of stdin: its place is used */
    char *text = (char *)channel->out + LWS_PRE + 1;
    if (!terminal_size(&size))
        return true;
    memcpy(held, text, sizeof held);
    int n = snprintf(text, sizeof held, "{\"Width\":%u,\"Height\":%u}", size.columns, size.rows);
    bool sent = send_out(channel, STREAM_RESIZE, (size_t)n);
    memcpy(text, held, sizeof held);
    return sent;
}

/* That stdin has ended: the number of the stream, on the stream of ends. */
static bool send_end(struct channel *channel)
{
    if (!channel->can_close) {
        fputs("hubctl: this API server, older than 1.30, cannot tell the command that stdin has "
              "ended\n",
              stderr);
        return true;
    }
    channel->out[LWS_PRE + 1] = STREAM_IN;
    return send_out(channel, STREAM_CLOSE, 1);
}

/* A piece of stdin, or its end, into the place where it waits to be sent. */
static void read_input(struct channel *channel)
{
    ssize_t n = read(STDIN_FILENO, channel->out + LWS_PRE + 1, PIECE);
    if (n > 0)
        channel->out_n = (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        channel->input_over = true;
}

/* What is most due, one message a turn. */
static bool write_some(struct channel *channel)
{
    bool sent = true;
    if (channel->hung_up && !channel->out_n && !channel->input_over)
        read_input(channel);
    if (channel->resized) {
        channel->resized = false;
        sent = send_size(channel);
    } else if (channel->out_n) {
        sent = send_out(channel, STREAM_IN, channel->out_n);
        channel->out_n = 0;
        if (channel->input)
            lws_rx_flow_control(channel->input, 1);
    } else if (channel->input_over && !channel->input_told) {
        channel->input_told = true;
        sent = send_end(channel);
    }
    if (channel->resized || channel->out_n ||
        (channel->input_over ? !channel->input_told : channel->hung_up))
        lws_callback_on_writable(channel->socket);
    return sent;
}

/* ---- stdin and the terminal ---- */

static void note_change(struct channel *channel)
{
    char bytes[64];
    while (read((int)lws_get_socket_fd(channel->changes), bytes, sizeof bytes) > 0) {
    }
    channel->resized = true;
    lws_callback_on_writable(channel->socket);
}

/* A descriptor of our own is waited for beside the socket, and closed with it. */
static struct lws *watch_fd(struct channel *channel, int fd)
{
    lws_sock_file_fd_type file = {.filefd = fd};
    if (fd < 0)
        return NULL;
    return lws_adopt_descriptor_vhost(lws_get_vhost(channel->socket), LWS_ADOPT_RAW_FILE_DESC, file,
                                      "input", NULL);
}

static void begin(struct channel *channel)
{
    if (channel->request.input) {
        channel->input = watch_fd(channel, fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3));
        channel->input_over = !channel->input;
    }
    if (channel->request.terminal) {
        channel->changes = watch_fd(channel, terminal_watch());
        channel->resized = true;
    }
    lws_callback_on_writable(channel->socket);
}

/* ---- receiving ---- */

/* Whoever reads our stdout makes the command wait. */
static bool pour(int fd, struct span bytes)
{
    while (bytes.n) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0)
            bytes = (struct span){bytes.p + n, bytes.n - (size_t)n};
    }
    return true;
}

static void end(struct channel *channel, const char *why)
{
    if (!channel->over && why)
        snprintf(channel->why, sizeof channel->why, "%s", why);
    channel->over = true;
}

static bool take(struct channel *channel, struct span bytes, bool first)
{
    if (first && bytes.n) {
        channel->stream = (unsigned char)bytes.p[0];
        bytes = (struct span){bytes.p + 1, bytes.n - 1};
    }
    switch (channel->stream) {
    case STREAM_OUT:
    case STREAM_ERR:
        if (pour(channel->stream == STREAM_OUT ? STDOUT_FILENO : STDERR_FILENO, bytes))
            return true;
        end(channel, "nobody reads what the command writes");
        return false;
    case STREAM_STATUS:
        if (bytes.n > STATUS_BYTES_MAX - channel->said.n)
            return false;
        text_add(&channel->said, bytes);
        lws_set_timer_usecs(channel->socket, LAST_WORDS_US);
        return true;
    default: /* that a stream has ended is of no use to us */
        return true;
    }
}

/* ---- what libwebsockets tells ---- */

static bool add_headers(struct channel *channel, unsigned char **p, unsigned char *limit)
{
    for (char **line = channel->headers; *line; line++) {
        struct span value, name = span_cut(span_of(*line), ':', &value);
        struct text key = {0};
        text_add(&key, name);
        text_put(&key, ":");
        char *text = text_take(&key);
        value = span_trim(value);
        int failed =
            lws_add_http_header_by_name(channel->socket, (unsigned char *)text,
                                        (const unsigned char *)value.p, (int)value.n, p, limit);
        free(text);
        if (failed)
            return false;
    }
    return true;
}

/* Of the two that were offered. */
static void note_protocol(struct channel *channel, struct lws *wsi)
{
    char chosen[32];
    int n = lws_hdr_copy(wsi, chosen, sizeof chosen, WSI_TOKEN_PROTOCOL);
    channel->can_close = n > 0 && strcmp(chosen, "v5.channel.k8s.io") == 0;
}

/* Nothing more is read from stdin before this was sent. Returns what to do with the descriptor. */
static int file_ready(struct channel *channel, struct lws *wsi)
{
    if (wsi == channel->changes)
        note_change(channel);
    if (wsi != channel->input || channel->out_n)
        return 0;
    read_input(channel);
    if (channel->out_n)
        lws_rx_flow_control(wsi, 0);
    lws_callback_on_writable(channel->socket);
    return channel->input_over ? -1 : 0;
}

/* libwebsockets closes its copy as soon as the writer has closed his end, whatever the pipe still
 * holds: from here on reading does not block, and goes on as there is room. */
static void file_closed(struct channel *channel, struct lws *wsi)
{
    if (wsi == channel->changes)
        channel->changes = NULL;
    if (wsi != channel->input)
        return;
    channel->input = NULL;
    channel->hung_up = true;
    if (channel->socket)
        lws_callback_on_writable(channel->socket);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t n)
{
    struct channel *channel = lws_context_user(lws_get_context(wsi));
    (void)user;
    switch ((int)reason) { /* there are a hundred */
    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return add_headers(channel, in, *(unsigned char **)in + n) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        channel->refused = lws_http_client_http_response(wsi);
        channel->socket = NULL;
        end(channel, in ? in : "no connection");
        return 0;
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
        note_protocol(channel, wsi);
        return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        begin(channel);
        return 0;
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return take(channel, (struct span){in, n}, lws_is_first_fragment(wsi) != 0) ? 0 : -1;
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return write_some(channel) ? 0 : -1;
    case LWS_CALLBACK_TIMER:
        return wsi == channel->socket ? -1 : 0; /* it has had time enough */
    case LWS_CALLBACK_CLIENT_CLOSED:
        channel->socket = NULL;
        end(channel, "the connection broke off before the command ended");
        return 0;
    case LWS_CALLBACK_RAW_RX_FILE:
        return file_ready(channel, wsi);
    case LWS_CALLBACK_RAW_CLOSE_FILE:
        file_closed(channel, wsi);
        return 0;
    default:
        return 0;
    }
}

/* ---- its life ---- */

static const struct lws_protocols protocols[] = {
    {.name = "exec", .callback = on_event, .rx_buffer_size = PIECE},
    {.name = "input", .callback = on_event},
    {0},
};

/* ssl NULL: no TLS. */
static bool open_lws(struct channel *channel, struct ssl_ctx_st *ssl, struct error *error)
{
    const struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .user = channel,
        .provided_client_ssl_ctx = ssl,
        .options = ssl ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
        .http_proxy_address = channel->proxy,
        .pt_serv_buf_size = HEAD_BYTES_MAX,
        .timeout_secs = (unsigned)(channel->request.timeout_ms / 1000),
        .gid = -1,
        .uid = -1,
    };
    unsetenv("http_proxy"); /* as with every other call of ours (web/fetch) */
    lws_set_log_level(0, NULL);
    channel->lws = lws_create_context(&info);
    return channel->lws || error_set(error, "libwebsockets does not start");
}

static bool take_terms(struct channel *channel, const struct apiserver_terms *terms,
                       const char *path, struct error *error)
{
    struct ssl_ctx_st *ssl = NULL;
    const char *name = terms->tls.server_name;
    take_headers(channel, terms->headers);
    if (!place_read(&channel->place, terms->url, path))
        return error_set(error, "%.200s is no address of a server", terms->url);
    if (!take_proxy(channel, terms->proxy_url, error) || !take_tls(channel, &terms->tls, error))
        return false;
    name = name ? name : channel->place.host;
    if (channel->tls && !(ssl = tls_native_client(channel->tls, name)))
        return error_set(error, "%.200s is no name of a server", name);
    return open_lws(channel, ssl, error);
}

struct channel *channel_new(const struct apiserver_terms *terms,
                            const struct channel_request *request, struct error *error)
{
    struct channel *channel = must_alloc(sizeof *channel);
    channel->request = *request;
    channel->request.path = NULL; /* the place has it */
    if (take_terms(channel, terms, request->path, error))
        return channel;
    channel_free(channel);
    return NULL;
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    if (channel->lws)
        lws_context_destroy(channel->lws);
    tls_context_free(channel->tls);
    for (char **line = channel->headers; line && *line; line++) {
        explicit_bzero(*line, strlen(*line));
        free(*line);
    }
    free(channel->headers);
    place_release(&channel->place);
    free(channel->proxy);
    text_release(&channel->said);
    free(channel);
}

/* Whom we speak to, our own context of TLS verifies: libwebsockets would cut an address of IPv6 at
 * its first colon, and verify nothing. */
static int tls_flags(const struct channel *channel)
{
    int flags = LCCSCF_USE_SSL | LCCSCF_SKIP_SERVER_CERT_HOSTNAME_CHECK;
    if (channel->insecure)
        flags |= LCCSCF_ALLOW_SELFSIGNED | LCCSCF_ALLOW_EXPIRED | LCCSCF_ALLOW_INSECURE;
    return channel->tls ? flags : 0;
}

static void connect_socket(struct channel *channel)
{
    static const lws_retry_bo_t alive = {.secs_since_valid_ping = PING_S,
                                         .secs_since_valid_hangup = GONE_S};
    const struct lws_client_connect_info info = {
        .context = channel->lws,
        .address = channel->place.host,
        .port = channel->place.port,
        .ssl_connection = tls_flags(channel),
        .path = channel->place.path,
        .host = channel->place.host,
        .protocol = "v5.channel.k8s.io,v4.channel.k8s.io",
        .local_protocol_name = protocols[0].name,
        .alpn = "http/1.1",
        .retry_and_idle_policy = &alive,
        .pwsi = &channel->socket,
    };
    if (!lws_client_connect_via_info(&info))
        end(channel, "no connection"); /* unless an event has said why */
}

bool channel_run(struct channel *channel, json_t **status, unsigned *refused, struct error *error)
{
    connect_socket(channel);
    while (!channel->over && lws_service(channel->lws, 0) >= 0) {
    }
    *refused = channel->refused;
    *status = channel->said.n ? json_loadb(channel->said.p, channel->said.n, 0, NULL) : NULL;
    return *status || error_set(error, "%s", *channel->why ? channel->why : "it broke off");
}
