"""Exec as a kubelet serves it: remotecommand v4 over SPDY/3.1, which is what the API server speaks to
kubelets whatever its client speaks to it.

Streams are known by the order in which the API server opens them (error; then stdin, stdout, stderr and
resize as far as asked for), so that their compressed headers need not be read."""

import contextlib
import fcntl
import json
import os
import pty
import selectors
import signal
import struct
import subprocess
import termios
import zlib

SYN_STREAM, SYN_REPLY, RST_STREAM, PING, GOAWAY = 1, 2, 3, 6, 7
FIN = 1
UPGRADE = ("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
           "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n")


def serve(connection, container, query):
    """query: the call's parameters, lists; the connection is the caller's to close."""
    def asked(name):
        return query.get(name, ["0"])[0] in ("1", "true")

    tty = asked("tty")
    streams = ["error"] + [stream for stream, wanted in (
        ("stdin", asked("input")), ("stdout", asked("output")), ("stderr", asked("error") and not tty),
        ("resize", tty)) if wanted]
    connection.sendall(UPGRADE.encode())
    session = Session(connection, streams)
    if session.wait_streams():
        Command(session, container, query["command"], tty).run()


class Session:
    """SPDY frames on one connection."""

    def __init__(self, connection, streams):
        self.connection, self.names = connection, streams
        self.ids, self.buffer, self.over = {}, b"", False
        self.replies = zlib.compressobj()

    def wait_streams(self):
        while not self.over and len(self.ids) < len(self.names):
            self.read()
        return not self.over

    def read(self):
        """What came since, as [(stream, data, whether it ends)]; control frames are answered here."""
        data = self.connection.recv(65536)
        while self.connection.pending():
            data += self.connection.recv(65536)
        self.over, self.buffer = self.over or not data, self.buffer + data
        told = []
        while len(self.buffer) >= 8:
            first, second = struct.unpack(">II", self.buffer[:8])
            flags, size = second >> 24, second & 0xFFFFFF
            if len(self.buffer) < 8 + size:
                break
            body, self.buffer = self.buffer[8:8 + size], self.buffer[8 + size:]
            if first >> 31:
                self.control(first & 0xFFFF, body)
            else:
                name = next((name for name, number in self.ids.items() if number == first), None)
                told.append((name, body, bool(flags & FIN)))
        return told

    def control(self, kind, body):
        if kind == SYN_STREAM:
            number, = struct.unpack(">I", body[:4])
            if len(self.ids) < len(self.names):
                self.ids[self.names[len(self.ids)]] = number & 0x7FFFFFFF
            headers = self.replies.compress(struct.pack(">I", 0)) + self.replies.flush(zlib.Z_SYNC_FLUSH)
            self.frame(SYN_REPLY, struct.pack(">I", number) + headers)
        elif kind == PING:
            self.frame(PING, body)
        elif kind in (GOAWAY, RST_STREAM):
            self.over = kind == GOAWAY or self.over

    def frame(self, kind, body):
        self.connection.sendall(struct.pack(">HHI", 0x8003, kind, len(body)) + body)

    def send(self, name, data, end=False):
        if name in self.ids:
            self.connection.sendall(struct.pack(">II", self.ids[name], (FIN if end else 0) << 24 | len(data)) + data)


class Command:
    """A process in a container's environment, its standard streams on a session's."""

    def __init__(self, session, container, command, tty):
        self.session, self.unwritten, self.input_over = session, b"", False
        self.selector = selectors.DefaultSelector()
        more = {"cwd": container.directory, "env": container.env, "start_new_session": True}
        command = ["setpriv", "--pdeathsig", "KILL", *command]
        if tty:
            self.input, theirs = pty.openpty()
            self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, **more)
            os.close(theirs)
            self.outputs = {self.input: "stdout"}
        else:
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, **more)
            self.input = self.process.stdin.fileno()
            self.outputs = {self.process.stdout.fileno(): "stdout", self.process.stderr.fileno(): "stderr"}
            if "stdin" not in session.ids:
                self.input_over = True
                self.process.stdin.close()
        self.tty = tty

    def run(self):
        for output in self.outputs:
            self.selector.register(output, selectors.EVENT_READ)
        self.selector.register(self.session.connection, selectors.EVENT_READ)
        try:
            while self.outputs and not self.session.over:
                for key, events in self.selector.select():
                    if key.fileobj is self.session.connection:
                        self.from_client()
                    elif events & selectors.EVENT_READ:
                        self.to_client(key.fd)
                    else:
                        self.feed()
            if not self.session.over:
                self.finish()
        finally:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.selector.close()
            if self.tty:
                os.close(self.input)
            else:
                for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
                    with contextlib.suppress(OSError):
                        pipe.close()

    def to_client(self, output):
        data = b""
        with contextlib.suppress(OSError):  # a terminal whose last process has ended
            data = os.read(output, 32768)
        self.session.send(self.outputs[output], data, end=not data)
        if not data:
            self.selector.unregister(output)
            del self.outputs[output]

    def from_client(self):
        for name, data, end in self.session.read():
            if name == "stdin" and not self.input_over:
                self.unwritten += data
                self.input_over = end
                self.feed()
            elif name == "resize":
                with contextlib.suppress(ValueError, KeyError):
                    size = json.loads(data)
                    fcntl.ioctl(self.input, termios.TIOCSWINSZ,
                                struct.pack("HHHH", size["Height"], size["Width"], 0, 0))

    def feed(self):
        """As much of the input as the process takes now; the rest when it reads again."""
        os.set_blocking(self.input, False)
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            self.unwritten = self.unwritten[os.write(self.input, self.unwritten):]
        if self.tty:
            return
        waits = self.input in self.selector.get_map()
        if self.unwritten and not waits and self.process.poll() is None:
            self.selector.register(self.input, selectors.EVENT_WRITE)
        elif not self.unwritten and waits:
            self.selector.unregister(self.input)
        if self.input_over and not self.unwritten:
            self.process.stdin.close()

    def finish(self):
        code = self.process.wait()
        said = {"metadata": {}, "status": "Success"}
        if code:
            code = code if code > 0 else 128 - code
            said = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
                    "message": f"command terminated with non-zero exit code: exit status {code}",
                    "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}
        self.session.send("error", json.dumps(said).encode(), end=True)
        while not self.session.over:
            self.session.read()  # the API server leaves when it has read it
