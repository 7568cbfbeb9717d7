"""No stage without its deadline: each expires with its status or its close. The flags set them to
fractions of a second; only that they expire is asserted, and that nothing else does."""

import socket
import threading
import time

import pytest

import peers
import wire
from test_websocket import SWITCH, upgrade

SHORT = 150
GET = peers.request("GET", "/")


def never(peer):
    """A script of an upstream that takes the request and says nothing."""
    peer.read_request()
    peer.to_end()


def test_head_timeout_is_408(launch_hubgate):
    proxy = launch_hubgate(f"--head-timeout={SHORT}")
    for part in (b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n"):
        with proxy.send(part) as client:
            answer = client.read_response()
            assert (answer.status, answer.get("connection")) == (408, "close")
            assert client.ended() == "fin"


def test_head_timeout_is_for_the_whole_head(launch_hubgate):
    """A byte now and then does not put it off."""
    proxy = launch_hubgate(f"--head-timeout={SHORT}")
    with proxy.connect() as client:
        end = time.monotonic() + peers.PATIENCE
        for byte in peers.request("GET", "/", [("X", "y" * 1000)]):
            if not client.try_send(bytes([byte])) or not client.quiet(0.02):
                break
            assert time.monotonic() < end
        assert client.read_response().status == 408


def test_a_silent_connection_is_closed_without_a_word(launch_hubgate):
    """Nobody asked anything yet: nothing to answer (browsers open spare connections)."""
    proxy = launch_hubgate(f"--head-timeout={SHORT}", f"--keep-alive-timeout={SHORT}")
    with proxy.connect() as client:
        assert client.to_end() == (b"", "fin")


def test_keep_alive_timeout_closes_between_requests(launch_hubgate, echo):
    proxy = launch_hubgate(f"--keep-alive-timeout={SHORT}")
    proxy.api.add("/", echo.url)
    with proxy.send(GET) as client:
        assert client.read_response().status == 200
        assert client.ended() == "fin"


def test_body_idle_timeout_is_408(launch_hubgate, upstream):
    proxy = launch_hubgate(f"--body-idle-timeout={SHORT}")
    server = upstream()
    proxy.api.add("/", server.url)
    with proxy.send(peers.request("POST", "/", [("Content-Length", "10")]) + b"some") as client:
        answer = client.read_response()
        assert (answer.status, answer.get("connection")) == (408, "close")
    peer = server.connection()
    peers.wait_until(lambda: peer.ending, "the upstream saw the end")
    assert server.requests == []


def test_body_idle_timeout_counts_silence_only(launch_hubgate, echo):
    proxy = launch_hubgate("--body-idle-timeout=600")
    proxy.api.add("/", echo.url)
    with proxy.send(peers.request("POST", "/", [("Content-Length", "10")])) as client:
        for _ in range(10):
            time.sleep(0.15)
            client.send(b"x")
        assert client.read_response().status == 200


def test_proxy_timeout_before_the_reply(launch_hubgate, upstream):
    for flags, status in (((), 503), (("--distinct-statuses",), 504)):
        proxy = launch_hubgate(f"--proxy-timeout={SHORT}", *flags)
        proxy.api.add("/", upstream(never).url)
        assert proxy.get("/").status == status


def test_proxy_timeout_within_the_reply_cuts_it(launch_hubgate, upstream):
    proxy = launch_hubgate(f"--proxy-timeout={SHORT}")
    proxy.api.add("/", upstream(lambda peer: (
        peer.read_request(), peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome"),
        peer.to_end())).url)
    with proxy.send(GET) as client:
        with pytest.raises(wire.Truncated):
            client.read_response()


def test_proxy_timeout_counts_silence_only(launch_hubgate, upstream):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.15)
            peer.send(b"x")
        peer.to_end()

    proxy = launch_hubgate("--proxy-timeout=600")
    proxy.api.add("/", upstream(script).url)
    assert proxy.get("/").body == b"x" * 10


def test_proxy_timeout_does_not_count_while_the_client_uploads(launch_hubgate, echo):
    """The upstream owes nothing before it has the request."""
    proxy = launch_hubgate("--proxy-timeout=400")
    proxy.api.add("/", echo.url)
    with proxy.send(peers.request("POST", "/", [("Content-Length", "6")])) as client:
        for _ in range(6):
            time.sleep(0.15)
            client.send(b"x")
        assert client.read_response().status == 200


def test_there_is_no_reply_timeout_by_default(hubgate, upstream):
    def script(peer):
        peer.read_request()
        time.sleep(1.0)
        peer.send(peers.response(body=b"late"))

    hubgate.api.add("/", upstream(script).url)
    assert hubgate.get("/").body == b"late"


def full_backlog():
    """A listener that takes no more connections: connecting to it hangs."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(8):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
        fillers.append(filler)
    return listener, fillers


@pytest.mark.parametrize("flags, status", [((), 503), (("--distinct-statuses",), 504)])
def test_connect_timeout(launch_hubgate, flags, status):
    listener, fillers = full_backlog()
    try:
        proxy = launch_hubgate(f"--connect-timeout={SHORT}", *flags)
        proxy.api.add("/", "http://127.0.0.1:%d" % listener.getsockname()[1])
        assert proxy.get("/").status == status
    finally:
        for sock in (listener, *fillers):
            sock.close()


def test_write_stall_of_a_client_ends_the_exchange(launch_hubgate, upstream):
    """A client that takes nothing of a long reply does not hold the upstream for ever."""
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while peer.try_send(b"x" * 65536):
            pass
        peer.upstream.requests.append("ended")

    proxy = launch_hubgate(f"--write-stall-timeout={SHORT * 2}")
    server = upstream(script)
    proxy.api.add("/", server.url)
    with proxy.send(GET):
        peers.wait_until(lambda: server.requests, "the upstream was let go")


def test_write_stall_of_an_upstream_ends_the_exchange(launch_hubgate, upstream):
    def script(peer):
        wire.read_head(peer)
        peers.wait_until(lambda: server.done, "the client was answered")

    proxy = launch_hubgate(f"--write-stall-timeout={SHORT * 2}", "--body-idle-timeout=60000")
    server = upstream(script)
    server.done = False
    proxy.api.add("/", server.url)
    with proxy.send(peers.request("POST", "/", [("Content-Length", "1000000000")])) as client:
        def push():
            while client.try_send(b"x" * 65536):
                pass

        threading.Thread(target=push, daemon=True).start()
        assert client.read_response().status == 503
        server.done = True


def test_tunnel_idle_timeout(launch_hubgate, upstream):
    def tunnel(peer):
        peer.read_request()
        peer.send(SWITCH)
        peer.to_end()

    proxy = launch_hubgate(f"--tunnel-idle-timeout={SHORT}")
    server = upstream(tunnel)
    proxy.api.add("/", server.url)
    with proxy.send(upgrade("/")) as client:
        assert client.read_response().status == 101
        assert client.to_end()[0] == b""  # nothing but the peer's own bytes
    peer = server.connection()
    peers.wait_until(lambda: peer.ending, "the upstream saw the end")


def test_a_tunnel_outlives_every_other_deadline(launch_hubgate, upstream):
    def tunnel(peer):
        peer.read_request()
        peer.send(SWITCH)
        peer.send(peer.exactly(5))
        peer.to_end()

    proxy = launch_hubgate(*(f"--{name}={SHORT}" for name in (
        "head-timeout", "body-idle-timeout", "connect-timeout", "keep-alive-timeout", "timeout",
        "proxy-timeout", "write-stall-timeout")))
    proxy.api.add("/", upstream(tunnel).url)
    with proxy.send(upgrade("/")) as client:
        assert client.read_response().status == 101
        assert client.quiet(SHORT / 1000 * 5)
        assert client.send(b"still").exactly(5) == b"still"


def test_timeout_drops_a_silent_client_without_an_answer(launch_hubgate):
    """CHP point 58."""
    proxy = launch_hubgate(f"--timeout={SHORT}")
    with proxy.send(b"GET / HTTP/1.1\r\n") as client:
        assert client.to_end()[0] == b""


def test_timeout_counts_while_the_target_is_silent(launch_hubgate, upstream):
    """CHP point 58: it is about the client's connection, whomever we wait for."""
    proxy = launch_hubgate(f"--timeout={SHORT}")
    server = upstream(never)
    proxy.api.add("/", server.url)
    with proxy.send(GET) as client:
        peer = server.connection()
        assert client.to_end()[0] == b""
        peers.wait_until(lambda: peer.ending, "the upstream saw the end")


def test_timeout_counts_silence_only(launch_hubgate, upstream):
    """A reply that keeps coming keeps the client."""
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
        for _ in range(10):
            time.sleep(0.15)
            peer.send(b"x")
        peer.to_end()

    proxy = launch_hubgate("--timeout=600")
    proxy.api.add("/", upstream(script).url)
    assert proxy.get("/").body == b"x" * 10


def test_slow_clients_do_not_slow_others(launch_hubgate, echo):
    proxy = launch_hubgate("--workers=1")
    proxy.api.add("/", echo.url)
    slow = [proxy.send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ") for _ in range(200)]
    try:
        for _ in range(20):
            assert proxy.get("/").status == 200
    finally:
        for client in slow:
            client.close()
