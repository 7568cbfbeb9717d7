"""What the proxy answers itself (CHP points 44, 73-80), and our statuses beyond CHP's."""

import json

import pytest

import peers
from differences import differs


@pytest.fixture
def nobody(upstream):
    """A URL where nobody listens."""
    server = upstream()
    server.stop()
    return server.url


def test_health(proxy):
    answer = proxy.get("/_chp_healthz")
    assert (answer.status, answer.get("content-type")) == (200, "application/json")
    assert json.loads(answer.body) == {"status": "OK"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_health_for_any_method(proxy, method):
    assert proxy.fetch(method, "/_chp_healthz").body == b'{"status":"OK"}'


def test_health_of_head(proxy):
    assert proxy.fetch("HEAD", "/_chp_healthz").status == 200


def test_health_with_a_query_is_a_request_like_any(proxy):
    assert proxy.get("/_chp_healthz?x").status == 404


def test_health_before_any_route(proxy, echo):
    proxy.api.add("/", echo.url)
    assert proxy.get("/_chp_healthz").body == b'{"status":"OK"}'
    assert proxy.get("/_chp_healthz/x").status == 200
    assert len(echo.requests) == 1


def test_built_in_pages(proxy, nobody):
    proxy.api.add("/dead", nobody)
    for path, status, text in (("/none", 404, b"404:"), ("/dead", 503, b"503:")):
        answer = proxy.get(path)
        assert answer.status == status
        assert text in answer.body
        assert answer.get("content-type").startswith("text/html")
        head = proxy.fetch("HEAD", path)
        assert (head.status, head.body) == (status, b"")


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_pages_are_the_same_for_every_method(proxy, method):
    assert proxy.fetch(method, "/none", body=b"body").status == 404


def test_a_connection_lives_on_after_a_404(proxy):
    with proxy.connect() as client:
        for _ in range(3):
            assert client.send(peers.request("GET", "/none")).read_response().status == 404


# --- failures of the upstream before its reply (CHP point 57) ---

FAILURES = {
    "closes at once": lambda peer: peer.close(),
    "closes after the request": lambda peer: peer.read_request(),
    "resets after the request": lambda peer: (peer.read_request(), peer.reset()),
    "ends inside the head": lambda peer: (peer.read_request(), peer.send(b"HTTP/1.1 200 OK\r\nX-")),
    "talks nonsense": lambda peer: (peer.read_request(), peer.send(b"220 smtp ready\r\n\r\n")),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_upstream_failures_are_503(proxy, upstream, failure):
    proxy.api.add("/", upstream(FAILURES[failure]).url)
    answer = proxy.get("/")
    assert answer.status == 503
    assert b"503:" in answer.body


@pytest.mark.parametrize("failure", FAILURES)
def test_distinct_statuses_say_502(launch_hubgate, upstream, failure):
    proxy = launch_hubgate("--distinct-statuses")
    proxy.api.add("/", upstream(FAILURES[failure]).url)
    assert proxy.get("/").status == 502


def test_distinct_statuses_of_a_refused_connection(launch_hubgate, nobody):
    proxy = launch_hubgate("--distinct-statuses")
    proxy.api.add("/", nobody)
    assert proxy.get("/").status == 502


def test_distinct_statuses_of_silence(launch_hubgate, upstream):
    silent = upstream(lambda peer: (peer.read_request(), peer.to_end()))
    for flags, status in (((), 503), (("--distinct-statuses",), 504)):
        proxy = launch_hubgate("--proxy-timeout=100", *flags)
        proxy.api.add("/", silent.url)
        assert proxy.get("/").status == status


def test_proxy_timeout_is_503(launch, upstream):
    proxy = launch("--proxy-timeout=100")
    proxy.api.add("/", upstream(lambda peer: (peer.read_request(), peer.to_end())).url)
    assert proxy.get("/").status == 503


def test_a_name_that_does_not_resolve(proxy):
    proxy.api.add("/", "http://no-such-host.invalid:80")
    assert proxy.get("/").status == 503


def test_a_target_that_is_no_url_is_refused_when_added(kind, proxy):
    for target in ("", "nonsense", "ftp://x/", "ws://127.0.0.1:1", "http://", "http://h:99999"):
        body = json.dumps({"target": target})
        status, _ = proxy.api.call("POST", "/api/routes/x", body=body)
        assert status == differs(kind, "target-checked", 201, 400), target
        if kind == "chp":
            assert proxy.get("/x").status == 500
        else:
            assert proxy.get("/x").status == 404


# --- pages by the operator ---


@pytest.fixture
def pages(tmp_path):
    (tmp_path / "404.html").write_text("own 404")
    (tmp_path / "error.html").write_text("own other")
    return tmp_path


def test_error_path(launch, pages, nobody):
    proxy = launch(f"--error-path={pages}")
    proxy.api.add("/dead", nobody)
    none, dead = proxy.get("/none"), proxy.get("/dead")
    assert (none.status, none.body) == (404, b"own 404")
    assert (dead.status, dead.body) == (503, b"own other")
    assert none.get("content-type").startswith("text/html")


def test_error_path_without_pages(kind, launch, tmp_path):
    answer = launch(f"--error-path={tmp_path}").get("/none")
    assert answer.status == 404
    if kind == "chp":
        assert answer.body == b"Not Found"
    else:
        assert b"404" in answer.body


def page_server(message):
    """An error target as a hub is one: HTML that names the status and the URL."""
    return peers.response("200 OK", [("Content-Type", "text/x-page"), ("X-Not", "copied")],
                          f"page {message.target}".encode())


TARGETS = {
    "/foo/bar": "/404?url=%2Ffoo%2Fbar",
    "/a%20b@c?d=e&f": "/404?url=%2Fa%2520b%40c%3Fd%3De%26f",
    "/~x/it's(1)!*": "/404?url=%2F%7Ex%2Fit%27s%281%29%21*",
}


@pytest.mark.parametrize("sent, asked", TARGETS.items())
@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "unix"])
def test_error_target(launch, upstream, unix, sent, asked):
    server = upstream(peers.answering(page_server), unix=unix)
    proxy = launch(f"--error-target={server.url}")
    answer = proxy.get(sent, [("Cookie", "secret=1"), ("Authorization", "token x")])
    assert (answer.status, answer.body) == (404, f"page {asked}".encode())
    assert answer.get("content-type") == "text/x-page"
    assert not answer.has("x-not")
    seen = server.request()
    assert seen.method == "GET"
    assert not seen.has("cookie") and not seen.has("authorization")


def test_error_target_with_a_path(launch, upstream, nobody):
    server = upstream(peers.answering(page_server))
    proxy = launch(f"--error-target={server.url}/hub/error")
    proxy.api.add("/dead", nobody)
    answer = proxy.get("/dead/x")
    assert (answer.status, answer.body) == (503, b"page /hub/error/503?url=%2Fdead%2Fx")


def test_error_target_of_head_and_post(launch, upstream):
    proxy = launch(f"--error-target={upstream(peers.answering(page_server)).url}")
    head = proxy.fetch("HEAD", "/none")
    assert (head.status, head.body) == (404, b"")
    assert proxy.fetch("POST", "/none", body=b"x" * 10).body == b"page /404?url=%2Fnone"


def test_error_target_that_answers_an_error_of_its_own(launch, upstream):
    server = upstream(peers.answering(peers.response("500 Broken", body=b"from the error server")))
    answer = launch(f"--error-target={server.url}").get("/none")
    assert (answer.status, answer.body) == (404, b"from the error server")


def test_error_target_that_redirects_is_not_followed(launch, upstream):
    server = upstream(peers.answering(peers.response("302 Found", [("Location", "/x")], b"moved")))
    answer = launch(f"--error-target={server.url}").get("/none")
    assert (answer.status, answer.body) == (404, b"moved")


def test_error_target_that_is_down(kind, launch, nobody):
    answer = launch(f"--error-target={nobody}").get("/none")
    assert answer.status == 404
    if kind == "chp":
        assert answer.body == b"Not Found"
    else:
        assert b"404" in answer.body


def test_the_url_of_a_stripped_prefix_is_the_clients(kind, launch, upstream, nobody):
    server = upstream(peers.answering(page_server))
    proxy = launch(f"--error-target={server.url}", "--no-include-prefix")
    proxy.api.add("/dead", nobody)
    assert proxy.get("/dead/x").body == differs(
        kind, "error-url", b"page /503?url=%2Fx", b"page /503?url=%2Fdead%2Fx"
    )


def test_a_malformed_escape(kind, launch, upstream):
    """`/%` is no path any escape rule allows."""
    server = upstream(peers.answering(page_server))
    answer = launch(f"--error-target={server.url}").get("/%")
    assert answer.status == differs(kind, "malformed-escape", 500, 400)


# --- ours only ---


def test_error_target_that_hangs_is_given_up(launch_hubgate, upstream):
    server = upstream(lambda peer: (peer.read_request(), peer.to_end()))
    answer = launch_hubgate(f"--error-target={server.url}").get("/none")
    assert answer.status == 404
    assert b"404" in answer.body


def test_error_target_then_error_path_then_built_in(launch_hubgate, pages, upstream):
    server = upstream(peers.answering(page_server))
    flags = (f"--error-target={server.url}", f"--error-path={pages}")
    proxy = launch_hubgate(*flags)
    assert proxy.get("/none").body == b"page /404?url=%2Fnone"
    server.stop()
    assert proxy.get("/none2").body == b"own 404"


def test_json_for_those_who_ask_for_it(hubgate):
    answer = hubgate.get("/none", [("Accept", "application/json")])
    assert answer.status == 404
    assert answer.get("content-type").startswith("application/json")
    json.loads(answer.body)


def test_built_in_pages_repeat_nothing_of_the_request(hubgate):
    for accept in ("text/html", "application/json"):
        answer = hubgate.get("/<script>alert(1)</script>?<b>", [("Accept", accept)])
        assert b"<script>alert" not in answer.body


@pytest.mark.parametrize("control, fetches", [("max-age=60", 1), ("no-store", 3), (None, 3)])
def test_error_pages_are_cached_when_their_server_allows(launch_hubgate, upstream, control, fetches):
    fields = [("Content-Type", "text/html")] + ([("Cache-Control", control)] if control else [])
    server = upstream(peers.answering(peers.response("200 OK", fields, b"page")))
    proxy = launch_hubgate(f"--error-target={server.url}", "--workers=1")
    for _ in range(3):
        assert proxy.get("/none").body == b"page"
    assert len(server.requests) == fetches
