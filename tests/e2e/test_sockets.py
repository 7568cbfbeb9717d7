"""Listening on unix sockets (CHP point 3, XIV)."""

import socket

import pytest

import peers
from differences import differs


@pytest.fixture
def on_sockets(kind, start, tmp_path):
    return start(kind, ["--socket", str(tmp_path / "proxy.sock"),
                        "--api-socket", str(tmp_path / "api.sock")])


def test_requests_over_a_unix_socket(on_sockets, echo):
    on_sockets.api.add("/", echo.url)
    seen = on_sockets.echo("POST", "/x", body=b"body")
    assert (seen["target"], seen["body"]) == ("/x", "body")
    assert on_sockets.get("/_chp_healthz").status == 200


def test_websockets_over_a_unix_socket(on_sockets, ws_echo):
    on_sockets.api.add("/", ws_echo.url)
    sock = on_sockets.connect().sock
    with peers.websocket("ws://hub.test/x", sock=sock) as ws:
        ws.send("hello")
        assert ws.recv() == "hello"


def test_from_socket_to_socket(on_sockets, upstream):
    server = upstream(peers.answering(peers.report), unix=True)
    on_sockets.api.add("/", server.url)
    assert on_sockets.echo("GET", "/x")["target"] == "/x"


def test_the_api_on_a_unix_socket(on_sockets):
    on_sockets.api.add("/x", "http://127.0.0.1:1")
    assert list(on_sockets.api.routes()) == ["/x"]


def test_a_socket_left_behind(kind, start, tmp_path):
    path = str(tmp_path / "proxy.sock")
    if differs(kind, "stale-socket", False, True):
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(path)
        proxy = start(kind, ["--socket", path])
        assert proxy.get("/_chp_healthz").status == 200
        proxy.stop()
    else:
        start(kind, ["--socket", path]).stop()


def test_a_socket_in_use_is_not_taken(start, run_program, tmp_path):
    path = str(tmp_path / "proxy.sock")
    proxy = start("hubgate", ["--socket", path])
    second = run_program("hubgate", "--socket", path, "--api-socket", str(tmp_path / "api2"),
                         env={"CONFIGPROXY_AUTH_TOKEN": "t"})
    assert second.process.returncode == 1
    assert proxy.get("/_chp_healthz").status == 200
