"""Upstream connections: kept for the next request only when that is safe, found dead without harm."""

import threading

import pytest

import peers
import wire
from test_websocket import SWITCH, upgrade

GET = peers.request("GET", "/")
OK = peers.response(body=b"ok")


@pytest.fixture
def hubgate(launch_hubgate):
    """One worker, so that there is one pool."""
    return launch_hubgate("--workers=1")


def used(server):
    """How many connections the upstream got."""
    return len(server.connections)


def test_requests_share_a_connection(hubgate, upstream):
    server = upstream(peers.answering(OK))
    hubgate.api.add("/", server.url)
    for _ in range(5):  # each of a client of its own
        assert hubgate.get("/").body == b"ok"
    assert used(server) == 1


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    peers.response(fields=[("Transfer-Encoding", "chunked")], body=peers.chunked(b"ab"), length=False),
    peers.response("404 None", body=b"none"),
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
], ids=["204", "304", "chunked", "404", "1.0 that keeps"])
def test_kinds_of_answers_after_which_it_is_kept(hubgate, upstream, answer):
    server = upstream(peers.answering(answer))
    hubgate.api.add("/", server.url)
    for _ in range(3):
        hubgate.get("/")
    assert used(server) == 1


def test_head_keeps_it(hubgate, upstream):
    server = upstream(peers.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"))
    hubgate.api.add("/", server.url)
    for _ in range(3):
        assert hubgate.fetch("HEAD", "/").status == 200
    assert used(server) == 1


def answer_once(answer):
    """A script that answers each connection's first request, and then waits for its end."""

    def script(peer):
        peer.upstream.requests.append(peer.read_request())
        peer.send(answer)
        rest, _ = peer.to_end()
        assert rest == b"", f"another request came: {rest!r}"

    return script


@pytest.mark.parametrize("answer", [
    OK + b"extra",
    OK + b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned",
    peers.response(fields=[("Connection", "close")], body=b"ok"),
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    peers.response(fields=[("Transfer-Encoding", "chunked")], body=peers.chunked(b"ok") + b"x",
                   length=False),
    b"HTTP/1.1 204 No Content\r\n\r\nbody",
], ids=["extra bytes", "an answer nobody asked for", "Connection: close", "HTTP/1.0",
        "bytes behind the last chunk", "a body behind 204"])
def test_kinds_of_answers_after_which_it_is_not(hubgate, upstream, answer):
    server = upstream(answer_once(answer))
    hubgate.api.add("/", server.url)
    for _ in range(3):
        seen = hubgate.get("/")
        assert seen.body in (b"ok", b"")
    assert used(server) == 3


def test_bytes_that_come_later_close_it(hubgate, upstream):
    """An answer to nothing, sent while the connection is idle, reaches nobody."""

    def script(peer):
        peer.upstream.requests.append(peer.read_request())
        peer.send(OK)
        if len(peer.upstream.requests) == 1:
            peers.wait_until(lambda: server.late, "the client was answered")
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned")
        peer.to_end()

    server = upstream(script)
    server.late = False
    hubgate.api.add("/", server.url)
    assert hubgate.get("/").body == b"ok"
    server.late = True
    peer = server.connection()
    peers.wait_until(lambda: peer.ending, "the connection was closed")
    assert hubgate.get("/").body == b"ok"
    assert used(server) == 2


def test_a_connection_whose_client_left_is_not_used_again(hubgate, upstream):
    """Its answer is still on the way: it would be the next request's."""

    def script(peer):
        message = peer.read_request()
        peer.upstream.requests.append(message)
        if message.target == "/left":
            peer.to_end()
        else:
            peer.send(OK)
            peer.to_end()

    server = upstream(script)
    hubgate.api.add("/", server.url)
    with hubgate.send(peers.request("GET", "/left")):
        server.request()
    peers.wait_until(lambda: server.connection().ending, "the upstream connection was closed")
    assert hubgate.get("/next").body == b"ok"


def test_an_early_answer_with_a_body_still_to_come_is_not_kept(hubgate, upstream):
    def script(peer):
        peer.upstream.requests.append(wire.read_head(peer))
        peer.send(OK)
        peer.to_end()

    server = upstream(script)
    hubgate.api.add("/", server.url)
    for _ in range(2):
        with hubgate.send(peers.request("POST", "/", [("Content-Length", "100")]) + b"part") as client:
            assert client.read_response().body == b"ok"
    assert used(server) == 2


def dies_when_used(first, then):
    """The first connection answers once and dies at its second request as `then` says; later ones
    answer everything."""

    def script(peer):
        if len(peer.upstream.connections) > 1:
            return peers.answering(first)(peer)
        peer.upstream.requests.append(peer.read_request())
        peer.send(first)
        peer.fill()
        then(peer)

    return script


DEATHS = {"closes": lambda peer: None, "resets": lambda peer: peer.reset()}


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_request_that_met_a_dying_connection_is_sent_once_more(hubgate, upstream, method, death):
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    server = upstream(dies_when_used(answer, DEATHS[death]))
    hubgate.api.add("/", server.url)
    assert hubgate.get("/").status == 204
    body = b"small" if method == "PUT" else b""
    assert hubgate.fetch(method, "/again", body=body).status == 204
    assert used(server) == 2
    assert server.requests[-1].body == body


@pytest.mark.parametrize("death", DEATHS)
def test_a_post_is_not_sent_twice(hubgate, upstream, death):
    server = upstream(dies_when_used(OK, DEATHS[death]))
    hubgate.api.add("/", server.url)
    assert hubgate.get("/").status == 200
    assert hubgate.fetch("POST", "/again", body=b"pay").status == 503
    assert used(server) == 1


def test_a_request_is_not_sent_a_third_time(hubgate, upstream):
    def script(peer):
        if not peer.upstream.requests:
            peer.upstream.requests.append(peer.read_request())
            peer.send(OK)
        peer.fill()

    server = upstream(script)
    hubgate.api.add("/", server.url)
    assert hubgate.get("/").status == 200
    assert hubgate.get("/").status == 503
    assert used(server) == 2


def test_a_fresh_connection_that_dies_is_not_tried_again(hubgate, upstream):
    server = upstream(lambda peer: peer.read_request())
    hubgate.api.add("/", server.url)
    assert hubgate.get("/").status == 503
    assert used(server) == 1


def test_a_reply_that_began_is_not_asked_for_again(hubgate, upstream):
    server = upstream(dies_when_used(OK, lambda peer: peer.send(b"HTTP/1.1 200 OK\r\nContent-")))
    hubgate.api.add("/", server.url)
    assert hubgate.get("/").status == 200
    assert hubgate.get("/").status == 503
    assert used(server) == 1


def test_kept_connections_that_died_idle_do_no_harm(hubgate, upstream):
    server = upstream(lambda peer: (peer.read_request(), peer.send(OK)))
    hubgate.api.add("/", server.url)
    for _ in range(40):
        assert hubgate.get("/").status == 200


def test_a_tunnels_connection_is_not_kept(hubgate, upstream):
    def script(peer):
        message = peer.read_request()
        if message.has("upgrade"):
            peer.send(SWITCH)
            peer.to_end()
        else:
            peer.send(OK)

    server = upstream(script)
    hubgate.api.add("/", server.url)
    with hubgate.send(upgrade("/")) as client:
        assert client.read_response().status == 101
    assert hubgate.get("/").body == b"ok"
    assert used(server) == 2


def test_a_deleted_routes_connections_are_closed(hubgate, upstream):
    server = upstream(peers.answering(OK))
    hubgate.api.add("/r", server.url)
    assert hubgate.get("/r").status == 200
    hubgate.api.delete("/r")
    peer = server.connection()
    peers.wait_until(lambda: peer.ending, "the idle connection was closed")


def test_a_deleted_routes_exchange_goes_on(hubgate, upstream):
    """CHP point 39."""

    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        peers.wait_until(lambda: server.go, "the route is gone")
        peer.send(b"cd")

    server = upstream(script)
    server.go = False
    hubgate.api.add("/r", server.url)
    with hubgate.send(peers.request("GET", "/r")) as client:
        client.until(b"ab")
        assert hubgate.api.delete("/r") == 204
        server.go = True
        assert client.exactly(2) == b"cd"


def test_replies_never_change_clients(hubgate, echo):
    """Many clients at once over shared connections: each gets its own answer."""
    hubgate.api.add("/", echo.url)
    wrong = []

    def ask(who):
        with hubgate.connect() as client:
            for number in range(50):
                path = f"/{who}/{number}"
                client.send(peers.request("POST", path, body=path.encode()))
                if f'"{path}"'.encode() not in client.read_response().body:
                    wrong.append(path)

    threads = [threading.Thread(target=ask, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(peers.PATIENCE * 2)
    assert not wrong and not any(thread.is_alive() for thread in threads)
