"""HTTP/1.1 messages as they are on the wire: a reader that hides nothing a test may ask about.

It is written for tests, so it fails loudly on anything it does not expect, keeps names as they were
sent, and says how each body was framed and whether it ended as its framing promised."""

import dataclasses


class Malformed(AssertionError):
    """The peer sent something that is not the HTTP message a test asked for."""


class Truncated(AssertionError):
    """The connection ended inside a message; `message` holds what had come, if the head had."""

    def __init__(self, text, message=None):
        super().__init__(text)
        self.message = message


@dataclasses.dataclass
class Message:
    start: str
    fields: list  # (name, value) as sent, in order
    head: bytes = b""  # the raw head with its empty line
    body: bytes = b""
    framing: str = "none"  # none, length, chunked, close
    chunks: list = dataclasses.field(default_factory=list)
    trailers: list = dataclasses.field(default_factory=list)
    interim: list = dataclasses.field(default_factory=list)  # Messages of the 1xx before
    complete: bool = True

    def all(self, name):
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def has(self, name):
        return bool(self.all(name))

    # a response's view of the start line
    @property
    def version(self):
        return self.start.split(" ")[0]

    @property
    def status(self):
        return int(self.start.split(" ")[1])

    @property
    def reason(self):
        return self.start.split(" ", 2)[2] if self.start.count(" ") > 1 else None

    # a request's view of it
    @property
    def method(self):
        return self.start.split(" ")[0]

    @property
    def target(self):
        return self.start.split(" ")[1]


def parse_fields(lines):
    fields = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or not name:
            raise Malformed(f"no field line: {line!r}")
        fields.append((name, value.strip(" \t")))
    return fields


def parse_head(raw):
    text = raw.decode("latin-1")
    if "\n" in text.replace("\r\n", "") or "\r" in text.replace("\r\n", ""):
        raise Malformed(f"a bare CR or LF in the head: {raw!r}")
    start, *lines = text[:-4].split("\r\n")
    return Message(start=start, fields=parse_fields(lines), head=raw)


def read_head(peer):
    """peer.until(mark) returns bytes through the mark, or raises Truncated."""
    return parse_head(peer.until(b"\r\n\r\n"))


def read_chunked(peer, message):
    message.framing = "chunked"
    while True:
        line = peer.until(b"\r\n")
        size = int(line.split(b";")[0].strip(), 16)
        if size == 0:
            break
        chunk = peer.exactly(size)
        message.chunks.append(chunk)
        message.body += chunk
        if peer.exactly(2) != b"\r\n":
            raise Malformed("a chunk longer than its size line says")
    lines = []
    while (line := peer.until(b"\r\n")) != b"\r\n":
        lines.append(line[:-2].decode("latin-1"))
    message.trailers = parse_fields(lines)


def read_body(peer, message, to_close):
    if [v.lower() for v in message.all("transfer-encoding")] == ["chunked"]:
        read_chunked(peer, message)
    elif message.has("content-length"):
        message.framing = "length"
        peer.into(message, int(message.get("content-length")))
    elif to_close:
        message.framing = "close"
        message.body, ending = peer.to_end()
        message.complete = ending == "fin"


def read_response(peer, method="GET"):
    interim = []
    while True:
        message = read_head(peer)
        if not 100 <= message.status < 200 or message.status == 101:
            break
        interim.append(message)
    message.interim = interim
    if method == "HEAD" or message.status in (101, 204, 304):
        return message
    try:
        read_body(peer, message, to_close=True)
    except Truncated as end:
        message.complete = False
        raise Truncated(f"{end} in the body of {message.start!r}", message) from None
    return message


def read_request(peer):
    message = read_head(peer)
    try:
        read_body(peer, message, to_close=False)
    except Truncated as end:
        message.complete = False
        raise Truncated(f"{end} in the body of {message.start!r}", message) from None
    return message
