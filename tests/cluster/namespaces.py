"""A namespace of a test's own, with the accounts that act in it.

No controller runs beside the API server, so what one would do is done here: the default service
account, the usage of a quota, the deletion of what is in a namespace that is left."""

import contextlib
import secrets

import calls

# What the chart's role lets the hub do (z2jh's, and the logs of pods); the chart's tests hold the two together.
HUB_RULES = [
    {"apiGroups": [""], "resources": ["pods", "persistentvolumeclaims"],
     "verbs": ["get", "watch", "list", "create", "delete"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["get", "watch", "list"]},
]
NO_WAIT = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}


class Namespace:
    """`admin` may do all; paths are below the namespace: `namespace.path("pods", "x")`."""

    def __init__(self, plane, name=None, labels=None):
        self.plane, self.admin = plane, plane.admin
        self.name = name or f"test-{secrets.token_hex(4)}"
        self.admin.post("/api/v1/namespaces", {"metadata": {"name": self.name, "labels": labels or {}}})
        self.admin.post(self.path("serviceaccounts"), {"metadata": {"name": "default"}})

    def path(self, kind, name="", group="v1"):
        """Of a core kind, or of another group's: group="rbac.authorization.k8s.io/v1"."""
        base = "/api/v1" if group == "v1" else f"/apis/{group}"
        return f"{base}/namespaces/{self.name}/{kind}" + (f"/{name}" if name else "")

    def pods(self):
        """By name."""
        return {pod["metadata"]["name"]: pod for pod in self.admin.get(self.path("pods"))["items"]}

    def pod(self, name):
        """None when there is none."""
        return self.admin.find(self.path("pods", name))

    def events(self, name=None):
        """Of one object, or of all, oldest first."""
        more = {"fieldSelector": f"involvedObject.name={name}"} if name else {}
        found = self.admin.get(self.path("events"), **more)["items"]
        return sorted(found, key=lambda event: int(event["metadata"]["resourceVersion"]))

    def account(self, name="hub", rules=None):
        """A service account with these rules in this namespace (None: the hub's); [] for none."""
        rbac = "rbac.authorization.k8s.io/v1"
        self.admin.post(self.path("serviceaccounts"), {"metadata": {"name": name}})
        self.admin.post(self.path("roles", group=rbac), {
            "metadata": {"name": name}, "rules": HUB_RULES if rules is None else rules})
        self.admin.post(self.path("rolebindings", group=rbac), {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": self.name}]})
        return Account(self, name)

    def quota(self, **hard):
        """A ResourceQuota that is in force: quota(pods="2", **{"requests.memory": "4Gi"})."""
        path = self.path("resourcequotas")
        made = self.admin.post(path, {"metadata": {"name": "quota"}, "spec": {"hard": hard}})
        made["status"] = {"hard": hard, "used": {what: "0" for what in hard}}
        return self.admin.put(f"{path}/quota/status", made)

    def close(self):
        """Nothing of it is left but its name, which only a controller could take away."""
        for kind in ("pods", "persistentvolumeclaims"):
            with contextlib.suppress(OSError, calls.Refused):
                for item in self.admin.get(self.path(kind))["items"]:
                    self.remove(kind, item)

    def remove(self, kind, item):
        path = self.path(kind, item["metadata"]["name"])
        with contextlib.suppress(calls.Refused):
            if item["metadata"].get("finalizers"):
                self.admin.patch(path, {"metadata": {"finalizers": None}})
            self.admin.delete(path, body=NO_WAIT)


class Account:
    """A service account: its tokens are real, bound to an hour (TokenRequest)."""

    def __init__(self, namespace, name):
        self.namespace, self.name = namespace, name
        self.user = f"system:serviceaccount:{namespace.name}:{name}"

    def token(self, seconds=3600):
        path = self.namespace.path("serviceaccounts", f"{self.name}/token")
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                 "spec": {"expirationSeconds": seconds}}
        return self.namespace.admin.post(path, asked)["status"]["token"]

    def calls(self):
        plane = self.namespace.plane
        return calls.Calls(plane.url, ca=plane.authority.path, token=self.token())

    def mount(self, folder, token=None):
        """The files that a pod finds in /var/run/secrets/kubernetes.io/serviceaccount, replaced at once
        the way a kubelet does it: again for another token."""
        generation = folder / f"..{secrets.token_hex(4)}"
        generation.mkdir(parents=True)
        for name, text in (("token", token or self.token()), ("namespace", self.namespace.name),
                           ("ca.crt", self.namespace.plane.authority.path.read_text(encoding="ascii"))):
            (generation / name).write_text(text, encoding="ascii")
        link = folder / "..data.new"
        link.symlink_to(generation.name)
        link.rename(folder / "..data")
        for name in ("token", "namespace", "ca.crt"):
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(f"..data/{name}")
        return folder
