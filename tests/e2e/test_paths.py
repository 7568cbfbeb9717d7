"""Which target a path goes to and what request target it sees (CHP points 24-29, 43-48, 98)."""

import urllib.parse

import pytest

import peers
from differences import differs

PREPEND = {
    (): {"/bar": "/foo/bar", "/bar/rest": "/foo/bar/rest", "/bar?query=foo": "/foo/bar?query=foo"},
    ("--no-prepend-path",): {"/bar": "/bar", "/bar/rest": "/bar/rest", "/bar?q=1": "/bar?q=1"},
    ("--no-include-prefix",): {"/bar": "/foo", "/bar/rest": "/foo/rest", "/bar?q=1": "/foo?q=1"},
    ("--no-prepend-path", "--no-include-prefix"): {
        "/bar": "/",
        "/bar/rest": "/rest",
        "/bar?q=1": "/?q=1",
    },
}
ROWS = [(flags, sent, seen) for flags, row in PREPEND.items() for sent, seen in row.items()]


@pytest.mark.parametrize("flags, sent, seen", ROWS)
def test_path_prepend_and_strip(launch, echo, flags, sent, seen):
    proxy = launch(*flags)
    proxy.api.add("/bar", echo.url + "/foo")
    assert proxy.echo("GET", sent)["target"] == seen


@pytest.mark.parametrize("sent", ["/b%40r/b%20r/x", "/b@r/b%20r/x"])
def test_encoded_and_plain_paths_find_a_decoded_route(proxy, echo, sent):
    proxy.api.add("/b@r/b r", echo.url + "/foo")
    assert proxy.echo("GET", sent)["target"] == "/foo" + sent


@pytest.mark.parametrize("sent", ["/b%40r/b%20r/x", "/b@r/b%20r/x"])
def test_stripping_an_encoded_prefix(kind, launch, echo, sent):
    proxy = launch("--no-include-prefix")
    proxy.api.add("/b@r/b r", echo.url + "/foo")
    cut = "/foo/" + sent[len("/b@r/b r"):].lstrip("/")
    assert proxy.echo("GET", sent)["target"] == differs(kind, "strip-by-segments", cut, "/foo/x")


NAMES = ["plain", "a@b", "a~b", "it's", "a(b)", "two words", "fifty%", "秀樹", "a+b", "a.b", "UPPER"]


@pytest.mark.parametrize("flags", [(), ("--no-include-prefix",)], ids=["kept", "stripped"])
@pytest.mark.parametrize("safe", ["@/~", "@/~'()!*"], ids=["hub", "browser"])
@pytest.mark.parametrize("name", NAMES)
def test_user_names(kind, launch, echo, name, safe, flags):
    """A user's route is found however client and hub escape the name."""
    proxy = launch(*flags)
    proxy.api.add(f"/user/{name}", echo.url)
    prefix = f"/user/{urllib.parse.quote(name, safe=safe)}"
    seen = proxy.echo("GET", f"{prefix}/api/x%20y?name={urllib.parse.quote(name)}")["target"]
    rest = f"/api/x%20y?name={urllib.parse.quote(name)}"
    if flags:
        wrong = (prefix + rest)[len(f"/user/{name}"):]
        wrong = wrong if wrong.startswith("/") else "/" + wrong
        if wrong == rest:
            assert seen == rest
        else:
            assert seen == differs(kind, "strip-by-segments", wrong, rest)
    else:
        assert seen == prefix + rest


@pytest.mark.parametrize("name", NAMES)
def test_a_user_route_is_not_another_users(proxy, echo, name):
    proxy.api.add(f"/user/{name}", echo.url)
    assert proxy.get(f"/user/{urllib.parse.quote(name)}x/").status == 404
    assert proxy.get(f"/user/{urllib.parse.quote(name[:-1])}/").status == 404


# --- which route ---

ROUTES = ["/", "/b", "/b/c", "/b/c/d/e", "/toString", "/a/__proto__"]
FOUND = {
    "/": "/",
    "/x": "/",
    "/b": "/b",
    "/b/": "/b",
    "/b?x": "/b",
    "/bb": "/",
    "/b/cd": "/b",
    "/b/c": "/b/c",
    "/b/c/": "/b/c",
    "/b/c/x/y": "/b/c",
    "/b/c/d": "/b/c",
    "/b/c/d/e/f": "/b/c/d/e",
    "/b%2Fc": "/b/c",
    "/%62/c": "/b/c",
    "/B": "/",
    "/a": "/",
    "/a/./x": "/",
}


@pytest.fixture
def table(proxy, upstream):
    """The routes above, each to a server that answers with its key."""
    for key in ROUTES:
        server = upstream(peers.answering(peers.response(body=key.encode())))
        proxy.api.add(key, server.url)
    return proxy


@pytest.mark.parametrize("sent, found", FOUND.items())
def test_the_longest_whole_segments_win(table, sent, found):
    answer = table.get(sent)
    assert (answer.status, answer.body.decode()) == (200, found)


@pytest.mark.parametrize("sent", ["/toString", "/toString/x", "/a/__proto__", "/a/__proto__/x"])
def test_names_of_object_members_are_ordinary(table, sent):
    assert table.get(sent).status == 200


def test_names_of_object_members_without_a_route(kind, proxy):
    for path in ("/constructor/x", "/__proto__/x", "/toString"):
        assert proxy.get(path).status == differs(kind, "member-names", 500, 404)


def test_no_route_is_404(proxy):
    answer = proxy.get("/nowhere")
    assert answer.status == 404
    assert b"404:" in answer.body


def test_a_deleted_route_is_gone_at_once(proxy, echo):
    proxy.api.add("/gone", echo.url)
    assert proxy.get("/gone").status == 200
    assert proxy.api.delete("/gone") == 204
    assert proxy.get("/gone").status == 404


def test_a_replaced_route_takes_effect_on_an_open_connection(proxy, upstream):
    one, two = (upstream(peers.answering(peers.response(body=b))) for b in (b"one", b"two"))
    proxy.api.add("/r", one.url)
    with proxy.connect() as client:
        for server in (one, two):
            proxy.api.add("/r", server.url)
            client.send(peers.request("GET", "/r"))
            assert client.read_response().body == (b"one" if server is one else b"two")


def test_deleting_a_middle_route_keeps_those_below(table):
    assert table.api.delete("/b/c") == 204
    assert table.get("/b/c").body == b"/b"
    assert table.get("/b/c/d/e").body == b"/b/c/d/e"


# --- the default target ---


def test_default_target(launch, echo):
    proxy = launch(f"--default-target={echo.url}")
    try:
        proxy.api.add("/", echo.url)  # this file's proxies lose their routes between tests
        assert proxy.echo("GET", "/anything?x=1")["target"] == "/anything?x=1"
    finally:
        proxy.api.delete("/")


def test_default_target_is_in_the_table_from_the_start(kind, start, echo):
    proxy = start(kind, ["--default-target", echo.url])
    assert proxy.api.routes()["/"]["target"] == echo.url
    assert proxy.echo("GET", "/anything")["target"] == "/anything"


# --- host routing ---

HOSTS = {
    "a.test": "/a.test",
    "a.test:8000": "/a.test",
    "b.test": "/b.test",
    "other.test": "/",
}


@pytest.mark.parametrize("host, found", HOSTS.items())
def test_host_routing(launch, upstream, host, found):
    proxy = launch("--host-routing")
    for key in ("/", "/a.test", "/b.test"):
        proxy.api.add(key, upstream(peers.answering(peers.response(body=key.encode()))).url)
    assert proxy.get("/x", host=host).body.decode() == found


def test_host_routing_with_a_path(launch, upstream):
    proxy = launch("--host-routing")
    for key in ("/a.test", "/a.test/user/x"):
        proxy.api.add(key, upstream(peers.answering(peers.response(body=key.encode()))).url)
    assert proxy.get("/user/x/y", host="a.test").body == b"/a.test/user/x"
    assert proxy.get("/user/y", host="a.test").body == b"/a.test"
    assert proxy.api.route("/a.test/user/x")["host"] == "a.test"


def test_host_routing_ignores_case(kind, launch, echo):
    proxy = launch("--host-routing")
    proxy.api.add("/foo.test", echo.url)
    assert proxy.get("/", host="FOO.test").status == differs(kind, "host-case", 404, 200)


def test_host_routing_forwards_the_whole_path(launch, echo):
    proxy = launch("--host-routing")
    proxy.api.add("/foo.test", echo.url)
    assert proxy.echo("GET", "/a/b?c", host="foo.test")["target"] == "/a/b?c"


def test_host_routing_with_stripped_prefix(kind, launch, echo):
    proxy = launch("--host-routing", "--no-include-prefix")
    proxy.api.add("/foo.test/user/x", echo.url)
    seen = proxy.echo("GET", "/user/x/tree/of/files", host="foo.test")["target"]
    assert seen == differs(kind, "strip-by-segments", "/files", "/tree/of/files")


# --- targets ---


def test_target_path_and_query_are_joined(proxy, echo):
    proxy.api.add("/q", echo.url + "/base/?a=1")
    assert proxy.echo("GET", "/q/x?b=2")["target"] == "/base/q/x?a=1&b=2"


def test_unix_socket_target(proxy, upstream):
    server = upstream(peers.answering(peers.report), unix=True)
    proxy.api.add("/u", server.url)
    assert proxy.echo("GET", "/u/x?y")["target"] == "/u/x?y"


def test_unix_socket_target_with_a_path_and_the_other_spelling(proxy, upstream):
    server = upstream(peers.answering(peers.report), unix=True)
    proxy.api.add("/u", server.url.replace("http+unix", "unix+http") + "/base")
    assert proxy.echo("POST", "/u/x", body=b"hello")["target"] == "/base/u/x"


def test_unix_socket_that_is_missing_is_503(proxy, tmp_path):
    proxy.api.add("/u", "http+unix://" + str(tmp_path / "none").replace("/", "%2F"))
    assert proxy.get("/u").status == 503


# --- odd paths (CHP points 45, 47) ---


def test_star_of_options(proxy, echo):
    proxy.api.add("/", echo.url)
    assert proxy.fetch("OPTIONS", "*").status in (200, 204)


def test_target_by_name_with_one_family_listening(proxy, echo):
    """`localhost` is ::1 too, where nobody listens."""
    proxy.api.add("/", "http://localhost:%d" % echo.address[1])
    assert proxy.echo("GET", "/x")["target"] == "/x"


def test_ipv6_literal_as_target(proxy, upstream):
    server = upstream(peers.answering(peers.report), host="::1")
    proxy.api.add("/", server.url)
    assert proxy.echo("GET", "/x")["target"] == "/x"


@pytest.mark.parametrize("sent", ["//", "///", "//:x"])
def test_slashes_alone_are_a_path(kind, proxy, echo, sent):
    proxy.api.add("/", echo.url)
    answer = proxy.get(sent)
    assert answer.status == differs(kind, "slashes", 500, 200)
    if kind == "hubgate":
        assert echo.request().target == sent
