"""What a cloud adds to a cluster: volumes for claims, here folders of the node, and addresses for Services of type
LoadBalancer."""

import contextlib
import http.client
import itertools

import calls

CLASS = "folders"
addresses = (f"10.99.1.{number}" for number in itertools.count(1))


def serve(node):
    """The watches, each for a thread of its own."""
    node.admin.post("/apis/storage.k8s.io/v1/storageclasses", {
        "metadata": {"name": CLASS, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "hubgate.test/folders", "volumeBindingMode": "Immediate"})
    return [lambda: follow(node, "persistentvolumeclaims", provide), lambda: follow(node, "services", balance)]


def follow(node, kind, serve_one):
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException, calls.Refused):
            for change, item in node.admin.watch(f"/api/v1/{kind}"):
                if change in ("ADDED", "MODIFIED"):
                    with contextlib.suppress(calls.Refused):
                        serve_one(node, item)


def provide(node, claim):
    about, spec = claim["metadata"], claim["spec"]
    if "volumeName" in spec or spec.get("storageClassName") != CLASS:
        return
    folder = node.folder / "volumes" / about["uid"]
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)  # a hostPath volume knows no fsGroup
    node.admin.post("/api/v1/persistentvolumes", {"metadata": {"name": f"volume-{about['uid']}"}, "spec": {
        "capacity": {"storage": spec["resources"]["requests"]["storage"]}, "accessModes": spec["accessModes"],
        "storageClassName": CLASS, "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": str(folder)},
        "claimRef": {"kind": "PersistentVolumeClaim", "apiVersion": "v1", "namespace": about["namespace"],
                     "name": about["name"], "uid": about["uid"]}}})


def balance(node, service):
    """The address is nobody's: kube-proxy takes what is sent to it."""
    if service["spec"].get("type") == "LoadBalancer" and not service["status"]["loadBalancer"].get("ingress"):
        path = f"/api/v1/namespaces/{service['metadata']['namespace']}/services/{service['metadata']['name']}/status"
        node.admin.patch(path, {"status": {"loadBalancer": {"ingress": [{"ip": next(addresses)}]}}})
