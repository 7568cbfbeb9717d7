"""In front of an API server, for what no server does on demand: it answers 429, 500 or nonsense, hangs,
cuts a watch at any byte, says 410 in both its forms, drips its bytes, is away.

    proxy.fault(Answer.too_many(retry_after=1), path="/pods", times=2)
    proxy.fault(Cut(after=700), watch=True)

The first fault that suits a request befalls it, and no other; a request without one is passed on. TLS ends
here, with a certificate of the same authority, so that a client certificate is not passed on: use tokens."""

import asyncio
import contextlib
import dataclasses
import json
import re
import ssl
import threading
import urllib.parse

HEAD_LIMIT = 1 << 20


def status(code, reason, message, **more):
    """The Status object of a refusal."""
    return json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
                       "reason": reason, "message": message, **more}).encode()


@dataclasses.dataclass
class Answer:
    """Said instead of the API server, which is not asked."""
    code: int = 500
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)

    @classmethod
    def too_many(cls, retry_after=1):
        return cls(429, status(429, "TooManyRequests", "the server has received too many requests"),
                   {"Retry-After": str(retry_after)})

    @classmethod
    def broken(cls, code=500):
        return cls(code, status(code, "InternalError", "an error on the server has prevented the request"))

    @classmethod
    def gone(cls):
        """410 for a list or a watch, before it begins."""
        return cls(410, status(410, "Expired", "too old resource version: 1 (2)"))

    @classmethod
    def watch_gone(cls):
        """410 as an event of a watch that was begun: as `resourceVersion` too old is told mostly."""
        return cls(200, watch_gone_event())

    def bytes(self):
        lines = [f"HTTP/1.1 {self.code} Fault", f"Content-Length: {len(self.body)}",
                 "Content-Type: application/json", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def watch_gone_event():
    return b'{"type":"ERROR","object":' + status(410, "Expired", "too old resource version: 1 (2)") + b"}\n"


@dataclasses.dataclass
class Raw:
    """These bytes instead of an answer, and the end of the connection."""
    data: bytes = b"\x16\x03\x01 nonsense\r\n\r\n"


@dataclasses.dataclass
class Hang:
    """Nothing more after so many bytes of the answer's body; None: not even its head."""
    after: int = None


@dataclasses.dataclass
class Cut:
    """The end of the connection after so many bytes of the answer's body, chunks' own lines included; None:
    before its head, with the request done all the same."""
    after: int = None


@dataclasses.dataclass
class Drip:
    """The answer's body in pieces of so many bytes, with a pause (seconds) after each."""
    bytes: int = 1
    pause: float = 0.005


@dataclasses.dataclass
class Rule:
    fault: object
    path: re.Pattern
    method: str
    watch: bool
    left: int

    def suits(self, request):
        return (self.left != 0 and self.path.search(request.path) and self.method in (None, request.method)
                and self.watch in (None, request.watch))


class Request:
    def __init__(self, head, body):
        self.head, self.body, self.fault = head, body, None
        self.method, self.path = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")[:2]
        self.query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        self.watch = self.query.get("watch") in ("1", "true")

    def __repr__(self):
        return f"{self.method} {self.path}" + (f" [{self.fault}]" if self.fault else "")


class FaultProxy:
    def __init__(self, plane, folder):
        self.requests = []  # all that came, in order; each with its fault
        self.rules, self.away, self.streams = [], False, set()
        at = urllib.parse.urlsplit(plane.url)
        self.upstream = (at.hostname, at.port)
        self.trust = ssl.create_default_context(cafile=plane.authority.path)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(*plane.authority.sign("fault-proxy", "/CN=fault-proxy", ["127.0.0.1"], into=folder))
        self.loop, ready = asyncio.new_event_loop(), threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait()
        self.url = f"https://127.0.0.1:{self.port}"

    # What a test does

    def fault(self, fault, path="", method=None, watch=None, times=1):
        """For requests whose path (with its query) matches; watch True: watches alone, False: all others;
        times None: until clear()."""
        self.rules.append(Rule(fault, re.compile(path), method, watch, -1 if times is None else times))

    def clear(self):
        self.rules.clear()

    def seen(self, path="", method=None, watch=None):
        """The requests so far that match, as in fault()."""
        rule = Rule(None, re.compile(path), method, watch, -1)
        return [request for request in list(self.requests) if rule.suits(request)]

    def cut_all(self):
        """Every connection ends now, as when a server is killed."""
        self.do(lambda: [stream.transport.abort() for stream in list(self.streams)])

    def leave(self):
        """From now on every connection is ended before a word, and those there are; until come_back()."""
        self.away = True
        self.cut_all()

    def come_back(self):
        self.away = False

    def inject(self, data, path=""):
        """These bytes as one more chunk of each watch that is open on such a path: watch_gone_event()."""
        def write():
            for stream in list(self.streams):
                if stream.request and stream.request.watch and re.search(path, stream.request.path):
                    stream.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.do(write)

    def do(self, what):
        done = threading.Event()
        self.loop.call_soon_threadsafe(lambda: (what(), done.set()))
        done.wait(10)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    # On the loop

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(
            self.serve, "127.0.0.1", 0, ssl=self.tls, limit=HEAD_LIMIT))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    async def serve(self, reader, writer):
        stream = Stream(writer)
        self.streams.add(stream)
        try:
            while not self.away:
                request = await read_request(reader)
                if not await self.handle(request, reader, stream):
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self.streams.discard(stream)
            stream.transport.abort()

    async def handle(self, request, reader, stream):
        """True when the connection serves another request."""
        stream.request = request
        rule = next((rule for rule in self.rules if rule.suits(request)), None)
        if rule:
            rule.left -= 1
            request.fault = rule.fault
        self.requests.append(request)
        fault = request.fault
        if isinstance(fault, Raw):
            await stream.send(fault.data)
            return await stream.finish()
        if isinstance(fault, Answer):
            await stream.send(fault.bytes())
            return True
        if isinstance(fault, Hang) and fault.after is None:
            await reader.read()  # until the client leaves
            return False
        up_reader, up_writer = await asyncio.open_connection(*self.upstream, ssl=self.trust, limit=HEAD_LIMIT)
        try:
            up_writer.write(request.head + request.body)
            head = await up_reader.readuntil(b"\r\n\r\n")
            if isinstance(fault, Cut) and fault.after is None:
                return False
            await stream.send(head)
            if head.split(b" ", 2)[1] == b"101":
                await asyncio.gather(pump(reader, up_writer), pump(up_reader, stream.writer))
                return False
            return await Body(stream, fault, reader).relay(head, up_reader)
        finally:
            up_writer.transport.abort()


class Stream:
    """The way to one client."""

    def __init__(self, writer):
        self.writer, self.transport, self.write, self.request = writer, writer.transport, writer.write, None

    async def send(self, data):
        self.write(data)
        await self.writer.drain()

    async def finish(self):
        """What was written arrives before the end."""
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
        return False


class Body:
    """An answer's body on its way to the client, up to where its fault lies."""

    def __init__(self, stream, fault, reader):
        self.stream, self.fault, self.reader = stream, fault, reader
        self.left = fault.after if isinstance(fault, (Cut, Hang)) else None

    async def relay(self, head, source):
        if b"\r\ntransfer-encoding: chunked" in head.lower():
            size = -1
            while size != 0:
                line = await source.readline()
                size = int(line.split(b";")[0], 16)
                if not await self.send(line + await source.readexactly(size + 2)):
                    return False
            return True
        length = re.search(rb"\r\ncontent-length: *(\d+)", head.lower())
        if length:
            return await self.send(await source.readexactly(int(length[1])))
        return head.split(b" ", 2)[1] in (b"204", b"304")

    async def send(self, data):
        """False when the answer ends here."""
        if self.left is not None and len(data) > self.left:
            await self.stream.send(data[:self.left])
            if isinstance(self.fault, Hang):
                await self.reader.read()
            return await self.stream.finish()
        if self.left is not None:
            self.left -= len(data)
        if isinstance(self.fault, Drip):
            for at in range(0, len(data), self.fault.bytes):
                await self.stream.send(data[at:at + self.fault.bytes])
                await asyncio.sleep(self.fault.pause)
        else:
            await self.stream.send(data)
        return True


async def read_request(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    low, body = head.lower(), b""
    length = re.search(rb"\r\ncontent-length: *(\d+)", low)
    if length:
        body = await reader.readexactly(int(length[1]))
    elif b"\r\ntransfer-encoding: chunked" in low:
        size = -1
        while size != 0:
            line = await reader.readline()
            size = int(line.split(b";")[0], 16)
            body += line + await reader.readexactly(size + 2)
    if b"\r\nexpect: 100-continue" in low:
        head = re.sub(rb"(?i)\r\nexpect: 100-continue", b"", head)
    return Request(head, body)


async def pump(source, target):
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.transport.abort()
