"""Requests that must not get through: name -> (bytes, status). Each gets that status and a close,
and nothing of it reaches an upstream."""

OK = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def target(text, method=b"GET"):
    return method + b" " + text + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def field(line):
    return OK + line + b"\r\n\r\n"


def posted(line, body=b""):
    return POST + line + b"\r\n\r\n" + body


FRAMING = {
    "both Content-Length and chunked": (
        posted(b"Content-Length: 3\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"), 400),
    "chunked, then Content-Length": (
        posted(b"Transfer-Encoding: chunked\r\nContent-Length: 3", b"0\r\n\r\n"), 400),
    "differing lengths": (posted(b"Content-Length: 3\r\nContent-Length: 4", b"abcd"), 400),
    "equal lengths twice": (posted(b"Content-Length: 3\r\nContent-Length: 3", b"abc"), 400),
    "lengths in a list": (posted(b"Content-Length: 3, 3", b"abc"), 400),
    "length with a plus": (posted(b"Content-Length: +3", b"abc"), 400),
    "negative length": (posted(b"Content-Length: -3", b"abc"), 400),
    "hexadecimal length": (posted(b"Content-Length: 0x3", b"abc"), 400),
    "empty length": (posted(b"Content-Length:", b"abc"), 400),
    "length with a space inside": (posted(b"Content-Length: 3 3", b"abc"), 400),
    "length beyond 64 bits": (posted(b"Content-Length: 18446744073709551617", b"a"), 400),
    "length beyond 63 bits": (posted(b"Content-Length: 9223372036854775808", b"a"), 400),
    "length with other digits": (posted("Content-Length: ٣".encode(), b"abc"), 400),
    "Transfer-Encoding identity": (posted(b"Transfer-Encoding: identity", b"abc"), 400),
    "Transfer-Encoding gzip": (posted(b"Transfer-Encoding: gzip", b"abc"), 400),
    "gzip, chunked": (posted(b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"), 400),
    "identity, chunked": (posted(b"Transfer-Encoding: identity, chunked", b"0\r\n\r\n"), 400),
    "chunked, identity": (posted(b"Transfer-Encoding: chunked, identity", b"0\r\n\r\n"), 400),
    "chunked, chunked": (posted(b"Transfer-Encoding: chunked, chunked", b"0\r\n\r\n"), 400),
    "chunked twice": (
        posted(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", b"0\r\n\r\n"), 400),
    "chunked, then another coding": (
        posted(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x", b"0\r\n\r\n"), 400),
    "xchunked": (posted(b"Transfer-Encoding: xchunked", b"0\r\n\r\n"), 400),
    "quoted chunked": (posted(b'Transfer-Encoding: "chunked"', b"0\r\n\r\n"), 400),
    "chunked with a parameter": (posted(b"Transfer-Encoding: chunked;q=1", b"0\r\n\r\n"), 400),
    "chunked with a vertical tab": (posted(b"Transfer-Encoding:\x0bchunked", b"0\r\n\r\n"), 400),
    "empty Transfer-Encoding": (posted(b"Transfer-Encoding:", b"abc"), 400),
    "chunked in HTTP/1.0": (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "GET with both": (
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
}

LINES = {
    "bare LF after the request line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "bare LF after a field": (b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    "bare LF at the end": (b"GET / HTTP/1.1\r\nHost: a\r\n\n", 400),
    "LF everywhere": (b"GET / HTTP/1.1\nHost: a\n\n", 400),
    "bare CR in a value": (field(b"X: a\rb"), 400),
    "bare CR before a field": (field(b"\rX: a"), 400),
    "bare CR after the request line": (b"GET / HTTP/1.1\rHost: a\r\n\r\n", 400),
    "CR CR LF": (field(b"X: a\r"), 400),
    "CR LF CR X at the end": (b"GET / HTTP/1.1\r\nHost: a\r\n\rX" + target(b"/smuggled"), 400),
    "LF CR LF at the end": (b"GET / HTTP/1.1\r\nHost: a\n\r\n", 400),
    "folded with a space": (field(b"X: a\r\n b"), 400),
    "folded with a tab": (field(b"X: a\r\n\tb"), 400),
    "folded Transfer-Encoding": (posted(b"Transfer-Encoding:\r\n chunked", b"0\r\n\r\n"), 400),
    "first field folded": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    "first field after a tab": (b"GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n", 400),
    "space before the colon": (field(b"X : a"), 400),
    "tab before the colon": (field(b"X\t: a"), 400),
    "Content-Length, space, colon": (posted(b"Content-Length : 3", b"abc"), 400),
    "Transfer-Encoding, space, colon": (posted(b"Transfer-Encoding : chunked", b"0\r\n\r\n"), 400),
    "space inside a name": (field(b"Foo Bar: x"), 400),
    "empty name": (field(b": x"), 400),
    "no colon": (field(b"nonsense"), 400),
    "no colon, empty": (field(b" "), 400),
    "NUL in a value": (field(b"X: a\x00b"), 400),
    "NUL in a name": (field(b"X\x00Y: b"), 400),
    "control byte in a value": (field(b"X: a\x01b"), 400),
    "escape in a value": (field(b"X: a\x1bb"), 400),
    "DEL in a value": (field(b"X: a\x7fb"), 400),
    "8-bit in a name": (field(b"X\xe9: b"), 400),
    "comma in a name": (field(b"X,Y: b"), 400),
    "bracket in a name": (field(b"X[0]: b"), 400),
    "slash in a name": (field(b"X/Y: b"), 400),
    "quote in a name": (field(b'"X": b'), 400),
}

TARGETS = {
    "two spaces before the target": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "two spaces after the target": (b"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "space at the end of the line": (b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", (400, 505)),
    "space before the method": (b" GET / HTTP/1.1\r\nHost: a\r\n\r\n", (400, 501)),
    "tab for a space": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", (400, 501)),
    "tab in the target": (target(b"/a\tb"), 400),
    "space in the target": (target(b"/a b"), 400),
    "8-bit in the target": (target("/秀".encode()), 400),
    "NUL in the target": (target(b"/a\x00b"), 400),
    "DEL in the target": (target(b"/a\x7f"), 400),
    "fragment": (target(b"/a#b"), 400),
    "star of GET": (target(b"*"), 400),
    "star of POST": (target(b"*", b"POST"), 400),
    "no slash": (target(b"a/b"), 400),
    "query alone": (target(b"?a"), 400),
    "authority form of GET": (target(b"a:80"), 400),
    "CONNECT": (target(b"a:80", b"CONNECT"), (400, 405, 501)),
    "CONNECT of a path": (target(b"/", b"CONNECT"), (400, 405, 501)),
    "absolute without host": (target(b"http:///x"), 400),
    "absolute with user": (target(b"http://user@a/x"), 400),
    "absolute of another scheme": (target(b"ftp://a/x"), 400),
    "empty target": (b"GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no target": (b"GET HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no version": (b"GET /\r\nHost: a\r\n\r\n", (400, 505)),
    "HTTP/0.9": (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", (400, 505)),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", (400, 505)),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", (400, 505)),
    "HTTP/11.1": (b"GET / HTTP/11.1\r\nHost: a\r\n\r\n", (400, 505)),
    "HTTP/1.10": (b"GET / HTTP/1.10\r\nHost: a\r\n\r\n", (400, 505)),
    "HTTP/1": (b"GET / HTTP/1\r\nHost: a\r\n\r\n", (400, 505)),
    "http/1.1": (b"GET / http/1.1\r\nHost: a\r\n\r\n", (400, 505)),
    "ICE/1.0": (b"SOURCE / ICE/1.0\r\nHost: a\r\n\r\n", (400, 505)),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 501, 505)),
    "method in lower case": (target(b"/", b"get"), (400, 501)),
    "method that is no token": (target(b"/", b"G[T"), (400, 501)),
    "malformed escape": (target(b"/a%2"), 400),
    "malformed escape of letters": (target(b"/a%zz"), 400),
    "backslash in the path": (target(b"/a\\b"), 400),
}

HOSTS = {
    "no Host": (b"GET / HTTP/1.1\r\nX: a\r\n\r\n", 400),
    "no field at all": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (field(b"Host: a"), 400),
    "two different Hosts": (field(b"Host: b"), 400),
    "Host with a space": (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    "Host with a path": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "Host with a user": (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "Host in a list": (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    "Host with a large port": (b"GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", 400),
    "Host with a worded port": (b"GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", 400),
    "Host with an open bracket": (b"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
    "Host with 8-bit": (b"GET / HTTP/1.1\r\nHost: \xe9\r\n\r\n", 400),
    "two Hosts in HTTP/1.0": (b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "absolute target, no Host": (b"GET http://a/ HTTP/1.1\r\n\r\n", 400),
}

OTHERS = {
    "TLS hello on a plain port": (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n", (400, 501)),
    "nonsense": (b"nonsense\r\n\r\n", (400, 501)),
    "NULs": (b"\x00" * 100 + b"\r\n\r\n", (400, 501)),
    "unknown expectation": (posted(b"Expect: the best\r\nContent-Length: 0"), 417),
}

HEADS = {**FRAMING, **LINES, **TARGETS, **HOSTS, **OTHERS}

# The head is in order, the body is not: an upstream may have seen the head, but never a complete
# request, and nothing that follows.
BODIES = {
    "chunk size with bare LF": CHUNKED + b"1\nA\r\n0\r\n\r\n",
    "chunk size with CR X": CHUNKED + b"1\rXA\r\n0\r\n\r\n",
    "chunk data closed by CR X": CHUNKED + b"1\r\nA\rX0\r\n\r\n",
    "chunk data closed by LF": CHUNKED + b"1\r\nA\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"1\r\nAB\r\n0\r\n\r\n",
    "chunk size missing": CHUNKED + b"\r\nA\r\n0\r\n\r\n",
    "chunk size in letters": CHUNKED + b"xyz\r\nA\r\n0\r\n\r\n",
    "chunk size with 0x": CHUNKED + b"0x1\r\nA\r\n0\r\n\r\n",
    "chunk size with a plus": CHUNKED + b"+1\r\nA\r\n0\r\n\r\n",
    "chunk size with a minus": CHUNKED + b"-1\r\nA\r\n0\r\n\r\n",
    "chunk size with a space after": CHUNKED + b"1 \r\nA\r\n0\r\n\r\n",
    "chunk size with a space before": CHUNKED + b" 1\r\nA\r\n0\r\n\r\n",
    "chunk size with a word after": CHUNKED + b"1 zz\r\nA\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"10000000000000000\r\nA\r\n0\r\n\r\n",
    "chunk size of many digits": CHUNKED + b"0" * 100 + b"1\r\nA\r\n0\r\n\r\n",
    "chunk extension with bare LF": CHUNKED + b"1;a\nA\r\n0\r\n\r\n",
    "chunk extension with bare CR": CHUNKED + b"1;a\rb\r\nA\r\n0\r\n\r\n",
    "chunk extension with NUL": CHUNKED + b"1;a\x00\r\nA\r\n0\r\n\r\n",
    "trailer with bare LF": CHUNKED + b"0\r\nX: a\n\r\n",
    "trailer folded": CHUNKED + b"0\r\nX: a\r\n b\r\n\r\n",
    "trailer without colon": CHUNKED + b"0\r\nnonsense\r\n\r\n",
    "trailer with space before colon": CHUNKED + b"0\r\nX : a\r\n\r\n",
    "trailer with NUL": CHUNKED + b"0\r\nX: a\x00\r\n\r\n",
    "trailer with CR X at the end": CHUNKED + b"0\r\nX: a\r\n\rX",
    "one endless chunk extension": CHUNKED + b"1;" + b"e" * 200_000 + b"\r\nA\r\n0\r\n\r\n",
    "many chunk extensions": CHUNKED + (b"1;" + b"e" * 1000 + b"\r\nA\r\n") * 200 + b"0\r\n\r\n",
    "endless trailers": CHUNKED + b"0\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
}
