"""What the real KubeSpawner makes of the same settings, given them as z2jh's own configuration of the hub does
(z2jh chart 2; spawner contract 2 and 4)."""

import asyncio
import contextlib
import copy
import logging
import types
from unittest import mock

import kubespawner.spawner
from kubernetes_asyncio.client import ApiClient
from traitlets.config import Config

# Nothing is asked of a cluster here.
kubespawner.spawner.load_config = lambda **_: None
kubespawner.spawner.shared_client = lambda _: None

# Of each value that z2jh hands to a trait as it is.
PLAIN = {
    "podNameTemplate": "pod_name_template",
    "startTimeout": "start_timeout",
    "image.pullPolicy": "image_pull_policy",
    "image.pullSecrets": "image_pull_secrets",
    "events": "events_enabled",
    "extraLabels": "extra_labels",
    "extraAnnotations": "extra_annotations",
    "uid": "uid",
    "fsGid": "fs_gid",
    "serviceAccountName": "service_account",
    "storage.extraLabels": "storage_extra_labels",
    "extraTolerations": "tolerations",
    "nodeSelector": "node_selector",
    "extraNodeAffinity.required": "node_affinity_required",
    "extraNodeAffinity.preferred": "node_affinity_preferred",
    "extraPodAffinity.required": "pod_affinity_required",
    "extraPodAffinity.preferred": "pod_affinity_preferred",
    "extraPodAntiAffinity.required": "pod_anti_affinity_required",
    "extraPodAntiAffinity.preferred": "pod_anti_affinity_preferred",
    "lifecycleHooks": "lifecycle_hooks",
    "initContainers": "init_containers",
    "extraContainers": "extra_containers",
    "memory.limit": "mem_limit",
    "memory.guarantee": "mem_guarantee",
    "cpu.limit": "cpu_limit",
    "cpu.guarantee": "cpu_guarantee",
    "extraResource.limits": "extra_resource_limits",
    "extraResource.guarantees": "extra_resource_guarantees",
    "extraEnv": "environment",
    "profileList": "profile_list",
    "extraPodConfig": "extra_pod_config",
    "defaultUrl": "default_url",
}

# z2jh's values.yaml, with its chart's release filled in.
DEFAULTS = {
    "image": {"name": "quay.io/jupyterhub/k8s-singleuser-sample", "tag": "4.4.0"},
    "cmd": "jupyterhub-singleuser",
    "startTimeout": 300,
    "memory": {"guarantee": "1G"},
    "uid": 1000,
    "fsGid": 100,
    "allowPrivilegeEscalation": False,
    "extraLabels": {"hub.jupyter.org/network-access-hub": "true"},
    "events": True,
    "storage": {
        "type": "dynamic",
        "capacity": "10Gi",
        "homeMountPath": "/home/jovyan",
        "dynamic": {
            "pvcNameTemplate": "claim-{user_server}",
            "volumeNameTemplate": "volume-{user_server}",
            "storageAccessModes": ["ReadWriteOnce"],
        },
        "static": {"subPath": "{username}"},
    },
    "cloudMetadata": {"blockWithIptables": True, "ip": "169.254.169.254"},
    "networkTools": {
        "image": {"name": "quay.io/jupyterhub/k8s-network-tools", "tag": "4.4.0"},
        "resources": {},
    },
}


class Refused(Exception):
    """KubeSpawner would not start this server."""


def merge(under, over):
    """As helm lays an admin's values over the chart's: maps merge, null takes away, all else replaces."""
    merged = dict(under)
    for name, value in over.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            before = merged.get(name)
            merged[name] = merge(before if isinstance(before, dict) else {}, value)
        else:
            merged[name] = value
    return merged


def at(values, path):
    for name in path.split("."):
        if not isinstance(values, dict) or name not in values:
            return None
        values = values[name]
    return values


def storage_traits(values):
    """The home's volume, the extra files and the extra volumes, by keys, as z2jh puts them together."""
    traits, volumes, mounts = {}, {}, {}
    kind, home = at(values, "storage.type"), at(values, "storage.homeMountPath")
    if kind == "dynamic":
        name = at(values, "storage.dynamic.volumeNameTemplate")
        for path, trait in (
            ("storage.dynamic.pvcNameTemplate", "pvc_name_template"),
            ("storage.dynamic.storageClass", "storage_class"),
            ("storage.dynamic.storageAccessModes", "storage_access_modes"),
            ("storage.capacity", "storage_capacity"),
        ):
            if at(values, path) is not None:
                traits[trait] = at(values, path)
        traits["storage_pvc_ensure"] = True
        volumes[name] = {"name": name, "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
        mounts[name] = {"mountPath": home, "name": name, "subPath": at(values, "storage.dynamic.subPath")}
    elif kind == "static":
        volumes["home"] = {"name": "home", "persistentVolumeClaim": {"claimName": at(values, "storage.static.pvcName")}}
        mounts["home"] = {"mountPath": home, "name": "home", "subPath": at(values, "storage.static.subPath")}
    files = at(values, "extraFiles") or {}
    if files:
        items = [{"key": key, "path": key} | ({"mode": file["mode"]} if "mode" in file else {}) for key, file in files.items()]
        volumes["files"] = {"name": "files", "secret": {"secretName": "singleuser", "items": items}}
    for key, file in files.items():
        mounts[f"files-{key}"] = {"mountPath": file["mountPath"], "subPath": key, "name": "files"}
    for index, into, path in ((False, volumes, "extraVolumes"), (True, mounts, "extraVolumeMounts")):
        extra = at(values, f"storage.{path}") or {}
        if isinstance(extra, list):
            extra = {(f"{i}-" if index else "") + item["name"]: item for i, item in enumerate(extra)}
        into.update(extra)
    return traits | {"volumes": volumes, "volume_mounts": mounts}


def metadata_blocker(values):
    tools = at(values, "networkTools.image")
    words = "--append OUTPUT --protocol tcp --destination {} --destination-port 80 --jump DROP"
    return {
        "name": "block-cloud-metadata",
        "image": f"{tools['name']}:{tools['tag']}",
        "command": ["iptables", *words.format(at(values, "cloudMetadata.ip")).split()],
        "securityContext": {"privileged": True, "runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"]}},
        "resources": at(values, "networkTools.resources"),
    }


def traits_of(singleuser, over, labels):
    values = merge(DEFAULTS, singleuser)
    traits = {} if labels is None else {"common_labels": labels}
    for path, trait in PLAIN.items():
        if at(values, path) is not None:
            traits[trait] = copy.deepcopy(at(values, path))
    if at(values, "image.name"):
        tag = at(values, "image.tag")
        traits["image"] = at(values, "image.name") + (f":{tag}" if tag else "")
    traits["allow_privilege_escalation"] = at(values, "allowPrivilegeEscalation")
    if "cmd" in values:
        traits["cmd"] = values["cmd"]
    traits |= storage_traits(values)
    if at(values, "cloudMetadata.blockWithIptables"):
        containers = traits.get("init_containers", [])
        blocker = metadata_blocker(values)
        if isinstance(containers, dict):
            containers = containers | {"block-cloud-metadata": blocker}
        else:
            containers = [*containers, blocker]
        traits["init_containers"] = containers
    return traits | copy.deepcopy(over)  # hub.config.KubeSpawner replaces


class Spawner(kubespawner.spawner.KubeSpawner):
    """The real one, for a server of the name that stands here when it is made."""

    server_name = ""

    @property
    def name(self):
        return self.server_name


@contextlib.contextmanager
def hub_namespace(name):
    with mock.patch.object(kubespawner.spawner.KubeSpawner, "_namespace_default", lambda _: name or "default"):
        yield


def make_spawner(task, traits):
    user = types.SimpleNamespace(name=task["user"], id=task["user_id"], url=f"/user/{task['user']}/", escaped_name=task["user"])
    hub = types.SimpleNamespace(public_host="", url="/hub/", base_url="/hub/", api_url="http://hub:8081/hub/api")
    log = logging.getLogger("kubespawner")
    log.setLevel(logging.CRITICAL)
    Spawner.server_name = task["server"]
    config = Config({"KubeSpawner": {"namespace": task["space"], **traits}})
    spawner = Spawner(user=user, hub=hub, config=config, parent=None, log=log)
    spawner._server = types.SimpleNamespace(base_url=task["prefix"], orm_server=None)
    spawner.api_token, spawner.oauth_client_id = "a-token", "a-client"
    return spawner


def hub_environment(task):
    """NAME=VALUE that JupyterHub itself gives each server, without what the manifest has to add."""
    with hub_namespace(task["hub_space"]):
        env = make_spawner(task, {"environment": {}}).get_env()
    for name in ("JUPYTERHUB_SERVICE_URL", "JUPYTER_IMAGE", "JUPYTER_IMAGE_SPEC"):
        del env[name]
    return [f"{name}={value}" for name, value in env.items()]


def manifests(task):
    """What KubeSpawner sends: {"pod", "claim"}. Refused: it would raise."""
    with hub_namespace(task.get("hub_space")):
        try:
            traits = traits_of(task.get("singleuser", {}), task.get("kubespawner", {}), task.get("labels"))
            spawner = make_spawner(task, traits)
            for override in task.get("overrides", []):
                spawner._apply_overrides(copy.deepcopy(override))
            pod, claim = asyncio.run(spawner.get_pod_manifest()), spawner.get_pvc_manifest()
        except Exception as error:
            raise Refused(f"{type(error).__name__}: {error}") from error
    client = mock.Mock(spec=ApiClient)
    client.PRIMITIVE_TYPES = ApiClient.PRIMITIVE_TYPES
    client.sanitize_for_serialization = types.MethodType(ApiClient.sanitize_for_serialization, client)
    plain = client.sanitize_for_serialization
    return {"pod": plain(pod), "claim": plain(claim) if spawner.storage_pvc_ensure else None}
