"""Every row of the API: what it answers to those who may not, and to what is no request of its."""

import json
import socket

import pytest
import requests

from document import Api, document
import hubs

VALUES = {"name": "ada", "server": "lab1", "group": "staff", "service": "tests", "id": "a1"}
OPERATIONS = [(method, path) for method, path, _ in document().operations()]
CLOSED = [(method, path) for method, path, operation in document().operations()
          if operation.get("security") != []]
SCOPED = [row for row in CLOSED if row[1] != "/api/user"]
FILTERS = {"{name}": "!user=bob", "{group}": "!group=guests", "{service}": "!service=another"}


def operation_of(method, path):
    return document().tree["paths"][path][method.lower()]


def scopes_of(method, path):
    return [way["token"][0] for way in operation_of(method, path)["security"]]


def url(hub, path):
    return hub.hub_url.rstrip("/") + path.format(**VALUES)


def call(hub, method, path, token=None, **more):
    headers = {"Authorization": f"token {token}"} if token else {}
    return requests.request(method, url(hub, path), headers=headers, timeout=hubs.PATIENCE,
                            allow_redirects=False, **more)


def assert_refused(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status and answer.json()["message"]
    assert answer.headers["X-JupyterHub-Version"]


@pytest.fixture(scope="module")
def tokens(hub):
    """Tokens by their scopes, made once."""
    api, made = Api(hub), {}
    api.add("ada", "bob")
    api("POST", "/groups/staff", status=201)

    def token(*scopes):
        if scopes not in made:
            made[scopes] = api.scoped(*scopes)
        return made[scopes]
    return token


@pytest.mark.parametrize("method,path", CLOSED)
def test_without_a_token(hub, tokens, method, path):
    assert_refused(call(hub, method, path), 403)


@pytest.mark.parametrize("method,path", CLOSED)
def test_with_a_wrong_token(hub, tokens, method, path):
    assert_refused(call(hub, method, path, "wrong"), 403)


@pytest.mark.parametrize("method,path", SCOPED)
def test_without_the_scope(hub, tokens, method, path):
    other = "read:hub" if path != "/api/info" else "read:metrics"
    assert_refused(call(hub, method, path, tokens(other)), 403)


@pytest.mark.parametrize("method,path", [row for row in SCOPED if "{" in row[1]])
def test_with_the_scope_for_others(hub, tokens, method, path):
    [filter_] = [text for part, text in FILTERS.items() if part in path]
    scopes = [scope + filter_ for scope in scopes_of(method, path)]
    assert_refused(call(hub, method, path, tokens(*scopes)), 404)


@pytest.mark.parametrize("method,path", [row for row in SCOPED if "{server}" in row[1]])
def test_with_the_scope_for_another_server(hub, tokens, method, path):
    scopes = [scope + "!server=ada/other" for scope in scopes_of(method, path)]
    assert_refused(call(hub, method, path, tokens(*scopes)), 404)


@pytest.mark.parametrize("method,path", [row for row in SCOPED if "{name}" in row[1]
                                         and row != ("POST", "/api/users/{name}")])
def test_of_a_user_who_is_not_there(hub, tokens, method, path):
    token = tokens(*scopes_of(method, path))
    absent = path.replace("{name}", "nobody")
    assert_refused(call(hub, method, absent, token), 404)


@pytest.mark.parametrize("path", list(document().tree["paths"]))
def test_with_another_method(hub, tokens, path):
    known = document().tree["paths"][path]
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        if method.lower() not in known:
            assert call(hub, method, path, hub.token).status_code == 405, method


GARBAGE = [b"{", b"garbage", b'{"a":1} x', b"\xff\xfe", b'{"a":"\\u0000', b"[" * 100_000, b'{"a":' * 50_000,
           b'{"a":1,"a":2}']
BODIES = [row for row in SCOPED if "application/json" in
          operation_of(*row).get("requestBody", {}).get("content", {})]


@pytest.mark.parametrize("method,path", BODIES)
def test_with_a_body_that_is_no_json(hub, tokens, method, path):
    for body in GARBAGE:
        assert_refused(call(hub, method, path, hub.token, data=body), 400)


@pytest.mark.parametrize("method,path", BODIES)
def test_with_a_body_that_is_no_object(hub, tokens, method, path):
    for body in ([], [1], 7, "x", True):
        answer = call(hub, method, path, hub.token, json=body)
        assert answer.status_code in (400, 404), (body, answer.text)


@pytest.mark.parametrize("method,path", BODIES)
def test_with_a_body_that_is_too_long(hub, tokens, method, path):
    answer = call(hub, method, path, hub.token, data=b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413


def test_a_session_alone_changes_nothing(hub, tokens):
    browser = hub.browser("admin")
    unsafe = [row for row in SCOPED if row[0] != "GET"]
    assert len(unsafe) > 15
    for method, path in unsafe:
        answer = browser.api(method, path.removeprefix("/api").format(**VALUES), xsrf=False)
        assert_refused(answer, 403)


def test_malformed_escapes_are_nowhere(hub, tokens):
    for name in (b"%zz", b"%00", b"ada%2", b"%ff", b"%c3%28"):
        with socket.create_connection(("127.0.0.1", hub.hub_port)) as client:
            client.sendall(b"GET /hub/api/users/" + name + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                           b"Authorization: token " + hub.token.encode() + b"\r\n\r\n")
            answer = b"".join(iter(lambda: client.recv(4096), b""))
        assert answer.split()[1] == b"404", answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == 404


def test_a_long_name_is_cut_between_its_characters(hub, tokens):
    for length in range(98, 103):
        name = "a" * length + "秀樹" * 20
        assert_refused(call(hub, "GET", "/api/users/" + name, hub.token), 404)
