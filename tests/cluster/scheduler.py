"""The scheduler of the test kubelet's one node: it binds each pod, or says as the real one does why not."""

import contextlib
import re
import threading

import calls
from recorder import now

PREEMPTION = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
UNITS = {"m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


class Scheduler(threading.Thread):
    def __init__(self, kubelet):
        super().__init__(name="scheduler", daemon=True)
        self.kubelet, self.namespace = kubelet, kubelet.namespace
        self.held = ""
        self.lock, self.pods, self.wake = threading.Lock(), {}, threading.Event()
        self.told = {}
        self.start()

    def update(self, kind, pod):
        with self.lock:
            self.pods[pod["metadata"]["uid"]] = pod
            if kind == "DELETED":
                del self.pods[pod["metadata"]["uid"]]
        self.wake.set()

    def run(self):
        while not self.kubelet.closed.is_set():
            self.wake.clear()
            with self.lock:
                pods = list(self.pods.values())
            waiting = [pod for pod in pods if "nodeName" not in pod["spec"] and pod["status"]["phase"] == "Pending"
                       and "deletionTimestamp" not in pod["metadata"] and not pod["spec"].get("schedulingGates")]
            for pod in waiting:
                with contextlib.suppress(OSError, calls.Refused):
                    self.place(pod, pods)
            self.wake.wait(0.2 if waiting else None)

    def place(self, pod, pods):
        node = self.kubelet.calls.get(f"/api/v1/nodes/{self.kubelet.node}")
        why = self.held or self.obstacle(pod, node, pods)
        path, uid = self.namespace.path("pods", pod["metadata"]["name"]), pod["metadata"]["uid"]
        if not why:
            self.bind(pod, path)
        elif self.told.get(uid) != why:
            self.told[uid] = why
            self.kubelet.recorder.scheduler(pod, "FailedScheduling", why, "Warning")
            self.namespace.admin.patch(path + "/status", {"status": {"conditions": [{
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": why,
                "lastTransitionTime": now()}]}})

    def bind(self, pod, path):
        about, node = pod["metadata"], self.kubelet.node
        with self.kubelet.recorder.lock:  # its event comes before the kubelet's
            self.namespace.admin.post(path + "/binding", {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": about["name"], "uid": about["uid"]},
                "target": {"kind": "Node", "name": node}})
            pod["spec"]["nodeName"] = node
            self.kubelet.recorder.scheduler(
                pod, "Scheduled", f"Successfully assigned {self.namespace.name}/{about['name']} to {node}")

    def obstacle(self, pod, node, pods):
        """Why this node does not take this pod; "" when it does."""
        spec, labels = pod["spec"], node["metadata"]["labels"]
        claims = [volume["persistentVolumeClaim"]["claimName"] for volume in spec.get("volumes", [])
                  if "persistentVolumeClaim" in volume]
        for name in claims:
            claim = self.kubelet.read("persistentvolumeclaims", name)
            if claim is None:
                return f'0/1 nodes are available: persistentvolumeclaim "{name}" not found. {PREEMPTION}'
            if "deletionTimestamp" in claim["metadata"]:
                return f'0/1 nodes are available: persistentvolumeclaim "{name}" is being deleted. {PREEMPTION}'
        why = ""
        if node["spec"].get("unschedulable"):
            why = "1 node(s) were unschedulable"
        elif any(labels.get(key) != value for key, value in spec.get("nodeSelector", {}).items()):
            why = "1 node(s) didn't match Pod's node affinity/selector"
        else:
            why = self.short(spec, node, [other["spec"] for other in pods if "nodeName" in other["spec"] and
                                          other["status"]["phase"] in ("Pending", "Running")])
        return f"0/1 nodes are available: {why}. {PREEMPTION}" if why else ""

    def short(self, spec, node, others):
        for resource, text in requests(spec).items():
            used = sum(amount(requests(other).get(resource, "0")) for other in others)
            if used + amount(text) > amount(node["status"]["allocatable"].get(resource, "0")):
                return f"1 Insufficient {resource}"
        return ""

    def close(self):
        self.wake.set()
        self.join(10)


def requests(spec):
    """Of the first container that asks: the pods of the tests have one that does."""
    return next((one["resources"]["requests"] for one in spec["containers"]
                 if one.get("resources", {}).get("requests")), {})


def amount(text):
    number, unit = re.fullmatch(r"([0-9.]+)(\w*)", str(text)).groups()
    return float(number) * UNITS.get(unit, 1)
