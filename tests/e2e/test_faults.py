"""Peers that leave, stall, lie or die between two steps of an exchange: each such fault ends as it
should, once, and harms nobody else."""

import fcntl
import os
import threading
import time

import pytest

import peers
import programs
import wire

GET = peers.request("GET", "/")
OK = peers.response(body=b"ok")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("client_leaves", [False, True], ids=["client stays", "client leaves"])
def test_the_deadline_of_a_failed_exchange_does_not_reach_its_page(
    launch_hubgate, upstream, client_leaves
):
    """The page comes after the time its exchange had, and is fetched once."""
    gone = threading.Event()

    def page(peer):
        peer.upstream.requests.append(peer.read_request())
        assert peer.quiet(0.3)  # 0.2 s of the 0.4 have passed
        server.late = True
        if client_leaves:
            gone.wait(peers.PATIENCE)
        peer.send(peers.response(fields=[("Connection", "close")], body=b"page"))

    server = upstream(page)
    server.late = False
    proxy = launch_hubgate("--proxy-timeout=400", f"--error-target={server.url}", "--workers=1")
    proxy.api.add("/", upstream(lambda peer: (peer.read_request(), peer.quiet(0.2))).url)
    with proxy.send(GET) as client:
        if client_leaves:
            peers.wait_until(lambda: server.late, "the exchange's own deadline has passed")
        else:
            answer = client.read_response()
            assert (answer.status, answer.body) == (503, b"page")
    gone.set()
    assert proxy.get("/_chp_healthz").status == 200
    assert len(server.requests) == 1


LEAVING = {
    "nothing, reset": (GET, b"", peers.Peer.reset),
    "part of a next request": (GET, b"G", peers.Peer.close),
    "part of a next request, reset": (GET, b"G", peers.Peer.reset),
    "an empty line behind a body": (peers.request("POST", "/", body=b"hi"), b"\r\n",
                                    peers.Peer.close),
}


@pytest.mark.parametrize("sent, unread, leave", LEAVING.values(), ids=LEAVING)
def test_a_client_that_leaves_behind_unread_bytes_is_noticed(
    hubgate, upstream, sent, unread, leave
):
    def never(peer):
        peer.upstream.requests.append(peer.read_request())
        peer.to_end()

    server = upstream(never)
    hubgate.api.add("/", server.url)
    client = hubgate.send(sent)
    server.request()
    assert client.send(unread).quiet(0.05)  # they arrive before the end does
    leave(client)
    peers.wait_until(lambda: server.connection().ending, "the upstream was let go")


def test_bytes_of_the_client_do_not_put_off_proxy_timeout(launch_hubgate, upstream):
    proxy = launch_hubgate("--proxy-timeout=300")
    proxy.api.add("/", upstream(lambda peer: (peer.read_request(), peer.to_end())).url)
    with proxy.send(GET) as client:
        end = time.monotonic() + peers.PATIENCE / 2  # before the upstream gives up
        while client.try_send(b"G") and client.quiet(0.05):
            assert time.monotonic() < end
        assert client.read_response().status == 503


def test_a_request_is_not_sent_again_after_an_interim_reply(launch_hubgate, upstream):
    """The kept connection dies behind its 100, which the client has already seen."""
    relayed = threading.Event()

    def script(peer):
        peer.upstream.requests.append(peer.read_request())
        peer.send(OK)
        peer.upstream.requests.append(wire.read_head(peer))
        peer.send(CONTINUE)
        relayed.wait(peers.PATIENCE)

    proxy = launch_hubgate("--workers=1")
    server = upstream(script)
    proxy.api.add("/", server.url)
    assert proxy.get("/").status == 200
    fields = [("Expect", "100-continue"), ("Content-Length", "5")]
    with proxy.send(peers.request("PUT", "/", fields)) as client:
        assert wire.read_head(client).status == 100
        relayed.set()
        answer = client.read_response()
    assert (answer.status, answer.interim) == (503, [])
    assert (len(server.connections), len(server.requests)) == (1, 2)


def test_a_body_goes_on_after_a_relayed_100_and_an_early_reply(hubgate, upstream):
    size = 200_000

    def script(peer):
        wire.read_head(peer)
        peer.send(CONTINUE)
        peer.exactly(10)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        peer.exactly(size - 10)
        peer.send(b"done")
        peer.to_end()

    hubgate.api.add("/", upstream(script).url)
    fields = [("Expect", "100-continue"), ("Content-Length", size)]
    with hubgate.send(peers.request("PUT", "/", fields)) as client:
        assert wire.read_head(client).status == 100
        client.send(b"x" * 10)
        assert wire.read_head(client).status == 200
        client.send(b"x" * (size - 10))
        assert client.exactly(4) == b"done"


@pytest.mark.parametrize("path", [
    "/user/bob%2f..%2falice/x", "/user/bob%2F..%2Falice/x", "/user/bob/..%2falice/x",
    "/user/bob/%2e%2e%2falice/x",
])
def test_dots_between_escaped_slashes_reach_nobody(hubgate, echo, path):
    for route in ("/", "/user/bob", "/user/alice"):
        hubgate.api.add(route, echo.url)
    assert hubgate.get(path).status == 400
    assert echo.connections == []


def test_trailers_cannot_forge_forwarding_fields(hubgate, echo):
    hubgate.api.add("/", echo.url)
    forged = ("X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n"
              "Forwarded: for=9.9.9.9\r\nX-Sum: 7\r\n")
    body = peers.chunked(b"body", trailers=forged)
    seen = hubgate.echo("POST", "/", [("Transfer-Encoding", "chunked")], body)
    assert (seen["body"], seen["trailers"]) == ("body", [["X-Sum", "7"]])


def fill(pipe):
    """Writes until the pipe takes no more, and leaves it blocking."""
    os.set_blocking(pipe, False)
    try:
        for size in (4096, 1):
            with pytest.raises(BlockingIOError):
                while True:
                    os.write(pipe, b"x" * size)
    finally:
        os.set_blocking(pipe, True)


def test_a_log_that_nobody_reads_does_not_hold_up_the_end(start):
    unread, log = os.pipe()
    try:
        fcntl.fcntl(log, fcntl.F_SETPIPE_SZ, 4096)
        proxy = start("hubgate", ["--drain-seconds=1"], stdout=log)
        fill(log)
        assert proxy.get("/none").status == 404  # has a line to log
        assert proxy.stop() == 0
    finally:
        os.close(unread)
        os.close(log)


def test_the_default_target_is_there_before_the_port_opens(echo):
    for _ in range(5):
        proxy = programs.Proxy("hubgate", [f"--default-target={echo.url}"])
        end = time.monotonic() + peers.PATIENCE
        try:
            while True:  # without a pause: the first moment counts
                try:
                    client = proxy.send(GET)
                    break
                except ConnectionRefusedError:
                    assert proxy.running() and time.monotonic() < end, proxy.output
            with client:
                assert client.read_response().status == 200
        finally:
            proxy.stop()
