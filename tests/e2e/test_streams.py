"""Bodies on their way: early answers, lingering closes, truncation, back-pressure."""

import threading

import pytest

import peers
import wire
from differences import differs
from test_websocket import SWITCH, upgrade

GET = peers.request("GET", "/")
MEBI = 1 << 20


# --- an upstream that answers before it has the body ---


def refuse(status):
    """Answers on seeing the head and closes, reading nothing of the body."""

    def script(peer):
        wire.read_head(peer)
        peer.send(peers.response(status, [("Connection", "close")], b"refused"))

    return script


@pytest.mark.parametrize("status", ["413 Too Large", "401 Unauthorized", "200 OK"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_early_answer_reaches_a_client_that_still_sends(hubgate, upstream, status, framing):
    hubgate.api.add("/", upstream(refuse(status)).url)
    head = {"length": [("Content-Length", 50 * MEBI)], "chunked": [("Transfer-Encoding", "chunked")]}
    block = b"x" * 65536
    data = block if framing == "length" else b"10000\r\n" + block + b"\r\n"
    with hubgate.send(peers.request("POST", "/", head[framing])) as client:
        stop = threading.Event()

        def push():
            for _ in range(50 * MEBI // len(block)):
                if stop.is_set() or not client.try_send(data):
                    return

        sender = threading.Thread(target=push, daemon=True)
        sender.start()
        answer = client.read_response()
        assert (answer.status, answer.body) == (int(status[:3]), b"refused")
        stop.set()
        sender.join(peers.PATIENCE)


def test_an_early_answer_in_front_of_more_bytes_is_not_lost_to_a_reset(hubgate, upstream):
    """Also when the client looks only after it has sent everything (RFC 9112 section 9.6)."""
    hubgate.api.add("/", upstream(refuse("413 Too Large")).url)
    with hubgate.send(peers.request("POST", "/", [("Content-Length", MEBI)])) as client:
        client.try_send(b"x" * MEBI)
        assert client.read_response().status == 413


def test_a_404_reaches_a_client_that_still_sends(hubgate):
    with hubgate.send(peers.request("POST", "/none", [("Content-Length", MEBI)])) as client:
        client.try_send(b"x" * MEBI)
        assert client.read_response().status == 404


def test_a_body_nobody_reads_does_not_become_the_next_request(hubgate, upstream):
    server = upstream()
    hubgate.api.add("/yes", server.url)
    body = peers.request("GET", "/yes/smuggled")
    with hubgate.connect() as client:
        client.try_send(peers.request("POST", "/none", body=body) + peers.request("GET", "/yes/after"))
        assert client.read_response().status == 404
        client.half_close()
        client.to_end()
    assert [request.target for request in server.requests] in ([], ["/yes/after"])


def test_an_endless_body_nobody_reads_is_cut(hubgate):
    with hubgate.send(peers.request("POST", "/none", [("Content-Length", 10**12)])) as client:
        assert client.read_response().status == 404

        def cut():
            return not client.try_send(b"x" * 65536)

        peers.wait_until(cut, "the proxy stopped taking it")


# --- truncation ---

CUTS = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "inside a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
}


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("cut", CUTS)
def test_a_cut_reply_is_seen_as_cut(kind, proxy, upstream, cut, reset):
    """CHP point 57: it leaves the client waiting."""

    def script(peer):
        peer.read_request()
        peer.send(CUTS[cut])
        peers.wait_until(lambda: server.go, "the client saw the beginning")
        if reset:
            peer.reset()

    server = upstream(script)
    server.go = False
    proxy.api.add("/", server.url)
    with proxy.send(GET) as client:
        client.until(b"abc")
        server.go = True
        if differs(kind, "truncation", False, True):
            rest, _ = client.to_end()
            assert b"0\r\n\r\n" not in rest
        else:
            client.quiet(0.5)


@pytest.mark.parametrize("part", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nX: y\r\n", *CUTS.values()],
                         ids=["nothing", "start line", "half a head", *CUTS])
def test_a_reset_right_behind_a_part_of_a_reply_ends_it(hubgate, upstream, part):
    """One event may tell of the bytes and of the reset: the client must not wait for another."""

    def script(peer):
        peer.read_request()
        peer.send(part)
        peer.reset()

    hubgate.api.add("/", upstream(script).url)
    for _ in range(20):
        with hubgate.send(GET) as client:
            client.to_end() if b"abc" in part else client.read_response()


def test_a_reset_right_behind_a_part_of_a_body_ends_the_upstreams_wait(hubgate, upstream):
    server = upstream()
    hubgate.api.add("/", server.url)
    part = peers.request("POST", "/", [("Content-Length", "10")]) + b"abc"
    for _ in range(20):
        hubgate.send(part).reset()
    peers.wait_until(lambda: all(peer.ending for peer in server.connections), "all uploads ended")


def test_a_cut_reply_to_an_http_1_0_client_is_reset(hubgate, upstream):
    """Its only end of a body is the close, so a clean close would be a lie."""

    def script(peer):
        peer.read_request()
        peer.send(CUTS["chunked"])
        peers.wait_until(lambda: server.go, "the client saw the beginning")

    server = upstream(script)
    server.go = False
    hubgate.api.add("/", server.url)
    with hubgate.send(peers.request("GET", "/", version="1.0")) as client:
        client.until(b"abc")
        server.go = True
        assert client.to_end()[1] == "reset"


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_cut_request_is_seen_as_cut_by_the_upstream(hubgate, upstream, framing):
    server = upstream()
    hubgate.api.add("/", server.url)
    if framing == "length":
        data = peers.request("POST", "/", [("Content-Length", "10")]) + b"abc"
    else:
        data = peers.request("POST", "/", [("Transfer-Encoding", "chunked")]) + b"3\r\nabc\r\n"
    client = hubgate.send(data)
    peer = server.connection()
    peers.wait_until(lambda: b"abc" in peer.received, "the beginning came")
    client.close()
    peers.wait_until(lambda: peer.ending, "the upstream saw the end")
    assert server.requests == []
    assert not peer.received.endswith(b"0\r\n\r\n")


# --- back-pressure ---


def test_a_slow_reader_does_not_fill_our_memory(hubgate, upstream):
    """200 MB are offered to a client that takes them late."""
    total, block = 200 * MEBI, b"x" * 65536
    sent = [0]

    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent[0] < total:
            peer.send(block)
            sent[0] += len(block)
        peer.to_end()

    hubgate.api.add("/", upstream(script).url)
    hubgate.get("/_chp_healthz")
    before = hubgate.resident()
    with hubgate.connect(receive_buffer=65536) as client:
        client.keep = False
        client.send(GET)
        assert wire.read_head(client).status == 200
        held = stalled(lambda: sent[0])
        assert held < 32 * MEBI, f"{held} bytes taken for a client that reads nothing"
        assert hubgate.resident() - before < 8 * MEBI
        taken = len(client.buffer)
        while taken < total and (client.fill() or client.buffer):
            taken += len(client.buffer)
            client.buffer = b""
        assert hubgate.resident() - before < 8 * MEBI
    assert sent[0] == total


def stalled(progress):
    """Waits until a sender comes to rest, and returns how far it came."""
    last = [progress(), 0]

    def rests():
        now = progress()
        last[1] = last[1] + 1 if now == last[0] and now else 0
        last[0] = now
        return last[1] > 60  # times 5 ms

    peers.wait_until(rests, "the sender is held back")
    return last[0]


def test_a_slow_upstream_does_not_fill_our_memory(hubgate, upstream):
    total, block = 200 * MEBI, b"x" * 65536
    sent = [0]

    def script(peer):
        peer.keep = False
        wire.read_head(peer)
        peers.wait_until(lambda: server.go, "the client is held back")
        left = total - len(peer.buffer)
        peer.buffer = b""
        while left > 0 and peer.fill():
            left -= len(peer.buffer)
            peer.buffer = b""
        peer.send(peers.response(body=b"%d left" % left))

    server = upstream(script)
    server.go = False
    hubgate.api.add("/", server.url)
    hubgate.get("/_chp_healthz")
    before = hubgate.resident()
    with hubgate.send(peers.request("PUT", "/", [("Content-Length", total)])) as client:
        def push():
            while sent[0] < total:
                client.send(block)
                sent[0] += len(block)

        threading.Thread(target=push, daemon=True).start()
        held = stalled(lambda: sent[0])
        assert held < 32 * MEBI
        assert hubgate.resident() - before < 8 * MEBI
        server.go = True
        assert client.read_response().body == b"0 left"
        assert hubgate.resident() - before < 8 * MEBI


def test_a_slow_websocket_reader_does_not_fill_our_memory(hubgate, upstream):
    sent = [0]

    def script(peer):
        peer.read_request()
        peer.send(SWITCH)
        while sent[0] < 200 * MEBI and peer.try_send(b"x" * 65536):
            sent[0] += 65536

    hubgate.api.add("/", upstream(script).url)
    hubgate.get("/_chp_healthz")
    before = hubgate.resident()
    with hubgate.connect(receive_buffer=65536) as client:
        client.send(upgrade("/"))
        assert client.read_response().status == 101
        assert stalled(lambda: sent[0]) < 32 * MEBI
        assert hubgate.resident() - before < 8 * MEBI


def test_both_directions_at_once(hubgate, upstream):
    """32 MB up and the same down in one exchange, neither waiting for the other."""
    total, block = 32 * MEBI, bytes(range(256)) * 256

    def script(peer):
        peer.keep = False
        wire.read_head(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        left = total
        while left > 0:
            if not peer.buffer and not peer.fill():
                return
            data, peer.buffer = peer.buffer, b""
            peer.send(data)
            left -= len(data)
        peer.to_end()

    hubgate.api.add("/", upstream(script).url)
    with hubgate.send(peers.request("POST", "/", [("Content-Length", total)])) as client:
        client.keep = False
        sender = threading.Thread(
            target=lambda: [client.send(block) for _ in range(total // len(block))], daemon=True)
        sender.start()
        assert wire.read_head(client).status == 200
        for _ in range(total // len(block)):
            assert client.exactly(len(block)) == block
        sender.join(peers.PATIENCE)


def test_idle_connections_cost_little(hubgate, echo):
    """A lent buffer is given back: a thousand idle clients hold next to nothing."""
    hubgate.api.add("/", echo.url)
    hubgate.get("/")
    before = hubgate.resident()
    clients = [hubgate.connect() for _ in range(1000)]
    try:
        for client in clients:
            client.send(peers.request("GET", "/_chp_healthz"))
        for client in clients:
            assert client.read_response().status == 200
        assert hubgate.resident() - before < 8 * MEBI
    finally:
        for client in clients:
            client.close()
