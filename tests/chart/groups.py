"""The groups of values, each switched on and off: what test_objects renders and what test_server gives to a
real API server."""

import charts

IMAGE = {"name": "registry.example.org/lab", "tag": "2026.1"}
RULE = {"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 8000}]}
PEM = "-----BEGIN {0}-----\nMAo=\n-----END {0}-----\n"
FILES = {"course": {"mountPath": "/etc/course/course.json", "data": {"name": "statistics"}, "mode": 0o440},
         "motd": {"mountPath": "/etc/motd", "stringData": "Hello\n"},
         "logo": {"mountPath": "/srv/logo.png", "binaryData": "iVBORw0KGgo=\n"}}
PROFILES = [
    {"display_name": "CPU", "default": True, "allow_groups": ["staff"], "kubespawner_override": {"image": "registry.example.org/cpu:1"}},
    {"display_name": "GPU",
     "kubespawner_override": {"image": "registry.example.org/gpu:1", "extra_resource_limits": {"nvidia.com/gpu": "1"}},
     "profile_options": {"image": {"display_name": "Image", "choices": {
         "torch": {"display_name": "PyTorch", "default": True,
                   "kubespawner_override": {"image": "registry.example.org/torch:1"}}}}}},
]


def policy(**more):
    return {"ingress": [RULE], "egress": [{"to": [{"ipBlock": {"cidr": "198.51.100.0/24"}}]}],
            "interNamespaceAccessLabels": "accept", **more}


def every(value):
    """For hub, proxy and singleuser alike."""
    return {"hub": {"networkPolicy": value}, "proxy": {"chp": {"networkPolicy": value}},
            "singleuser": {"networkPolicy": value}}


GROUPS = {
    "defaults": {},
    "named": {"fullnameOverride": "lab", "nameOverride": "notebooks"},
    "named-by-release": {"fullnameOverride": None, "nameOverride": None},
    "named-by-release-and-name": {"fullnameOverride": None, "nameOverride": "physics"},
    "base-url": {"hub": {"baseUrl": "/jupyter"}},
    "no-rbac": {"rbac": {"create": False}, "hub": {"serviceAccount": {"create": False}}},
    "own-account": {"hub": {"serviceAccount": {"create": False, "name": "robot"}}, "rbac": {"podMetrics": True}},
    "state-in-memory": {"hub": {"db": {"type": "sqlite-memory"}}},
    "state-in-a-claim": {"hub": {"db": {"pvc": {"existingClaim": "mine", "subPath": "hub"}}}},
    "state-of-a-class": {"hub": {"db": {"pvc": {"storageClassName": "fast", "storage": "5Gi", "selector":
                         {"matchLabels": {"disk": "hub"}}, "annotations": {"backup": "nightly"}}}}},
    "state-without-a-class": {"hub": {"db": {"pvc": {"storageClassName": ""}}}},
    "https-manual": {"proxy": {"https": {"enabled": True, "type": "manual", "hosts": ["lab.example.org"], "manual":
                     {"key": PEM.format("PRIVATE KEY"), "cert": PEM.format("CERTIFICATE")}}}},
    "https-secret": {"proxy": {"https": {"enabled": True, "type": "secret", "hosts": ["lab.example.org"], "secret":
                     {"name": "wildcard", "key": "k.pem", "crt": "c.pem"}}, "service": {"disableHttpPort": True}}},
    "https-offload": {"proxy": {"https": {"enabled": True, "type": "offload", "hosts": ["lab.example.org"]}}},
    "services": {
        "hub": {"service": {"type": "NodePort", "ports": {"nodePort": 30081}, "annotations": {"a": "b"},
                            "extraPorts": [{"name": "more", "port": 9000, "targetPort": 9000}]}},
        "proxy": {"service": {"type": "NodePort", "nodePorts": {"http": 30080}, "labels": {"a": "b"},
                              "annotations": {"a": "b"}, "extraPorts": [{"name": "ssh", "port": 22}]}}},
    "load-balancer": {"proxy": {"service": {"loadBalancerIP": "192.0.2.1",
                                            "loadBalancerSourceRanges": ["198.51.100.0/24"]}}},
    "ingress": {"ingress": {"enabled": True, "hosts": ["lab.example.org", "lab.example.com"], "ingressClassName": "nginx",
                            "annotations": {"cert-manager.io/cluster-issuer": "ours"}, "pathSuffix": "*",
                            "pathType": "ImplementationSpecific",
                            "tls": [{"hosts": ["lab.example.org"], "secretName": "lab-tls"}],
                            "extraPaths": [{"path": "/status", "pathType": "Exact", "backend":
                                            {"service": {"name": "status", "port": {"number": 80}}}}]},
                "proxy": {"service": {"type": "ClusterIP"}}},
    "ingress-of-any-host": {"ingress": {"enabled": True}},
    "http-route": {"httpRoute": {"enabled": True, "hostnames": ["lab.example.org"], "annotations": {"a": "b"},
                                 "parentRefs": [{"name": "gateway", "namespace": "gateway"}]}},
    "disruption": {"hub": {"pdb": {"enabled": True}},
                   "proxy": {"chp": {"pdb": {"enabled": True, "maxUnavailable": 0, "minAvailable": None}}}},
    "no-policies": every({"enabled": False}),
    "policies-more": every(policy(allowedIngressPorts=[9000])),
    "policies-least": every({"egressAllowRules": {key: False for key in (
        "cloudMetadataServer", "dnsPortsCloudMetadataServer", "dnsPortsKubeSystemNamespace", "dnsPortsPrivateIPs",
        "nonPrivateIPs", "privateIPs")}}),
    "priorities": {"scheduling": {"podPriority": {"enabled": True, "globalDefault": False}, "userPlaceholder":
                   {"replicas": 2, "labels": {"a": "b"}, "annotations": {"a": "b"}}},
                   "singleuser": {"cpu": {"guarantee": 0.5, "limit": 2}, "memory": {"limit": "4G"}}},
    "no-placeholders": {"scheduling": {"podPriority": {"enabled": True}, "userPlaceholder": {"enabled": False}}},
    "where-pods-run": {"scheduling": {"corePods": {"nodeAffinity": {"matchNodePurpose": "require"}}, "userPods":
                       {"nodeAffinity": {"matchNodePurpose": "require"}}},
                       "hub": {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "hub", "operator": "Exists"}]},
                       "proxy": {"chp": {"nodeSelector": {"disk": "ssd"},
                                         "tolerations": [{"key": "proxy", "operator": "Exists"}]}},
                       "singleuser": {"nodeSelector": {"gpu": "a100"},
                                      "extraTolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}]}},
    "pods-run-anywhere": {"scheduling": {"corePods": {"tolerations": [], "nodeAffinity": {"matchNodePurpose": "ignore"}},
                          "userPods": {"tolerations": [], "nodeAffinity": {"matchNodePurpose": "ignore"}}}},
    "no-puller": {"prePuller": {"continuous": {"enabled": False}}},
    "puller": {"prePuller": {"extraImages": {"more": IMAGE}, "labels": {"a": "b"}, "annotations": {"a": "b"},
                             "resources": {"requests": {"cpu": "1m", "memory": "8Mi"}},
                             "extraTolerations": [{"key": "x", "operator": "Exists"}]},
               "singleuser": {"image": IMAGE, "profileList": PROFILES,
                              "initContainers": [{"name": "init", "image": "registry.example.org/init:1"}]}},
    "pull-secrets": {"imagePullSecret": {"create": True, "registry": "registry.example.org", "username": "ada",
                                         "password": "s3cret", "email": "ada@example.org"},
                     "imagePullSecrets": ["all", {"name": "all-too"}],
                     "hub": {"image": {"pullSecrets": ["hubs"], "pullPolicy": "Always"}},
                     "proxy": {"chp": {"image": {"pullSecrets": [{"name": "proxys"}], "pullPolicy": "Never"}}},
                     "singleuser": {"image": {**IMAGE, "pullSecrets": ["users"]}}},
    "files": {"hub": {"extraFiles": FILES}, "singleuser": {"extraFiles": FILES}},
    "more-in-the-hub": {"hub": {
        "extraEnv": {"COURSE": "statistics", "NUMBER": 7, "SECRET": {"valueFrom": {"secretKeyRef": {
            "name": "mine", "key": "password"}}}},
        "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/etc/ca"}],
        "extraContainers": [{"name": "side", "image": "registry.example.org/side:1", "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsUser": 1000}}],
        "initContainers": [{"name": "first", "image": "registry.example.org/first:1", "securityContext": {
            "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsUser": 1000}}],
        "labels": {"a": "b"}, "annotations": {"a": "b"}, "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
        "command": ["hubgate-hub", "--log-format=json"], "resources": {"limits": {"memory": "256Mi"}},
        "extraPodSpec": {"hostname": "hub"}, "revisionHistoryLimit": 2,
        "livenessProbe": {"enabled": False}, "readinessProbe": {"enabled": False}}},
    "more-in-the-proxy": {"proxy": {
        "labels": {"a": "b"}, "annotations": {"a": "b"},
        "chp": {"extraEnv": [{"name": "CONFIGPROXY_SSL_KEY_PASSPHRASE", "value": "x"}],
                "extraCommandLineFlags": ["--auto-rewrite", "--custom-header=X-From: {{ .Release.Name }}"],
                "defaultTarget": "http://elsewhere:8081", "errorTarget": "http://errors", "revisionHistoryLimit": 2,
                "extraPodSpec": {"hostname": "proxy"}, "resources": {}, "livenessProbe": {"enabled": False}}}},
    "api-services": {"hub": {
        "services": {"grader": {"url": "http://grader:9000", "oauth_no_confirm": True, "apiToken": charts.TOKEN},
                     "watch-dog": {"admin": True}, "nothing": None},
        "loadRoles": {"graders": {"scopes": ["list:users", "read:servers"], "services": ["grader"]}}}},
    "debug": {"debug": {"enabled": True}},
    "no-culling": {"cull": {"enabled": False}},
    "secrets-given": {"proxy": {"secretToken": charts.TOKEN}, "hub": {
        "cookieSecret": charts.TOKEN, "config": {"DummyAuthenticator": {"password": "opensesame"}}}},
    "secrets-elsewhere": {"hub": {"existingSecret": "mine"}},
}
