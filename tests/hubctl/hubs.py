"""Hubs to test hubctl against: the real JupyterHub, and hubgate-hub. Both offer the same:

    url             of the REST API
    token           of an operator who may do everything
    reader_token    of a service or user who may list users, and nothing else
    groups          names of the groups there are, each without members
    has_logs, has_usage   whether it has these extensions of ours
    takes_odd_names       whether users may be called "50%", or worse
    stop()

and the profiles of singleuser.py ("quick" when none is named), and "jupyter", the real
jupyterhub-singleuser. Servers may be called by any name.
"""

import contextlib
import functools
import importlib.util
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
BUILD = ROOT / "build"
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
    takes_odd_names = True

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
            "HUBCTL_PROXY": str(pathlib.Path(os.environ.get("HUBGATE", BUILD / "hubgate")).absolute()),
            "HUBCTL_OPERATOR_TOKEN": self.token,
            "HUBCTL_READER_TOKEN": self.reader_token,
        })


class HubgateHub:
    """build/hubgate-hub, as its own tests start it."""

    has_logs = has_usage = True
    takes_odd_names = False

    def __init__(self):
        self.reader_token = secrets.token_hex(16)
        stub = [sys.executable, str(ROOT / "tests/hubctl/singleuser.py")]
        self.hub = own_hubs().Hub(
            servers_per_user_max=100, slow_spawn_timeout_s=2, http_timeout_s=60,
            profiles=[{"name": name, "slug": name, "default": name == "quick", "command": [*stub, name]}
                      for name in ("quick", "slow", "broken", "stubborn")] +
                     [{"name": "jupyter", "slug": "jupyter", "command": own_hubs().SINGLEUSER}])
        self.hub.settings["services"].append({
            "name": "reader", "token_file": self.hub.secret_file("reader_token", self.reader_token),
            "scopes": ["list:users", "read:users:name"]})
        self.token, self.groups = self.hub.token, ["lab"]
        self.url = self.hub.direct_url + "api"
        self.hub.start()

    def call(self, path):
        return self.hub.api("GET", path).json()

    def wait_ready(self):
        self.hub.wait_ready()
        assert self.hub.api("POST", "/groups/lab").status_code == 201
        return self

    def read_log(self):
        return self.hub.log

    def stop(self):
        self.hub.close()


@functools.cache
def own_hubs():
    """The hub's own tests start it by a module of this one's name."""
    spec = importlib.util.spec_from_file_location("own_hubs", ROOT / "tests/hub/hubs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


KINDS = {"jupyterhub": JupyterHub, "hubgate-hub": HubgateHub}
