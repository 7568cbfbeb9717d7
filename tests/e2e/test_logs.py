"""What is logged: one line an exchange, its reason when it failed, and never a secret."""

import json
import time

import pytest

import peers
from test_websocket import upgrade


def access(proxy, count=1):
    """The last `count` JSON access lines, as objects."""

    def lines():
        rows = []
        for line in proxy.output.splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if "status" in row and "path" in row:
                rows.append(row)
        return rows

    peers.wait_until(lambda: len(lines()) >= count, f"{count} access lines came")
    return lines()


def test_an_access_line_for_each_exchange(start, upstream):
    proxy = start("hubgate")
    proxy.api.add("/user/ann/lab", upstream(peers.answering(peers.response(body=b"x" * 777))).url,
                  user="ann", server_name="lab")
    assert proxy.get("/user/ann/lab/tree").status == 200
    peers.wait_until(lambda: "/user/ann/lab/tree" in proxy.output, "the line came")
    line = next(line for line in proxy.output.splitlines() if "/user/ann/lab/tree" in line)
    assert "200" in line and "GET" in line and "ann" in line


def test_the_json_line(start, upstream):
    proxy = start("hubgate", ["--log-format=json"])
    server = upstream(peers.answering(peers.response(body=b"x" * 777)))
    proxy.api.add("/user/ann/lab", server.url, user="ann", server_name="lab", jupyterhub=True)
    assert proxy.get("/user/ann/lab/tree").status == 200
    assert proxy.get("/none").status == 404
    rows = {row["path"]: row for row in access(proxy, 2)}
    row = rows["/user/ann/lab/tree"]
    assert (row["method"], int(row["status"])) == ("GET", 200)
    assert "ann" in row.values() and "lab" in row.values()
    assert "ok" in row.values()
    assert "no_route" in rows["/none"].values()


def test_every_line_of_the_json_log_is_an_object(start, echo):
    proxy = start("hubgate", ["--log-format=json", "--log-level=debug"])
    proxy.api.add("/", echo.url)
    proxy.get('/"quoted"\\\\'.replace("\\", "%5C"))
    proxy.get("/x", [("User-Agent", 'a "b" \\ \xff \t')])
    with proxy.send(b"GET /bad\x01\x1b[31m HTTP/1.1\r\n\r\n") as client:
        client.to_end()
    proxy.stop()
    for line in proxy.output.splitlines():
        assert isinstance(json.loads(line), dict), line


@pytest.mark.parametrize("flags", [[], ["--log-level=debug"], ["--log-format=json", "--log-level=silly"]],
                         ids=["info", "debug", "json"])
def test_no_secret_is_ever_logged(start, upstream, flags):
    proxy = start("hubgate", flags, token="tok3nXYZ")
    proxy.api.add("/", upstream().url)
    proxy.api.add("/dead", "http://127.0.0.1:1")
    secrets = [("Cookie", "c00kieXYZ=1"), ("Authorization", "token auth0rXYZ"),
               ("X-XSRFToken", "xsrfXYZ")]
    for path in ("/ok", "/dead", "/_chp_healthz"):
        proxy.get(f"{path}?token=queryXYZ", secrets)
    proxy.get("/%?token=queryXYZ", secrets)
    with proxy.send(upgrade("/dead?token=queryXYZ", secrets)) as client:
        client.to_end()
    with proxy.send(peers.request("GET", "/?token=queryXYZ", secrets).replace(b"\r\n", b"\n")) as bad:
        bad.to_end()
    with proxy.send(b"GET /x?token=queryXYZ y HTTP/1.1\r\nCookie: c00kieXYZ\r\n\r\n") as bad:
        bad.to_end()
    proxy.api.call("GET", "/api/routes?token=queryXYZ", headers={"Authorization": "token wrongXYZ"})
    proxy.api.call("POST", "/api/routes/x", body='{"target": "http://u:passXYZ@h/", "k": "dataXYZ"}')
    proxy.api.call("POST", "/api/routes/x", body='{"k": "dataXYZ"}')
    proxy.stop()
    assert "XYZ" not in proxy.output


def test_control_bytes_of_a_peer_never_reach_the_log_raw(start):
    proxy = start("hubgate", ["--log-level=debug"])
    for sent in (b"GET /\x1b[31mred HTTP/1.1\r\nHost: a\r\n\r\n",
                 b"GET /x HTTP/1.1\r\nHost: a\r\nX\x1b[31m: b\r\n\r\n",
                 b"GET /%1b%5b31m%0aforged HTTP/1.1\r\nHost: a\r\n\r\n"):
        with proxy.send(sent) as client:
            client.to_end() if b"%" not in sent else client.read_response()
    proxy.stop()
    assert "\x1b" not in proxy.output
    assert not any(line.startswith("forged") for line in proxy.output.splitlines())


def test_bad_input_is_logged_once_with_its_reason(start):
    proxy = start("hubgate")
    before = len(proxy.output.splitlines())
    with proxy.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                    b"Transfer-Encoding: chunked\r\n\r\n") as client:
        client.to_end()
    peers.wait_until(lambda: "Content-Length" in proxy.output, "the reason is logged")
    time.sleep(0.1)
    lines = proxy.output.splitlines()[before:]
    assert len([line for line in lines if "400" in line]) == 1, lines


def test_upstream_failures_are_errors_with_a_cause(kind, start):
    proxy = start(kind)
    proxy.api.add("/dead", "http://127.0.0.1:1")
    proxy.get("/dead/x?query")
    peers.wait_until(lambda: "503 GET /dead/x" in proxy.output, "the error line came")


def test_log_levels(start, echo):
    proxy = start("hubgate", ["--log-level=error"])
    proxy.api.add("/", echo.url)
    proxy.get("/quiet")
    proxy.stop()
    assert "quiet" not in proxy.output


def test_api_calls_are_logged_as_chp_does(kind, start):
    proxy = start(kind)
    proxy.api.add("/x", "http://127.0.0.1:1")
    proxy.api.delete("/x")
    for line in ("201 POST /api/routes/x", "204 DELETE /api/routes/x", "Route added /x"):
        peers.wait_until(lambda: line in proxy.output, f"{line!r} was logged")


def test_a_refused_request_is_not_logged_as_the_one_before(start, echo):
    proxy = start("hubgate", ["--workers=1"])
    proxy.api.add("/", echo.url)
    assert proxy.get("/somebody-else").status == 200
    with proxy.send(b"GET /mine HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n") as client:
        assert client.read_response().status == 400
    peers.wait_until(lambda: "CR without LF" in proxy.output, "the refusal was logged")
    line = next(line for line in proxy.output.splitlines() if "CR without LF" in line)
    assert "somebody-else" not in line
