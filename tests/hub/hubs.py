"""The hub under test as a process, with the real proxy in front of it, and browsers made of
requests. Ports are free ones; whatever a hub started is ended with it, by what only its processes
have in their environment."""

import contextlib
import fcntl
import html
import json
import os
import pathlib
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("HUBGATE_HUB", ROOT / "build/hubgate-hub")).absolute()
PROXY = pathlib.Path(os.environ.get("HUBGATE", ROOT / "build/hubgate")).absolute()
STUB = [sys.executable, str(ROOT / "tests/hub/stub_server.py")]
SINGLEUSER = [str(ROOT / "build/venv/bin/jupyterhub-singleuser"), "--allow-root"]
PATIENCE = float(os.environ.get("E2E_PATIENCE", "15"))
SANITIZER = re.compile(
    r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|ThreadSanitizer|runtime error:"
)
MARK = "HUBGATE_TEST_RUN"


def wait_for(condition, what, patience=None):
    """What the condition returns once it is true; OSErrors count as not yet."""
    end = time.monotonic() + (patience or PATIENCE)
    while True:
        with contextlib.suppress(OSError):
            found = condition()
            if found:
                return found
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


class Ports:
    """Ports nobody listens on, outside the range the kernel hands to clients, ours until close:
    locked against the other processes of a parallel run."""

    def __init__(self, n):
        self.locks, self.numbers = [], []
        while len(self.numbers) < n:
            self.try_one(random.randrange(10000, 32000))

    def try_one(self, port):
        path = pathlib.Path(tempfile.gettempdir(), f"hubgate-port-{port}.lock")
        lock = open(path, "w", encoding="ascii")
        with socket.socket() as probe, contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            probe.bind(("127.0.0.1", port))
            self.locks.append((lock, path))
            self.numbers.append(port)
            return
        lock.close()

    def close(self):
        for lock, path in self.locks:
            path.unlink(missing_ok=True)
            lock.close()
        self.locks = []


def marked(mark):
    """The pids of processes with that mark in their environment."""
    found, wanted = [], f"{MARK}={mark}".encode()
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                with open(f"/proc/{entry}/environ", "rb") as environ:
                    if wanted in environ.read().split(b"\0"):
                        found.append(int(entry))
    return found


def groups_of(pids):
    """The control groups that a hub made for servers, of these processes."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
                _, controllers, group = line.split(":", 2)
                if "/hubgate-" in group:
                    found |= {pathlib.Path("/sys/fs/cgroup", name, group.lstrip("/"))
                              for name in controllers.split(",")}
    return found


class Hub:
    """A hub and its proxy. settings: keys of the configuration file, over ours."""

    def __init__(self, command=None, flags=(), env=None, **settings):
        assert PROGRAM.exists() and PROXY.exists(), "the programs are missing: make builds them"
        self.directory = tempfile.TemporaryDirectory(prefix="hub-")
        self.path = pathlib.Path(self.directory.name)
        self.mark = secrets.token_hex(8)
        self.ports = Ports(3)
        self.hub_port, self.proxy_port, self.api_port = self.ports.numbers
        self.token = secrets.token_hex(16)  # of an admin service
        self.flags, self.env = list(flags), dict(env or {})
        self.process = None
        base = settings.get("base_url", "/")
        self.origin = f"http://127.0.0.1:{self.proxy_port}"
        self.url = self.origin + base  # through the proxy
        self.hub_url = self.url + "hub/"
        self.direct_url = f"http://127.0.0.1:{self.hub_port}{base}hub/"  # without it
        self.settings = {**self.defaults(command or STUB), **settings}
        self.settings["environment"][MARK] = self.mark
        self.settings["services"] = [*self.settings["services"], *settings.get("more_services", [])]
        self.settings.pop("more_services", None)

    def defaults(self, command):
        (self.path / "state").mkdir(mode=0o700)
        self.secret_file("tests_token", self.token)
        return {
            "hub_port": self.hub_port,
            "state_dir": str(self.path / "state"),
            "homes_dir": str(self.path / "homes"),
            "switch_user": False,
            "proxy_api_url": f"http://127.0.0.1:{self.api_port}",
            "proxy_command": [str(PROXY)],
            "proxy_ip": "127.0.0.1",
            "proxy_port": self.proxy_port,
            "authenticator": "dummy",
            "admin_users": ["admin"],
            "allow_all": True,
            "server_command": command,
            "environment": {},
            "services": [{"name": "tests", "admin": True,
                          "token_file": str(self.path / "tests_token")}],
        }

    def secret_file(self, name, text):
        """A file for the hub alone to read; its path."""
        path = self.path / name
        path.touch(mode=0o600)
        path.write_text(text + "\n", encoding="utf-8")
        return str(path)

    # --- the process ---

    def start(self):
        config = self.path / "hub.yaml"
        config.touch(mode=0o600)
        config.write_text(json.dumps(self.settings, indent=1), encoding="utf-8")  # JSON is YAML
        environ = {k: v for k, v in os.environ.items()
                   if not k.startswith(("CONFIGPROXY", "JUPYTERHUB", "HUBGATE"))}
        environ["PATH"] = f"{ROOT / 'build/venv/bin'}:{environ['PATH']}"
        with open(self.path / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(PROGRAM), "--config", str(config), *self.flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.path,
                env={**environ, MARK: self.mark, **self.env})
        return self

    def wait_ready(self):
        """Until the hub answers through the proxy."""
        def ready():
            assert self.running(), f"the hub ended with {self.process.returncode}\n{self.log}"
            with contextlib.suppress(requests.RequestException):
                return requests.get(self.hub_url + "health", timeout=5).status_code == 200
        try:
            wait_for(ready, "the hub")
        except AssertionError:
            raise AssertionError(f"the hub is not ready\n{self.log}") from None
        return self

    def running(self):
        return self.process is not None and self.process.poll() is None

    @property
    def log(self):
        return (self.path / "log").read_text(encoding="utf-8", errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the hub did not end\n{self.log}") from None

    def stop(self):
        """Ends the hub in good order; servers go on. Its exit status."""
        if self.running():
            self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        return self.start().wait_ready()

    def check(self):
        found = SANITIZER.search(self.log)
        assert not found, f"a sanitizer spoke:\n{self.log[-8000:]}"

    def close(self):
        """Ends the hub and all that it started."""
        try:
            if self.running():
                self.signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(PATIENCE)
            if self.running():
                self.kill()

            groups = set()

            def gone():
                pids = marked(self.mark)
                groups.update(groups_of(pids))
                for pid in pids:
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                return not pids

            def removed():
                for group in groups:
                    with contextlib.suppress(FileNotFoundError):
                        group.rmdir()
                return True
            wait_for(gone, "the end of what the hub started")
            wait_for(removed, "the end of the servers' control groups")
            self.check()
        finally:
            self.ports.close()
            self.directory.cleanup()

    # --- its API ---

    def api(self, method, path, token=None, **more):
        """A call of the REST API as the admin service, or with another token."""
        headers = {"Authorization": f"token {token or self.token}", **more.pop("headers", {})}
        return requests.request(method, self.hub_url + "api" + path, headers=headers,
                                timeout=PATIENCE, allow_redirects=False, **more)

    def user(self, name):
        answer = self.api("GET", f"/users/{quoted(name)}?include_stopped_servers=1")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def server(self, name, server=""):
        return self.user(name)["servers"].get(server)

    def is_ready(self, name, server=""):
        return (self.server(name, server) or {}).get("ready")

    def wait_server(self, name, server=""):
        return wait_for(lambda: self.is_ready(name, server), f"the server of {name}", 60)

    def add_user(self, name):
        answer = self.api("POST", f"/users/{quoted(name)}")
        assert answer.status_code in (201, 409), answer.text

    def start_server(self, name, server="", options=None):
        self.add_user(name)
        path = f"/users/{quoted(name)}/" + (f"servers/{quoted(server)}" if server else "server")
        answer = self.api("POST", path, json=options)
        assert answer.status_code in (201, 202), answer.text
        self.wait_server(name, server)

    def stop_server(self, name, server=""):
        path = f"/users/{quoted(name)}/" + (f"servers/{quoted(server)}" if server else "server")
        answer = self.api("DELETE", path)
        assert answer.status_code in (202, 204), answer.text
        wait_for(lambda: self.server(name, server) is None or
                 self.server(name, server)["stopped"], f"the end of {name}'s server")

    def home(self, name):
        """The user's home directory."""
        path = pathlib.Path(self.settings["homes_dir"], name)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def browser(self, name=None, password="x", **more):
        """A new browser, logged in as that user if one is named."""
        browser = Browser(self, **more)
        if name:
            answer = browser.log_in(name, password)
            assert answer.status_code in (302, 303), answer.text
        return browser


def quoted(name):
    return urllib.parse.quote(name, safe="@~")


class Page:
    """What a browser sees of an answer: attributes and fields, by expressions."""

    def __init__(self, answer):
        self.answer = answer
        self.text = answer.text

    def attribute(self, name):
        found = re.search(rf'{name}="([^"]*)"', self.text)
        assert found, f"no {name} in\n{self.text[:4000]}"
        return html.unescape(found[1])

    def field(self, name):
        found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', self.text)
        assert found, f"no field {name} in\n{self.text[:4000]}"
        return html.unescape(found[1])

    @property
    def action(self):
        return html.unescape(re.search(r'<form[^>]* action="([^"]*)"', self.text)[1])


class Browser(requests.Session):
    """One person's browser. Paths are below the hub's origin; redirects are not followed unless
    `follow` says so."""

    def __init__(self, hub, language="en"):
        super().__init__()
        self.hub = hub
        self.headers["Accept"] = "text/html,application/xhtml+xml,*/*;q=0.8"
        self.headers["Accept-Language"] = language

    def request(self, method, url, *args, **more):
        if url.startswith("/"):
            url = self.hub.origin + url
        more.setdefault("timeout", 60)
        more.setdefault("allow_redirects", False)
        return super().request(method, url, *args, **more)

    def get(self, url, **more):
        return self.request("GET", url, **more)

    def page(self, path, status=200, **more):
        answer = self.get(path, **more)
        assert answer.status_code == status, f"{path}: {answer.status_code}\n{answer.text[:2000]}"
        return Page(answer)

    def follow(self, path, **more):
        return self.get(path, allow_redirects=True, **more)

    @property
    def prefix(self):
        return urllib.parse.urlsplit(self.hub.hub_url).path

    def log_in(self, name, password="x", next_=None, **form):
        path = self.prefix + "login" + (f"?next={urllib.parse.quote(next_, safe='')}" if next_ else "")
        xsrf = self.page(path).field("_xsrf")
        return self.post(path, data={"username": name, "password": password, "_xsrf": xsrf, **form})

    @property
    def xsrf(self):
        return self.page(self.prefix + "home").attribute("data-xsrf")

    def api(self, method, path, xsrf=True, **more):
        """A call of the REST API with this browser's cookies, as the pages make them."""
        headers = {"Accept": "application/json", "Sec-Fetch-Mode": "cors",
                   "Sec-Fetch-Site": "same-origin", **more.pop("headers", {})}
        if xsrf:
            headers["X-XSRFToken"] = self.xsrf
        return self.request(method, self.prefix + "api" + path, headers=headers, **more)

    def start_server(self, name, server=""):
        """Starts one's own server by the page that does, and waits."""
        answer = self.get(f"{self.prefix}spawn/{quoted(name)}" + (f"/{quoted(server)}" if server else ""))
        assert answer.status_code == 302, f"{answer.status_code}\n{answer.text[:2000]}"
        self.hub.wait_server(name, server)


