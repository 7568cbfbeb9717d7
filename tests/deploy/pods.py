"""Containers as a node of Kubernetes makes them, without the node: an OCI archive that umoci unpacks and runc
starts in the network of a sandbox. Argv, environment, files and limits follow the kubelet's rules and the
container runtime interface's defaults (Pod API, container v1; RuntimeDefault's seccomp profile)."""

import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import tarfile
import tempfile
import uuid

import peers

SECCOMP = pathlib.Path("/usr/share/containers/seccomp.json")
CLONE_NEWNET = 0x40000000
# Kubernetes' way of a name to the hub: the Service's address, here one of the sandbox's own.
POD, HUB, USER = "10.244.1.7", "10.96.0.81", "10.244.1.8"
POD6 = "fd00:10:244::7"


def why_not():
    """Why containers cannot be made here, or None."""
    for program in ("runc", "umoci", "ip"):
        if not shutil.which(program):
            return f"{program} is not installed"
    command = ["unshare", "--mount", "--net", "--propagation", "private", "true"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    return made.stderr.strip() or None


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"
    return done.stdout


class Image:
    """What an archive holds, unpacked as a runtime does it."""

    def __init__(self, archive, directory):
        layout = directory / "layout"
        layout.mkdir(parents=True)
        with tarfile.open(archive) as tar:
            tar.extractall(layout, filter="data")
        index = json.loads((layout / "index.json").read_text(encoding="utf-8"))
        tag = index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"]
        run("umoci", "unpack", "--image", f"{layout}:{tag}", str(directory / "bundle"))
        self.root = directory / "bundle/rootfs"
        self.spec = json.loads((directory / "bundle/config.json").read_text(encoding="utf-8"))
        blob = self.blob(layout, index["manifests"][0])
        self.manifest = json.loads(blob)
        self.config = json.loads(self.blob(layout, self.manifest["config"]))["config"]

    @staticmethod
    def blob(layout, descriptor):
        return (layout / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()

    def argv(self, command=None, args=None):
        """The container's command and args in the place of the image's entry point and command; a command
        without args leaves nothing of the image's (Container v1: command, args)."""
        if command:
            return [*command, *(args or [])]
        return [*self.config.get("Entrypoint", []), *(args or self.config.get("Cmd", []))]


class Sandbox:
    """A pod's network: loopback, the pod's addresses and, as more of its own, the hub's and a user's."""

    def __init__(self, ipv6=True):
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        self.path = f"/proc/{self.holder.pid}/ns/net"
        ours = os.readlink("/proc/self/ns/net")
        peers.wait_until(lambda: os.readlink(self.path) != ours, "the sandbox has a network")
        self.ip("link", "set", "lo", "up")
        if not ipv6:
            self.enter("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")
        for address in [f"{a}/32" for a in (POD, HUB, USER)] + [f"{POD6}/128"] * ipv6:
            self.ip("addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))

    def enter(self, *command):
        run("nsenter", f"--net={self.path}", *command)

    def ip(self, *words):
        self.enter("ip", *words)

    @contextlib.contextmanager
    def inside(self):
        """This thread, and those it starts, make their sockets in the sandbox."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/thread-self/ns/net", "rb") as ours, open(self.path, "rb") as theirs:
            assert libc.setns(theirs.fileno(), CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
            try:
                yield
            finally:
                assert libc.setns(ours.fileno(), CLONE_NEWNET) == 0

    def listening(self):
        """The TCP ports that are listened on."""
        lines = []
        for name in ("tcp", "tcp6"):
            with contextlib.suppress(FileNotFoundError):
                lines += pathlib.Path(f"/proc/{self.holder.pid}/net/{name}").read_text().splitlines()[1:]
        fields = [line.split() for line in lines]
        return sorted({int(f[1].rpartition(":")[2], 16) for f in fields if f[3] == "0A"})

    def close(self):
        self.holder.kill()
        self.holder.wait()


class Host:
    """The machine's own network in a sandbox's place (Pod API: hostNetwork)."""

    path = "/proc/self/ns/net"

    @contextlib.contextmanager
    def inside(self):
        yield


def seccomp(without_ipv6=False):
    """The runtime's default profile for a container without capabilities; io_uring, which newer ones
    forbid, is not allowed. Optionally the answer of a kernel that was booted without IPv6."""
    profile = json.loads(SECCOMP.read_text(encoding="utf-8"))
    calls = []
    for rule in profile["syscalls"]:
        needs, unless = rule.get("includes", {}), rule.get("excludes", {})
        if needs.get("caps") or (needs.get("arches") and "amd64" not in needs["arches"]):
            continue
        if "amd64" in (unless.get("arches") or []):
            continue
        names = [name for name in rule["names"] if not name.startswith("io_uring")]
        calls.append({key: value for key, value in rule.items()
                      if key in ("action", "args", "errnoRet") and value} | {"names": names})
    if without_ipv6:  # EAFNOSUPPORT of socket(AF_INET6, …), before the rules that allow socket
        refused = {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97,
                   "args": [{"index": 0, "value": 10, "op": "SCMP_CMP_EQ"}]}
        for call in calls:
            call["names"] = [name for name in call["names"] if name != "socket"]
        allowed = {"names": ["socket"], "action": "SCMP_ACT_ALLOW",
                   "args": [{"index": 0, "value": 10, "op": "SCMP_CMP_NE"}]}
        calls = [call for call in calls if call["names"]] + [refused, allowed]
    return {"defaultAction": profile["defaultAction"], "defaultErrnoRet": profile.get("defaultErrnoRet", 1),
            "architectures": ["SCMP_ARCH_X86_64"], "syscalls": calls}


class Container:
    """One container of an image: `command` and `args` of its pod, `env` beside the image's, `files` mounted
    read-only (path in it → path here), `volumes` writable. Its root is read-only and it has no capability."""

    def __init__(self, image, sandbox, command=None, args=None, env=None, files=None, volumes=None,
                 user=None, without_ipv6=False):
        self.name = f"hubgate-test-{uuid.uuid4().hex[:12]}"
        self.home = tempfile.TemporaryDirectory(prefix="pod-")
        directory = pathlib.Path(self.home.name)
        self.state, self.log_file = directory / "runc", directory / "log"
        hosts = directory / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{HUB} hub\n", encoding="ascii")
        spec = json.loads(json.dumps(image.spec))
        process = spec["process"]
        argv = image.argv(command, args)
        process.update(
            terminal=False, args=argv, noNewPrivileges=True, capabilities={},
            env=process["env"] + [f"{name}={value}" for name, value in (env or {}).items()],
        )
        process.pop("rlimits", None)
        if user:
            process["user"] = {"uid": user[0], "gid": user[1]}
        spec["root"] = {"path": str(image.root), "readonly": True}
        spec["mounts"] += [
            {"destination": where, "type": "bind", "source": str(what), "options": ["rbind", how]}
            for how, mounts in (("ro", {"/etc/hosts": hosts, **(files or {})}), ("rw", volumes or {}))
            for where, what in mounts.items()
        ]
        spec["linux"]["namespaces"] = [
            n for n in spec["linux"]["namespaces"] if n["type"] not in ("network", "user", "cgroup")
        ] + [{"type": "network", "path": sandbox.path}]
        if SECCOMP.exists():
            spec["linux"]["seccomp"] = seccomp(without_ipv6)
        (directory / "config.json").write_text(json.dumps(spec), encoding="utf-8")
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                ["runc", "--root", str(self.state), "run", "--bundle", str(directory), self.name],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def state_of(self):
        said = subprocess.run(["runc", "--root", str(self.state), "state", self.name],
                              capture_output=True, text=True, check=False)
        return json.loads(said.stdout) if said.returncode == 0 else {}

    @property
    def pid(self):
        """Its first process, by its number out here."""
        return self.state_of()["pid"]

    def status(self):
        """The fields of /proc/PID/status."""
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return {name: value.split() for name, _, value in (l.partition(":") for l in text.splitlines())}

    def signal(self, name):
        run("runc", "--root", str(self.state), "kill", self.name, name)

    def running(self):
        return self.process.poll() is None

    def wait(self):
        """Its exit status."""
        return self.process.wait(peers.PATIENCE)

    def close(self):
        if self.running():
            self.signal("KILL")
            self.process.wait(peers.PATIENCE)
        self.home.cleanup()
