"""When a route's last_activity changes and when it must not (CHP points 69-72): the hub culls idle
servers by it."""

import datetime
import json
import re
import time

import pytest

import peers

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


def tick():
    """Lets the clock of the stamps move on: it has milliseconds, and is read now and then."""
    time.sleep(0.02)


def later(proxy, path, before):
    """Waits until the route's activity is after `before`; returns it."""
    return peers.wait_until(
        lambda: (now := proxy.api.activity(path)) > before and now, f"{path} was active"
    )


@pytest.fixture
def proxy(kind, launch):
    """With one worker, so that what a later request did is recorded after what an earlier one did."""
    return launch(*(["--workers=1"] if kind == "hubgate" else []))


@pytest.fixture
def unchanged(proxy, upstream):
    """unchanged(path, before): the activity is still `before`, also after a request that came later
    was recorded: what had been on its way would be there too."""

    def check(path, before):
        proxy.api.add("/barrier", upstream().url)
        added = proxy.api.activity("/barrier")
        tick()
        assert proxy.get("/barrier").status == 200
        later(proxy, "/barrier", added)
        assert proxy.api.activity(path) == before

    return check


@pytest.fixture
def route(proxy, upstream):
    """route(script): a route /r to such an upstream; its activity on adding."""

    def add(script=None):
        server = upstream(script)
        proxy.api.add("/r", server.url)
        before = proxy.api.activity("/r")
        tick()
        return before

    return add


def test_the_stamp_is_utc_with_milliseconds(proxy, route):
    stamp = route()
    assert STAMP.match(stamp)
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(stamp)
    assert abs(age.total_seconds()) < 60


def test_adding_again_counts(proxy, route):
    before = route()
    proxy.api.add("/r", "http://127.0.0.1:1")
    assert proxy.api.activity("/r") > before


def test_a_given_last_activity_is_overwritten(proxy):
    proxy.api.add("/r", "http://127.0.0.1:1", last_activity="2001-01-01T00:00:00.000Z")
    assert proxy.api.activity("/r") > "2020"


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No Content", "206 Partial Content"])
def test_a_successful_response_counts(proxy, route, status):
    length = "" if status.startswith("204") else "Content-Length: 0\r\n"
    before = route(peers.answering(f"HTTP/1.1 {status}\r\n{length}\r\n".encode()))
    assert proxy.get("/r").status == int(status[:3])
    later(proxy, "/r", before)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "304 Not Modified", "400 Bad",
                                    "403 Forbidden", "404 None", "500 Broken", "503 Busy"])
def test_other_statuses_do_not(proxy, route, status, unchanged):
    length = "" if status.startswith("304") else "Content-Length: 0\r\n"
    before = route(peers.answering(f"HTTP/1.1 {status}\r\n{length}\r\n".encode()))
    assert proxy.get("/r").status == int(status[:3])
    unchanged("/r", before)


def test_a_failed_upstream_does_not(proxy, route, unchanged):
    before = route(lambda peer: peer.read_request())
    assert proxy.get("/r").status == 503
    unchanged("/r", before)


def test_bytes_of_a_request_body_count_whatever_the_answer(proxy, route):
    before = route(peers.answering(peers.response("404 None")))
    assert proxy.fetch("POST", "/r", body=b"x").status == 404
    later(proxy, "/r", before)


def test_each_part_of_a_request_body_counts(proxy, route):
    activity = route()
    with proxy.send(peers.request("POST", "/r", [("Content-Length", "100")])) as client:
        for _ in range(3):
            client.send(b"x")
            activity = later(proxy, "/r", activity)
            tick()


def test_a_response_counts_when_it_is_complete(proxy, upstream, unchanged):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        peers.wait_until(lambda: server.go, "the test says so")
        peer.send(b"cd")
        peer.to_end()

    server = upstream(script)
    server.go = False
    proxy.api.add("/r", server.url)
    before = proxy.api.activity("/r")
    with proxy.send(peers.request("GET", "/r")) as client:
        client.until(b"\r\n\r\nab")
        unchanged("/r", before)
        server.go = True
        assert client.exactly(2) == b"cd"
        later(proxy, "/r", before)


def test_a_truncated_response_does_not(kind, proxy, route, unchanged):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")

    before = route(script)
    with proxy.send(peers.request("GET", "/r")) as client:
        client.until(b"\r\n\r\nab")
        if kind == "hubgate":  # CHP leaves its client waiting for the rest
            client.to_end()
        unchanged("/r", before)


def test_asking_for_a_route_and_for_health_does_not(proxy, route, unchanged):
    before = route()
    proxy.api.route("/r")
    proxy.get("/_chp_healthz")
    unchanged("/r", before)


def test_an_answer_after_the_route_is_gone_does_not_bring_it_back(proxy, upstream):
    def script(peer):
        peer.read_request()
        peers.wait_until(lambda: server.go, "the test says so")
        peer.send(peers.response(body=b"late"))

    server = upstream(script)
    server.go = False
    proxy.api.add("/r", server.url)
    with proxy.send(peers.request("GET", "/r")) as client:
        server.connection()
        assert proxy.api.delete("/r") == 204
        server.go = True
        assert client.read_response().body == b"late"
    assert proxy.api.route("/r") is None


def test_only_the_matched_route_is_active(proxy, upstream, unchanged):
    server = upstream()
    for path in ("/r", "/r/deep", "/q"):
        proxy.api.add(path, server.url)
    before = {path: proxy.api.activity(path) for path in ("/r", "/r/deep", "/q")}
    tick()
    assert proxy.get("/r/deep/x").status == 200
    later(proxy, "/r/deep", before["/r/deep"])
    unchanged("/r", before["/r"])
    unchanged("/q", before["/q"])


# --- websockets ---


def test_each_message_of_a_websocket_client_counts(proxy, ws_echo):
    proxy.api.add("/ws", ws_echo.url)
    with peers.websocket(proxy.ws_url + "/ws") as ws:
        for _ in range(3):
            before = proxy.api.activity("/ws")
            tick()
            ws.send("hello")
            assert ws.recv() == "hello"
            later(proxy, "/ws", before)


def test_a_clients_ping_counts(proxy, ws_echo):
    proxy.api.add("/ws", ws_echo.url)
    with peers.websocket(proxy.ws_url + "/ws") as ws:
        before = proxy.api.activity("/ws")
        tick()
        assert ws.ping().wait(peers.PATIENCE)
        later(proxy, "/ws", before)


UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
           ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


def test_the_upgrade_and_the_servers_bytes_do_not(proxy, route, unchanged):
    def script(peer):
        peer.read_request()
        peer.send(SWITCH + b"server speaks first")
        peer.to_end()

    before = route(script)
    with proxy.send(peers.request("GET", "/r", UPGRADE)) as client:
        client.until(b"server speaks first")
        unchanged("/r", before)
        client.send(b"c")
        later(proxy, "/r", before)


def test_a_failed_websocket_does_not(kind, proxy, route, unchanged):
    before = route(lambda peer: peer.read_request())
    with proxy.send(peers.request("GET", "/r", UPGRADE)) as client:
        assert client.until(b"\r\n").split(b" ")[1].strip() == b"503"
        unchanged("/r", before)


def test_inactive_since_selects_by_activity(proxy, route):
    before = route()
    hour = datetime.timedelta(hours=1)
    now = datetime.datetime.now(datetime.UTC)
    for since, found in ((now - hour, False), (now + hour, True)):
        stamp = since.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        status, body = proxy.api.call("GET", f"/api/routes?inactiveSince={stamp}")
        assert (status, "/r" in json.loads(body)) == (200, found)
    # strictly before: not at its own moment
    status, body = proxy.api.call("GET", f"/api/routes?inactiveSince={before}")
    assert "/r" not in json.loads(body)
