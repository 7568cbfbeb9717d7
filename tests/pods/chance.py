"""Settings made by chance, of the same parts as the catalogue: any of its values beside any others, odd texts with
templates in them, objects with members here and there, and profiles that merge and delete."""

import random
import re

import cases

TEXTS = [
    "", "a", "a-", "-", "{username}", "x-{servername}", "{servername}-", "{user_server}{userid}", "{{}}", "{{{username}}}", "秀樹",
    "$(A)$(B)", "$(B", "$(JUPYTERHUB_USER)", "{pod_name}/{pvc_name}", "{escaped_user_server}", "a b\tc", '{{"x": "{namespace}"}}',
    "$$(A)", "$(A)-{safe_servername}--", "é", "{unescaped_username}",
]  # fmt: skip
NAMES = ["A", "B", "C", "a", "b_c", "Z9", "nvidia.com/gpu", "hub.jupyter.org/username", "app", "é", "10", "9", "component"]
VARIABLES = ["A", "B", "C", "D_1", "a", "JUPYTERHUB_USER", "MEM_LIMIT", "NVIDIA_VISIBLE_DEVICES", "JUPYTER_IMAGE"]
SIZES = [0, 1, 1024, 1e9, 2.0, "1G", "0.5G", "1.25M", "512K", "2T", "3.3G", None]
CORES = [0, 1, 2.0, 0.1, 0.25, 1.5, 3, None, 64, 0.05]


class Chance(random.Random):
    # Of all members of one task: with us both are one member, with KubeSpawner, while it merges, they are two.
    spells_snake = False

    def text(self):
        return self.choice(TEXTS)

    def maybe(self, value, share=0.5):
        return value if self.random() < share else None

    def labels(self):
        return {self.choice(NAMES): self.text() for _ in range(self.randrange(4))}

    def amounts(self):
        return {self.choice(NAMES): self.choice([1, "1", "2Gi", 0, 0.5, 2.0, "0"]) for _ in range(self.randrange(3))}

    def variable(self):
        return self.choice(
            [
                self.text(),
                self.text(),
                {"value": self.text()},
                {"name": self.choice(VARIABLES), "value": self.text()},
                {self.spelling("valueFrom"): {"fieldRef": {"fieldPath": self.text()}}},
                {self.spelling("valueFrom"): {"secretKeyRef": {"name": self.text(), "key": "k"}}, "value": None},
            ]
        )

    def environment(self):
        return {self.choice(VARIABLES): self.variable() for _ in range(self.randrange(6))}

    def tree(self, depth=0):
        """What may stand in a member that nobody looks into."""
        kind = self.randrange(7 if depth < 3 else 5)
        if kind == 5:
            return [self.tree(depth + 1) for _ in range(self.randrange(3))]
        if kind == 6:
            return {self.choice(NAMES): self.tree(depth + 1) for _ in range(self.randrange(3))}
        return [self.text(), self.randrange(-5, 1000), True, 0.5, self.text()][kind]

    def object(self, must, may):
        """An object of the API with what it must have, and by chance what it may, in either spelling."""
        made = {name: self.text() if kind is str else self.tree() for name, kind in must.items()}
        for name in self.sample(may, self.randrange(min(4, len(may) + 1))):
            made[self.spelling(name)] = self.tree()
        return made

    def spelling(self, name):
        snake = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        return snake if self.spells_snake else name

    def objects(self, make):
        made = [make() for _ in range(self.randrange(4))]
        if self.random() < 0.4:
            return {self.choice([*NAMES, *TEXTS]) + str(i): item for i, item in enumerate(made)}
        return made

    def container(self):
        return self.object({"name": str}, ["image", "command", "env", "workingDir", "imagePullPolicy", "stdin", "volumeMounts"])

    def volume(self):
        return self.object({"name": str}, ["emptyDir", "nfs", "configMap", "secret", "hostPath", "persistentVolumeClaim"])

    def mount(self):
        return self.object({"name": str, "mountPath": str}, ["readOnly", "subPath", "subPathExpr", "mountPropagation"])

    def toleration(self):
        return self.object({}, ["key", "operator", "effect", "value", "tolerationSeconds"])

    def node_term(self):
        return self.object({}, ["matchExpressions", "matchFields"])

    def node_preference(self):
        return self.object({"weight": int, "preference": dict}, [])

    def pod_term(self):
        return self.object({"topologyKey": str}, ["labelSelector", "namespaces", "namespaceSelector", "matchLabelKeys"])

    def pod_preference(self):
        return self.object({"weight": int, "podAffinityTerm": dict}, [])

    def camel(self):
        names = ["runAsUser", "fsGroup", "capabilities", "seccompProfile", "runAsNonRoot"]
        return {self.choice(names): self.maybe(self.tree(), 0.8) for _ in range(self.randrange(3))}

    def pod_config(self):
        names = ["dnsPolicy", "dnsConfig", "hostIPC", "volumes", "priority", "shareProcessNamespace", "hostAliases", "runtimeClassName"]
        return {self.spelling(self.choice(names)): self.maybe(self.tree(), 0.8) for _ in range(self.randrange(4))}

    def container_config(self):
        names = ["envFrom", "tty", "stdin", "securityContext", "resources", "livenessProbe", "imagePullPolicy"]
        return {self.spelling(self.choice(names)): self.maybe(self.tree(), 0.8) for _ in range(self.randrange(4))}

    def lifecycle(self):
        return self.object({}, ["postStart", "preStop", "stopSignal"])

    def word(self):
        return self.choice([text for text in TEXTS if text and "\t" not in text])

    def traits(self):
        """Every trait that a profile may set, by what makes a value of it."""
        return {
            "extra_labels": self.labels,
            "extra_annotations": self.labels,
            "common_labels": self.labels,
            "image": self.word,
            "image_pull_policy": lambda: self.choice(["Always", "Never", None]),
            "image_pull_secrets": lambda: self.choice([[], ["a"], [{"name": "a"}, "b"], "one"]),
            "cmd": lambda: self.choice([None, [], ["a", self.text()], self.word()]),
            "args": lambda: self.choice([[], ["x", self.text()]]),
            "port": lambda: self.choice([1, 80, 8888, 65535]),
            "ip": lambda: self.choice(["", "0.0.0.0", "::", "::1"]),
            "environment": self.environment,
            "default_url": lambda: self.choice(["", "/lab", "/{username}", "{base_url}x", "/{{x}}-"]),
            "notebook_dir": lambda: self.choice(["", "/", "/home/{username}"]),
            "debug": lambda: self.choice([True, False]),
            "disable_user_config": lambda: self.choice([True, False]),
            "lifecycle_hooks": self.lifecycle,
            "extra_container_config": self.container_config,
            "mem_limit": lambda: self.choice(SIZES),
            "mem_guarantee": lambda: self.choice(SIZES),
            "cpu_limit": lambda: self.choice(CORES),
            "cpu_guarantee": lambda: self.choice(CORES),
            "extra_resource_limits": self.amounts,
            "extra_resource_guarantees": self.amounts,
            "uid": lambda: self.choice([None, 0, 1000]),
            "gid": lambda: self.choice([None, 0, 1000]),
            "fs_gid": lambda: self.choice([None, 0, 100]),
            "supplemental_gids": lambda: self.choice([[], [1], [1, 2]]),
            "privileged": lambda: self.choice([True, False]),
            "allow_privilege_escalation": lambda: self.choice([True, False, None]),
            "container_security_context": self.camel,
            "pod_security_context": self.camel,
            "service_account": lambda: self.choice([None, "", "x-{username}"]),
            "automount_service_account_token": lambda: self.choice([None, True, False]),
            "volumes": lambda: self.objects(self.volume),
            "volume_mounts": lambda: self.objects(self.mount),
            "storage_pvc_ensure": lambda: self.choice([True, False]),
            "storage_capacity": lambda: self.choice(["1Gi", "10G"]),
            "storage_class": lambda: self.choice([None, "", "fast"]),
            "storage_access_modes": lambda: self.choice([[], ["ReadWriteMany"], ["a", "b"]]),
            "storage_selector": lambda: {"matchLabels": self.labels()},
            "storage_extra_labels": self.labels,
            "storage_extra_annotations": self.labels,
            "node_selector": self.labels,
            "tolerations": lambda: self.objects(self.toleration),
            "node_affinity_preferred": lambda: self.objects(self.node_preference),
            "node_affinity_required": lambda: self.objects(self.node_term),
            "pod_affinity_preferred": lambda: self.objects(self.pod_preference),
            "pod_affinity_required": lambda: self.objects(self.pod_term),
            "pod_anti_affinity_preferred": lambda: self.objects(self.pod_preference),
            "pod_anti_affinity_required": lambda: self.objects(self.pod_term),
            "scheduler_name": lambda: self.choice([None, "", "s"]),
            "priority_class_name": lambda: self.choice(["", "p"]),
            "init_containers": lambda: self.objects(self.container),
            "extra_containers": lambda: self.objects(self.container),
            "extra_pod_config": self.pod_config,
            "delete_grace_period": lambda: self.randrange(100),
        }

    def some_traits(self, most):
        makers = self.traits()
        return {name: makers[name]() for name in self.sample(list(makers), self.randrange(most + 1))}

    def override(self):
        """A profile's: some traits, and in their maps null here and there."""
        override = self.some_traits(6)
        for value in override.values():
            if isinstance(value, dict) and value and self.random() < 0.3:
                value[self.choice(list(value))] = None
        return override

    def singleuser(self):
        values = {}
        for _ in range(self.randrange(5)):
            for group, value in self.choice(list(cases.VALUES.values())).items():
                both = isinstance(value, dict) and isinstance(values.get(group), dict)
                values[group] = values[group] | value if both else value
        if self.spells_snake:  # the catalogue spells as Kubernetes does
            for group in ("extraPodConfig", "lifecycleHooks", "extraEnv"):
                values.pop(group, None)
        return values

    def task(self):
        self.spells_snake = self.random() < 0.3
        return {
            "user": self.choice(cases.USERS),
            "server": self.choice([*cases.SERVERS, "", "", "gpu"]),
            "user_id": self.randrange(1, 10**9),
            "space": self.choice(["users", "default"]),
            "hub_space": self.choice([None, "default", "hub"]),
            "labels": self.maybe(self.labels()),
            "singleuser": self.singleuser(),
            "kubespawner": self.some_traits(8),
            "overrides": [self.override() for _ in range(self.randrange(3))],
        }
