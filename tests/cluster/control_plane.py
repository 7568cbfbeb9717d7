"""A Kubernetes control plane for tests: etcd and a real kube-apiserver on loopback, with their own
certificates, RBAC, service accounts and bookmarks, and no node: kubelet.py plays one.

`shared(folder)` is one control plane for all processes that name the same folder: it starts when the
first asks, and ends when the last is gone, however it ends."""

import contextlib
import fcntl
import ipaddress
import json
import os
import pathlib
import secrets
import subprocess
import sys
import time

import calls

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/hub"))
from hubs import Ports, wait_for  # noqa: E402

PATIENCE = 60
TOOL = ROOT / "tests/cluster/tool"


class Missing(Exception):
    """What a cluster needs is not on this machine; the text says what to do."""


def tool(*names):
    """The paths of programs that have been built."""
    found = subprocess.run([TOOL, "--cached", *names], capture_output=True, text=True, check=False)
    if found.returncode:
        raise Missing(f"not built yet, which takes some minutes: tests/cluster/tool {' '.join(names)}")
    return found.stdout.split()


class Authority:
    """A certificate authority in a folder, and what it signs."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        if not (folder / f"{name}.pem").exists():
            self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                         "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "30", "-subj", f"/CN={name}")

    @property
    def path(self):
        return self.folder / f"{self.name}.pem"

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"

    def sign(self, name, subject, alternatives=None, into=None):
        """(certificate, key), for "/O=group/CN=user" or a server with names and addresses; in a folder
        of the caller's, as others may sign the same name in ours."""
        names = [f"IP:{one}" if is_address(one) else f"DNS:{one}" for one in alternatives or []]
        more = ["-addext", "subjectAltName=" + ",".join(names)] if names else []
        certificate, key = ((into or self.folder) / f"{name}.{kind}" for kind in ("pem", "key"))
        self.openssl("req", "-x509", "-CA", f"{self.name}.pem", "-CAkey", f"{self.name}.key",
                     "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", key, "-out", certificate, "-days", "20", "-subj", subject,
                     "-addext", "basicConstraints=CA:FALSE", *more)
        return certificate, key


def is_address(text):
    with contextlib.suppress(ValueError):
        return bool(ipaddress.ip_address(text))
    return False


class ControlPlane:
    """etcd and an API server of the caller's own. `flags` go to the API server last."""

    address = "127.0.0.1"

    def __init__(self, folder, flags=()):
        self.etcd_program, self.api_program = tool("etcd", "kube-apiserver")
        self.folder, self.flags = pathlib.Path(folder), list(flags)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = Ports(3)
        self.api_port, *self.etcd_ports = self.ports.numbers
        self.url = f"https://{self.address}:{self.api_port}"
        self.processes = {}
        self.authority = Authority(self.folder)
        self.token = secrets.token_hex(16)
        self.write_secrets()
        self.admin = calls.Calls(self.url, ca=self.authority.path, token=self.token)

    def write_secrets(self):
        self.authority.sign("api", "/CN=kube-apiserver", [
            self.address, "10.96.0.1", "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"])
        self.authority.sign("kubelet-client", "/O=system:masters/CN=kube-apiserver-kubelet-client")
        self.authority.openssl("ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", "accounts.key")
        tokens = self.folder / "tokens.csv"
        tokens.touch(0o600)
        tokens.write_text(f'{self.token},admin,admin,"system:masters"\n', encoding="ascii")

    def start(self):
        self.start_etcd()
        return self.start_api()

    def run(self, name, *command):
        """A process that ends with this one, its output in a file."""
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *map(str, command)], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, cwd=self.folder)

    def start_etcd(self):
        client, peer = (f"http://127.0.0.1:{port}" for port in self.etcd_ports)
        self.run("etcd", self.etcd_program, "--name=test", f"--data-dir={self.folder}/etcd",
                 f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
                 f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
                 f"--initial-cluster=test={peer}", "--logger=zap", "--log-level=warn")

    def start_api(self):
        """Also after stop_api or kill_api: the same address, certificates and objects."""
        at = self.folder
        self.run(
            "kube-apiserver", self.api_program,
            f"--etcd-servers=http://127.0.0.1:{self.etcd_ports[0]}",
            f"--bind-address={self.address}", f"--advertise-address={self.address}", f"--secure-port={self.api_port}",
            f"--tls-cert-file={at}/api.pem", f"--tls-private-key-file={at}/api.key",
            f"--client-ca-file={at}/ca.pem", f"--token-auth-file={at}/tokens.csv",
            "--authorization-mode=RBAC", "--allow-privileged",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={at}/accounts.key", f"--service-account-signing-key-file={at}/accounts.key",
            "--service-cluster-ip-range=10.96.0.0/24",
            # Loopback may be in no Endpoints.
            "--endpoint-reconciler-type=" + ("none" if self.address.startswith("127.") else "lease"),
            f"--kubelet-client-certificate={at}/kubelet-client.pem",
            f"--kubelet-client-key={at}/kubelet-client.key", "--kubelet-preferred-address-types=InternalIP",
            f"--audit-policy-file={self.audit_policy()}", f"--audit-log-path={at}/audit.log",
            "--profiling=false", *self.flags)
        self.wait_ready()
        return self

    def audit_policy(self):
        """Who asked for what: the tests count the calls of a hub by it."""
        path = self.folder / "audit.yaml"
        path.write_text(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n"
            '- {level: None, users: ["system:apiserver"]}\n- level: Metadata\n', encoding="ascii")
        return path

    def wait_ready(self):
        def ready():
            for name, process in self.processes.items():
                if process.poll() is not None:
                    raise AssertionError(f"{name} ended: {self.last_words(name)}")
            with contextlib.suppress(calls.Refused):
                return self.admin.get("/readyz", patience=5) == "ok"

        wait_for(ready, "a healthy API server", PATIENCE)

    def last_words(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]

    def audit(self, user=None):
        """The calls answered so far (a watch: when it ended, or began to answer), of one user if named:
        dicts of the audit log, with `verb`, `requestURI`, `user`, `responseStatus`."""
        with open(self.folder / "audit.log", encoding="utf-8") as log:
            found = [json.loads(line) for line in log if line.endswith("\n")]
        return [call for call in found if user in (None, call["user"].get("username"))]

    def stop_api(self, patience=PATIENCE):
        self.end("kube-apiserver", patience)

    def kill_api(self):
        self.end("kube-apiserver", 0)

    def end(self, name, patience):
        process = self.processes.pop(name, None)
        if process:
            process.send_signal(15 if patience else 9)
            try:
                process.wait(patience or PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def close(self):
        for name in list(self.processes):
            self.end(name, 0)
        self.ports.close()


class Shared:
    """A control plane that another process holds. It may be called, and not stopped."""

    def __init__(self, folder, users):
        said = json.loads((folder / "plane.json").read_text(encoding="ascii"))
        self.folder, self.users = folder, users
        self.url, self.token = said["url"], said["token"]
        self.authority = Authority(folder)
        self.admin = calls.Calls(self.url, ca=self.authority.path, token=self.token)

    audit = ControlPlane.audit

    def close(self):
        self.users.close()


def shared(folder):
    """The control plane of this folder, started if nobody has."""
    tool("etcd", "kube-apiserver")
    folder.mkdir(parents=True, exist_ok=True)
    # Held by the kernel until this process ends, whatever ends it: the holder waits for that.
    users = open(folder / "users", "a", encoding="ascii")
    fcntl.flock(users, fcntl.LOCK_SH)
    with open(folder / "start", "a", encoding="ascii") as lock, open(folder / "holder.log", "a+b") as log:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "plane.json").exists():
            holder = subprocess.Popen([sys.executable, __file__, folder], stdin=subprocess.DEVNULL, stdout=log,
                                      stderr=log, start_new_session=True)
            while not (folder / "plane.json").exists():
                if holder.poll() is not None:
                    log.seek(0)
                    raise AssertionError(f"no control plane: {log.read()[-3000:].decode(errors='replace')}")
                time.sleep(0.05)
    return Shared(folder, users)


def hold(folder):
    """What shared() starts: ends when nobody uses the folder any more."""
    plane = ControlPlane(folder)
    try:
        plane.start()
        ready = folder / "plane.json.new"
        ready.touch(0o600)
        ready.write_text(json.dumps({"url": plane.url, "token": plane.token}), encoding="ascii")
        ready.rename(folder / "plane.json")
        with open(folder / "users", "a", encoding="ascii") as users:
            fcntl.flock(users, fcntl.LOCK_EX)
    finally:
        plane.close()


if __name__ == "__main__":
    os.umask(0o077)
    hold(pathlib.Path(sys.argv[1]).resolve())
