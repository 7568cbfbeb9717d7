"""The route API, call by call, on both proxies (CHP points 22, 23, 28 to 41)."""

import datetime
import json
import re
import resource
import urllib.parse

import pytest

import peers
import programs
from differences import differs

TOKEN = "s3cret"
AUTH = {"Authorization": f"token {TOKEN}"}
TARGET = '{"target":"http://127.0.0.1:1"}'
MIB = 1024 * 1024


def ask(proxy, method, target, body=b"", fields=AUTH):
    """One call on a connection of its own: the whole response."""
    body = body.encode() if isinstance(body, str) else body
    fields = dict(fields)
    if method == "POST":
        fields.setdefault("Content-Length", str(len(body)))
    with peers.connect(proxy.api.address) as client:
        client.send(peers.request(method, target, fields, body))
        return client.read_response(method)


def said(response):
    """What the tests compare: status, type, body."""
    return response.status, response.get("content-type"), response.body


# --- where the API is, and for whom ---


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/api/routesx", "/API/routes", "/x",
                                  "/api/routes/../x", "/api/routes/%2e%2E", "/api/%72outes"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_other_paths_are_not_found(proxy, method, path):
    assert said(ask(proxy, method, path)) == (404, None, b"Not Found")
    assert said(ask(proxy, method, path, fields={})) == (404, None, b"Not Found")


@pytest.mark.parametrize("path", ["/api/routes", "/api/routes/", "/api/routes/a", "/api/routes?x"])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_are_not_supported_with_or_without_a_token(proxy, method, path):
    assert said(ask(proxy, method, path)) == (405, None, b"Method not supported")
    assert said(ask(proxy, method, path, fields={})) == (405, None, b"Method not supported")


def test_head_is_not_supported_and_has_no_body(proxy):
    assert said(ask(proxy, "HEAD", "/api/routes")) == (405, None, b"")


def test_an_unknown_method(kind, proxy):
    status = ask(proxy, "BREW", "/api/routes").status
    assert status == differs(kind, "api-unknown-method", 400, 405)


ACCEPTED = [f"token {TOKEN}", f"token   {TOKEN}", f"xxtoken {TOKEN} more", f"token\t{TOKEN}",
            f"Bearer x token {TOKEN}", f"tokentoken {TOKEN}"]
REFUSED = ["", "token", "token ", f"Bearer {TOKEN}", f"Token {TOKEN}", f"token{TOKEN}",
           f"token {TOKEN}x", f"token {TOKEN[:-1]}", f"token x token {TOKEN}", TOKEN]


@pytest.mark.parametrize("field", ACCEPTED)
def test_tokens_that_pass(proxy, field):
    assert ask(proxy, "GET", "/api/routes", fields={"Authorization": field}).status == 200


@pytest.mark.parametrize("field", REFUSED)
@pytest.mark.parametrize("method, body", [("GET", ""), ("POST", TARGET), ("DELETE", "")])
def test_tokens_that_do_not(proxy, method, body, field):
    response = ask(proxy, method, "/api/routes/a", body, {"Authorization": field})
    assert said(response) == (403, None, b"")
    assert not response.has("www-authenticate")
    assert said(ask(proxy, method, "/api/routes/a", body, {})) == (403, None, b"")
    assert proxy.api.routes() == {}


def test_the_token_comes_before_the_body(kind, proxy):
    status = ask(proxy, "POST", "/api/routes/a", "no json", {}).status
    assert status == differs(kind, "api-token-first", 400, 403)


def test_without_a_token_the_api_is_open(kind, start):
    proxy = start(kind, token=None)
    assert ask(proxy, "POST", "/api/routes/a", TARGET, {}).status == 201
    assert ask(proxy, "GET", "/api/routes/a", fields={"Authorization": "token x"}).status == 200
    peers.wait_until(lambda: "REST API is not authenticated" in proxy.output, "it says so")


def test_a_secret_is_never_logged(start):
    proxy = start("hubgate", ["--log-level", "debug"])
    ask(proxy, "GET", "/api/routes?inactiveSince=hidden")
    ask(proxy, "GET", "/api/routes", fields={"Authorization": "token wr0ng"})
    peers.wait_until(lambda: "403 GET /api/routes" in proxy.stdout, "the log has both calls")
    for secret in (TOKEN, "wr0ng", "hidden"):
        assert secret not in proxy.output.replace("'hidden'", "")


# --- GET ---


def test_the_empty_table(proxy):
    for path in ("/api/routes", "/api/routes/", "/api/routes?", "/api/routes?x=1#y"):
        assert said(ask(proxy, "GET", path)) == (200, "application/json", b"{}")


def test_the_default_target_is_a_route(kind, start):
    proxy = start(kind, ["--default-target", "http://127.0.0.1:9"])
    assert list(proxy.api.routes()) == ["/"]
    assert json.loads(ask(proxy, "GET", "/api/routes/%2F").body)["target"] == "http://127.0.0.1:9"
    for line in ("Adding route", "Route added"):
        peers.wait_until(lambda: f"{line} / -> http://127.0.0.1:9" in proxy.stdout, line)


HUB = {"user": "x", "server_name": "", "target": "http://10.0.0.1:8888", "jupyterhub": True}


def test_members_come_back_in_their_order(proxy):
    ask(proxy, "POST", "/api/routes/user/x", json.dumps(HUB))
    response = ask(proxy, "GET", "/api/routes/user/x")
    assert response.get("content-type") == "application/json"
    stamp = re.search(rb'"last_activity":"([^"]*)"', response.body)[1].decode()
    expected = json.dumps({**HUB, "last_activity": stamp}, separators=(",", ":"))
    assert response.body.decode() == expected
    assert ask(proxy, "GET", "/api/routes").body.decode() == '{"/user/x":%s}' % expected


ODD = '{ "target": "http:\\/\\/a:1", "n":1.0, "e":1E3,\n"big":12345678901234567890, "u":"\\u00e9" }'


def test_members_are_echoed_as_written(kind, proxy):
    assert ask(proxy, "POST", "/api/routes/odd", ODD).status == 201
    body = ask(proxy, "GET", "/api/routes/odd").body.decode()
    expected = differs(
        kind, "api-echo",
        '{"target":"http://a:1","n":1,"e":1000,"big":12345678901234567000,"u":"é"',
        '{"target":"http:\\/\\/a:1","n":1.0,"e":1E3,"big":12345678901234567890,"u":"\\u00e9"',
    )
    assert body.startswith(expected + ',"last_activity":"')


def test_nested_members_and_any_text(proxy):
    more = {"deep": {"list": [1, [], {"x": None}], "": ""}, "秀樹": "\"\\\b\f\n\r\t\u2028\x7f ,:{}[]"}
    proxy.api.add("/n", "http://127.0.0.1:1", **more)
    got = proxy.api.route("/n")
    got.pop("last_activity")
    assert got == {"target": "http://127.0.0.1:1", **more}


def test_a_single_route_is_found_by_its_key_alone(proxy):
    proxy.api.add("/a/b", "http://127.0.0.1:1")
    assert ask(proxy, "GET", "/api/routes/a/b").status == 200
    assert ask(proxy, "GET", "/api/routes/a/b/").status == 200
    for path in ("/a", "/a/b/c", "/A/b", "/%2F"):
        assert said(ask(proxy, "GET", "/api/routes" + path)) == (404, None, b"")


# --- inactiveSince ---


def since(value, name="inactiveSince"):
    return f"/api/routes?{name}={urllib.parse.quote(value)}"


def listed(proxy, path):
    response = ask(proxy, "GET", path)
    assert response.status == 200, response.body
    return set(json.loads(response.body))


def test_inactive_since_is_strictly_before(proxy):
    proxy.api.add("/a", "http://127.0.0.1:1")
    stamp = proxy.api.activity("/a")
    at = datetime.datetime.fromisoformat(stamp)
    after = (at + datetime.timedelta(milliseconds=1)).isoformat()
    assert listed(proxy, since(stamp)) == set()
    assert listed(proxy, since(after)) == {"/a"}
    assert listed(proxy, since(after, "inactive_since")) == {"/a"}
    assert listed(proxy, since("2001-01-01")) == set()
    assert listed(proxy, since("2001-01-01") + "&inactive_since=2100") == set()
    assert listed(proxy, "/api/routes?inactiveSince=&inactive_since=2001-01-01") == set()
    assert listed(proxy, "/api/routes?inactiveSince=") == {"/a"}
    assert listed(proxy, "/api/routes/?inactiveSince=2100") == {"/a"}


FORMS = ["2100", "2100-01", "2100-01-01", "2100-01-01T00:00", "2100-01-01T00:00:00",
         "2100-01-01T00:00:00Z", "2100-01-01T00:00:00.123456Z", "2100-01-01T00:00:00+00:00",
         "2100-01-01T00:00:00.5-05:30", "2100-01-01 00:00:00", "+002100-01-01T00:00:00Z",
         "2100-01-01T24:00:00Z"]


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_dates(proxy, form):
    proxy.api.add("/a", "http://127.0.0.1:1")
    assert listed(proxy, since(form)) == {"/a"}


@pytest.mark.parametrize("form", ["endoftheuniverse", "2100-13-01", "2100-01-01T25:00:00Z", "<b>",
                                  "2100-01-01T00:00:00Zx", "2100-02-32", "%zz", "秀樹"])
def test_what_is_no_date(proxy, form):
    text = f"Invalid datestamp '{form}' must be ISO8601."
    assert said(ask(proxy, "GET", since(form))) == (400, None, text.encode())
    proxy.api.add("/a", "http://127.0.0.1:1")
    path = since(form).replace("/routes", "/routes/a")
    assert ask(proxy, "GET", path).status == 200  # of no meaning for a single route


@pytest.mark.parametrize("form", ["1", "2100-1-2", " 2100-01-01"])
def test_dates_that_are_not_iso(kind, proxy, form):
    assert ask(proxy, "GET", since(form)).status == differs(kind, "api-dates", 200, 400)


def test_a_plus_in_the_query_is_a_space(proxy):
    response = ask(proxy, "GET", "/api/routes?inactiveSince=2100-01-01T00:00:00+00:00")
    text = b"Invalid datestamp '2100-01-01T00:00:00 00:00' must be ISO8601."
    assert said(response) == (400, None, text)


# --- POST ---


@pytest.mark.parametrize("path", ["", "/", "//", "?q=1"])
def test_posting_the_root(proxy, path):
    response = ask(proxy, "POST", "/api/routes" + path, TARGET)
    assert said(response) == (201, None, b"")
    assert list(proxy.api.routes()) == ["/"]


KEYS = {
    "/a/": "/a", "/a//": "/a", "/user/foo%40bar": "/user/foo@bar", "/a%2Fb": "/a/b",
    "/50%25": "/50%", "/%E7%A7%80%E6%A8%B9": "/秀樹", "//dbl//in": "//dbl//in",
    "/a%20b": "/a b", "/x/../y": "/y", "/x/.": "/x", "/a?b": "/a", "/toString": "/toString",
    "/%22%5C": '/"\\', "/__proto__x": "/__proto__x", "/a+b": "/a+b", "/it's(1)~": "/it's(1)~",
}


@pytest.mark.parametrize("path", KEYS)
def test_keys(proxy, path):
    assert ask(proxy, "POST", "/api/routes" + path, TARGET).status == 201
    assert list(proxy.api.routes()) == [KEYS[path]]
    assert proxy.api.route(KEYS[path])["target"] == "http://127.0.0.1:1"
    assert proxy.api.delete(KEYS[path]) == 204
    assert proxy.api.routes() == {}


@pytest.mark.parametrize("path", ["%", "%4", "%zz", "%ff", "%C0%AF", "%ED%A0%80"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_malformed_escapes_are_refused(hubgate, method, path):
    """CHP never answers these: api-malformed-escape."""
    assert ask(hubgate, method, "/api/routes/" + path, TARGET).status == 400
    assert ask(hubgate, method, "/api/routes/" + path, TARGET, {}).status == 403


@pytest.mark.parametrize("body", ["null", "{}", "[]", "5", "true", "0", '""', '"http://a"',
                                  '{"target":5}', '{"target":null}', '{"target":["http://a"]}'])
def test_a_target_must_be_given_as_string(proxy, body):
    response = ask(proxy, "POST", "/api/routes/a", body)
    assert said(response) == (400, None, b"Must specify 'target' as string")
    assert proxy.api.routes() == {}


@pytest.mark.parametrize("body", ["", " ", "{", "nul", '{"target":"http://a"', "{'target':'x'}",
                                  '{"target":"http://a"} x', "\ufeff{}", '{"a":1,}', "[1,]"])
def test_what_is_no_json(proxy, body):
    response = ask(proxy, "POST", "/api/routes/a", body)
    assert said(response)[:2] == (400, None)
    assert response.body.startswith(b"Body not valid JSON: SyntaxError: ")
    assert proxy.api.routes() == {}


def test_the_empty_body_in_words(proxy):
    text = b"Body not valid JSON: SyntaxError: Unexpected end of JSON input"
    assert ask(proxy, "POST", "/api/routes/a").body == text


@pytest.mark.parametrize("target", ["", "/x", "127.0.0.1:1", "ftp://a", "ws://a", "http://",
                                    "http://a:99999", "http://a:b", "javascript:1", "http://a\n"])
def test_a_target_that_is_no_url_is_refused(kind, proxy, target):
    response = ask(proxy, "POST", "/api/routes/a", json.dumps({"target": target}))
    assert response.status == differs(kind, "target-checked", 201, 400)
    if kind == "hubgate":
        assert response.body and b"\n" not in response.body
        assert proxy.api.routes() == {}


@pytest.mark.parametrize("target", ["http://a", "https://a:1/x?y", "http://[::1]:8888",
                                    "http+unix://%2Ftmp%2Fs", "unix+http://%2Ftmp%2Fs/x",
                                    "HTTP://A:1", "http://a:1/b%20c"])
def test_targets_come_back_as_given(proxy, target):
    proxy.api.add("/a", target)
    assert proxy.api.route("/a")["target"] == target


def test_twice_the_same_member(kind, proxy):
    body = '{"target":"http://a:1","target":"http://b:1"}'
    status = ask(proxy, "POST", "/api/routes/a", body).status
    assert status == differs(kind, "api-duplicate-members", 201, 400)


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "x", None])
def test_the_type_of_the_body_does_not_matter(proxy, type):
    fields = {**AUTH, **({"Content-Type": type} if type else {})}
    assert ask(proxy, "POST", "/api/routes/a", TARGET, fields).status == 201


def test_posting_again_replaces_all_members(proxy):
    proxy.api.add("/a", "http://127.0.0.1:1", old=1)
    proxy.api.add("/b", "http://127.0.0.1:1")
    proxy.api.add("/a", "http://127.0.0.1:2", new=1)
    assert list(proxy.api.routes()) == ["/a", "/b"]
    route = proxy.api.route("/a")
    assert route["target"] == "http://127.0.0.1:2" and route["new"] == 1 and "old" not in route


def test_nesting_is_bounded(hubgate):
    """CHP parses any depth: api-bounds."""
    deep = '{"target":"http://a","d":%s%s}' % ("[" * 100000, "]" * 100000)
    response = ask(hubgate, "POST", "/api/routes/a", deep)
    assert response.status == 400 and response.body.startswith(b"Body not valid JSON: ")
    fine = '{"target":"http://a","d":%s%s}' % ("[" * 60, "]" * 60)
    assert ask(hubgate, "POST", "/api/routes/a", fine).status == 201


@pytest.mark.parametrize("framing", ["length", "expect", "chunked"])
def test_a_body_over_a_mebibyte_is_refused_and_the_answer_arrives(hubgate, framing):
    """CHP reads any length: api-bounds."""
    fields, body = dict(AUTH), b'{"target":"' + b"x" * (8 * MIB) + b'"}'
    if framing == "chunked":
        fields["Transfer-Encoding"] = "chunked"
        body = b"".join(b"10000\r\n%s\r\n" % body[i:i + 0x10000] for i in range(0, 8 * MIB, 0x10000))
    else:
        fields["Content-Length"] = str(len(body))
    if framing == "expect":
        fields["Expect"] = "100-continue"
    with peers.connect(hubgate.api.address) as client:
        client.send(peers.request("POST", "/api/routes/a", fields))
        if framing != "expect":
            client.try_send(body)
        response = client.read_response()
        assert response.status == 413 and not response.interim
        assert response.get("connection") == "close"
        assert client.ended() == "fin"


def test_a_body_of_a_mebibyte_is_taken(proxy):
    start = '{"target":"http://a","x":"'
    body = start + "x" * (MIB - len(start) - 2) + '"}'
    assert len(body) == MIB
    assert ask(proxy, "POST", "/api/routes/a", body).status == 201


def test_a_chunked_body_and_expect(proxy):
    with peers.connect(proxy.api.address) as client:
        fields = {**AUTH, "Transfer-Encoding": "chunked"}
        body = TARGET.encode()
        client.send(peers.request("POST", "/api/routes/a", fields,
                                  peers.chunked(body[:5], body[5:])))
        assert client.read_response().status == 201
        fields = {**AUTH, "Expect": "100-continue", "Content-Length": len(body)}
        client.send(peers.request("POST", "/api/routes/b", fields))
        assert client.until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        client.send(body)
        assert client.read_response().status == 201
    assert set(proxy.api.routes()) == {"/a", "/b"}


@pytest.mark.parametrize("path", ["//name/api/routes", "/api\\routes"])
def test_paths_that_a_browser_would_bend(kind, proxy, path):
    assert ask(proxy, "GET", path).status == differs(kind, "api-paths", 200, 404)


# --- DELETE ---


def test_deleting(proxy):
    for path in ("/", "/a", "/a/b"):
        proxy.api.add(path, "http://127.0.0.1:1")
    response = ask(proxy, "DELETE", "/api/routes/a")
    assert said(response) == (204, None, b"")
    assert not response.has("content-length") and not response.has("transfer-encoding")
    assert said(ask(proxy, "DELETE", "/api/routes/a")) == (404, None, b"")
    assert set(proxy.api.routes()) == {"/", "/a/b"}
    assert ask(proxy, "DELETE", "/api/routes/a/b/").status == 204
    assert ask(proxy, "DELETE", "/api/routes/").status == 204
    assert proxy.api.routes() == {}


def test_deleting_the_table_is_not_found(hubgate):
    """CHP never answers: api-delete-table."""
    hubgate.api.add("/", "http://127.0.0.1:1")
    assert said(ask(hubgate, "DELETE", "/api/routes")) == (404, None, b"")
    assert list(hubgate.api.routes()) == ["/"]
    assert ask(hubgate, "DELETE", "/api/routes/").status == 204


# --- host routing ---


def test_host_routing_shows_the_host(kind, launch):
    proxy = launch("--host-routing")
    proxy.api.add("/", "http://127.0.0.1:1")
    proxy.api.add("/hub.example.com/user/x", "http://127.0.0.1:1", host="else")
    assert "host" not in proxy.api.routes()["/"]
    assert proxy.api.route("/hub.example.com/user/x")["host"] == "hub.example.com"
    proxy.api.add("/Foo.Com/X", "http://127.0.0.1:1")
    key = differs(kind, "host-case", "/Foo.Com/X", "/foo.com/X")
    assert proxy.api.routes()[key]["host"] == key.split("/")[1]
    assert proxy.api.delete("/Foo.Com/X") == 204


# --- connections ---


def test_calls_follow_each_other_on_one_connection(proxy):
    with peers.connect(proxy.api.address) as client:
        for i in range(3):
            client.send(peers.request("POST", f"/api/routes/{i}", AUTH, TARGET.encode()))
            assert client.read_response().status == 201
            client.send(peers.request("GET", f"/api/routes/{i}", AUTH))
            assert client.read_response().status == 200
        client.send(peers.request("GET", "/nowhere", AUTH))
        assert client.read_response().status == 404
        client.send(peers.request("DELETE", "/api/routes/0", AUTH))
        assert client.read_response().status == 204


def test_pipelined_calls_are_answered_in_order(hubgate):
    """CHP answers in order but lets a GET overtake the POST before it."""
    calls = [("POST", TARGET, 201), ("GET", "", 200), ("DELETE", "", 204), ("GET", "", 404),
             ("POST", TARGET, 201), ("DELETE", "", 204), ("DELETE", "", 404)]
    with peers.connect(hubgate.api.address) as client:
        client.send(b"".join(peers.request(method, "/api/routes/p", AUTH, body.encode())
                             for method, body, _ in calls))
        assert [client.read_response(method).status for method, _, _ in calls] == \
            [status for *_, status in calls]


def test_connection_close_and_http_1_0(proxy):
    with peers.connect(proxy.api.address) as client:
        client.send(peers.request("GET", "/api/routes", {**AUTH, "Connection": "close"}))
        response = client.read_response()
        assert (response.status, response.body) == (200, b"{}")
        assert client.ended() == "fin"
    with peers.connect(proxy.api.address) as client:
        client.send(peers.request("GET", "/api/routes", AUTH, version="1.0"))
        assert client.read_response().body == b"{}"


BAD = {
    "no request line": b"GARBAGE\r\n\r\n",
    "both lengths": b"POST /api/routes/a HTTP/1.1\r\nHost: a\r\n%sContent-Length: 5\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST /api/routes/a HTTP/1.1\r\nHost: a\r\n%sContent-Length: 2\r\n"
                   b"Content-Length: 3\r\n\r\n{} ",
    "bad length": b"POST /api/routes/a HTTP/1.1\r\nHost: a\r\n%sContent-Length: x\r\n\r\n",
    "space before colon": b"POST /api/routes/a HTTP/1.1\r\nHost: a\r\n%sContent-Length : 2\r\n\r\n",
    "space in target": b"GET /api/routes/a b HTTP/1.1\r\nHost: a\r\n%s\r\n",
    "byte in target": b"GET /api/routes/\xff HTTP/1.1\r\nHost: a\r\n%s\r\n",
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_requests_are_refused_and_closed(proxy, name):
    text = BAD[name]
    text = text.replace(b"%s", f"Authorization: token {TOKEN}\r\n".encode())
    with peers.connect(proxy.api.address) as client:
        client.send(text + peers.request("POST", "/api/routes/smuggled", AUTH, TARGET.encode()))
        assert client.read_response().status == 400
        rest, _ = client.to_end()
        assert b"HTTP/1.1 2" not in rest
    assert proxy.api.routes() == {}


def test_a_head_beyond_its_limit_is_refused(proxy):
    with peers.connect(proxy.api.address) as client:
        client.try_send(peers.request("GET", "/api/routes", {**AUTH, "X": "x" * 100000}))
        response = client.read_response()
        assert 400 <= response.status < 500 and response.get("connection") == "close"


def test_a_client_that_sends_no_more_is_let_go(start):
    proxy = start("hubgate", ["--head-timeout=300", "--keep-alive-timeout=300"])
    silent = peers.connect(proxy.api.address)
    slow = peers.connect(proxy.api.address).send(b"GET /api/routes HT")
    half = peers.connect(proxy.api.address).send(
        peers.request("POST", "/api/routes/a", {**AUTH, "Content-Length": "30"}, b"{")
    )
    idle = peers.connect(proxy.api.address).send(peers.request("GET", "/api/routes", AUTH))
    assert idle.read_response().status == 200
    for client in (silent, slow, half, idle):
        assert client.ended() == "fin"


def test_silent_connections_keep_nobody_out(hubgate):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    silent = []
    try:
        silent += [peers.connect(hubgate.api.address) for _ in range(1100)]
        assert ask(hubgate, "GET", "/api/routes").status == 200
        assert silent[0].ended() == "fin"
    finally:
        for client in silent:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_clients_that_leave_take_nothing_along(hubgate):
    for i in range(50):
        with peers.connect(hubgate.api.address) as client:
            client.send(peers.request("POST", f"/api/routes/{i}", AUTH, TARGET.encode()))
            if i % 2:
                client.reset()
        with peers.connect(hubgate.api.address) as client:
            client.send(peers.request("POST", "/api/routes/half", AUTH, TARGET.encode())[:-5])
    peers.wait_until(lambda: len(hubgate.api.routes()) >= 25, "the whole calls counted")
    assert "/half" not in hubgate.api.routes()


def test_a_route_counts_from_its_answer_on(proxy, echo):
    for i in range(20):
        proxy.api.add(f"/now{i}", echo.url)
        assert proxy.get(f"/now{i}").status == 200
        assert proxy.api.delete(f"/now{i}") == 204
        assert proxy.get(f"/now{i}").status == 404


def test_calls_are_logged_by_level(kind, start):
    proxy = start(kind)
    ask(proxy, "POST", "/api/routes/a?q=hidden", TARGET)
    ask(proxy, "GET", "/api/routes/none?q=hidden")
    plain = lambda: re.sub(r"\x1b\[\d+m", "", proxy.stdout)
    for line in ("info: Adding route /a -> http://127.0.0.1:1",
                 "info: Route added /a -> http://127.0.0.1:1",
                 "info: 201 POST /api/routes/a \n", "warn: 404 GET /api/routes/none \n"):
        peers.wait_until(lambda: line in plain(), f"the log has {line!r}")
    assert "hidden" not in proxy.output


def test_twenty_thousand_routes(start):
    proxy = start("hubgate")
    count = 20000
    with peers.connect(proxy.api.address) as client:
        client.keep = False
        for first in range(0, count, 500):
            batch = range(first, min(first + 500, count))
            client.send(b"".join(peers.request("POST", f"/api/routes/user/u{i}", AUTH,
                                               TARGET.encode()) for i in batch))
            for _ in batch:
                assert client.read_response().status == 201
    table = proxy.api.routes()
    assert list(table) == [f"/user/u{i}" for i in range(count)]


# --- the metrics page, with the parser of Prometheus' own client ---

REFERENCE = programs.ROOT / "docs/reference/metrics.md"


@pytest.fixture
def page(start):
    """page(): the metrics of a proxy with one route, asked for once."""
    port = programs.free_port()
    proxy = start("hubgate", [f"--metrics-port={port}", "--metrics-ip=127.0.0.1"])
    proxy.api.add("/a", "http://127.0.0.1:1")
    with peers.connect(("127.0.0.1", port)) as client:
        client.send(peers.request("GET", "/metrics"))
        return client.read_response().body.decode()


def test_the_metrics_page_parses(page):
    parser = pytest.importorskip("prometheus_client.parser")
    families = {f.name: f for f in parser.text_string_to_metric_families(page)}
    assert families["api_route_add"].samples[0].value == 1
    assert families["hubgate_routes"].samples[0].value == 1
    assert families["hubgate_workers"].samples[0].value >= 1
    buckets = [s for s in families["hubgate_reply_seconds"].samples if s.name.endswith("_bucket")]
    for route_class in ("hub", "user", "service", "other"):
        values = [s.value for s in buckets if s.labels["class"] == route_class]
        assert values == sorted(values) and len(values) == 14


def test_the_reference_has_every_family_once(page):
    printed = re.findall(r"(?m)^# HELP (\S+) (.*)\n# TYPE \1 (\S+)$", page)
    assert len(printed) == page.count("# HELP") == page.count("# TYPE")
    rows = re.findall(r"(?m)^\| `(\w+)` \| (\w+) \| [^|]* \| (.*) \|$",
                      REFERENCE.read_text(encoding="utf-8"))
    assert sorted(rows) == sorted((name, kind, words) for name, words, kind in printed)
