"""A whole cluster of one node, real in every part: to control_plane.py's etcd and API server it adds the
controller manager, the scheduler, kube-proxy, a kubelet, containerd and runc. `tests/cluster/run-whole` gives it
network, mounts and processes of its own, without which it must not be started: what containers leave behind ends
with these."""

import json
import pathlib
import subprocess
import sys
import threading

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import control_plane
import kubeconfig
from control_plane import wait_for
from whole import cloud, names

CGROUPS = pathlib.Path("/sys/fs/cgroup")
PODS = "10.99.0"
PATIENCE = 120
CNI_PROGRAMS = "/usr/lib/cni"


class Node(control_plane.ControlPlane):
    address = f"{PODS}.1"

    def __init__(self, folder):
        self.programs = dict(zip(("controllers", "scheduler", "proxy", "kubelet"), control_plane.tool(
            "kube-controller-manager", "kube-scheduler", "kube-proxy", "kubelet")))
        make_bridge()
        super().__init__(folder)
        self.cgroup = self.folder.name  # hubgate-whole-…
        self.socket = self.folder / "containerd.sock"

    def start(self):
        super().start()
        self.config = kubeconfig.write(self.folder / "admin.yaml", self, {"token": self.token})
        self.start_containerd()
        self.load(build_pause(self.folder))
        self.start_controllers()
        self.start_kubelet()
        self.start_proxy()
        for serve in (lambda: names.serve(self), *cloud.serve(self)):
            threading.Thread(target=serve, daemon=True).start()
        self.wait_node()
        return self

    def start_controllers(self):
        at = self.folder
        common = (f"--kubeconfig={self.config}", "--leader-elect=false", "--bind-address=127.0.0.1")
        self.run("controllers", self.programs["controllers"], *common, f"--root-ca-file={at}/ca.pem",
                 f"--service-account-private-key-file={at}/accounts.key")
        self.run("scheduler", self.programs["scheduler"], *common)

    def start_containerd(self):
        at = self.folder
        (at / "cni").mkdir()
        (at / "cni/10-bridge.conflist").write_text(json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [{
            "type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": {
                "type": "host-local", "dataDir": f"{at}/addresses", "routes": [{"dst": "0.0.0.0/0"}],
                "ranges": [[{"subnet": f"{PODS}.0/24", "rangeStart": f"{PODS}.10", "gateway": f"{PODS}.1"}]]}}]}),
            encoding="ascii")
        # This machine's root may lower no oom_score_adj, which runc would.
        (at / "containerd.toml").write_text(f"""
version = 2
root = "{at}/containerd"
state = "/run/containerd"
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  disable_apparmor = true
  sandbox_image = "hubgate.test/pause:1"
  enable_unprivileged_ports = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{CNI_PROGRAMS}"
  conf_dir = "{at}/cni"
""", encoding="ascii")
        self.run("containerd", "containerd", "--config", at / "containerd.toml")
        wait_for(lambda: self.ctr("version", check=False), "containerd", PATIENCE)

    def ctr(self, *arguments, check=True):
        done = subprocess.run(["ctr", "--address", self.socket, "-n", "k8s.io", *arguments], capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0 or not check, f"ctr {arguments}: {done.stderr}"
        return done.returncode == 0

    def load(self, archive):
        """An OCI archive's image, under the name it has in there."""
        self.ctr("images", "import", "--all-platforms", str(archive))

    def start_kubelet(self):
        at = self.folder
        for controller in CGROUPS.iterdir():
            if controller.is_dir() and not controller.is_symlink():
                (controller / self.cgroup).mkdir()
                copy_cpuset(controller / self.cgroup)
        (at / "kubelet.yaml").write_text(yaml.safe_dump({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "address": self.address, "healthzPort": 0, "failSwapOn": False, "failCgroupV1": False,
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False},
                               "x509": {"clientCAFile": f"{at}/ca.pem"}},
            "authorization": {"mode": "AlwaysAllow"},
            "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{self.cgroup}",
            "containerRuntimeEndpoint": f"unix://{self.socket}", "podLogsDir": f"{at}/logs",
            "clusterDNS": [self.address], "clusterDomain": "cluster.local",
            "imageGCHighThresholdPercent": 100, "evictionHard": {"memory.available": "50Mi"},
            # Of this machine's, for all clusters; it would set them.
            "protectKernelDefaults": False}), encoding="ascii")
        self.run("kubelet", self.programs["kubelet"], f"--config={at}/kubelet.yaml", f"--kubeconfig={self.config}",
                 f"--root-dir={at}/kubelet", f"--cert-dir={at}/kubelet-certs", f"--node-ip={self.address}",
                 "--hostname-override=node", "--v=1")

    def start_proxy(self):
        (self.folder / "proxy.yaml").write_text(yaml.safe_dump({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "iptables",
            "clientConnection": {"kubeconfig": str(self.config)}, "clusterCIDR": f"{PODS}.0/24",
            "hostnameOverride": "node", "healthzBindAddress": "127.0.0.1:10256", "metricsBindAddress": "127.0.0.1:10249",
            "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"}}),
            encoding="ascii")
        self.run("proxy", self.programs["proxy"], f"--config={self.folder}/proxy.yaml")

    def wait_node(self):
        def ready():
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} ended: {self.last_words(name)}"
            node = self.admin.find("/api/v1/nodes/node")
            return node and any(one["type"] == "Ready" and one["status"] == "True"
                                for one in node["status"].get("conditions", []))
        try:
            wait_for(ready, "a node that is ready", PATIENCE)
        except AssertionError as failure:
            raise AssertionError(f"{failure}: {self.last_words('kubelet')}") from None


def make_bridge():
    """The pods' network, with the node's own address on it."""
    for command in ("ip link set lo up", "ip link add cni0 type bridge",
                    f"ip addr add {PODS}.1/24 dev cni0", "ip link set cni0 up",
                    "ip route add default dev cni0",  # Services' addresses are nobody's, but have to lead somewhere
                    "sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.bridge.bridge-nf-call-iptables=1"):
        subprocess.run(command.split(), check=True, capture_output=True)


def copy_cpuset(group):
    """A group of cpuset's v1 takes no process before it has these."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (group / name).exists():
            (group / name).write_text((group.parent / name).read_text(encoding="ascii"), encoding="ascii")


def build_pause(folder):
    """The sandbox's image: a program that waits."""
    (folder / "pause").mkdir()
    subprocess.run(["cc", "-O2", "-static", "-o", folder / "pause/pause", "-x", "c", "-"], check=True, text=True,
                   input="#include <unistd.h>\nint main(void)\n{\n    for (;;)\n        pause();\n}\n")
    (folder / "Pausefile").write_text(
        'FROM scratch\nCOPY --from=build /rootfs/ /\nLABEL org.opencontainers.image.title="pause" org.opencontainers.image.version="1"\n'
        'ENTRYPOINT ["/pause"]\n', encoding="ascii")
    subprocess.run([control_plane.ROOT / "deploy/images/pack", "--registry", "hubgate.test", folder / "Pausefile",
                    folder / "pause", folder / "pause.tar"], check=True, capture_output=True)
    return folder / "pause.tar"
