"""The life of one pod on the test kubelet's node: what is due for its containers, and the status that a
kubelet of Kubernetes 1.34 would report of it."""

import contextlib
import json
import os
import pathlib
import shutil
import threading
import time

import calls
import images
from container import ConfigError, Container, environment
from recorder import now

TICK = 0.03  # how soon a pull's gate or a probe is looked at again
HOME = "/home/jovyan"


class PodWorker(threading.Thread):
    def __init__(self, kubelet, pod, address):
        super().__init__(name=f"pod {pod['metadata']['name']}", daemon=True)
        self.kubelet, self.pod, self.address = kubelet, pod, address
        self.name_, self.uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        self.path = kubelet.namespace.path("pods", self.name_)
        self.containers = [Container(spec) for spec in pod["spec"]["containers"]]
        self.inits = [Container(spec, init=True) for spec in pod["spec"].get("initContainers", [])]
        for one in self.containers if self.inits else []:
            one.waits("PodInitializing")
        self.changed = threading.Event()
        self.started_at, self.reported, self.gone, self.evicted = now(), None, False, ""
        self.since = {}
        self.directory = kubelet.folder / "pods" / self.uid

    def update(self, pod):
        self.pod = pod
        self.changed.set()

    def run(self):
        self.directory.mkdir(parents=True)
        try:
            while not self.gone:
                self.changed.clear()
                self.step()
                self.changed.wait(None if self.settled() else TICK)
        finally:
            for one in self.inits + self.containers:
                one.stop(0)
            shutil.rmtree(self.directory, ignore_errors=True)

    def step(self):
        """Whatever is due now. A call that fails is tried at the next step."""
        with contextlib.suppress(OSError):
            try:
                for one in self.inits + self.containers:
                    one.reap()
                if "deletionTimestamp" in self.pod["metadata"]:
                    self.end()
                elif self.evicted:
                    self.stop_containers(0)
                else:
                    self.start_due()
                    self.probe()
                self.report()
            except calls.Refused as refused:
                # Removed under its hands, or another of the same name: a kubelet ends the orphan.
                # A patch that names the uid of one before is 422.
                if refused.code not in (404, 409, 422):
                    raise
                self.gone = True

    def settled(self):
        """Nothing is due but what an update or the end of a process will tell."""
        return all(one.running and one.ready or self.over(one) for one in self.inits + self.containers)

    def over(self, one):
        """It has ended and is not to be started again."""
        if one.exit_code is None:
            return bool(self.evicted)
        policy = self.pod["spec"].get("restartPolicy", "Always")
        if one.init and one.exit_code == 0:
            return True
        return policy == "Never" or (policy == "OnFailure" and one.exit_code == 0) or bool(self.evicted)

    # Starting

    def start_due(self):
        for one in self.inits:
            if one.exit_code != 0:
                self.start_one(one)
                return  # the next only when this one has succeeded
        for one in self.containers:
            self.start_one(one)

    def start_one(self, one):
        if one.running or self.over(one) or time.monotonic() < one.due:
            return
        image = images.find(one.spec["image"], self.kubelet.images)
        one.failures += one.exit_code is not None
        if one.exit_code is not None and one.failures > 1:
            self.crash_loop(one)
        elif self.pull(one, image):
            self.create(one, image)

    def crash_loop(self, one):
        """The first restart was at once, each later one waits longer."""
        name, where = one.name, f"{self.name_}_{self.pod['metadata']['namespace']}({self.uid})"
        one.waits("CrashLoopBackOff", f"back-off 10s restarting failed container={name} pod={where}")
        one.due = time.monotonic() + self.kubelet.wait(one.failures)
        self.event("BackOff", f"Back-off restarting failed container {name} in pod {where}", "Warning", one)

    def pull(self, one, image):
        """True when the image is there."""
        name = one.spec["image"]
        if one.pulled:
            return True
        if image.present:
            self.event("Pulled", f'Container image "{name}" already present on machine', container=one)
            one.pulled = True
            return True
        if one.state.get("waiting", {}).get("reason") == "ErrImagePull":
            one.waits("ImagePullBackOff", f'Back-off pulling image "{name}": ErrImagePull: {image.pull_error}')
            self.event("BackOff", f'Back-off pulling image "{name}"', container=one)
            self.event("Failed", "Error: ImagePullBackOff", "Warning", one)
            one.due = time.monotonic() + self.kubelet.wait(one.failures)
            return False
        if not one.pulling:
            self.event("Pulling", f'Pulling image "{name}"', container=one)
            one.pulling = True
        if not image.gate.is_set():
            return False
        one.pulling = False
        if image.pull_error:
            one.failures += 1
            self.event("Failed", f'Failed to pull image "{name}": {image.pull_error}', "Warning", one)
            self.event("Failed", "Error: ErrImagePull", "Warning", one)
            one.waits("ErrImagePull", image.pull_error)
            return False
        self.event("Pulled", f'Successfully pulled image "{name}" in 12ms (12ms including waiting). '
                   f"Image size: {image.size} bytes.", container=one)
        one.pulled = True
        return True

    def create(self, one, image):
        try:
            env = self.environment(one, image)
        except ConfigError as error:
            one.waits("CreateContainerConfigError", str(error))
            one.due = time.monotonic() + self.kubelet.wait(one.failures)
            self.event("Failed", f"Error: {error}", "Warning", one)
            return
        self.event("Created", f"Created container: {one.name}", container=one)
        try:
            self.start_process(one, image, env)
        except OSError as error:
            self.start_failed(one, f'exec: "{error}": executable file not found in $PATH: unknown')
            return
        self.event("Started", f"Started container {one.name}", container=one)
        if one.running and one.hook("postStart"):
            self.event("FailedPostStartHook", "PostStartHook failed", "Warning", one)
            one.stop(0)

    def start_process(self, one, image, env):
        if image.start_error:
            self.start_failed(one, image.start_error)
        elif image.ends or pretended(one.spec):
            one.begins()
            one.ends(*(image.ends or (0, "Completed")))
        else:
            spec = one.spec
            argv = (spec.get("command") or image.entrypoint or []) + spec.get("args", [])
            one.start(self, argv or ["sleep", "infinity"], env, self.home(one), self.changed.set)

    def start_failed(self, one, why):
        text = ("failed to create containerd task: failed to create shim task: OCI runtime create failed: runc "
                f"create failed: unable to start container process: error during container init: {why}")
        one.begins()
        one.ends(128, "StartError", text)
        self.event("Failed", f"Error: {text}", "Warning", one)

    def environment(self, one, image):
        if image.config_error:
            raise ConfigError(image.config_error)
        pod = {**self.pod, "status": {**self.pod["status"], "podIP": self.address,
                                      "hostIP": self.kubelet.address}}
        env = environment(pod, one.spec, self.kubelet.read)
        env.setdefault("HOME", str(self.home(one)))
        if os.getuid() == 0:
            env.setdefault("JUPYTER_CONFIG_PATH", str(self.kubelet.folder / "jupyter"))
        return env

    def home(self, one):
        """Where the process starts: the volume mounted at its working or home directory, else a folder that
        ends with the pod."""
        wanted = pathlib.PurePosixPath(one.spec.get("workingDir", HOME))
        found, longest = self.directory / f"root-{one.name}", ""
        for mount in one.spec.get("volumeMounts", []):
            at = mount["mountPath"].rstrip("/") or "/"
            if (wanted == pathlib.PurePosixPath(at) or pathlib.PurePosixPath(at) in wanted.parents) \
                    and len(at) > len(longest):
                longest, within = at, wanted.relative_to(at)
                found = self.volume(mount["name"]) / mount.get("subPath", "") / within
        found.mkdir(parents=True, exist_ok=True)
        return found

    def volume(self, name):
        source = next(volume for volume in self.pod["spec"]["volumes"] if volume["name"] == name)
        if "persistentVolumeClaim" in source:
            return self.kubelet.claim_folder(source["persistentVolumeClaim"]["claimName"])
        return self.directory / "volumes" / name

    def probe(self):
        for one in self.containers:
            if one.running and not one.ready and time.monotonic() >= one.due:
                one.ready = self.kubelet.probe(one.spec["readinessProbe"], self.address, one)
                one.due = time.monotonic() + 0.1

    # Ending

    def evict(self, message):
        self.evicted = message
        self.event("Evicted", message, "Warning")
        self.changed.set()

    def stop_containers(self, grace):
        ends = []
        for one in self.containers:
            if one.running:
                self.event("Killing", f"Stopping container {one.name}", container=one)
                ends.append(threading.Thread(target=one.stop, args=(grace,)))
                ends[-1].start()
        for end in ends:
            end.join()

    def end(self):
        """It was deleted: the kubelet ends it, says so, and then takes the object away."""
        self.stop_containers(self.pod["metadata"].get("deletionGracePeriodSeconds", 30))
        self.report()
        self.kubelet.calls.delete(self.path, body={"gracePeriodSeconds": 0, "preconditions": {"uid": self.uid}})
        self.gone = True

    # Telling

    def event(self, reason, message, kind="Normal", container=None):
        self.kubelet.recorder.kubelet(self.pod, reason, message, kind, container and container.name)

    def report(self):
        status = self.status()
        text = json.dumps(status, sort_keys=True)
        if text != self.reported:
            self.kubelet.calls.patch(self.path + "/status", {"metadata": {"uid": self.uid}, "status": status})
            self.reported = text

    def phase(self):
        if self.evicted:
            return "Failed"
        over = [self.over(one) for one in self.containers]
        codes = [one.exit_code for one in self.containers]
        if all(over) or ("deletionTimestamp" in self.pod["metadata"] and None not in codes):
            return "Failed" if any(codes) else "Succeeded"
        if any(self.over(one) and one.exit_code for one in self.inits):
            return "Failed"
        begun = all(one.exit_code == 0 for one in self.inits) and all(one.id for one in self.containers)
        return "Running" if begun else "Pending"

    def status(self):
        begun = all(one.exit_code == 0 for one in self.inits)
        unready = [one.name for one in self.containers if not one.ready]
        not_ready = (None, None)
        if unready and not any(one.running for one in self.containers) and self.phase() == "Succeeded":
            not_ready = ("PodCompleted", None)
        elif unready:
            not_ready = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]")
        incomplete = [one.name for one in self.inits if one.exit_code != 0]
        status = {
            "phase": self.phase(), "startTime": self.started_at,
            "hostIP": self.kubelet.address, "hostIPs": [{"ip": self.kubelet.address}],
            "podIP": self.address, "podIPs": [{"ip": self.address}],
            "containerStatuses": [one.status() for one in self.containers],
            "conditions": [
                self.condition("PodReadyToStartContainers", self.phase() not in ("Failed", "Succeeded")),
                self.condition("Initialized", begun, None if begun else "ContainersNotInitialized",
                               None if begun else f"containers with incomplete status: [{' '.join(incomplete)}]"),
                self.condition("Ready", not unready, *not_ready),
                self.condition("ContainersReady", not unready, *not_ready),
                self.condition("PodScheduled", True)]}
        if self.inits:
            status["initContainerStatuses"] = [one.status() for one in self.inits]
        if self.evicted:
            status.update(reason="Evicted", message=self.evicted)
        return status

    def condition(self, kind, good, reason=None, message=None):
        if self.since.get(kind, (None,))[0] != good:
            self.since[kind] = (good, now())
        made = {"type": kind, "status": "True" if good else "False", "lastTransitionTime": self.since[kind][1]}
        return {**made, **({"reason": reason} if reason else {}), **({"message": message} if message else {})}


def pretended(spec):
    """A container that asks for powers over the machine, as the one that shuts off the cloud's metadata, is
    not run on this one: it is said to have succeeded."""
    wants = spec.get("securityContext", {})
    return bool(wants.get("privileged") or wants.get("capabilities", {}).get("add"))
