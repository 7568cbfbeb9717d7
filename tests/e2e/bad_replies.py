"""Replies of an upstream that break the protocol."""

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# The client gets the status of a bad upstream, and nothing of these.
HEADS = {
    "status 99": b"HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n",
    "status 600": b"HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n",
    "status 999": b"HTTP/1.1 999 High\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status with a space": b"HTTP/1.1 2 00 OK\r\nContent-Length: 0\r\n\r\n",
    "status with two spaces before": b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    "status in letters": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "no status": b"HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"<html>hello</html>\r\n\r\n",
    "both length and chunked": HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "differing lengths": HEAD + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "negative length": HEAD + b"Content-Length: -1\r\n\r\n",
    "worded length": HEAD + b"Content-Length: three\r\n\r\nabc",
    "Transfer-Encoding without chunked": HEAD + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "identity, chunked": HEAD + b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before the colon": HEAD + b"Content-Length : 3\r\n\r\nabc",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "bare CR in a value": HEAD + b"X: a\rb\r\nContent-Length: 0\r\n\r\n",
    "NUL in a value": HEAD + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n",
    "folded": HEAD + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "empty name": HEAD + b": a\r\nContent-Length: 0\r\n\r\n",
    "CR LF CR X": HEAD + b"Content-Length: 0\r\n\rX" + HEAD + b"\r\n",
    "head without end": HEAD + b"X-Fill: " + b"x" * 200_000,
    "too many fields": HEAD + b"X: y\r\n" * 10_000 + b"\r\n",
    "endless interim answers": b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 2000,
    "101 that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
}

# The head is in order, the body is not: the client sees a reply without a clean end.
BODIES = {
    "chunk size with bare LF": CHUNKED + b"1\nA\r\n0\r\n\r\n",
    "chunk size with CR X": CHUNKED + b"1\rXA\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"1\r\nAB\r\n0\r\n\r\n",
    "chunk size in letters": CHUNKED + b"xyz\r\nA\r\n0\r\n\r\n",
    "chunk size with a space": CHUNKED + b"1 \r\nA\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"10000000000000000\r\nA\r\n0\r\n\r\n",
    "trailer folded": CHUNKED + b"1\r\nA\r\n0\r\nX: a\r\n b\r\n\r\n",
    "trailer without colon": CHUNKED + b"1\r\nA\r\n0\r\nnonsense\r\n\r\n",
    "length, then the end": HEAD + b"Content-Length: 10\r\n\r\nabc",
    "chunked, the end inside a chunk": CHUNKED + b"a\r\nabc",
    "chunked, the end between chunks": CHUNKED + b"3\r\nabc\r\n",
    "chunked, the end before the last line": CHUNKED + b"3\r\nabc\r\n0\r\n",
    "many chunk extensions": CHUNKED + (b"1;" + b"e" * 1000 + b"\r\nA\r\n") * 200 + b"0\r\n\r\n",
}
