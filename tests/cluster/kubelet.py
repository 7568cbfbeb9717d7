"""A node for the API server of the tests: a scheduler, a kubelet and the keeper of volume claims, for the
pods of one namespace. Pods are local processes (container.py), each on an address of its own in
127.0.0.0/8; their statuses and events are what Kubernetes 1.34 says."""

import contextlib
import http.client
import json
import pathlib
import random
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

import calls
import kubelet_server
import scheduler
from pod_worker import PodWorker
from recorder import Recorder, now

LAST_WAIT = 5.0


class Kubelet:
    def __init__(self, namespace, labels=None, capacity=None):
        self.namespace, self.calls = namespace, namespace.admin
        self.node = f"node-{namespace.name}"
        self.images = {}  # by name: images.Image, where a test wants more than a process that runs
        self.first_wait = 0.3  # seconds of the first back-off, which a kubelet's 10 become
        self.subnet, self.port = self.claim_subnet()
        self.address = f"{self.subnet}.254"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hubgate-kubelet-"))
        self.let_root_in()
        self.workers, self.lock, self.closed, self.next = {}, threading.Lock(), threading.Event(), 0
        self.recorder = Recorder(namespace, self.node)
        self.register(labels or {}, capacity or {})
        self.scheduler = scheduler.Scheduler(self)
        self.server = kubelet_server.start(self)
        self.watches = [Mirror(self, kind, on) for kind, on in (
            ("persistentvolumeclaims", self.on_claim), ("pods", self.on_pod))]

    def claim_subnet(self):
        """127.x.y, ours as long as we listen there."""
        while True:
            subnet = f"127.{random.randrange(64, 128)}.{random.randrange(1, 255)}"
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                self.listener.bind((f"{subnet}.254", 10250))
                self.listener.listen(64)
                return subnet, 10250
            self.listener.close()

    def let_root_in(self):
        """Whoever runs the tests, root too, is the user whom the image would have made."""
        (self.folder / "jupyter").mkdir()
        (self.folder / "jupyter/jupyter_server_config.json").write_text(
            json.dumps({"ServerApp": {"allow_root": True}}), encoding="ascii")

    def register(self, labels, capacity):
        has = {"cpu": "8", "memory": "32Gi", "pods": "200", "ephemeral-storage": "100Gi", **capacity}
        self.calls.post("/api/v1/nodes", {"metadata": {"name": self.node, "labels": {
            "kubernetes.io/hostname": self.node, "kubernetes.io/os": "linux", **labels}}})
        self.calls.patch(f"/api/v1/nodes/{self.node}", {"spec": {"taints": None}})
        self.calls.patch(f"/api/v1/nodes/{self.node}/status", {"status": {
            "capacity": has, "allocatable": has,
            "addresses": [{"type": "InternalIP", "address": self.address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
            "nodeInfo": {"kubeletVersion": "v1.34.4", "osImage": "tests", "kernelVersion": "0", "architecture": "amd64",
                         "containerRuntimeVersion": "containerd://1.7.0", "operatingSystem": "linux",
                         "machineID": "", "systemUUID": "", "bootID": "", "kubeProxyVersion": ""},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady",
                            "message": "kubelet is posting ready status", "lastHeartbeatTime": now(),
                            "lastTransitionTime": now()}]}})

    # What happens in the namespace

    def on_pod(self, kind, pod):
        uid, spec = pod["metadata"]["uid"], pod["spec"]
        with self.lock:
            worker = self.workers.get(uid)
            if kind == "DELETED":
                self.workers.pop(uid, None)
                if worker:
                    worker.gone = True
                    worker.changed.set()
            elif worker:
                worker.update(pod)
            elif spec.get("nodeName") == self.node and not self.closed.is_set():
                self.next += 1
                worker = self.workers[uid] = PodWorker(self, pod, f"{self.subnet}.{self.next % 253 + 1}")
                worker.start()
        self.scheduler.update(kind, pod)
        if kind == "DELETED":
            for claim in self.calls.get(self.namespace.path("persistentvolumeclaims"))["items"]:
                self.on_claim("MODIFIED", claim)

    def on_claim(self, kind, claim):
        """Bound at once; and gone, once deleted, when no pod uses it any more."""
        path = self.namespace.path("persistentvolumeclaims", claim["metadata"]["name"])
        if kind == "DELETED":
            shutil.rmtree(self.claim_folder(claim["metadata"]["name"]), ignore_errors=True)
        elif "deletionTimestamp" in claim["metadata"]:
            if claim["metadata"]["name"] not in self.claims_used():
                self.calls.patch(path, {"metadata": {"finalizers": None}})
        elif claim["status"].get("phase") != "Bound":
            self.calls.patch(path + "/status", {"status": {
                "phase": "Bound", "accessModes": claim["spec"]["accessModes"],
                "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]}}})

    def claims_used(self):
        pods = self.calls.get(self.namespace.path("pods"))["items"]
        return {volume["persistentVolumeClaim"]["claimName"] for pod in pods
                for volume in pod["spec"].get("volumes", []) if "persistentVolumeClaim" in volume}

    def claim_folder(self, name):
        """Where what a pod wrote into this claim's volume lies."""
        return self.folder / "claims" / name

    def read(self, kind, name):
        return self.calls.find(self.namespace.path(kind, name))

    def wait(self, failures):
        return min(self.first_wait * 2 ** min(failures, 10), LAST_WAIT)

    def probe(self, probe, address, container):
        """A readiness probe, once."""
        patience = probe.get("timeoutSeconds", 1)
        with contextlib.suppress(OSError, http.client.HTTPException, subprocess.SubprocessError):
            if "exec" in probe:
                return subprocess.run(probe["exec"]["command"], env=container.env, cwd=container.directory,
                                      capture_output=True, timeout=patience, check=False).returncode == 0
            how = probe.get("httpGet") or probe.get("tcpSocket") or {}
            ports = {port.get("name"): port["containerPort"] for port in container.spec.get("ports", [])}
            port = ports.get(how.get("port"), how.get("port"))
            if "tcpSocket" in probe:
                socket.create_connection((address, port), patience).close()
                return True
            if how.get("scheme") == "HTTPS":
                connection = http.client.HTTPSConnection(address, port, timeout=patience,
                                                         context=ssl._create_unverified_context())
            else:
                connection = http.client.HTTPConnection(address, port, timeout=patience)
            with contextlib.closing(connection):
                connection.request("GET", how.get("path", "/"))
                return 200 <= connection.getresponse().status < 400
        return False

    # What a test does

    def worker(self, name):
        """The life of the pod of that name, on this node."""
        with self.lock:
            return next((one for one in self.workers.values() if one.name_ == name), None)

    def hold(self, message="0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: "
             "1 No preemption victims found for incoming pod."):
        """No pod is scheduled, for this reason, until release()."""
        self.scheduler.held = message

    def release(self):
        self.scheduler.held = ""

    def evict(self, name, message="The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi. "):
        self.worker(name).evict(message)

    def kill(self, name, code=137, reason="OOMKilled", container=None):
        """A running container ends, as if the kernel had ended it."""
        worker = self.worker(name)
        one = next(one for one in worker.containers if container in (None, one.name))
        process, one.process = one.process, None
        process.kill()
        process.wait()
        one.ends(code, reason)
        worker.changed.set()

    def cordon(self, on=True):
        self.calls.patch(f"/api/v1/nodes/{self.node}", {"spec": {"unschedulable": on or None}})

    def close(self):
        self.closed.set()
        for watch in self.watches:
            watch.close()
        self.scheduler.close()
        with self.lock:
            workers = list(self.workers.values())
        for worker in workers:
            worker.gone = True
            worker.changed.set()
        for worker in workers:
            worker.join(10)
        self.server.shutdown()
        self.server.server_close()
        with contextlib.suppress(OSError, calls.Refused):
            self.calls.delete(f"/api/v1/nodes/{self.node}")
        shutil.rmtree(self.folder, ignore_errors=True)


class Mirror(threading.Thread):
    """List and watch of one kind, told to `on`; begun anew whenever it breaks."""

    def __init__(self, kubelet, kind, on):
        super().__init__(name=f"watch of {kind}", daemon=True)
        self.kubelet, self.path, self.on = kubelet, kubelet.namespace.path(kind), on
        self.watch, self.known = None, {}
        self.start()

    def run(self):
        while not self.kubelet.closed.is_set():
            with contextlib.suppress(OSError, http.client.HTTPException, calls.Refused):
                self.follow()
            self.kubelet.closed.wait(0.1)

    def follow(self):
        listed = self.kubelet.calls.get(self.path)
        there = {item["metadata"]["uid"]: item for item in listed["items"]}
        for uid in set(self.known) - set(there):
            self.tell("DELETED", self.known[uid])
        for item in there.values():
            self.tell("ADDED", item)
        self.watch = self.kubelet.calls.watch(self.path, resourceVersion=listed["metadata"]["resourceVersion"])
        for kind, item in self.watch:
            if kind == "ERROR":
                return
            self.tell(kind, item)

    def tell(self, kind, item):
        self.known[item["metadata"]["uid"]] = item
        if kind == "DELETED":
            del self.known[item["metadata"]["uid"]]
        self.on(kind, item)

    def close(self):
        if self.watch:
            self.watch.close()
