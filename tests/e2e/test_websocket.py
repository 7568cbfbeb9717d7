"""WebSockets and other upgrades (CHP points 61-68)."""

import json
import os
import threading

import pytest

import peers
from differences import differs

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
FIELDS = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
          ("Sec-WebSocket-Key", KEY)]
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def upgrade(target="/ws", fields=(), **more):
    return peers.request("GET", target, [*FIELDS, *fields], **more)


def switching(then):
    """A script that answers 101 and goes on with then(peer)."""

    def script(peer):
        peer.upstream.requests.append(peer.read_request())
        peer.send(SWITCH)
        then(peer)

    return script


def echo_bytes(peer):
    while peer.fill():
        data, peer.buffer = peer.buffer, b""
        peer.send(data)


@pytest.fixture
def tunnel(proxy, upstream):
    """tunnel(then): a client whose upgrade went through; then(peer) is the upstream's part."""

    def open_tunnel(then=echo_bytes):
        server = upstream(switching(then))
        proxy.api.add("/ws", server.url)
        client = proxy.send(upgrade())
        assert client.read_response().status == 101
        return client, server

    return open_tunnel


def test_echo(proxy, ws_echo):
    proxy.api.add("/ws", ws_echo.url)
    with peers.websocket(proxy.ws_url + "/ws/x?y=z") as ws:
        for message in ("hi", "x" * 70000, b"\x00\xff" * 1000):
            ws.send(message)
            assert ws.recv() == message
    assert ws_echo.requests[0].path == "/ws/x?y=z"


def test_large_messages(proxy, ws_echo):
    proxy.api.add("/ws", ws_echo.url)
    message = os.urandom(1 << 20)
    with peers.websocket(proxy.ws_url + "/ws", max_size=None, compression=None) as ws:
        ws.send(message)
        assert ws.recv() == message


def test_subprotocol_and_close_code_pass(proxy, upstream):
    def script(peer):
        seen = peer.read_request()
        assert seen.get("sec-websocket-protocol") == "v1.kernel"
        peer.send(SWITCH[:-2] + b"Sec-WebSocket-Protocol: v1.kernel\r\n\r\n")
        peer.send(b"\x88\x05\x0f\xa1bye")
        peer.to_end()

    proxy.api.add("/ws", upstream(script).url)
    with proxy.send(upgrade(fields=[("Sec-WebSocket-Protocol", "v1.kernel")])) as client:
        answer = client.read_response()
        assert answer.get("sec-websocket-protocol") == "v1.kernel"
        assert client.exactly(7) == b"\x88\x05\x0f\xa1bye"


def test_the_request_as_the_upstream_sees_it(kind, proxy, upstream):
    server = upstream(switching(echo_bytes))
    proxy.api.add("/ws", server.url)
    with proxy.send(upgrade("/ws/a%20b?c", [("Cookie", "a=1"), ("Origin", "http://hub.test")])) as client:
        assert client.read_response().status == 101
    seen = server.request()
    assert seen.start == "GET /ws/a%20b?c HTTP/1.1"
    assert seen.get("upgrade").lower() == "websocket"
    assert "upgrade" in seen.get("connection").lower()
    assert (seen.get("sec-websocket-key"), seen.get("sec-websocket-version")) == (KEY, "13")
    assert (seen.get("cookie"), seen.get("origin")) == ("a=1", "http://hub.test")
    assert seen.get("host") == "hub.test"
    assert (seen.get("x-forwarded-for"), seen.get("x-forwarded-proto")) == ("127.0.0.1", "ws")
    assert seen.get("x-forwarded-port") == "80"
    assert not seen.has("x-forwarded-host")  # CHP point 64


def test_the_switch_as_the_client_sees_it(proxy, upstream):
    proxy.api.add("/ws", upstream(switching(echo_bytes)).url)
    with proxy.send(upgrade()) as client:
        answer = client.read_response()
        assert answer.start == "HTTP/1.1 101 Switching Protocols"
        assert answer.get("upgrade") == "websocket"
        assert answer.get("connection").lower() == "upgrade"
        assert answer.get("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("connection", ["upgrade", "keep-alive, Upgrade", "UPGRADE"])
@pytest.mark.parametrize("token", ["websocket", "WebSocket"])
def test_spellings_of_the_upgrade(proxy, upstream, connection, token):
    proxy.api.add("/ws", upstream(switching(echo_bytes)).url)
    fields = [("Connection", connection), ("Upgrade", token), *FIELDS[2:]]
    with proxy.send(peers.request("GET", "/ws", fields)) as client:
        assert client.read_response().status == 101
        assert client.send(b"through").exactly(7) == b"through"


def test_the_same_path_rules_as_for_requests(launch, upstream):
    server = upstream(switching(echo_bytes))
    proxy = launch("--no-include-prefix")
    proxy.api.add("/ws", server.url + "/base")
    with proxy.send(upgrade("/ws/x")) as client:
        assert client.read_response().status == 101
    assert server.request().target == "/base/x"


def test_bytes_sent_with_the_upgrade_come_first(kind, proxy, upstream):
    proxy.api.add("/ws", upstream(switching(echo_bytes)).url)
    with proxy.send(upgrade() + b"early") as client:
        assert client.read_response().status == 101
        client.send(b"late")
        expected = differs(kind, "early-bytes", b"late", b"earlylate")
        assert client.exactly(len(expected)) == expected


def test_bytes_sent_with_the_switch_come_first(proxy, upstream):
    def script(peer):
        peer.read_request()
        peer.send(SWITCH + b"first")
        peer.send(b"second")
        peer.to_end()

    proxy.api.add("/ws", upstream(script).url)
    with proxy.send(upgrade()) as client:
        assert client.read_response().status == 101
        assert client.exactly(11) == b"firstsecond"


def test_any_bytes_pass_unread(tunnel):
    client, server = tunnel()
    with client:
        noise = b"HTTP/1.1 400 no\r\n\r\nGET / HTTP/1.1\r\n\r\n" + os.urandom(100_000)
        threading.Thread(target=client.send, args=(noise,), daemon=True).start()
        assert client.exactly(len(noise)) == noise


def test_the_servers_end_reaches_the_client(tunnel):
    client, _ = tunnel(lambda peer: peer.send(b"last words"))
    with client:
        assert client.to_end() == (b"last words", "fin")


def test_the_clients_end_reaches_the_server(tunnel):
    client, server = tunnel(lambda peer: peer.to_end())
    client.send(b"last words")
    client.close()
    peer = server.connection()
    peers.wait_until(lambda: peer.ending, "the upstream saw the end")
    assert peer.received.endswith(b"\r\n\r\nlast words")


def test_half_close_by_the_client_leaves_the_other_way_open(kind, tunnel):
    """CHP point 65: the end of one direction is passed on; point 68 then ends the other."""

    def answer_at_the_end(peer):
        peer.to_end()
        peer.send(b"an answer to the end")

    client, _ = tunnel(answer_at_the_end)
    with client:
        client.half_close()
        seen = client.to_end()
        assert seen[0] == b"an answer to the end"


def test_a_reset_server_ends_the_client_without_a_word(kind, tunnel):
    def script(peer):
        peer.exactly(1)
        peer.reset()

    client, _ = tunnel(script)
    with client:
        client.send(b"x")
        words, _ = client.to_end()
        if kind == "chp":
            assert words in (b"", b"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n")
        else:
            assert words == b""


def test_a_reset_client_ends_the_server(tunnel):
    client, server = tunnel(lambda peer: peer.to_end())
    client.reset()
    peer = server.connection()
    peers.wait_until(lambda: peer.ending, "the upstream saw the end")


def test_a_reset_right_behind_bytes_ends_the_tunnel(proxy, upstream):
    """One event may tell of the bytes and of the reset (the upstream itself stays silent)."""
    server = upstream(switching(lambda peer: peer.to_end()))
    proxy.api.add("/ws", server.url)
    for _ in range(10):
        client = proxy.send(upgrade())
        assert client.read_response().status == 101
        client.send(b"last words")
        client.reset()
    peers.wait_until(lambda: all(peer.ending for peer in server.connections), "all tunnels ended")


# --- answers other than 101 (CHP point 66) ---


@pytest.mark.parametrize("status", ["200 OK", "302 Found", "403 Forbidden", "404 None", "426 Upgrade",
                                    "500 Broken"])
def test_other_answers_are_relayed(proxy, upstream, status):
    server = upstream(peers.answering(peers.response(status, [("X-Why", "so"), ("Location", "/l")],
                                                     b"the reason")))
    proxy.api.add("/ws", server.url)
    with proxy.send(upgrade()) as client:
        answer = client.read_response()
        assert (answer.status, answer.body) == (int(status[:3]), b"the reason")
        assert (answer.get("x-why"), answer.get("location")) == ("so", "/l")


def test_another_answer_without_length_is_complete(proxy, upstream):
    server = upstream(peers.answering(peers.response("403 No", [("Connection", "close")],
                                                     b"to the end", length=False)))
    proxy.api.add("/ws", server.url)
    with proxy.send(upgrade()) as client:
        answer = client.read_response()
        assert (answer.status, answer.body, answer.complete) == (403, b"to the end", True)


def test_another_answer_closes_the_connection(proxy, upstream):
    proxy.api.add("/ws", upstream(peers.answering(peers.response("403 No", body=b"no"))).url)
    with proxy.send(upgrade()) as client:
        assert client.read_response().status == 403
        client.ended()


# --- failures before the upgrade (CHP point 63) ---


def failed_upgrade(kind, client, status):
    """A complete response and the end of the connection."""
    answer = client.read_response()
    assert answer.status == status
    if kind == "hubgate":
        assert answer.reason
        assert "close" in answer.get("connection").lower()
    if kind == "hubgate" or status == 503:
        client.ended()
    else:
        assert differs(kind, "failed-upgrade", client.quiet(), None)


def test_no_route(kind, proxy):
    with proxy.send(upgrade("/none")) as client:
        failed_upgrade(kind, client, 404)


@pytest.mark.parametrize("failure", [
    lambda peer: peer.read_request(),
    lambda peer: (peer.read_request(), peer.reset()),
    lambda peer: (peer.read_request(), peer.send(b"HTTP/1.1 101 Swi")),
], ids=["closes", "resets", "ends in the head"])
def test_upstream_fails(kind, proxy, upstream, failure):
    proxy.api.add("/ws", upstream(failure).url)
    with proxy.send(upgrade()) as client:
        failed_upgrade(kind, client, 503)


def test_upstream_refuses(kind, proxy, upstream):
    server = upstream()
    server.stop()
    proxy.api.add("/ws", server.url)
    with proxy.send(upgrade()) as client:
        failed_upgrade(kind, client, 503)


def test_the_error_target_is_not_asked(kind, launch, upstream):
    pages = upstream()
    proxy = launch(f"--error-target={pages.url}")
    with proxy.send(upgrade("/none")) as client:
        failed_upgrade(kind, client, 404)
    assert pages.requests == []


# --- what is no WebSocket (CHP points 61, 62) ---


def test_upgrade_without_connection_is_a_plain_request(proxy, echo):
    proxy.api.add("/ws", echo.url)
    assert proxy.echo("GET", "/ws", FIELDS[1:])["method"] == "GET"


@pytest.mark.parametrize("token", ["h2c", "foo", "TLS/1.0"])
def test_other_tokens_are_plain_requests(kind, proxy, echo, token):
    proxy.api.add("/ws", echo.url)
    fields = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", token), ("HTTP2-Settings", "AA")]
    with proxy.send(peers.request("GET", "/ws", fields)) as client:
        if kind == "chp":
            assert differs(kind, "other-upgrades", client.ended(), None) in ("fin", "reset")
            return
        seen = json.loads(client.read_response().body)
        names = {name.lower() for name, _ in seen["fields"]}
        assert not names & {"upgrade", "http2-settings"}


def test_an_upgrade_by_post_is_a_plain_request(kind, proxy, echo):
    proxy.api.add("/ws", echo.url)
    with proxy.send(peers.request("POST", "/ws", FIELDS, b"body")) as client:
        if kind == "chp":
            assert differs(kind, "other-upgrades", client.ended(), None) in ("fin", "reset")
            return
        seen = json.loads(client.read_response().body)
        assert (seen["method"], seen["body"]) == ("POST", "body")


def test_http_1_0_cannot_upgrade(hubgate, echo):
    hubgate.api.add("/ws", echo.url)
    with hubgate.send(upgrade(version="1.0")) as client:
        seen = json.loads(client.read_response().body)
        assert "upgrade" not in {name.lower() for name, _ in seen["fields"]}


def test_a_switch_nobody_asked_for_is_an_upstream_failure(hubgate, upstream):
    """No tunnel without the client's upgrade: its bytes stay HTTP."""
    hubgate.api.add("/", upstream(switching(echo_bytes)).url)
    with hubgate.send(peers.request("GET", "/") + peers.request("GET", "/next")) as client:
        assert client.read_response().status == 503


def test_pipelined_bytes_are_no_tunnel_until_the_switch(hubgate, upstream):
    """What follows an upgrade that is refused never reaches the upstream."""
    server = upstream(peers.answering(peers.response("403 No", body=b"no")))
    hubgate.api.add("/", server.url)
    with hubgate.send(upgrade("/ws") + peers.request("GET", "/smuggled")) as client:
        assert client.read_response().status == 403
        client.to_end()
    assert b"smuggled" not in server.connection().received


def test_a_large_flow_both_ways(tunnel):
    client, _ = tunnel()
    total, block = 16 << 20, os.urandom(1 << 16)
    with client:
        client.keep = False
        sender = threading.Thread(
            target=lambda: [client.send(block) for _ in range(total // len(block))], daemon=True
        )
        sender.start()
        for _ in range(total // len(block)):
            assert client.exactly(len(block)) == block
        sender.join(peers.PATIENCE)
