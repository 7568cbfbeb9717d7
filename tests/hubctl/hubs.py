"""Hubs to test hubctl against: the real JupyterHub, and hubgate-hub. Both offer the same:

    url             of the REST API
    token           of an operator who may do everything
    reader_token    of a service or user who may list users, and nothing else
    groups          names of the groups there are, each without members
    has_logs, has_usage   whether it has these extensions of ours
    stop()

and the profiles of singleuser.py ("quick" when none is named), and "jupyter", the real
jupyterhub-singleuser. Servers may be called by any name.
"""

import contextlib
import json
import os
import pathlib
import random
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HUBCTL_BUILD", ROOT / "build")).absolute()
PATIENCE = float(os.environ.get("HUBCTL_PATIENCE", 60))


def free_port():
    """A port nobody listens on, outside the range the kernel hands to clients."""
    while True:
        port = random.randrange(10000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Hub:
    """A hub's process with its output in a file, ended by its pid."""

    has_logs = has_usage = False

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hubctl-", ignore_cleanup_errors=True)
        self.state = pathlib.Path(self.directory.name)
        self.token, self.reader_token = secrets.token_hex(16), secrets.token_hex(16)
        self.groups = ["lab"]

    def launch(self, command, env):
        self.log = open(self.state / "hub.log", "wb")
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=self.state,
            env={**os.environ, **env}, start_new_session=True)

    def read_log(self):
        return (self.state / "hub.log").read_text(encoding="utf-8", errors="replace")

    def call(self, path):
        """GET of the API, as JSON: the tests' own look, beside hubctl's."""
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"token {self.token}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def wait_ready(self):
        end = time.monotonic() + PATIENCE
        while True:
            assert self.process.poll() is None, f"the hub has ended\n{self.read_log()[-4000:]}"
            with contextlib.suppress(OSError):
                self.call("/users")
                return self
            assert time.monotonic() < end, f"the hub is not ready\n{self.read_log()[-4000:]}"
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.directory.cleanup()


class JupyterHub(Hub):
    def __init__(self):
        super().__init__()
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/hub/api"
        binaries = pathlib.Path(sys.executable).parent
        config = pathlib.Path(__file__).resolve().with_name("jupyterhub_config.py")
        (self.state / "home").mkdir()
        self.launch([binaries / "jupyterhub", "--config", config], {
            "HUBCTL_STATE": str(self.state),
            "HUBCTL_PORT": str(free_port()),
            "HUBCTL_HUB_PORT": str(port),
            "HUBCTL_API_PORT": str(free_port()),
            "HUBCTL_PROXY": str(BUILD / "configurable-http-proxy"),
            "HUBCTL_OPERATOR_TOKEN": self.token,
            "HUBCTL_READER_TOKEN": self.reader_token,
        })


class HubgateHub(Hub):
    """build/hubgate-hub with the profiles above. Its settings are to be written here once the program
    takes some; until then `available` keeps the round away."""

    has_logs = has_usage = True

    @staticmethod
    def available():
        return False


KINDS = {"jupyterhub": JupyterHub}
if HubgateHub.available():
    KINDS["hubgate-hub"] = HubgateHub
