"""What breaks the protocol gets a status and a close, and nothing of it is passed on."""

import contextlib

import pytest

import bad_replies
import bad_requests
import peers
import wire


@contextlib.contextmanager
def descriptors_return(hubgate):
    """The process has as many descriptors after a hostile test as before, sooner or later."""
    hubgate.get("/_chp_healthz")
    before = settled_descriptors(hubgate)
    yield
    hubgate.clear()  # the routes' idle upstream connections go with them
    peers.wait_until(lambda: hubgate.descriptors() <= before, f"{before} descriptors are open again")


def settled_descriptors(proxy):
    counts = [proxy.descriptors()]

    def same():
        counts.append(proxy.descriptors())
        return len(counts) > 10 and len(set(counts[-10:])) == 1

    peers.wait_until(same, "the number of descriptors settled")
    return counts[-1]


@pytest.mark.parametrize("name", bad_requests.HEADS)
def test_bad_heads(hubgate, upstream, name):
    sent, expected = bad_requests.HEADS[name]
    server = upstream()
    hubgate.api.add("/", server.url)
    with hubgate.send(sent) as client:
        answer = client.read_response()
        assert answer.status in (expected if isinstance(expected, tuple) else (expected,))
        assert answer.get("connection") == "close"
        assert client.ended() == "fin"
    assert server.connections == []


@pytest.mark.parametrize("name", bad_requests.HEADS)
def test_bad_heads_end_a_pipeline(hubgate, upstream, name):
    """What went before is answered, what comes after is not looked at."""
    sent, _ = bad_requests.HEADS[name]
    server = upstream()
    hubgate.api.add("/", server.url)
    before, after = peers.request("GET", "/before"), peers.request("GET", "/after")
    with hubgate.send(before + sent + after) as client:
        assert client.read_response().status == 200
        assert client.read_response().status >= 400
        assert client.ended() == "fin"
    assert [request.target for request in server.requests] == ["/before"]


def test_bad_heads_in_single_bytes(hubgate, upstream):
    """The verdict does not depend on how the bytes arrive."""
    server = upstream()
    hubgate.api.add("/", server.url)
    rows = {**bad_requests.FRAMING, **bad_requests.HOSTS, **bad_requests.LINES}
    for name, (sent, expected) in rows.items():
        with hubgate.connect() as client:
            for byte in sent:
                if not client.try_send(bytes([byte])):
                    break
            assert client.read_response().status == expected, name
    assert server.connections == []


@pytest.mark.parametrize("name", bad_requests.BODIES)
def test_bad_bodies(hubgate, upstream, name):
    """The client gets 400 or a cut, the upstream never a complete request."""
    server = upstream(lambda peer: (peer.read_request(), peer.upstream.requests.append(1),
                                    peer.send(peers.response())))
    hubgate.api.add("/", server.url)
    with hubgate.connect() as client:
        client.try_send(bad_requests.BODIES[name] + peers.request("GET", "/smuggled"))
        with contextlib.suppress(wire.Truncated):
            assert client.read_response().status == 400
        client.to_end()
    assert server.requests == []
    for peer in server.connections:
        peers.wait_until(lambda: peer.ending, "the upstream connection ended")
        assert b"smuggled" not in peer.received


@pytest.mark.parametrize("name", bad_replies.HEADS)
@pytest.mark.parametrize("flags, status", [((), 503), (("--distinct-statuses",), 502)],
                         ids=["503", "502"])
def test_bad_reply_heads(launch_hubgate, upstream, name, flags, status):
    proxy = launch_hubgate(*flags)
    server = upstream(lambda peer: (peer.read_request(), peer.try_send(bad_replies.HEADS[name]),
                                    peer.to_end()))
    proxy.api.add("/", server.url)
    with proxy.send(peers.request("GET", "/")) as client:
        answer = client.read_response()
        assert answer.status == status
        assert not answer.has("x") and not answer.has("x-fill")


@pytest.mark.parametrize("name", bad_replies.BODIES)
def test_bad_reply_bodies_have_no_clean_end(hubgate, upstream, name):
    """503 where the break is seen before anything was passed on, else a cut."""
    server = upstream(lambda peer: (peer.read_request(), peer.try_send(bad_replies.BODIES[name])))
    hubgate.api.add("/", server.url)
    with hubgate.send(peers.request("GET", "/")) as client:
        try:
            assert client.read_response().status == 503
        except wire.Truncated as cut:
            assert cut.message.status == 200


@pytest.mark.parametrize("name", bad_replies.BODIES)
def test_bad_reply_bodies_that_come_after_the_head_have_no_clean_end(hubgate, upstream, name):
    def script(peer):
        head, mark, body = bad_replies.BODIES[name].partition(b"\r\n\r\n")
        peer.read_request()
        peer.send(head + mark)
        peers.wait_until(lambda: server.go, "the client has the head")
        peer.try_send(body)

    server = upstream(script)
    server.go = False
    hubgate.api.add("/", server.url)
    with hubgate.send(peers.request("GET", "/")) as client:
        client.until(b"\r\n\r\n")
        server.go = True
        rest, _ = client.to_end()
        assert not rest.endswith(b"0\r\n\r\n")


def test_endless_interim_answers_end_for_an_http_1_0_client_too(hubgate, upstream):
    """They are not passed on to it, so nothing of its own bounds them."""

    def script(peer):
        peer.read_request()
        while peer.try_send(b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 100):
            pass

    hubgate.api.add("/", upstream(script).url)
    with hubgate.send(peers.request("GET", "/", version="1.0")) as client:
        assert client.read_response().status == 503


def test_a_reply_to_the_end_of_a_reset_connection_has_no_clean_end(hubgate, upstream):
    def script(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome")
        peers.wait_until(lambda: server.go, "the client read")
        peer.reset()

    server = upstream(script)
    server.go = False
    hubgate.api.add("/", server.url)
    with hubgate.send(peers.request("GET", "/")) as client:
        client.until(b"some")
        server.go = True
        with pytest.raises(wire.Truncated):
            client.until(b"0\r\n\r\n")


# --- what is unusual but right ---

GOOD = {
    "no space after the colon": b"GET / HTTP/1.1\r\nHost:a\r\n\r\n",
    "spaces around a value": b"GET / HTTP/1.1\r\nHost: \t a \t\r\n\r\n",
    "empty Host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "IPv6 Host": b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
    "an empty value": b"GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
    "8-bit in a value": b"GET / HTTP/1.1\r\nHost: a\r\nX: \xe7\xa7\x80\r\n\r\n",
    "absolute form": b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute form without a path": b"GET http://b HTTP/1.1\r\nHost: a\r\n\r\n",
    "chunked in capitals": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n",
    "chunk sizes with zeros": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              b"0003\r\nabc\r\n000\r\n\r\n",
    "chunk extensions": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                        b'3;a=b;c="d e"\r\nabc\r\n0;last\r\n\r\n',
    "length zero": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "length with zeros": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0003\r\n\r\nabc",
    "HTTP/1.0 without Host": b"GET / HTTP/1.0\r\n\r\n",
    "star of OPTIONS": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "a method of WebDAV": b"PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n",
    "dots in the path": b"GET /a/../b/./c HTTP/1.1\r\nHost: a\r\n\r\n",
    "escaped NUL": b"GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n",
    "two slashes": b"GET // HTTP/1.1\r\nHost: a\r\n\r\n",
    "two slashes and a name": b"GET //evil.test/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "braces and quotes in the query": b'GET /?a={"b":[1]}|^` HTTP/1.1\r\nHost: a\r\n\r\n',
}


@pytest.mark.parametrize("name", GOOD)
def test_unusual_requests_pass(hubgate, echo, name):
    hubgate.api.add("/", echo.url)
    with hubgate.send(GOOD[name]) as client:
        assert client.read_response().status == 200


def test_an_absolute_target_wins_over_host(hubgate, echo):
    """RFC 9112 section 3.2.2."""
    hubgate.api.add("/", echo.url)
    seen = hubgate.echo("GET", "http://named.test:81/x?y", host="other.test")
    assert (seen["target"], seen["headers"]["host"]) == ("/x?y", "named.test:81")
    assert seen["headers"]["x-forwarded-host"] == "named.test:81"


@pytest.mark.parametrize("sent, seen", [
    ("/a/../b", "/b"), ("/a/./b", "/a/b"), ("/a/%2e%2E/b", "/b"), ("/../../b", "/b"), ("/a/..", "/"),
    ("//x//y", "//x//y"), ("/a//../b", "/a/b"), ("/.../b", "/.../b"), ("/a.b/..c", "/a.b/..c"),
])
def test_dot_segments_are_resolved_before_the_look_up(hubgate, echo, sent, seen):
    hubgate.api.add("/", echo.url)
    assert hubgate.echo("GET", sent)["target"] == seen


def test_dot_segments_do_not_lead_out_of_a_route(hubgate, upstream, echo):
    private = upstream(peers.answering(peers.response(body=b"private")))
    hubgate.api.add("/private", private.url)
    hubgate.api.add("/", echo.url)
    for sent in ("/public/../private/x", "/public/%2e%2e/private/x", "/./private/x"):
        assert hubgate.get(sent).body == b"private", sent


# --- limits ---


def test_a_head_over_the_limit_is_431_and_names_the_flag(hubgate, upstream):
    server = upstream()
    hubgate.api.add("/", server.url)
    for sent, flag in (
        (peers.request("GET", "/", [("X", "y" * 70_000)]), b"--max-header-bytes"),
        (peers.request("GET", "/" + "y" * 70_000), b"--max-header-bytes"),
        (peers.request("GET", "/", [("X", "y")] * 300), b"--max-header-lines"),
        (peers.request("GET", "/", [("X", "y")] * 10_000), b"--max-header"),
    ):
        with hubgate.connect() as client:
            client.try_send(sent)
            answer = client.read_response()
            assert answer.status == 431
            assert flag in answer.body, answer.body
            assert client.ended() == "fin"
    assert server.connections == []


def test_a_head_within_the_limits_passes(launch_hubgate, echo):
    proxy = launch_hubgate("--max-header-bytes=20000", "--max-header-lines=100")
    proxy.api.add("/", echo.url)
    assert proxy.get("/", [("X", "y" * 19_000)]).status == 200
    assert proxy.get("/", [("X", "y")] * 90).status == 200
    assert proxy.get("/", [("X", "y" * 20_000)]).status == 431
    assert proxy.get("/", [("X", "y")] * 101).status == 431


def test_many_small_chunks_pass(hubgate, echo):
    hubgate.api.add("/", echo.url)
    body = peers.chunked(*[b"x"] * 20_000)
    seen = hubgate.echo("POST", "/", [("Transfer-Encoding", "chunked")], body)
    assert len(seen["body"]) == 20_000


# --- nothing is left behind ---


def test_hostile_requests_leave_no_descriptor(hubgate, upstream):
    server = upstream()
    bad = [sent for sent, _ in bad_requests.HEADS.values()] + list(bad_requests.BODIES.values())
    with descriptors_return(hubgate):
        hubgate.api.add("/", server.url)
        for sent in bad * 2:
            with hubgate.connect() as client:
                client.try_send(sent)


def test_hostile_replies_leave_no_descriptor(hubgate, upstream):
    with descriptors_return(hubgate):
        for reply in [*bad_replies.HEADS.values(), *bad_replies.BODIES.values()]:
            server = upstream(lambda peer, reply=reply: (peer.read_request(), peer.try_send(reply)))
            hubgate.api.add("/", server.url)
            with hubgate.send(peers.request("GET", "/")):
                pass
            with hubgate.send(peers.request("GET", "/")) as client:
                client.fill()


def every_beginning():
    whole = peers.request("POST", "/", [("Transfer-Encoding", "chunked")], peers.chunked(b"body"))
    return [whole[:end] for end in range(len(whole) + 1)]


def test_clients_that_close_at_any_point_leave_no_descriptor(hubgate, echo):
    with descriptors_return(hubgate):
        hubgate.api.add("/", echo.url)
        for beginning in every_beginning():
            hubgate.send(beginning).close()


def test_clients_that_reset_at_any_point_leave_no_descriptor(hubgate, echo):
    """The reset comes right behind the bytes: one event tells of both."""
    with descriptors_return(hubgate):
        hubgate.api.add("/", echo.url)
        for beginning in every_beginning() * 2:
            hubgate.send(beginning).reset()
