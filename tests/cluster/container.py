"""One container of a pod that the test kubelet runs: a local process, told to listen on the pod's own
address instead of all, with what it writes kept by line."""

import contextlib
import os
import pathlib
import re
import secrets
import shutil
import signal
import subprocess
import threading
import time

import calls
from recorder import now

VENV = pathlib.Path(__file__).resolve().parents[2] / "build/venv/bin"
PATH = f"{VENV}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EVERYWHERE = re.compile(r"(?<![\d.])0\.0\.0\.0(?![\d.])|\[::\]")
REFERENCE = re.compile(r"\$(\$|\(([A-Za-z_.-][\w.-]*)\))")


class ConfigError(Exception):
    """CreateContainerConfigError: what it refers to is not there."""


def expand(text, env):
    """$(NAME) as Kubernetes expands it: an unknown one stays, $$ is $."""
    def one(found):
        return "$" if found[1] == "$" else env.get(found[2], found[0])
    return REFERENCE.sub(one, text)


class Container:
    def __init__(self, spec, init=False):
        self.spec, self.name, self.init = spec, spec["name"], init
        self.state = {"waiting": {"reason": "ContainerCreating"}}
        self.last_state = {}
        self.restarts, self.ready, self.pulled, self.failures = 0, False, False, 0
        self.process, self.id, self.due = None, "", 0.0
        self.pulling = False
        self.lines, self.previous = Lines(), None

    @property
    def running(self):
        return "running" in self.state

    @property
    def exit_code(self):
        """None while it has not ended."""
        return self.state.get("terminated", {}).get("exitCode")

    def waits(self, reason, message=None):
        if self.exit_code is not None:
            self.last_state = self.state
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        self.ready = False

    def begins(self):
        self.id = f"containerd://{secrets.token_hex(32)}"
        if self.exit_code is not None:
            self.last_state = self.state
        if self.last_state:
            self.restarts += 1
            self.previous, self.lines = self.lines, Lines()
        self.state = {"running": {"startedAt": now()}}
        self.ready = not self.spec.get("readinessProbe")

    def ends(self, code, reason=None, message=None):
        started = self.state.get("running", {}).get("startedAt") or now()
        self.state = {"terminated": {
            "exitCode": code, "reason": reason or ("Error" if code else "Completed"), "startedAt": started,
            "finishedAt": now(), "containerID": self.id, **({"message": message} if message else {})}}
        self.ready, self.process = False, None
        self.lines.close()

    def status(self):
        image = self.spec["image"]
        return {"name": self.name, "image": image, "state": self.state, "lastState": self.last_state,
                "imageID": f"{image}@sha256:{'0' * 64}" if self.id else "", "restartCount": self.restarts,
                "containerID": self.id, "ready": self.exit_code == 0 if self.init else self.ready,
                "started": self.running}

    def start(self, pod, argv, env, directory, wake):
        """The process, in a session of its own. wake() is called when it has ended."""
        address = pod.address
        argv = [EVERYWHERE.sub(address, expand(one, env)) for one in argv]
        if "JUPYTERHUB_SERVICE_URL" in env:
            env["JUPYTERHUB_SERVICE_URL"] = EVERYWHERE.sub(address, env["JUPYTERHUB_SERVICE_URL"])
        if not shutil.which(argv[0], path=env["PATH"]):
            raise FileNotFoundError(argv[0])
        self.begins()
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *argv], env=env, cwd=directory, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.env, self.directory = env, directory
        threading.Thread(target=self.lines.read, args=(self.process.stdout,), daemon=True).start()
        process = self.process
        threading.Thread(target=lambda: (process.wait(), wake()), daemon=True).start()

    def reap(self):
        """True when the process has ended since."""
        if not self.process or self.process.poll() is None:
            return False
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)  # what it left running
        code = self.process.returncode
        self.ends(code if code >= 0 else 128 - code)
        return True

    def hook(self, name):
        """A lifecycle hook's exit status; 0 where there is none."""
        command = self.spec.get("lifecycle", {}).get(name, {}).get("exec", {}).get("command")
        if not command or not self.process:
            return 0
        return subprocess.run(command, env=self.env, cwd=self.directory, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode

    def stop(self, grace):
        """As a runtime does: the hook, SIGTERM to the first process, SIGKILL to all after the grace."""
        if not self.process:
            return
        end = time.monotonic() + grace
        self.hook("preStop")
        with contextlib.suppress(OSError):
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0, end - time.monotonic()))
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reap()


class Lines:
    """What a container wrote: (time, line) each, until it has ended."""

    def __init__(self):
        self.list, self.open, self.changed = [], True, threading.Condition()

    def read(self, stream):
        for line in stream:
            with self.changed:
                self.list.append((now(micro=True), line))
                self.changed.notify_all()
        self.close()

    def close(self):
        with self.changed:
            self.open = False
            self.changed.notify_all()

    def since(self, n):
        """More than the first n, waited for; [] when there will be no more."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.list) > n or not self.open)
            return self.list[n:]


def environment(pod, spec, read):
    """A container's env and envFrom, with what they refer to; read(kind, name) gives an object or None."""
    def value_of(kind, ref):
        found = read(kind, ref["name"])
        if found is None:
            if ref.get("optional"):
                return {}
            raise ConfigError(f'{kind[:-1]} "{ref["name"]}" not found')
        return calls.decoded(found) if kind == "secrets" else found.get("data", {})

    env = {"PATH": PATH, "HOSTNAME": pod["metadata"]["name"], "LANG": "C.UTF-8"}
    for one in spec.get("envFrom", []):
        for kind, key in (("secrets", "secretRef"), ("configmaps", "configMapRef")):
            if key in one:
                env.update({one.get("prefix", "") + name: text for name, text in value_of(kind, one[key]).items()})
    for one in spec.get("env", []):
        source = one.get("valueFrom", {})
        if "fieldRef" in source:
            env[one["name"]] = field(pod, source["fieldRef"]["fieldPath"])
        elif source:
            kind, ref = next((kind, source[key]) for kind, key in (
                ("secrets", "secretKeyRef"), ("configmaps", "configMapKeyRef")) if key in source)
            values = value_of(kind, ref)
            if ref["key"] in values:
                env[one["name"]] = values[ref["key"]]
            elif not ref.get("optional"):
                raise ConfigError(f"couldn't find key {ref['key']} in {kind[:-1]} "
                                  f"{pod['metadata']['namespace']}/{ref['name']}")
        else:
            env[one["name"]] = expand(one.get("value", ""), env)
    return env


def field(pod, path):
    for step in path.split("."):
        pod = pod.get(step, {})
    return pod if isinstance(pod, str) else ""
