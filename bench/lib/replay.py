"""Requests written to a file, and bench/replay, which sends them."""

import json
import subprocess

from . import rig
from .bench import OUT
from .peers import TOKEN


def api_request(method, path="", body=""):
    """One to the REST API, with as few fields as it takes."""
    return (f"{method} /api/routes{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: token {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n{body}")


def get_request(path):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


def written(bench, name, requests):
    """The file of that name; `requests` makes them when it is not there yet."""
    path = bench.files / f"{name}.requests"
    if not path.exists():
        path.write_text("".join(f"{len(request)}\n{request}" for request in requests()), newline="")
    return path


class Replay:
    """One that runs until its list or its time is over, or until the `with` block ends."""

    def __init__(self, bench, port, path, *options):
        self.process = rig.Process([OUT / "replay", "--port", port, *options, path],
                                   bench.cores.load, bench.log_path("replay"),
                                   stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.stop()

    def figures(self):
        out, _ = self.process.popen.communicate(timeout=180)
        if self.process.popen.returncode != 0:
            raise rig.BenchError("replay: " + self.process.log.read_text(errors="replace")[-200:])
        return json.loads(out)


def replay(bench, port, path, *options):
    with Replay(bench, port, path, *options) as running:
        return running.figures()
