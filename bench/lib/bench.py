"""What every measurement stands on: the origins, the certificate, and a place for files."""

import contextlib
import http.client
import json
import shutil
import subprocess

from . import rig
from .peers import PROJECT, TOKEN

OUT = PROJECT / "build/bench"


class Bench:
    """The origins run from `with` to its end; all peers stand before the same ones."""

    def __init__(self, seconds, quick):
        self.seconds, self.quick = seconds, quick
        self.cores = rig.Cores()
        self.files = OUT / "run"
        self.count = 0
        self.processes = []
        self.workers = 1  # processes or threads of a peer that do its work, for those that can tell
        self.under = []  # a tool that peers are started under

    def __enter__(self):
        shutil.rmtree(self.files, ignore_errors=True)
        self.files.mkdir(parents=True)
        try:
            self.make_certificate()
            self.origin_port, self.ws_port = rig.free_ports(2)
            for program, port in (("origin", self.origin_port), ("wsecho", self.ws_port)):
                process = rig.Process([OUT / program, port], self.cores.load,
                                      self.log_path(program))
                self.processes.append(process)
                process.wait_port(port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc):
        for process in reversed(self.processes):
            process.stop()

    @contextlib.contextmanager
    def with_workers(self, workers):
        """Peers that are started meanwhile have so many."""
        self.workers = workers
        try:
            yield
        finally:
            self.workers = 1

    def directory(self, name):
        self.count += 1
        directory = self.files / f"{name}-{self.count}"
        directory.mkdir()
        return directory

    def log_path(self, name):
        self.count += 1
        return self.files / f"{name}-{self.count}.log"

    def make_certificate(self):
        """ECDSA P-256, what certificate authorities hand out by default today."""
        self.tls_key, self.tls_cert = self.files / "key.pem", self.files / "cert.pem"
        self.tls_pem = self.files / "both.pem"
        rig.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-keyout", self.tls_key, "-out", self.tls_cert, "-days", "30",
                 "-subj", "/CN=bench.example.org", "-addext",
                 "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        self.tls_pem.write_text(self.tls_cert.read_text() + self.tls_key.read_text())

    def upload_file(self, mib):
        """A file of holes: reading it costs the load no disk."""
        path = self.files / f"upload-{mib}m"
        with open(path, "wb") as file:
            file.truncate(mib << 20)
        return path

    def add_route(self, api, path, target):
        connection = http.client.HTTPConnection("127.0.0.1", api, timeout=10)
        connection.request("POST", "/api/routes" + path, json.dumps({"target": target}),
                           {"Authorization": f"token {TOKEN}"})
        status = connection.getresponse().status
        connection.close()
        if status != 201:
            raise rig.BenchError(f"adding the route {path}: status {status} instead of 201")


class Load:
    """A load program of ours: it makes its connections, says so on its standard output, and starts
    when it is told to (bench/wsload.c, bench/tlsload.c)."""

    def __init__(self, bench, program, *options):
        self.process = rig.Process([OUT / program, *options], bench.cores.load,
                                   bench.log_path(program),
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stop()

    def wait_ready(self, count):
        ready = self.answer()
        if ready["ready"] < count:
            raise rig.BenchError(f"only {ready['ready']} of {count} connections opened; limits here: "
                                 f"{rig.limits()}")

    def tell(self, line):
        self.process.popen.stdin.write(line.encode() + b"\n")
        self.process.popen.stdin.flush()

    def answer(self):
        line = self.process.popen.stdout.readline()
        if not line:
            raise rig.BenchError(f"{self.process.name} ended without figures: "
                                 + self.process.log.read_text(errors="replace").strip()[-200:])
        return json.loads(line)
