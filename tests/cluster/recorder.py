"""Events about pods, in the two forms that a cluster's have: the kubelet's (core/v1, times in
firstTimestamp and lastTimestamp, a count) and the scheduler's (events.k8s.io/v1: eventTime alone)."""

import contextlib
import datetime
import threading
import time

import calls


def now(micro=False):
    """RFC 3339, as metav1.Time or metav1.MicroTime."""
    at = datetime.datetime.now(datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if micro else "%Y-%m-%dT%H:%M:%SZ")


class Recorder:
    def __init__(self, namespace, node):
        self.namespace, self.node = namespace, node
        self.lock, self.seen = threading.Lock(), {}

    def kubelet(self, pod, reason, message, kind="Normal", container=None):
        """Told again, the same event is counted instead."""
        with self.lock, contextlib.suppress(OSError, calls.Refused):
            key = (pod["metadata"]["uid"], container, reason, message)
            name, count = self.seen.get(key, (None, 0))
            if name:
                self.namespace.admin.patch(self.namespace.path("events", name), {
                    "count": count + 1, "lastTimestamp": now()})
            else:
                name = self.post(pod, reason, message, kind, container, {
                    "firstTimestamp": now(), "lastTimestamp": now(), "count": 1,
                    "source": {"component": "kubelet", "host": self.node},
                    "reportingComponent": "kubelet", "reportingInstance": self.node})
            self.seen[key] = (name, count + 1)

    def scheduler(self, pod, reason, message, kind="Normal"):
        component = pod["spec"].get("schedulerName", "default-scheduler")
        with contextlib.suppress(OSError, calls.Refused):
            self.post(pod, reason, message, kind, None, {
                "eventTime": now(micro=True), "action": "Binding" if kind == "Normal" else "Scheduling",
                "reportingComponent": component, "reportingInstance": f"{component}-test"})

    def post(self, pod, reason, message, kind, container, more):
        about = pod["metadata"]
        name = f"{about['name'][:230]}.{time.time_ns():x}"  # as Kubernetes' recorders call them
        involved = {"apiVersion": "v1", "kind": "Pod", "namespace": about["namespace"], "name": about["name"],
                    "uid": about["uid"], "resourceVersion": about["resourceVersion"]}
        if container:
            involved["fieldPath"] = f"spec.containers{{{container}}}"
        self.namespace.admin.post(self.namespace.path("events"), {
            "metadata": {"name": name}, "involvedObject": involved, "reason": reason,
            "message": message, "type": kind, **more})
        return name
