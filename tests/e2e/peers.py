"""The two ends around a proxy: a client and an upstream that send and see exact bytes, an echo
server that reports what reached it, and a WebSocket echo server. Every wait has a deadline."""

import contextlib
import json
import os
import socket
import struct
import tempfile
import threading
import time

import websockets.sync.client
import websockets.sync.server

import wire

# Generous: a deadline is there to end a hung test, not to measure. Sanitizer builds set it higher.
PATIENCE = float(os.environ.get("E2E_PATIENCE", "15"))


def wait_until(condition, what, patience=None):
    """Polls until condition() is true and returns its value; fails with `what` at the deadline."""
    end = time.monotonic() + (patience or PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain until {what}")
        time.sleep(0.005)


class Silence(AssertionError):
    """Nothing came for as long as a test waits."""


class Peer:
    """One end of a stream socket. `received` is every byte that came, `ending` is None while the
    other side may still send, then "fin" or "reset"."""

    def __init__(self, sock):
        self.sock = sock
        self.received = b""
        self.buffer = b""
        self.ending = None
        self.keep = True  # False: do not keep `received` (long bodies)
        sock.settimeout(PATIENCE)

    # sending
    def send(self, data):
        self.sock.sendall(data)
        return self

    def try_send(self, data):
        """True if the other side still took it."""
        try:
            self.sock.sendall(data)
            return True
        except OSError:
            return False

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    # receiving
    def fill(self):
        """Takes what has come, waiting for it; False at the end of the stream."""
        if self.ending:
            return False
        try:
            data = self.sock.recv(1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            self.ending = "reset"
            return False
        except TimeoutError:
            raise Silence(
                f"nothing more came within {PATIENCE:g} s; so far: {self.received[-2000:]!r}"
            ) from None
        if not data:
            self.ending = "fin"
            return False
        if self.keep:
            self.received += data
        self.buffer += data
        return True

    def until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                raise wire.Truncated(f"{self.ending} after {self.buffer[-500:]!r}")
        part, _, self.buffer = self.buffer.partition(mark)
        return part + mark

    def exactly(self, count):
        while len(self.buffer) < count:
            if not self.fill():
                raise wire.Truncated(f"{self.ending} after {len(self.buffer)} of {count} bytes")
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part

    def into(self, message, count):
        """exactly(), but what came is in message.body also when it was too little."""
        parts, missing = [], count
        while missing:
            if not self.buffer and not self.fill():
                message.body = b"".join(parts)
                raise wire.Truncated(f"{self.ending} after {count - missing} of {count} bytes")
            part, self.buffer = self.buffer[:missing], self.buffer[missing:]
            parts.append(part)
            missing -= len(part)
        message.body = b"".join(parts)

    def to_end(self):
        """Everything up to the end of the stream, and how it ended."""
        while self.fill():
            pass
        rest, self.buffer = self.buffer, b""
        return rest, self.ending

    def ended(self):
        """Waits for the end of the stream; fails if bytes come instead."""
        rest, ending = self.to_end()
        assert rest == b"", f"bytes where the connection should have ended: {rest[:500]!r}"
        return ending

    def quiet(self, seconds=0.2):
        """True if nothing comes and nothing ends for that long."""
        if self.buffer:
            return False
        self.sock.settimeout(seconds)
        try:
            data = self.sock.recv(1 << 16)
        except TimeoutError:
            return True
        except ConnectionResetError:
            self.ending = "reset"
            return False
        finally:
            self.sock.settimeout(PATIENCE)
        if data:
            self.received += data
            self.buffer += data
        else:
            self.ending = "fin"
        return False

    def read_request(self):
        return wire.read_request(self)

    def read_response(self, method="GET"):
        return wire.read_response(self, method)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(address, receive_buffer=None):
    """address: (host, port), or the path of a unix socket."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    if family == socket.AF_INET and ":" in address[0]:
        family = socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(PATIENCE)
    sock.connect(address)
    return Peer(sock)


def request(method, target, fields=(), body=b"", host="hub.test", version="1.1"):
    """The bytes of a request; Content-Length is added for a body unless fields frame it."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    fields = list(fields.items() if isinstance(fields, dict) else fields)
    lines += [f"{name}: {value}" for name, value in fields]
    framed = {name.lower() for name, _ in fields} & {"content-length", "transfer-encoding"}
    if body and not framed:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def response(status="200 OK", fields=(), body=b"", length=True):
    """The bytes of a response, with Content-Length unless length is false."""
    lines = [f"HTTP/1.1 {status}"]
    lines += [f"{name}: {value}" for name, value in fields]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(*parts, trailers=""):
    """The bytes of a chunked body."""
    data = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return data + b"0\r\n" + trailers.encode("latin-1") + b"\r\n"


class Upstream:
    """A server whose connections each run script(peer) in a thread of their own. A script is plain
    code on a Peer: read_request, send, close, reset. What it raised is in `failures`, what it
    received in `connections`, and the requests that `answering` scripts read in `requests`."""

    def __init__(self, script=None, unix=False, host="127.0.0.1", port=0, backlog=128):
        self.script = script or answering(response(body=b"ok"))
        self.connections = []
        self.requests = []
        self.failures = []
        self.stopped = False
        if unix:
            self.directory = tempfile.TemporaryDirectory(prefix="e2e-")
            self.address = os.path.join(self.directory.name, "up stream.sock")
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(self.address)
            self.authority = None
            self.url = "http+unix://" + self.address.replace("/", "%2F").replace(" ", "%20")
        else:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self.listener = socket.socket(family, socket.SOCK_STREAM)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, port))
            self.address = self.listener.getsockname()
            shown = f"[{host}]" if ":" in host else host
            self.authority = f"{shown}:{self.address[1]}"
            self.url = "http://" + self.authority
        self.listener.listen(backlog)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.stopped:
                sock.close()
                return
            peer = Peer(sock)
            self.connections.append(peer)
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            peer.upstream = self
            self.script(peer)
        except (OSError, wire.Truncated, Silence):
            pass  # the other side went away: tests look at what came
        except Exception as failure:  # noqa: BLE001 - shown by the test that owns this upstream
            self.failures.append(failure)
        finally:
            with contextlib.suppress(OSError):
                peer.close()

    def connection(self, index=0):
        """Waits for that connection."""
        wait_until(lambda: len(self.connections) > index, f"upstream connection {index} came")
        return self.connections[index]

    def request(self, index=0):
        """Waits for that request of an `answering` script."""
        wait_until(lambda: len(self.requests) > index, f"upstream request {index} came")
        return self.requests[index]

    def stop(self):
        self.stopped = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        self.listener.close()
        for peer in self.connections:
            with contextlib.suppress(OSError):
                peer.sock.shutdown(socket.SHUT_RDWR)
            peer.close()
        self.thread.join(PATIENCE)


def wants_close(message):
    return "close" in ",".join(message.all("connection")).lower()


def answering(*answers):
    """A script: one answer (bytes, or a function of the request) to each request, the last one
    again and again; keeps the connection unless either side says close."""

    def script(peer):
        while True:
            message = peer.read_request()
            seen = peer.upstream.requests
            seen.append(message)
            answer = answers[min(len(seen), len(answers)) - 1]
            reply = answer(message) if callable(answer) else answer
            peer.send(reply)
            if wants_close(message) or b"connection: close" in reply.lower():
                peer.half_close()
                peer.to_end()  # no reset: what the proxy may still send is read
                return

    return script


def report(message):
    """What an echo upstream says about a request, as a response."""
    seen = {
        "method": message.method,
        "target": message.target,
        "fields": message.fields,
        "framing": message.framing,
        "body": message.body.decode("latin-1"),
        "trailers": message.trailers,
    }
    body = json.dumps(seen).encode()
    if message.method == "HEAD":
        return response(fields=[("Content-Type", "application/json"), ("Content-Length", len(body))],
                        length=False)
    return response(fields=[("Content-Type", "application/json")], body=body)


def echo_upstream(unix=False):
    return Upstream(answering(report), unix=unix)


class WebSocketEcho:
    """An independent WebSocket server (the websockets package) that sends back what it gets. ssl:
    its ssl.SSLContext."""

    def __init__(self, ssl=None):
        self.requests = []

        def echo(connection):
            self.requests.append(connection.request)
            with contextlib.suppress(websockets.exceptions.ConnectionClosed):
                for message in connection:
                    connection.send(message)

        self.server = websockets.sync.server.serve(echo, "127.0.0.1", 0, ssl=ssl)
        self.authority = "127.0.0.1:%d" % self.server.socket.getsockname()[1]
        self.url = ("https://" if ssl else "http://") + self.authority
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()


def websocket(url, **more):
    """A connected WebSocket client of the websockets package."""
    return websockets.sync.client.connect(
        url, open_timeout=PATIENCE, close_timeout=PATIENCE, proxy=None, **more
    )
