/* The WebSocket origin of the benchmark: libwebsockets, echoing what it is sent, on any path.
 * `wsecho PORT` listens on 127.0.0.1 until SIGTERM. */
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One piece waits at a time: reading pauses until it has gone. */
struct session {
    unsigned char *piece; /* LWS_PRE bytes of room, then the piece */
    size_t n;
    enum lws_write_protocol flags;
};

static int keep_piece(struct lws *wsi, struct session *session, const void *bytes, size_t n)
{
    bool first = lws_is_first_fragment(wsi) != 0;
    bool last = lws_is_final_fragment(wsi) != 0;

    session->piece = malloc(LWS_PRE + n);
    if (session->piece == NULL)
        return -1;
    if (n > 0)
        memcpy(session->piece + LWS_PRE, bytes, n);
    session->n = n;
    session->flags = (enum lws_write_protocol)lws_write_ws_flags(
        lws_frame_is_binary(wsi) ? LWS_WRITE_BINARY : LWS_WRITE_TEXT, first, last);
    lws_rx_flow_control(wsi, 0);
    lws_callback_on_writable(wsi);
    return 0;
}

static int send_piece(struct lws *wsi, struct session *session)
{
    int sent;

    if (session->piece == NULL)
        return 0;
    sent = lws_write(wsi, session->piece + LWS_PRE, session->n, session->flags);
    free(session->piece);
    session->piece = NULL;
    lws_rx_flow_control(wsi, 1);
    return sent < (int)session->n ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t n)
{
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        return keep_piece(wsi, user, in, n);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return send_piece(wsi, user);
    case LWS_CALLBACK_CLOSED:
        free(((struct session *)user)->piece);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, n);
    }
}

int main(int argc, char **argv)
{
    static const struct lws_protocols protocols[] = {
        {.name = "echo",
         .callback = on_event,
         .per_session_data_size = sizeof(struct session),
         .rx_buffer_size = 64 * 1024},
        {.name = NULL},
    };
    struct lws_context_creation_info info = {
        .iface = "127.0.0.1", .protocols = protocols, .gid = -1, .uid = -1};
    struct lws_context *lws;

    if (argc != 2) {
        fprintf(stderr, "usage: wsecho PORT\n");
        return 1;
    }
    info.port = (int)strtol(argv[1], NULL, 10);
    lws_set_log_level(LLL_ERR, NULL);
    lws = lws_create_context(&info);
    if (lws == NULL) {
        fprintf(stderr, "wsecho: cannot listen on port %s\n", argv[1]);
        return 1;
    }
    while (lws_service(lws, 0) >= 0)
        ;
    lws_context_destroy(lws);
    return 0;
}
