"""The end of the process, and running short of descriptors."""

import contextlib
import http.client
import signal
import time

import pytest

import peers
import wire
from test_websocket import SWITCH, upgrade

GET = peers.request("GET", "/")


def slow_answer(peer):
    """Answers half at once and the rest when upstream.go is set."""
    peer.read_request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
    peers.wait_until(lambda: peer.upstream.go, "the test says so")
    peer.send(b"rest")
    peer.to_end()


@pytest.fixture
def busy(start, upstream):
    """A proxy with one response under way: (proxy, client, server)."""

    def begin(*flags):
        proxy = start("hubgate", flags)
        server = upstream(slow_answer)
        server.go = False
        proxy.api.add("/", server.url)
        client = proxy.send(GET)
        client.until(b"half")
        return proxy, client, server

    return begin


def refuses(proxy):
    try:
        proxy.connect().close()
        return False
    except OSError:
        return True


def test_sigterm_stops_listening_and_finishes_what_runs(busy):
    proxy, client, server = busy("--drain-seconds=60")
    proxy.signal(signal.SIGTERM)
    peers.wait_until(lambda: refuses(proxy), "the socket is closed")
    assert proxy.running()
    server.go = True
    assert client.exactly(4) == b"rest"
    client.close()
    assert proxy.wait() == 0


def test_the_connection_is_closed_after_the_last_response(busy):
    proxy, client, server = busy("--drain-seconds=60")
    proxy.signal(signal.SIGTERM)
    peers.wait_until(lambda: refuses(proxy), "the socket is closed")
    server.go = True
    assert client.exactly(4) == b"rest"
    client.ended()
    assert proxy.wait() == 0


def test_a_reply_that_begins_while_draining_says_close(start, upstream):
    def script(peer):
        peer.read_request()
        peers.wait_until(lambda: peer.upstream.go, "the proxy drains")
        peer.send(peers.response(body=b"late"))

    proxy = start("hubgate", ["--drain-seconds=60"])
    server = upstream(script)
    server.go = False
    proxy.api.add("/", server.url)
    with proxy.send(GET) as client:
        server.connection()
        proxy.signal(signal.SIGTERM)
        peers.wait_until(lambda: refuses(proxy), "the socket is closed")
        server.go = True
        answer = client.read_response()
        assert (answer.body, answer.get("connection")) == (b"late", "close")
    assert proxy.wait() == 0


def test_idle_connections_do_not_hold_up_the_end(start, echo):
    proxy = start("hubgate", ["--drain-seconds=60"])
    proxy.api.add("/", echo.url)
    with proxy.send(GET) as idle:
        assert idle.read_response().status == 200
        before = proxy.descriptors()
        with proxy.connect() as silent:
            peers.wait_until(lambda: proxy.descriptors() > before, "the silent one is taken too")
            proxy.signal(signal.SIGTERM)
            assert proxy.wait() == 0
            assert idle.to_end()[0] == b"" and silent.to_end()[0] == b""


def test_what_does_not_finish_in_time_is_cut(busy):
    proxy, client, server = busy("--drain-seconds=1")
    proxy.signal(signal.SIGTERM)
    assert proxy.wait() == 0
    rest, _ = client.to_end()
    assert rest == b""


def test_tunnels_end_with_the_drain(start, upstream):
    def script(peer):
        peer.read_request()
        peer.send(SWITCH)
        peer.to_end()

    proxy = start("hubgate", ["--drain-seconds=1"])
    proxy.api.add("/", upstream(script).url)
    with proxy.send(upgrade("/")) as client:
        assert client.read_response().status == 101
        proxy.signal(signal.SIGTERM)
        assert proxy.wait() == 0
        assert client.to_end()[0] == b""


def test_a_second_sigterm_ends_at_once(busy):
    proxy, client, _ = busy("--drain-seconds=600")
    proxy.signal(signal.SIGTERM)
    peers.wait_until(lambda: refuses(proxy), "the socket is closed")
    assert proxy.running()
    proxy.signal(signal.SIGTERM)
    assert proxy.wait() == 0
    client.to_end()


def test_sigint_while_draining_ends_at_once(busy):
    proxy, client, _ = busy("--drain-seconds=600")
    proxy.signal(signal.SIGTERM)
    peers.wait_until(lambda: refuses(proxy), "the socket is closed")
    proxy.signal(signal.SIGINT)
    assert proxy.wait() == 2
    client.to_end()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2,
                                    signal.SIGWINCH])
def test_other_signals_do_not_end_it(hubgate, number):
    hubgate.signal(number)
    assert hubgate.get("/_chp_healthz").status == 200
    assert hubgate.running()


def test_the_api_does_not_hang_while_draining(busy):
    """The hub's calls are answered or refused, never hung."""
    proxy, client, server = busy("--drain-seconds=60")
    proxy.signal(signal.SIGTERM)
    with contextlib.suppress(OSError, http.client.HTTPException):
        proxy.api.routes()
    server.go = True
    assert client.exactly(4) == b"rest"
    client.close()
    assert proxy.wait() == 0


# --- descriptors ---


def test_running_out_of_descriptors_pauses_accepting(start, echo):
    """Connections beyond the limit wait; the ones there are served, without spinning."""
    proxy = start("hubgate", ["--workers=1", "--max-connections=100000"], nofile=64)
    proxy.api.add("/", echo.url)
    first = proxy.send(GET)
    assert first.read_response().status == 200
    crowd = [proxy.send(b"G") for _ in range(100)]  # the kernel's backlog takes them
    try:
        used = proxy.cpu()
        time.sleep(0.5)
        assert proxy.cpu() - used < 0.25, "it spins"
        assert first.send(peers.request("GET", "/_chp_healthz")).read_response().status == 200
    finally:
        for client in crowd:
            client.close()
    assert proxy.get("/").status == 200
    first.close()


def test_each_of_a_crowd_is_served_in_the_end(start, echo):
    proxy = start("hubgate", ["--workers=1"], nofile=64)
    proxy.api.add("/", echo.url)
    crowd = [proxy.send(peers.request("GET", "/", [("Connection", "close")])) for _ in range(150)]
    for client in crowd:
        with client:
            assert client.read_response().status in (200, 503)


def test_beyond_max_connections_clients_wait_and_cost_the_others_nothing(start, echo):
    proxy = start("hubgate", ["--workers=1", "--max-connections=5"])
    proxy.api.add("/", echo.url)
    held = []
    for _ in range(5):
        held.append(proxy.send(GET))
        assert held[-1].read_response().status == 200
    late = [proxy.send(GET) for _ in range(20)]  # the kernel takes them
    for client in held:
        assert client.send(GET).read_response().status == 200
        assert client.received.count(b"HTTP/1.1 200") == 2
    assert not any(client.received for client in late)
    for client in held + late:
        if client in late:
            assert client.read_response().status == 200
        client.close()
    assert served(proxy)


def served(proxy):
    """A request gets through once those who left are counted out."""

    def get():
        try:
            return proxy.get("/").status == 200
        except (OSError, wire.Truncated):
            return False

    return peers.wait_until(get, "a request is served")
