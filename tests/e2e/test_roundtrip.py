"""Mutated requests: whatever gets through must read the same to an independent parser (h11) as it
does to the proxy. A byte that means one thing here and another there is how requests are smuggled."""

import contextlib
import random

import h11
import pytest

import bad_replies
import bad_requests
import peers
import wire
from test_websocket import FIELDS as UPGRADE

BASES = [
    peers.request("GET", "/a", [("X-A", "b"), ("Accept", "*/*")]),
    peers.request("POST", "/b", [("X-A", "b")], b"twelve bytes"),
    peers.request("POST", "/c", [("Transfer-Encoding", "chunked"), ("Trailer", "X-T")],
                  peers.chunked(b"one", b"two", trailers="X-T: 1\r\n")),
    peers.request("DELETE", "/d", [("Transfer-Encoding", "chunked")], peers.chunked(b"x")),
    *[sent for sent, _ in bad_requests.FRAMING.values()],
    *[sent for sent in bad_requests.BODIES.values() if len(sent) < 1000],
]
PIECES = [b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b";", b",", b"\x00", b"\x0b", b"0", b"5", b"x",
          b"\r\n ", b"chunked", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n",
          b"0\r\n\r\n", b"GET /smuggled HTTP/1.1\r\nHost: s\r\n\r\n", b"\xff", b"+", b"-"]


def mutated(chance, bases):
    data = bytearray(chance.choice(bases))
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(3)
        if kind == 0:
            data[at:at] = chance.choice(PIECES)
        elif kind == 1:
            data[at:at + chance.randint(1, 4)] = b""
        else:
            data[at:at + 1] = chance.choice(PIECES)
    return bytes(data)


def read_by_h11(data):
    """The (method, target, body) of each whole request in these bytes; h11 raises on what breaks
    the protocol."""
    connection, seen = h11.Connection(h11.SERVER), []
    connection.receive_data(data)
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            request, body = event, b""
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            seen.append((request.method.decode(), request.target.decode(), body))
            connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
            connection.send(h11.EndOfMessage())
            if connection.our_state is h11.MUST_CLOSE:
                return seen
            connection.start_next_cycle()
        else:  # NEED_DATA, PAUSED
            return seen


@pytest.mark.parametrize("seed", range(12))
def test_what_gets_through_reads_the_same_to_another_parser(hubgate, upstream, seed):
    chance = random.Random(seed)
    server = upstream(peers.answering(peers.response()))
    hubgate.api.add("/", server.url)
    for _ in range(100):
        sent = mutated(chance, BASES)
        with hubgate.send(sent) as client:
            client.quiet(0.01)
    for peer in server.connections:
        for method, target, body in read_by_h11(peer.received):
            match = [r for r in server.requests if (r.method, r.target, r.body) == (method, target, body)]
            assert match, f"h11 sees {method} {target} {body!r} in {peer.received!r}"


REPLIES = [
    peers.response(fields=[("X-A", "b")], body=b"twelve bytes"),
    peers.response(fields=[("Transfer-Encoding", "chunked")], length=False,
                   body=peers.chunked(b"one", b"two", trailers="X-T: 1\r\n")),
    peers.response(fields=[("Connection", "close")], body=b"to the end", length=False),
    b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + peers.response(body=b"ok"),
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    *[reply for reply in bad_replies.BODIES.values() if len(reply) < 1000],
    *[reply for reply in bad_replies.HEADS.values() if len(reply) < 1000],
]


@pytest.mark.parametrize("seed", range(6))
def test_mutated_replies_end_every_request(launch_hubgate, upstream, seed):
    """Each client gets a whole answer or a cut one, soon."""
    chance = random.Random(seed)

    def script(peer):
        while True:
            peer.read_request()
            peer.send(mutated(chance, REPLIES))
            if chance.randrange(3) == 0:
                return peer.reset()

    proxy = launch_hubgate("--proxy-timeout=100")
    proxy.api.add("/", upstream(script).url)
    for number in range(40):
        method = ("GET", "HEAD", "POST")[number % 3]
        fields = UPGRADE if number % 7 == 0 else []
        with proxy.send(peers.request(method, "/", fields)) as client:
            # what the client may rely on is asserted elsewhere: here only that an end comes
            with contextlib.suppress(wire.Truncated):
                client.read_response(method)
