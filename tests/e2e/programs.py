"""The programs under test as processes: started on free ports, waited for, ended by their pid."""

import collections
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import peers

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHP = pathlib.Path(
    os.environ.get("CHP", ROOT / "build/node/node_modules/.bin/configurable-http-proxy")
).absolute()
HUBGATE = pathlib.Path(os.environ.get("HUBGATE", ROOT / "build/hubgate")).absolute()
EXECUTABLES = {"chp": CHP, "hubgate": HUBGATE}
SANITIZER = re.compile(
    r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|runtime error:"
)


given_ports = set()


def free_port():
    """A port nobody listens on, outside the range the kernel hands to clients, and never twice."""
    while True:
        port = random.randrange(10000, 32000)
        if port in given_ports:
            continue
        given_ports.add(port)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Api:
    """The route API's client, over TCP or a unix socket."""

    def __init__(self, address, token, tls=None):
        self.address = address
        self.token = token
        self.tls = tls  # an ssl.SSLContext: the API is HTTPS

    def call(self, method, path, body=None, headers=None):
        """(status, body) of one call on a connection of its own."""
        connection = http.client.HTTPConnection("localhost", timeout=peers.PATIENCE)
        connection.sock = peers.connect(self.address).sock
        if self.tls:
            connection.sock = self.tls.wrap_socket(connection.sock, server_hostname="localhost")
        sent = {"Authorization": f"token {self.token}"} if self.token else {}
        sent.update(headers or {})
        with contextlib.closing(connection):
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def add(self, path, target, **more):
        body = json.dumps({"target": target, **more})
        status, text = self.call("POST", "/api/routes" + quoted(path), body=body)
        assert status == 201, f"adding {path}: {status} {text!r}"

    def delete(self, path):
        status, _ = self.call("DELETE", "/api/routes" + quoted(path))
        return status

    def routes(self):
        status, body = self.call("GET", "/api/routes")
        assert status == 200, f"routes: {status} {body!r}"
        return json.loads(body)

    def route(self, path):
        status, body = self.call("GET", "/api/routes" + quoted(path))
        assert status in (200, 404), f"route {path}: {status}"
        return json.loads(body) if status == 200 else None

    def activity(self, path):
        """The route's last_activity as it was printed: ISO 8601 in UTC sorts as text."""
        return self.route(path)["last_activity"]


def quoted(path):
    return urllib.parse.quote(path, safe="@/~")


class Program:
    """One process with its output in files, or its stdout where the test says; ended by its pid."""

    def __init__(self, kind, arguments, env=None, nofile=None, stdout=None):
        assert EXECUTABLES[kind].exists(), f"{EXECUTABLES[kind]} is missing: ./test sets it up"
        self.kind = kind
        self.directory = tempfile.TemporaryDirectory(prefix=f"e2e-{kind}-")
        self.files = [open(os.path.join(self.directory.name, n), "wb") for n in ("out", "err")]
        self.command = [str(EXECUTABLES[kind]), *arguments]
        clean = {k: v for k, v in os.environ.items() if not k.startswith("CONFIGPROXY")}

        def limit():
            if nofile:
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))

        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=self.files[0] if stdout is None else stdout,
            stderr=self.files[1],
            env={**clean, **(env or {})},
            cwd=self.directory.name,
            preexec_fn=limit,
        )
        self.pid = self.process.pid

    def read(self, name):
        with open(os.path.join(self.directory.name, name), encoding="utf-8", errors="replace") as f:
            return f.read()

    @property
    def stdout(self):
        return self.read("out")

    @property
    def stderr(self):
        return self.read("err")

    @property
    def output(self):
        return self.stdout + self.stderr

    def running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, patience=None):
        """Its exit status; fails if it does not end."""
        try:
            return self.process.wait(patience or peers.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.kind} did not end\n{self.output}") from None

    def stop(self):
        """Ends it in good order and returns its exit status."""
        if self.running():
            self.signal(signal.SIGTERM)
        return self.wait()

    def check(self):
        """What must hold whatever a test did: alive or ended as it should, no sanitizer report."""
        found = SANITIZER.search(self.stderr)
        assert not found, f"a sanitizer spoke:\n{self.stderr[-8000:]}"

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def resident(self):
        """Resident memory in bytes."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()

    def cpu(self):
        """CPU seconds used so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Proxy(Program):
    """A proxy with its addresses and its API client. `flags` come after our own, so they win."""

    def __init__(self, kind, flags=(), env=None, nofile=None, listen=None, token="s3cret",
                 api_tls=None, stdout=None):
        flags = list(flags)
        self.port, self.api_port = free_port(), free_port()
        self.address = ("127.0.0.1", self.port)
        own = ["--ip=127.0.0.1", f"--port={self.port}"]
        if "--socket" in flags:
            own = []
            self.address = flags[flags.index("--socket") + 1]
        own += ["--api-ip=127.0.0.1", f"--api-port={self.api_port}"]
        api_address = ("127.0.0.1", self.api_port)
        if "--api-socket" in flags:
            api_address = flags[flags.index("--api-socket") + 1]
        if listen:  # the test says where: flags instead of ours
            own = [flag.format(port=self.port, api_port=self.api_port) for flag in listen]
        if kind == "chp" and "--keep-alive-timeout" not in " ".join(flags):
            own.append("--keep-alive-timeout=75000")  # no idle close in the middle of a test
        auth = {"CONFIGPROXY_AUTH_TOKEN": token} if token else {}
        super().__init__(kind, own + flags, {**auth, **(env or {})}, nofile, stdout)
        self.api = Api(api_address, token, api_tls)
        self.url = "http://127.0.0.1:%d" % self.port
        self.ws_url = "ws://127.0.0.1:%d" % self.port

    def wait_ready(self):
        """Waits until both listeners answer, as ourselves: the API takes our token."""
        end = time.monotonic() + peers.PATIENCE
        while True:
            assert self.running(), f"{self.command} ended: {self.wait()}\n{self.output}"
            with contextlib.suppress(OSError, http.client.HTTPException, AssertionError):
                self.api.routes()
                peers.connect(self.address).close()
                return self
            assert time.monotonic() < end, f"{self.command} is not ready\n{self.output}"
            time.sleep(0.02)

    def connect(self, **more):
        return peers.connect(self.address, **more)

    def send(self, data):
        """A new connection that has sent these bytes."""
        return self.connect().send(data)

    def fetch(self, method, target, fields=(), body=b"", **more):
        """One request on a connection of its own, and its response."""
        with self.send(peers.request(method, target, fields, body, **more)) as client:
            return client.read_response(method)

    def get(self, target, fields=(), **more):
        return self.fetch("GET", target, fields, **more)

    def echo(self, method, target, fields=(), body=b"", **more):
        """The same through an echo upstream: the request as it arrived there."""
        answer = self.fetch(method, target, fields, body, **more)
        assert answer.status == 200, f"{answer.start}: {answer.body[:500]!r}"
        seen = json.loads(answer.body)
        seen["fields"] = [tuple(field) for field in seen["fields"]]
        seen["headers"] = collections.defaultdict(
            lambda: None, {name.lower(): value for name, value in seen["fields"]}
        )
        return seen

    def clear(self):
        for path in self.api.routes():
            self.api.delete(path)

    def check(self):
        super().check()
        assert self.running(), f"{self.kind} ended with {self.wait()}\n{self.output[-8000:]}"

    def stop(self):
        status = super().stop()
        super().check()
        if self.kind == "hubgate":
            assert status == 0, f"hubgate ended with {status}\n{self.output[-8000:]}"
        return status


def start(kind, flags=(), **more):
    """A ready proxy. Another process may take a port before ours binds it, so try again then."""
    for attempt in range(3):
        proxy = Proxy(kind, flags, **more)
        try:
            return proxy.wait_ready()
        except AssertionError:
            taken = re.search("EADDRINUSE|in use", proxy.output)
            if proxy.running():
                proxy.process.kill()
            proxy.wait()
            if not taken or attempt == 2:
                raise
    raise AssertionError("unreachable")
