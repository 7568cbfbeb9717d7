"""The same exchange through configurable-http-proxy and through hubgate: everything client and
upstream see is equal, but for what DIFFERENCES names (CHP points 43-60)."""

import pathlib

import pytest

import compare
import differences
import peers
from compare import Case

GET = peers.request("GET", "/x")
HOP = [("Connection", "keep-alive, x-hop"), ("X-Hop", "1"), ("X-End", "2")]


def get(*fields, target="/x", **more):
    return peers.request("GET", target, fields, **more)


def answer(*fields, status="200 OK", body=b"ok", **more):
    return peers.response(status, fields, body, **more)


METHODS = "GET POST PUT PATCH DELETE OPTIONS PROPFIND REPORT MKCOL"

# What differs, by fact: (row of DIFFERENCES, hubgate's value).
NO_LENGTH = {
    "request content-length": ("length-as-sent", None),
    "request framing": ("length-as-sent", "none"),
}
SMUGGLED = {
    "request body": ("body-of-every-method", b"abc"),
    "request content-length": ("body-of-every-method", None),
    "request framing": ("body-of-every-method", "chunked"),
    "request transfer-encoding": ("body-of-every-method", "chunked"),
}
EMPTY_CHUNKED = {
    "response framing": ("empty-chunked", "chunked"),
    "response content-length": ("empty-chunked", None),
    "response transfer-encoding": ("empty-chunked", "chunked"),
}
KEPT = {"response persistent": ("client-kept", True)}
REPEATED = {"response vary": ("repeated-fields", ["a", "b"]),
            "response x-r": ("repeated-fields", ["1", "2"])}


def untouched(start):
    return {"request start": ("path-untouched", f"GET {start} HTTP/1.1")}


CASES = [
    Case("plain", GET),
    *[Case(f"{method} without body", peers.request(method, "/x"),
           differs={} if method == "GET" else NO_LENGTH) for method in METHODS.split()],
    *[Case(f"{method} with a body", peers.request(method, "/x", body=b"four"))
      for method in METHODS.split()],
    *[Case(f"{method} chunked",
           peers.request(method, "/x", [("Transfer-Encoding", "chunked")], peers.chunked(b"ab", b"c")),
           differs=SMUGGLED if method in ("DELETE", "OPTIONS") else {})
      for method in METHODS.split()],
    Case("head", peers.request("HEAD", "/x"),
         b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\n"),
    Case("head without length", peers.request("HEAD", "/x"), b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n"),
    Case("head of chunked", peers.request("HEAD", "/x"),
         b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    Case("204", GET, b"HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"),
    Case("304 with length", GET, b'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: "e"\r\n\r\n'),
    Case("304", GET, b'HTTP/1.1 304 Not Modified\r\nETag: "e"\r\n\r\n'),
    Case("205", GET, b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
    Case("empty answer", GET, answer(body=b"")),
    Case("chunked answer", GET,
         answer(("Transfer-Encoding", "chunked"), body=peers.chunked(b"ab", b"cde"), length=False)),
    Case("chunked answer, empty", GET,
         answer(("Transfer-Encoding", "chunked"), body=peers.chunked(), length=False),
         differs=EMPTY_CHUNKED),
    Case("answer to the end of the connection", GET,
         answer(("Connection", "close"), body=b"to the end", length=False), differs=KEPT),
    Case("answer of an HTTP/1.0 upstream", GET, b"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nold",
         differs=KEPT),
    Case("unusual status and reason", GET, answer(status="299 Very Fine")),
    Case("status without reason", GET, b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok",
         differs={"response start": ("reason", "HTTP/1.1 200 ")}),
    *[Case(f"status {status}", GET, answer(status=status)) for status in
      ("201 Created", "206 Partial Content", "301 Moved", "400 Bad", "401 Who", "403 No", "404 None",
       "413 Big", "500 Oops", "502 Bad Gateway", "503 Busy", "504 Late")],
    Case("set-cookie stays on lines of its own", GET,
         answer(("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("Vary", "x"))),
    Case("repeated response fields", GET, answer(("X-R", "1"), ("X-R", "2"), ("Vary", "a"),
                                                 ("Vary", "b")), differs=REPEATED),
    Case("empty and spaced values", get(("X-Empty", ""), ("X-Inner", "a  b\tc")),
         answer(("X-Empty", ""), ("X-Inner", "a  b\tc"))),
    Case("latin-1 in values", get(("X-L", "caf\u00e9")), answer(("X-L", "caf\u00e9"))),
    Case("underscores and odd token characters", get(("X_Y", "1"), ("X!#$%&'*+.^`|~", "2")),
         answer(("X_Y", "1"), ("X!#$%&'*+.^`|~", "2"))),
    Case("browser's fields", get(
        ("User-Agent", "Mozilla/5.0"), ("Accept", "*/*"), ("Accept-Encoding", "gzip, br"),
        ("Accept-Language", "en"), ("Cookie", "a=1; b=2"), ("Referer", "http://hub.test/"),
        ("X-XSRFToken", "t"), ("Sec-Fetch-Mode", "cors"), ("Cache-Control", "no-cache"))),
    Case("authorization", get(("Authorization", "Bearer x"))),
    Case("range", get(("Range", "bytes=0-1")), answer(("Content-Range", "bytes 0-1/5"),
                                                      status="206 Partial Content")),
    Case("server and via of the upstream stay", GET, answer(("Server", "s"), ("Via", "1.1 u"))),
    Case("date of the upstream stays", GET, answer(("Date", "Mon, 01 Jan 2001 00:00:00 GMT"))),
    Case("gzip passes as it is", GET, answer(("Content-Encoding", "gzip"), body=b"\x1f\x8b\x08\x00")),
    Case("client asks to close", get(("Connection", "close"))),
    Case("HTTP/1.0 client", get(version="1.0")),
    Case("HTTP/1.0 client that keeps alive", get(("Connection", "keep-alive"), version="1.0")),
    Case("HTTP/1.0 client, chunked answer", get(version="1.0"),
         answer(("Transfer-Encoding", "chunked"), body=peers.chunked(b"ab", b"cde"), length=False)),
    Case("HTTP/1.0 client without Host", get(version="1.0", host=None),
         differs={"request x-forwarded-host": ("no-host", None)}),
    Case("host with a port", get(host="hub.test:8443")),
    Case("host in capitals", get(host="HUB.Test")),
    Case("IPv6 host", get(host="[::1]:81"),
         differs={"request x-forwarded-port": ("ipv6-port", "81")}),
    # what the proxy adds
    Case("x-forwarded are appended", get(
        ("X-Forwarded-For", "10.1.1.1"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "444"),
        ("X-Forwarded-Host", "outer.test"))),
    Case("no x-forward", GET, flags=("--no-x-forward",)),
    Case("no x-forward leaves the client's", get(("X-Forwarded-For", "10.1.1.1")),
         flags=("--no-x-forward",)),
    Case("x-forwarded-port from Host", get(host="hub.test:8443")),
    Case("change origin", GET, flags=("--change-origin",)),
    Case("custom headers", get(("X-Two", "client's")),
         flags=("--custom-header", "X-One: 1", "--custom-header", " x-two :a: b ")),
    # hop by hop
    Case("response fields of one hop", GET, answer(("Proxy-Authenticate", "Basic"), ("X-A", "1")),
         differs={"response proxy-authenticate": ("hop-by-hop", None)}),
    # paths
    Case("query", get(target="/x?a=1&b=%20&c")),
    Case("lone question mark", get(target="/x?"), differs=untouched("/x?")),
    Case("query and target's query", get(target="/x?b=2"), path="/t?a=1"),
    Case("target's query alone", GET, path="/t?a=1"),
    Case("target with a trailing slash", GET, path="/t/"),
    Case("escapes stay as they are", get(target="/a%2Fb/%7e/%e7%a7%80?x=%2f")),
    Case("double slashes inside stay", get(target="/a//b///c")),
    Case("characters allowed in paths", get(target="/a;b=c,d/!$&'()*+,;=:@-._~")),
    Case("dot segments", get(target="/a/./b/../c")),
    Case("escaped dot segments", get(target="/a/%2e/b/%2E%2e/c")),
    Case("dots at the end", get(target="/a/..")),
    Case("dots in names", get(target="/a../.b/..c")),
    Case("dots above the root", get(target="/../../a")),
    Case("two slashes and a name", get(target="//name/y")),
    *[Case(f"{character} in the path", get(target=f"/a{character}b"),
           differs=untouched(f"/a{character}b") if character in '"<>`{}' else {})
      for character in '"<>`{}|'],  # what becomes of ^ depends on CHP's Node
    Case("odd characters in the query", get(target="/a?\"<>`{}^|'[]\\"),
         differs=untouched("/a?\"<>`{}^|'[]\\")),
    Case("escaped slash", get(target="/a%2fb")),
    Case("absolute form", get(target="http://hub.test/abs?x=1")),
    # redirects (CHP 55)
    *[Case(f"location untouched {where}", GET,
           answer(("Location", where), status="302 Found", body=b""))
      for where in ("/relative", "http://other.test/x", "http://hub.test/x")],
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_same_exchange(case, running, upstream):
    seen = [compare.observe(case, running(kind, *case.flags), upstream)
            for kind in ("chp", "hubgate")]
    compare.check(case, *seen)


def test_each_difference_has_a_test():
    """A row that no test names any more says something nobody checks."""
    texts = "".join(path.read_text() for path in pathlib.Path(__file__).parent.glob("test_*.py"))
    unused = [name for name in differences.DIFFERENCES if name not in texts]
    assert not unused


def test_differences_are_documented():
    assert differences.DOCUMENT.read_text(encoding="utf-8") == differences.document(), (
        "run tests/e2e/differences.py --write"
    )
