"""The catalogue: settings of every kind, each a task by a name that says what it is about. A task that leaves
something out is for the user ada, the default server and z2jh's defaults."""

GPU = {"nvidia.com/gpu": "1"}
SHM = {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}}
EXPRESSION = {"key": "disk", "operator": "In", "values": ["ssd", "{username}"]}
TERM = {"matchExpressions": [EXPRESSION]}
POD_TERM = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}
WEIGHTED = {"weight": 100, "podAffinityTerm": POD_TERM}
SIDE = {"name": "side", "image": "busybox:1.36", "command": ["sleep", "{userid}"]}
FIELDS = (
    "{username} {servername} {user_server} {userid} {unescaped_username} {unescaped_servername} {safe_username} "
    "{safe_servername} {safe_user_server} {escaped_username} {escaped_servername} {escaped_user_server} "
    "{hubnamespace} {namespace} {pod_name} {pvc_name} {{braces}} {{}}"
)

USERS = [
    "ada", "Ada", "秀樹", "alice@example.com", "bob.smith", "50fia", "a--b", "-x-", "a" * 48, "a" * 49, "b" * 63, "c" * 255,
    "İstanbul", "Kelvin", "ǅ", "o'brien", "a b", "x_y", "{username}", "%2F", "a" * 30 + ".", "ünï", "A1-", "0", "é" * 100,
]  # fmt: skip
SERVERS = ["", "gpu", "GPU one", "秀樹", "a--b", "s" * 47, "t" * 60, "my.server", "1", "-", "Ünï", "x" * 255]

# Each value of singleuser by itself.
VALUES = {
    "nothing": {},
    "image": {"image": {"name": "jupyter/base", "tag": "2026-11"}},
    "image without a tag": {"image": {"name": "jupyter/base", "tag": None}},
    "image with an empty tag": {"image": {"name": "jupyter/base", "tag": ""}},
    "image by digest": {"image": {"name": "jupyter/base", "tag": "x@sha256:" + "0" * 64}},
    "image pull policy": {"image": {"pullPolicy": "Always"}},
    "pull secrets as names": {"image": {"pullSecrets": ["one", "two"]}},
    "pull secrets as objects": {"image": {"pullSecrets": [{"name": "one"}, "two"]}},
    "no pull secrets": {"image": {"pullSecrets": []}},
    "command as words": {"cmd": ["start.sh", "jupyterhub-singleuser", "--debug"]},
    "command as one text": {"cmd": "start.sh jupyterhub-singleuser"},
    "the image's own command": {"cmd": None},
    "empty command": {"cmd": []},
    "default url": {"defaultUrl": "/lab/tree/{username}"},
    "default url of the prefix": {"defaultUrl": "{base_url}lab"},
    "empty default url": {"defaultUrl": ""},
    "start timeout": {"startTimeout": 600},
    "pod name": {"podNameTemplate": "nb-{username}-{userid}"},
    "pod name with a dash at the end": {"podNameTemplate": "nb-{username}-{servername}"},
    "cpu": {"cpu": {"limit": 2, "guarantee": 0.5}},
    "cpu of a tenth": {"cpu": {"limit": 0.1, "guarantee": 0.05}},
    "cpu of a third": {"cpu": {"limit": 0.3333333333333333}},
    "no cpu": {"cpu": {"limit": 0, "guarantee": None}},
    "memory": {"memory": {"limit": "2G", "guarantee": "512M"}},
    "memory in bytes": {"memory": {"limit": 2147483648, "guarantee": 1000000}},
    "memory with a fraction": {"memory": {"limit": "1.5G", "guarantee": "0.3G"}},
    "memory in K and T": {"memory": {"limit": "1T", "guarantee": "1000K"}},
    "memory as a real": {"memory": {"limit": 1e9}},
    "no memory": {"memory": {"limit": None, "guarantee": None}},
    "zero memory": {"memory": {"limit": 0, "guarantee": "0G"}},
    "one GPU": {"extraResource": {"limits": GPU}},
    "GPUs as a number": {"extraResource": {"limits": {"nvidia.com/gpu": 2}, "guarantees": {"nvidia.com/gpu": 2}}},
    "a slice of a GPU": {"extraResource": {"limits": {"nvidia.com/mig-1g.5gb": 1}}},
    "other resources": {"extraResource": {"guarantees": {"ephemeral-storage": "10Gi", "cpu": 0.25}}},
    "resources over cpu": {"cpu": {"limit": 1}, "extraResource": {"limits": {"cpu": "900m"}}},
    "uid and gid": {"uid": 0, "fsGid": 0},
    "no uid, no gid": {"uid": None, "fsGid": None},
    "privilege escalation": {"allowPrivilegeEscalation": True},
    "privilege escalation as the cluster has it": {"allowPrivilegeEscalation": None},
    "service account": {"serviceAccountName": "reader-{username}"},
    "no events": {"events": False},
    "labels": {"extraLabels": {"team": "{username}", "empty": ""}},
    "a default label away": {"extraLabels": {"hub.jupyter.org/network-access-hub": None, "x": "y"}},
    "a label that is common": {"extraLabels": {"app": "mine", "component": "mine", "hub.jupyter.org/username": "me"}},
    "annotations": {"extraAnnotations": {"note": "for {unescaped_username}", "hub.jupyter.org/username": "me"}},
    "environment": {"extraEnv": {"A": "1", "USER_OF": "{username}", "EMPTY": "", "Z": "a-"}},
    "environment with valueFrom": {
        "extraEnv": {
            "NODE": {"valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            "SECRET": {"valueFrom": {"secretKeyRef": {"name": "of-{username}", "key": "k"}}},
            "SNAKE": {"value_from": {"configMapKeyRef": {"name": "c", "key": "k"}}},
            "PLAIN": {"value": "x-$(NODE)"},
        }
    },
    "environment with names of its own": {
        "extraEnv": {"one": {"name": "ZED", "value": "$(B)"}, "B": "b", "two": {"name": "ZED", "value": "later"}}
    },
    "environment over the hub's": {"extraEnv": {"JUPYTERHUB_API_URL": "http://elsewhere", "MEM_LIMIT": "none"}},
    "environment in order": {
        "extraEnv": {"A": "$(B)/$(C)", "B": "$(D)", "C": "c", "D": "$(JUPYTERHUB_USER)", "E": "$(E)", "F": "$(UNKNOWN)"}
    },
    "environment in circles": {"extraEnv": {"A": "$(B)", "B": "$(A)", "C": "$(C)$(C)"}},
    "environment with odd references": {
        "extraEnv": {"A": "$()$(B)", "B": "$($(C))", "C": "$(", "D": "$$(C)", "E": "$(A", "F": "$(x y)", "G": ")$(A)("}
    },
    "environment with braces": {"extraEnv": {"JSON": '{{"a": "{username}"}}'}},
    "environment with every field": {"extraEnv": {"ALL": FIELDS}},
    "node selector": {"nodeSelector": {"node": "{username}", "gpu": "true"}},
    "tolerations": {
        "extraTolerations": [
            {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"},
            {"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "user", "effect": "NoSchedule"},
            {"key": "slow", "toleration_seconds": 30},
        ]
    },
    "tolerations by keys": {"extraTolerations": {"b": {"key": "b"}, "a": {"key": "a"}, "B": {"key": "B"}, "é": {"key": "e"}}},
    "node affinity": {
        "extraNodeAffinity": {"required": [TERM], "preferred": [{"weight": 1, "preference": TERM}]}
    },
    "node affinity, preferred": {"extraNodeAffinity": {"preferred": [{"weight": 100, "preference": TERM}]}},
    "node affinity by fields": {"extraNodeAffinity": {"required": [{"matchFields": [EXPRESSION]}, {"match_expressions": [EXPRESSION]}]}},
    "pod affinity": {"extraPodAffinity": {"required": [POD_TERM], "preferred": [WEIGHTED]}},
    "pod affinity, required": {"extraPodAffinity": {"required": {"b": POD_TERM, "a": POD_TERM | {"namespaces": ["x"]}}}},
    "pod anti affinity": {"extraPodAntiAffinity": {"required": [POD_TERM], "preferred": [WEIGHTED]}},
    "no affinity": {"extraNodeAffinity": {"required": [], "preferred": []}},
    "lifecycle": {
        "lifecycleHooks": {"postStart": {"exec": {"command": ["sh", "-c", "echo {username}"]}}, "preStop": {"sleep": {"seconds": 5}}}
    },
    "no lifecycle": {"lifecycleHooks": {}},
    "init containers": {"initContainers": [SIDE | {"name": "first"}, SIDE | {"image_pull_policy": "Always", "stdin": None}]},
    "init containers by keys": {"initContainers": {"2": SIDE, "1": SIDE | {"name": "first-{username}"}}},
    "extra containers": {"extraContainers": [SIDE]},
    "extra containers by keys": {"extraContainers": {"z": SIDE, "a": SIDE | {"name": "a"}}},
    "extra pod config": {
        "extraPodConfig": {
            "dnsPolicy": "ClusterFirst",
            "terminationGracePeriodSeconds": 5,
            "hostAliases": [{"ip": "127.0.0.1", "hostnames": ["x-{username}"]}],
            "hostIPC": True,
            "restartPolicy": "Never",
        }
    },
    "extra pod config over the rest": {"extraPodConfig": {"volumes": [SHM], "securityContext": {"runAsNonRoot": True}}},
    "extra pod config with a container": {"extraPodConfig": {"containers": [SIDE]}},
    "dynamic storage": {
        "storage": {
            "capacity": "1Gi",
            "homeMountPath": "/home/{username}",
            "dynamic": {
                "storageClass": "fast",
                "pvcNameTemplate": "home-{username}",
                "volumeNameTemplate": "vol-{userid}",
                "storageAccessModes": ["ReadWriteMany"],
                "subPath": "of/{username}",
            },
        }
    },
    "dynamic storage without a class": {"storage": {"dynamic": {"storageClass": ""}}},
    "static storage": {"storage": {"type": "static", "static": {"pvcName": "everybody"}}},
    "static storage with a path": {"storage": {"type": "static", "static": {"pvcName": "e", "subPath": "home/{user_server}"}}},
    "static storage of all of it": {"storage": {"type": "static", "static": {"pvcName": "e", "subPath": None}}},
    "no storage": {"storage": {"type": "none"}},
    "labels of storage": {"storage": {"extraLabels": {"of": "{username}", "component": "mine"}}},
    "shared memory": {
        "storage": {"extraVolumes": [SHM], "extraVolumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}]}
    },
    "shared memory by keys": {
        "storage": {"extraVolumes": {"a-shm": SHM}, "extraVolumeMounts": {"a-shm": {"name": "shm", "mount_path": "/dev/shm"}}}
    },
    "several volumes": {
        "storage": {
            "extraVolumes": [
                {"name": "data-{username}", "nfs": {"server": "nfs", "path": "/{username}"}},
                {"name": "cfg", "config_map": {"name": "c", "items": [{"key": "a", "path": "b"}]}},
                {"name": "claim", "persistentVolumeClaim": {"claimName": "shared", "readOnly": True}},
                {"name": "host", "hostPath": {"path": "/data", "type": None}},
            ],
            "extraVolumeMounts": [
                {"name": "data-{username}", "mountPath": "/data", "readOnly": True},
                {"name": "data-{username}", "mountPath": "/again", "sub_path": "x", "mountPropagation": None},
                {"name": "cfg", "mountPath": "/cfg"},
            ],
        }
    },
    "volumes without a home": {"storage": {"type": "none", "extraVolumes": [SHM]}},
    "extra files": {
        "extraFiles": {
            "a.json": {"mountPath": "/etc/a.json", "data": {"x": 1}, "mode": 0o644},
            "b": {"mountPath": "/home/jovyan/b-{username}", "stringData": "x"},
        }
    },
    "metadata blocked": {"cloudMetadata": {"blockWithIptables": True}},
    "metadata blocked after others": {
        "cloudMetadata": {"blockWithIptables": True, "ip": "100.100.100.200"},
        "networkTools": {"image": {"name": "tools", "tag": "1"}, "resources": {"limits": {"cpu": 0.1}}},
        "initContainers": [SIDE],
    },
    "metadata blocked beside keys": {"cloudMetadata": {"blockWithIptables": True}, "initContainers": {"a": SIDE}},
    "a profile list": {"profileList": [{"display_name": "One", "kubespawner_override": {"mem_limit": "1G"}}]},
}

# KubeSpawner's traits, over z2jh's defaults.
TRAITS = {
    "a trait replaces a map": {"environment": {"ONLY": "this"}, "extra_labels": {"only": "this"}},
    "names by the old scheme": {"slug_scheme": "escape", "environment": {"ALL": FIELDS}},
    "common labels": {"common_labels": {"app": "{username}", "release": "hub"}},
    "component": {"component_label": "notebook"},
    "image": {"image": "me/mine:1", "image_pull_policy": "Never", "image_pull_secrets": "one"},
    "pull secrets": {"image_pull_secrets": [{"name": "a"}, "b"]},
    "arguments": {"args": ["--debug", "{username}"]},
    "arguments without a command": {"cmd": None, "args": ["--debug"]},
    "working directory": {"working_dir": "/home/{username}"},
    "port": {"port": 9999},
    "port zero": {"port": 0},
    "address": {"ip": "127.0.0.1"},
    "address of version 6": {"ip": "::"},
    "directory": {"notebook_dir": "/data/{username}", "default_url": "/tree"},
    "debug": {"debug": True, "disable_user_config": True},
    "container config": {
        "extra_container_config": {
            "envFrom": [{"configMapRef": {"name": "of-{username}"}}],
            "image_pull_policy": "Always",
            "tty": True,
            "workingDir": None,
        }
    },
    "container config over resources": {"extra_container_config": {"resources": {"limits": {"nvidia.com/gpu": 1}}}},
    "container config over security": {"extra_container_config": {"securityContext": None}},
    "ids": {"uid": 1, "gid": 2, "fs_gid": 3, "supplemental_gids": [4, 5]},
    "no supplemental ids": {"supplemental_gids": []},
    "privileged": {"privileged": True, "allow_privilege_escalation": True},
    "security contexts": {
        "container_security_context": {"capabilities": {"drop": ["ALL"]}, "runAsUser": 7, "seccompProfile": {"type": "RuntimeDefault"}},
        "pod_security_context": {"runAsNonRoot": True, "fsGroup": None, "sysctls": []},
    },
    "no security context": {"uid": None, "fs_gid": None, "allow_privilege_escalation": None},
    "account with a token": {"service_account": "x", "automount_service_account_token": True},
    "account without a token": {"service_account": "x", "automount_service_account_token": False},
    "a token without an account": {"automount_service_account_token": True},
    "volumes as a list": {"volumes": [SHM], "volume_mounts": [{"name": "shm", "mountPath": "/dev/shm"}]},
    "volumes by keys": {"volumes": {"b": SHM, "a": SHM | {"name": "a"}}, "volume_mounts": {"z": {"name": "a", "mountPath": "/a"}}},
    "no volumes": {"volumes": [], "volume_mounts": {}},
    "storage": {
        "storage_class": "c",
        "storage_capacity": "5Gi",
        "storage_selector": {"matchLabels": {"of": "{username}"}},
        "storage_extra_annotations": {"note": "{user_server}"},
        "storage_access_modes": ["ReadWriteOncePod"],
    },
    "scheduler and priority": {"scheduler_name": "hub-user-scheduler", "priority_class_name": "hub-default-priority"},
    "no scheduler": {"scheduler_name": "", "priority_class_name": ""},
    "pod config with nulls": {"extra_pod_config": {"securityContext": None, "volumes": None, "priority": 5}},
    "claim's name": {"pvc_name_template": "home-{unescaped_username}-of-{pod_name}"},
    "reals that are whole": {"extra_resource_limits": {"x.org/y": 2.0, "z": 0.1}, "cpu_limit": 3},
    "tolerations by keys": {"tolerations": {"2": {"key": "b"}, "10": {"key": "a"}}},
    "affinity by keys": {"node_affinity_required": {"x": TERM}, "pod_anti_affinity_preferred": {"y": WEIGHTED}},
    "life": {"start_timeout": 5, "delete_grace_period": 30, "delete_pvc": True, "events_enabled": False, "http_timeout": 60},
}

# Members as Kubernetes' Python client spells them.
SPELLINGS = {
    "lifecycle": {"lifecycle_hooks": {"post_start": {"exec": {"command": ["x"]}}, "stop_signal": "SIGINT"}},
    "pod": {"extra_pod_config": {"host_aliases": [], "host_ipc": True, "dns_policy": "Default", "set_hostname_as_fqdn": True}},
    "both": {"extra_pod_config": {"dns_policy": "Default", "dnsPolicy": "ClusterFirst"}},
    "volumes": {
        "volumes": [{"name": "a", "empty_dir": {}}, {"name": "b", "downward_api": {}}, {"name": "c", "scale_io": {"x_y": 1}}],
        "volume_mounts": [{"name": "a", "mount_path": "/a", "sub_path_expr": "$(A)", "recursive_read_only": "Disabled"}],
    },
    "terms": {
        "node_affinity_required": [{"match_expressions": [EXPRESSION]}],
        "pod_affinity_preferred": [{"weight": 1, "pod_affinity_term": POD_TERM}],
        "pod_anti_affinity_required": [{"topology_key": "x", "label_selector": {}}],
    },
}

# Profiles and choices, over settings that have something to lay them on.
BASE = {
    "extraEnv": {"A": "1", "B": "2"},
    "nodeSelector": {"disk": "ssd"},
    "memory": {"limit": "4G"},
    "extraPodConfig": {"dnsConfig": {"options": [{"name": "ndots"}], "searches": ["a"]}},
    "storage": {"extraVolumes": [SHM]},
}
OVERRIDES = {
    "nothing": [{}],
    "a GPU": [{"extra_resource_limits": GPU, "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}],
    "sizes": [{"mem_limit": "8G", "mem_guarantee": None, "cpu_limit": 4, "cpu_guarantee": 0.1}],
    "an image": [{"image": "pytorch/pytorch:2", "image_pull_policy": "Always"}],
    "a variable more": [{"environment": {"C": "{username}", "A": None}}],
    "the same again": [{"environment": {"A": "x"}}, {"environment": {"A": "y", "B": None}}, {"environment": {"B": "z"}}],
    "deep maps": [{"extra_pod_config": {"dnsConfig": {"searches": ["b"], "options": None, "nameservers": ["1.1.1.1"]}}}],
    "a volume more": [{"volumes": {"data": {"name": "data", "emptyDir": {}}}, "volume_mounts": {"data": {"name": "data", "mountPath": "/d"}}}],
    "a volume changed": [{"volumes": {"shm": {"emptyDir": {"sizeLimit": "9Gi", "medium": None}}}}],
    "a volume less": [{"volumes": {"shm": None}}],
    "other volumes": [{"volumes": [], "volume_mounts": []}],
    "nodes": [{"node_selector": {"disk": None, "gpu": "a100"}}, {"node_selector": {"zone": "b"}}],
    "a list over a map": [{"volumes": [SHM]}, {"volumes": {"x": SHM}}],
    "affinity over a list": [{"node_affinity_required": {"a": TERM}}, {"node_affinity_required": {"b": TERM, "a": None}}],
    "security": [{"container_security_context": {"runAsUser": 5, "x": {"y": None}}, "uid": 9}],
    "command": [{"cmd": ["a", "b"], "args": ["c"]}, {"cmd": "d"}],
    "no command": [{"cmd": None}],
    "page": [{"default_url": "/rstudio"}],
    "container config": [{"extra_container_config": {"tty": True}}, {"extra_container_config": {"tty": None, "stdin": True}}],
    "lifecycle": [{"lifecycle_hooks": {"preStop": {"exec": {"command": ["x"]}}}}, {"lifecycle_hooks": {"preStop": {"exec": None}}}],
    "labels": [{"extra_labels": {"tier": "gpu-{username}"}, "common_labels": {"app": None, "x": "y"}}],
    "limits away": [{"extra_resource_limits": GPU}, {"extra_resource_limits": {"nvidia.com/gpu": None}}],
    "no claim": [{"storage_pvc_ensure": False, "volumes": {}, "storage_class": "x"}],
    "privileges": [{"privileged": True, "allow_privilege_escalation": None}],
}


def catalogue():
    for name, values in VALUES.items():
        yield f"value: {name}", {"singleuser": values}
    for name, traits in TRAITS.items():
        yield f"trait: {name}", {"kubespawner": traits}
    for name, traits in SPELLINGS.items():
        yield f"spelling: {name}", {"kubespawner": traits}
    for name, overrides in OVERRIDES.items():
        yield f"profile: {name}", {"singleuser": BASE, "overrides": overrides}
    for user in USERS:
        for server in SERVERS:
            yield f"names: {user[:60]} {server[:60]}", {
                "user": user,
                "server": server,
                "singleuser": {"extraEnv": {"ALL": FIELDS, "CUT": "a-{servername}", "KEPT": "{servername}-"}},
            }
    for user in USERS:
        yield f"old names: {user[:60]}", {
            "user": user,
            "server": "two",
            "kubespawner": {"slug_scheme": "escape", "pod_name_template": "p-{safe_username}", "pvc_name_template": "c-{userid}"},
            "singleuser": {"extraEnv": {"ALL": FIELDS}},
        }
    yield "namespaces", {"hub_space": "hub", "space": "users", "singleuser": {"extraEnv": {"ALL": FIELDS}}}
    yield "the default namespace", {"hub_space": "default", "singleuser": {"extraEnv": {"ALL": FIELDS}}}
    yield "common labels", {"labels": {"app": "hub", "release": "r", "chart": "hubgate-1"}}
