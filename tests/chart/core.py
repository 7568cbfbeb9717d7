"""The hub's and the proxy's pods of a release, run as the chart's Deployments describe them: each container in the
root of its image, read-only, as its user, without capabilities, with its volumes and the account's files. Only their
network is this machine's loopback: an address for each, by the names of their Services."""

import contextlib
import os
import pathlib
import random
import socket
import subprocess

import calls
import charts
import namespaces
from container import environment

ACCOUNT = "var/run/secrets/kubernetes.io/serviceaccount"
# root, user, then pairs of what is mounted and where; then the command.
SCRIPT = """set -e
root=$1 user=$2; shift 2
mount --bind "$root" "$root"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do mount --bind "$1" "$root/$2"; shift 2; done
shift
mount -o remount,bind,ro "$root"
exec env PATH=/usr/local/bin "$(command -v chroot)" --userspec="$user" --groups="" "$root" "$@"
"""


def why_not():
    """Why roots of one's own cannot be made here, or None."""
    said = subprocess.run(["unshare", "--mount", "--propagation", "private", "true"], capture_output=True, text=True)
    return said.stderr.strip() or None


def free_addresses(port):
    """Two of 127.0.0.0/8 on which nobody listens."""
    while True:
        net = f"127.{random.randrange(1, 60)}.{random.randrange(1, 255)}"
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind((f"{net}.1", port))
            other.bind((f"{net}.2", port))
            return f"{net}.1", f"{net}.2"


class Container:
    """The only container of a Deployment's pod."""

    def __init__(self, core, name, root):
        self.core, self.name, self.folder = core, name, core.folder / name
        self.root, self.process = root, None
        self.folder.mkdir(exist_ok=True)
        (self.folder / "log").touch()
        (root / "etc/hosts").write_text(
            f"127.0.0.1 localhost\n{core.hub_address} hub\n{core.proxy_address} proxy-api\n", encoding="ascii")

    @property
    def pod(self):
        template = self.core.namespace.admin.get(
            self.core.namespace.path("deployments", self.name, "apps/v1"))["spec"]["template"]
        return {**template, "metadata": {**template["metadata"], "name": f"{self.name}-0"}, "status": {}}

    def volume(self, pod, name):
        """Its folder, as the kubelet fills it: secrets anew with each pod, the group's to read."""
        folder, source = self.folder / name, next(one for one in pod["spec"]["volumes"] if one["name"] == name)
        folder.mkdir(exist_ok=True)
        group = pod["spec"]["securityContext"]["fsGroup"]
        if "secret" in source:
            data = calls.decoded(self.core.namespace.admin.get(
                self.core.namespace.path("secrets", source["secret"]["secretName"])))
            for item in source["secret"]["items"]:
                file = folder / item["path"]
                file.write_text(data[item["key"]], encoding="utf-8")
                os.chown(file, 0, group)
                file.chmod(item.get("mode", source["secret"]["defaultMode"]))
        else:
            os.chown(folder, 0, group)
            folder.chmod(0o2770)
        return folder

    def start(self):
        pod = self.pod
        spec = pod["spec"]["containers"][0]
        env = environment(pod, spec, lambda kind, name: self.core.namespace.admin.find(self.core.namespace.path(kind, name)))
        env |= {"PATH": os.environ["PATH"], "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": self.core.namespace.plane.url.rpartition(":")[2]}
        mounts = [(self.volume(pod, one["name"]), one["mountPath"].lstrip("/")) for one in spec.get("volumeMounts", [])]
        if pod["spec"].get("automountServiceAccountToken", True):
            mounts.append((self.core.account.mount(self.folder / "account"), ACCOUNT))
            os.chmod(self.folder / "account", 0o755)
        for _, where in mounts:
            (self.root / where).mkdir(parents=True, exist_ok=True)
        context = spec["securityContext"]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--no-new-privs", "--bounding-set=-all,+sys_chroot,+setuid,+setgid,+sys_admin",
                 "unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT, "-", str(self.root),
                 f"{context['runAsUser']}:{context['runAsGroup']}", *[str(word) for pair in mounts for word in pair],
                 "--", *spec["command"], *spec["args"]],
                env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def log(self):
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None


class Core:
    def __init__(self, namespace, folder):
        self.namespace, self.folder = namespace, pathlib.Path(folder)
        os.chmod(self.folder, 0o755)
        self.hub_address, self.proxy_address = free_addresses(8081)
        self.account = namespaces.Account(namespace, "hub")
        self.roots = {name: self.folder / f"root-{name}" for name in ("hub", "proxy")}
        for name, root in self.roots.items():
            subprocess.run([charts.ROOT / "deploy/images/root", name, charts.ROOT / "build", root], cwd=charts.ROOT, check=True)
        self.containers = {name: Container(self, name, root) for name, root in self.roots.items()}

    @property
    def values(self):
        """What a release needs to be run here: addresses in the place of all of a pod's."""
        return {"hub": {"settings": {"hub_ip": self.hub_address, "hub_connect_url": f"http://{self.hub_address}:8081"}},
                "proxy": {"chp": {"extraCommandLineFlags": [f"--ip={self.proxy_address}", f"--api-ip={self.proxy_address}"]}}}

    def follow(self):
        """What the controller of Deployments would do after an upgrade: pods whose template changed are replaced, the
        old one first. The names of those."""
        replaced = []
        for name, container in self.containers.items():
            template = container.pod
            if getattr(container, "template", None) != template:
                container.stop()
                container.start()
                container.template = template
                replaced.append(name)
        return replaced

    def close(self):
        for container in self.containers.values():
            container.stop()
