"""Messages on their way: framing, trailers, interim answers, keep-alive, pipelining, streaming, both
ways at once (CHP points 52-54, 60)."""

import os
import threading

import pytest

import peers
import wire
from differences import differs

GET = peers.request("GET", "/")


@pytest.mark.parametrize("size", [0, 1, 1000, 65535, 65536, 1 << 20])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_bodies_arrive_whole_both_ways(kind, proxy, upstream, size, framing):
    body = os.urandom(size)
    parts = [body[i:i + 30000] for i in range(0, size, 30000)]

    def same(message):
        if framing == "length":
            return peers.response(body=message.body)
        return peers.response(fields=[("Transfer-Encoding", "chunked")], length=False,
                              body=peers.chunked(message.body) if message.body else peers.chunked())

    server = upstream(peers.answering(same))
    proxy.api.add("/", server.url)
    with proxy.connect() as client:
        for _ in range(2):  # the connection is in order afterwards
            if framing == "length":
                data = peers.request("POST", "/", [("Content-Length", size)], body)
            else:
                data = peers.request("POST", "/", [("Transfer-Encoding", "chunked")],
                                     peers.chunked(*parts))
            threading.Thread(target=client.send, args=(data,), daemon=True).start()
            answer = client.read_response()
            if framing == "chunked" and not size:
                assert answer.framing == differs(kind, "empty-chunked", "length", "chunked")
            else:
                assert answer.framing == framing
            assert (answer.status, answer.body) == (200, body)
    assert [request.body for request in server.requests] == [body, body]


def test_a_body_arrives_while_it_is_being_sent(proxy, upstream):
    server = upstream(peers.answering(peers.report))
    proxy.api.add("/", server.url)
    with proxy.send(peers.request("PUT", "/", [("Transfer-Encoding", "chunked")])) as client:
        for part in (b"one", b"two"):
            client.send(b"3\r\n" + part + b"\r\n")
            peer = server.connection()
            peers.wait_until(lambda: part in peer.received, "the part came")
        client.send(b"0\r\n\r\n")
        assert client.read_response().status == 200


def test_an_answer_arrives_while_it_is_being_sent(proxy, upstream):
    """Server-sent events: each event is at the client before the next is sent."""
    steps = threading.Semaphore(0)

    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        for number in range(5):
            assert steps.acquire(timeout=peers.PATIENCE)
            peer.send(b"data: %d\n\n" % number)

    proxy.api.add("/", upstream(script).url)
    with proxy.send(GET) as client:
        for number in range(5):
            steps.release()
            client.until(b"data: %d\n\n" % number)
    assert client.received.startswith(b"HTTP/1.1 200 OK\r\n")


def test_the_answers_head_does_not_wait_for_its_body(kind, proxy, upstream):
    server = upstream(lambda peer: (peer.read_request(), peer.send(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"), peer.to_end()))
    proxy.api.add("/", server.url)
    with proxy.send(GET) as client:
        if differs(kind, "head-at-once", False, True):
            assert wire.read_head(client).status == 200
        else:
            assert client.quiet()


def test_an_answer_streams_while_the_request_still_does(proxy, upstream):
    """Full duplex: each part is answered before the next is sent."""

    def script(peer):
        wire.read_head(peer)
        peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while (size := int(peer.until(b"\r\n"), 16)) > 0:
            part = peer.exactly(size + 2)
            peer.send(b"%x\r\n%s" % (size, part))
        peer.until(b"\r\n")
        peer.send(b"0\r\n\r\n")

    proxy.api.add("/", upstream(script).url)
    with proxy.send(peers.request("POST", "/", [("Transfer-Encoding", "chunked")])) as client:
        client.send(b"3\r\none\r\n")
        assert wire.read_head(client).status == 200
        client.until(b"one")
        for part in (b"two", b"six"):
            client.send(b"3\r\n" + part + b"\r\n")
            client.until(part)
        client.send(b"0\r\n\r\n")
        client.until(b"0\r\n\r\n")


# --- trailers and interim answers ---


def test_trailers_of_an_answer(kind, proxy, upstream):
    server = upstream(peers.answering(peers.response(
        fields=[("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")], length=False,
        body=peers.chunked(b"body", trailers="X-Sum: 7\r\n"))))
    proxy.api.add("/", server.url)
    with proxy.send(GET) as client:
        answer = client.read_response()
    assert answer.body == b"body"
    assert answer.trailers == differs(kind, "trailers", [], [("X-Sum", "7")])


def test_trailers_of_a_request(kind, proxy, echo):
    proxy.api.add("/", echo.url)
    body = peers.chunked(b"body", trailers="X-Sum: 7\r\n")
    seen = proxy.echo("POST", "/", [("Transfer-Encoding", "chunked"), ("Trailer", "X-Sum")], body)
    assert seen["body"] == "body"
    assert seen["trailers"] == differs(kind, "trailers", [], [["X-Sum", "7"]])


def test_interim_answers(kind, proxy, upstream):
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n"
    server = upstream(peers.answering(hints + peers.response(body=b"ok")))
    proxy.api.add("/", server.url)
    answer = proxy.get("/")
    assert (answer.status, answer.body) == (200, b"ok")
    statuses = [interim.status for interim in answer.interim]
    assert statuses == differs(kind, "interim", [], [103])


def test_expect_continue(kind, proxy, upstream):
    """Ours asks the upstream; CHP answers 100 itself."""

    def script(peer):
        head = wire.read_head(peer)
        assert head.get("expect", "").lower() == "100-continue"
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = peer.exactly(4)
        peer.send(peers.response(body=b"got " + body))

    proxy.api.add("/", upstream(script).url)
    fields = [("Content-Length", "4"), ("Expect", "100-continue")]
    with proxy.send(peers.request("POST", "/", fields)) as client:
        assert wire.read_head(client).status == 100
        client.send(b"body")
        answer = client.read_response()
        assert (answer.status, answer.body) == (200, b"got body")


def test_expect_continue_is_the_upstreams_to_answer(kind, proxy, upstream):
    """An upstream that refuses never gets the body, the client never sends it."""

    def script(peer):
        wire.read_head(peer)
        peer.send(peers.response("413 Too Big", [("Connection", "close")], b"no"))
        peer.to_end()

    server = upstream(script)
    proxy.api.add("/", server.url)
    fields = [("Content-Length", "4"), ("Expect", "100-continue")]
    with proxy.send(peers.request("POST", "/", fields)) as client:
        answer = client.read_response()
        assert answer.status == 413
        seen = [interim.status for interim in answer.interim]
        assert seen == differs(kind, "expect", [100], [])


# --- connections ---


def test_requests_follow_each_other_on_a_connection(proxy, echo):
    proxy.api.add("/", echo.url)
    with proxy.connect() as client:
        for number in range(20):
            client.send(peers.request("GET", f"/{number}"))
            assert b'"/%d"' % number in client.read_response().body


def test_pipelined_requests_are_answered_in_order(proxy, echo):
    proxy.api.add("/", echo.url)
    with proxy.connect() as client:
        client.send(b"".join(peers.request("GET", f"/{n}") for n in range(30)))
        for number in range(30):
            assert b'"/%d"' % number in client.read_response().body


def test_pipelined_with_bodies_and_errors_between(proxy, echo):
    proxy.api.add("/ok", echo.url)
    rows = [
        (peers.request("POST", "/ok/1", body=b"x" * 1000), 200),
        (GET.replace(b"/", b"/none", 1), 404),
        (peers.request("PUT", "/none", body=b"y" * 1000), 404),
        (peers.request("POST", "/ok/2", [("Transfer-Encoding", "chunked")], peers.chunked(b"z")), 200),
        (peers.request("GET", "/_chp_healthz"), 200),
        (peers.request("GET", "/ok/3"), 200),
    ]
    with proxy.send(b"".join(data for data, _ in rows)) as client:
        assert [client.read_response().status for _ in rows] == [status for _, status in rows]


def test_a_request_in_single_bytes(proxy, echo):
    proxy.api.add("/", echo.url)
    with proxy.connect() as client:
        for byte in peers.request("POST", "/slow", [("X-A", "b")], b"body"):
            client.send(bytes([byte]))
        answer = client.read_response()
        assert (answer.status, b'"body": "body"' in answer.body) == (200, True)


def test_an_answer_in_single_bytes(proxy, upstream):
    data = peers.response(fields=[("Transfer-Encoding", "chunked")], length=False,
                          body=peers.chunked(b"one", b"two", trailers="X-T: 1\r\n"))
    server = upstream(lambda peer: (peer.read_request(),
                                    [peer.send(bytes([byte])) for byte in data]))
    proxy.api.add("/", server.url)
    assert proxy.get("/").body == b"onetwo"


def test_an_empty_line_before_a_request_is_skipped(proxy, echo):
    """RFC 9112 section 2.2."""
    proxy.api.add("/", echo.url)
    with proxy.connect() as client:
        for _ in range(2):
            assert client.send(b"\r\n" + GET).read_response().status == 200


def test_keep_alive_is_said(proxy, echo):
    proxy.api.add("/", echo.url)
    answer = proxy.get("/")
    assert answer.get("connection") == "keep-alive"  # CHP point 60


def test_close_is_honoured(proxy, echo):
    proxy.api.add("/", echo.url)
    with proxy.send(peers.request("GET", "/", [("Connection", "close")])) as client:
        answer = client.read_response()
        assert answer.get("connection") == "close"
        assert client.ended() == "fin"


def test_an_http_1_0_client_gets_a_close(proxy, echo):
    proxy.api.add("/", echo.url)
    with proxy.send(peers.request("GET", "/", version="1.0")) as client:
        assert client.read_response().status == 200
        assert client.ended() == "fin"


def test_an_http_1_0_client_never_gets_chunks(proxy, upstream):
    server = upstream(peers.answering(peers.response(
        fields=[("Transfer-Encoding", "chunked")], body=peers.chunked(b"a", b"bc"), length=False)))
    proxy.api.add("/", server.url)
    with proxy.send(peers.request("GET", "/", version="1.0")) as client:
        answer = client.read_response()
        assert (answer.framing, answer.body) == ("close", b"abc")


def test_an_http_1_0_client_may_keep_alive(proxy, echo):
    proxy.api.add("/", echo.url)
    with proxy.connect() as client:
        for _ in range(2):
            client.send(peers.request("GET", "/", [("Connection", "keep-alive")], version="1.0"))
            assert client.read_response().status == 200


def test_a_client_that_half_closes_has_left(proxy, upstream):
    server = upstream(lambda peer: (peer.read_request(), peer.to_end()))
    proxy.api.add("/", server.url)
    with proxy.send(GET) as client:
        peer = server.connection()
        peers.wait_until(lambda: peer.received.endswith(b"\r\n\r\n"), "the request came")
        client.half_close()
        assert client.to_end() == (b"", "fin")
    peers.wait_until(lambda: peer.ending, "the upstream saw the end")


def test_a_client_that_leaves_ends_the_upstreams_work(proxy, upstream):
    """CHP point 56: a long poll or a download nobody waits for is given up."""
    server = upstream(lambda peer: (peer.read_request(), peer.to_end()))
    proxy.api.add("/", server.url)
    client = proxy.send(GET)
    peer = server.connection()
    peers.wait_until(lambda: peer.received.endswith(b"\r\n\r\n"), "the request came")
    client.close()
    peers.wait_until(lambda: peer.ending, "the upstream saw the end")


# --- answers without bodies ---


@pytest.mark.parametrize("head", [
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
])
def test_bodiless_statuses_leave_the_connections_in_order(proxy, upstream, head):
    proxy.api.add("/", upstream(peers.answering(head)).url)
    with proxy.connect() as client:
        for _ in range(3):
            assert client.send(GET).read_response().body == b""


def test_head_leaves_the_connections_in_order(proxy, upstream):
    proxy.api.add("/", upstream(peers.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")).url)
    with proxy.connect() as client:
        for _ in range(3):
            answer = client.send(peers.request("HEAD", "/")).read_response("HEAD")
            assert answer.get("content-length") == "100"


# --- what a user's server may not ask for ---

def test_a_service_worker_is_its_own_routes(kind, proxy, upstream):
    server = upstream(peers.answering(
        lambda _: peers.response(fields=[("Service-Worker-Allowed", "/")])))
    proxy.api.add("/user/ada", server.url)
    with proxy.connect() as client:
        client.send(peers.request("GET", "/user/ada/files/sw.js"))
        scope = client.read_response().all("Service-Worker-Allowed")
    assert scope == differs(kind, "service-worker", ["/"], ["/user/ada/"])
