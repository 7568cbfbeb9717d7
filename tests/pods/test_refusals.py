"""What is refused, each with the path of what is wrong."""

import pytest

TASK = {"user": "ada", "server": "", "user_id": 7, "space": "users", "prefix": "/user/ada/", "environment": []}

DEEP = {}
for _ in range(40):
    DEEP = {"x": DEEP}

REFUSED = [
    ({"singleuser": {"imge": {}}}, "singleuser.imge: there is no such value; did you mean image?"),
    ({"singleuser": {"completelyOther": 1}}, "singleuser.completelyOther: z2jh has no such value"),
    ({"singleuser": {"storage": {"dynamic": {"storageClas": "x"}}}}, "storageClas: there is no such value; did you mean storageClass?"),
    ({"singleuser": {"memory": "1G"}}, "singleuser.memory: a map was expected"),
    ({"singleuser": []}, "singleuser: a map was expected"),
    ({"singleuser": {"memory": {"limit": "lots"}}}, "singleuser.memory.limit: a size like 512M or 2G was expected"),
    ({"singleuser": {"memory": {"limit": "1Gi"}}}, "singleuser.memory.limit: a size has no i: write 1G"),
    ({"singleuser": {"memory": {"limit": "512"}}}, "singleuser.memory.limit: a size like 512M or 2G was expected"),
    ({"singleuser": {"memory": {"limit": -1}}}, "singleuser.memory.limit: a size like"),
    ({"singleuser": {"memory": {"limit": True}}}, "singleuser.memory.limit: a size like"),
    ({"singleuser": {"memory": {"limit": 1e30}}}, "singleuser.memory.limit: a size like"),
    ({"singleuser": {"cpu": {"limit": "500m"}}}, "singleuser.cpu.limit: a number of cores like 0.5 or 2 was expected, not a text"),
    ({"singleuser": {"uid": "1000"}}, "singleuser.uid: a whole number was expected, not a text: write it without quotes"),
    ({"singleuser": {"uid": 1.5}}, "singleuser.uid: a whole number was expected"),
    ({"singleuser": {"events": "on"}}, "singleuser.events: true or false was expected, not a text: write true or false"),
    ({"singleuser": {"extraLabels": {"x": True}}}, "singleuser.extraLabels.x: a text was expected; put it in quotes"),
    ({"singleuser": {"extraEnv": {"A": 1}}}, "singleuser.extraEnv.A: a text was expected; put it in quotes"),
    ({"singleuser": {"extraEnv": {"A": {"value": 1}}}}, "singleuser.extraEnv.A.value: a text was expected; put it in quotes"),
    ({"singleuser": {"extraEnv": {"A": {"valueFron": {}}}}}, "singleuser.extraEnv.A.valueFron: EnvVar has no such member; did you mean valueFrom?"),
    ({"singleuser": {"extraEnv": [{"name": "A"}]}}, "singleuser.extraEnv: a map of texts"),
    ({"singleuser": {"extraTolerations": [{}, {"efect": "x"}]}}, "singleuser.extraTolerations[1].efect: Toleration has no such member; did you mean effect?"),
    ({"singleuser": {"extraTolerations": "x"}}, "singleuser.extraTolerations: a list or map of maps was expected"),
    ({"singleuser": {"initContainers": [{"image": "x"}]}}, "singleuser.initContainers[0]: name is missing"),
    ({"singleuser": {"storage": {"extraVolumes": [{"emptyDir": {}}]}}}, "singleuser.storage.extraVolumes[0]: name is missing"),
    ({"singleuser": {"storage": {"extraVolumeMounts": {"a": {"name": "x"}}}}}, "singleuser.storage.extraVolumeMounts.a: mountPath is missing"),
    ({"singleuser": {"storage": {"type": "dynamc"}}}, "singleuser.storage.type: 'dynamc' is not dynamic, static or none"),
    ({"singleuser": {"storage": {"type": "static"}}}, "singleuser.storage.static.pvcName: storage.type is static"),
    ({"singleuser": {"storage": {"homeMountPath": None}}}, "singleuser.storage.homeMountPath: say where the home is"),
    ({"singleuser": {"storage": {"capacity": None}}}, "storage_capacity: a claim needs one"),
    ({"singleuser": {"extraFiles": {"a": {"stringData": "x"}}}}, "singleuser.extraFiles.a.mountPath: a path like"),
    ({"singleuser": {"extraFiles": {"a": {"mountPath": "/a", "mode": "0644"}}}}, "singleuser.extraFiles.a.mode: permissions like 0o644"),
    ({"singleuser": {"extraPodConfig": {"nodeselector": {}}}}, "singleuser.extraPodConfig.nodeselector: PodSpec has no such member; did you mean nodeSelector?"),
    ({"singleuser": {"extraPodConfig": DEEP}}, "singleuser: this has more than 20000 values, or nests deeper than 32"),
    ({"singleuser": {"extraEnv": {f"A{i}": "" for i in range(20001)}}}, "singleuser: this has more than 20000 values"),
    ({"labels": {"app": 1}}, "kube_labels.app: a text was expected; put it in quotes"),
    ({"kubespawner": {"memory_limit": 1}}, "kubespawner.memory_limit: there is no such trait; did you mean mem_limit?"),
    ({"kubespawner": {"namespace": "x"}}, "kubespawner.namespace: this is not taken: set the hub's key kube_namespace instead"),
    ({"kubespawner": {"modify_pod_hook": "x"}}, "kubespawner.modify_pod_hook: this is not taken: the hub runs no Python"),
    ({"kubespawner": {"pod_security_context": {"run_as_user": 1}}}, "kubespawner.pod_security_context.run_as_user: keys are spelled"),
    ({"kubespawner": {"slug_scheme": "unsafe"}}, "kubespawner.slug_scheme: safe or escape was expected"),
    ({"kubespawner": {"extra_resource_limits": {"nvidia.com/gpu": True}}}, "kubespawner.extra_resource_limits.nvidia.com/gpu: a number was expected"),
    ({"overrides": [{"mem_limt": 1}]}, "override.mem_limt: there is no such trait; did you mean mem_limit?"),
    ({"overrides": [{"mem_limit": "x"}]}, "override.mem_limit: a size like"),
    ({"overrides": [{"pod_name_template": "x"}]}, "override.pod_name_template: this is the same for all servers; no profile can change it"),
    ({"overrides": ["x"]}, "override: a map of KubeSpawner's traits was expected"),
    ({"overrides": [{"extra_pod_config": DEEP}]}, "override: this has more than 20000 values, or nests deeper"),
    ({"kubespawner": {"extra_pod_config": {"containers": None}}}, "extra_pod_config.containers: a pod has at least one"),
    # templates
    ({"singleuser": {"extraEnv": {"A": "{usrname}"}}}, "environment.A: there is no {usrname}; did you mean {username}?"),
    ({"singleuser": {"extraEnv": {"A": '{"json": 1}'}}}, 'environment.A: there is no {"json": 1}; braces that are no template are written twice'),
    ({"singleuser": {"extraEnv": {"A": "}"}}}, "environment.A: a single }; braces that are no template are written twice"),
    ({"singleuser": {"extraEnv": {"A": "{username"}}}, "environment.A: a single {; braces"),
    ({"singleuser": {"extraEnv": {"A": "{username!r}"}}}, "environment.A: there is no {username!r}"),
    ({"singleuser": {"defaultUrl": "/{servername}"}}, "default_url: there is no {servername} here, but {username} and {base_url}"),
    ({"singleuser": {"initContainers": [{"name": "a", "args": ["x", "{no}"]}]}}, "init_containers[0].args[1]: there is no {no}"),
    ({"singleuser": {"extraEnv": {f"A{i}": "{unescaped_username}" * 500 for i in range(10)}}, "user": "u" * 255}, "has more than 1048576 bytes"),
    # names
    ({"singleuser": {"podNameTemplate": "Nb-{username}"}}, "pod_name_template: 'Nb-{username}' makes 'Nb-ada' of this server, which is no name"),
    ({"singleuser": {"podNameTemplate": "{unescaped_username}"}, "user": "秀樹"}, "pod_name_template: '{unescaped_username}' makes '秀樹'"),
    ({"singleuser": {"podNameTemplate": "n" * 250 + "-{username}"}}, "which is no name for an object of Kubernetes"),
    ({"singleuser": {"podNameTemplate": "{pod_name}"}}, "pod_name_template: {pod_name} is not known yet here"),
    ({"singleuser": {"storage": {"dynamic": {"pvcNameTemplate": "c-{unescaped_servername}"}}}, "server": "A b"}, "pvc_name_template: 'c-{unescaped_servername}' makes 'c-A b'"),
    ({"singleuser": {"extraLabels": {"who": "{unescaped_username}"}}, "user": "u" * 64}, "extra_labels.who: 'uuuu"),
    ({"singleuser": {"storage": {"extraLabels": {"who": "of-{escaped_username}"}}}, "user": "é" * 11}, "storage_extra_labels.who: 'of--c3"),
    ({"singleuser": {"storage": {"dynamic": {"volumeNameTemplate": "volume-of-this-user-{username}"}}}, "user": "u" * 48}, "a name in volumes: 'volume-of"),
    ({"singleuser": {"initContainers": {"a": {"name": "{username}{username}"}}}, "user": "u" * 48}, "a name in init_containers: 'uuuu"),
    ({"kubespawner": {"slug_scheme": "escape"}, "user": "é" * 60}, "pod_name_template: 'jupyter-{user_server}' makes"),
]  # fmt: skip


@pytest.mark.parametrize("task, words", REFUSED, ids=[words[:60] for _, words in REFUSED])
def test_it_is_refused_with_its_path(ours, task, words):
    assert words in ours(TASK | task).get("error", "")
