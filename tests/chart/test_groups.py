"""Every group of values, on and off: what comes of it is well-formed, is as Pod Security "restricted" wants it, is
taken by a real API server, and makes good settings."""

import collections

import pytest
import yaml

import calls
import groups
import hubs
import namespaces
from test_check import check

STRICT = {"dryRun": "All", "fieldValidation": "Strict"}
CLUSTER_WIDE = {"PriorityClass"}
PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses", "PriorityClass": "priorityclasses"}

# The part of Gateway API's HTTPRoute that the chart writes (gateway.networking.k8s.io/v1).
ROUTE = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: httproutes.gateway.networking.k8s.io
  annotations: {api-approved.kubernetes.io: https://github.com/kubernetes-sigs/gateway-api/pull/2997}
spec:
  group: gateway.networking.k8s.io
  scope: Namespaced
  names: {kind: HTTPRoute, plural: httproutes, singular: httproute, listKind: HTTPRouteList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                hostnames: {type: array, items: {type: string}}
                parentRefs:
                  type: array
                  items:
                    type: object
                    required: [name]
                    properties: {name: {type: string}, namespace: {type: string}}
                rules:
                  type: array
                  items:
                    type: object
                    properties:
                      matches:
                        type: array
                        items:
                          type: object
                          properties:
                            path:
                              type: object
                              properties:
                                type: {type: string, enum: [Exact, PathPrefix, RegularExpression]}
                                value: {type: string}
                      backendRefs:
                        type: array
                        items:
                          type: object
                          required: [name]
                          properties: {name: {type: string}, port: {type: integer}}
"""


def path_of(namespace, one):
    kind = one["kind"]
    plural = PLURALS.get(kind, kind.lower() + "s")
    version = one["apiVersion"]
    base = f"/api/{version}" if "/" not in version else f"/apis/{version}"
    return f"{base}/{plural}" if kind in CLUSTER_WIDE else f"{base}/namespaces/{namespace.name}/{plural}"


@pytest.fixture(scope="module")
def server(control_plane):
    """A namespace of an API server that knows HTTPRoutes, in which nothing is ever made."""
    try:
        control_plane.admin.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", yaml.safe_load(ROUTE))
    except calls.Refused as refused:
        assert refused.reason == "AlreadyExists", refused
    hubs.wait_for(lambda: control_plane.admin.find("/apis/gateway.networking.k8s.io/v1/httproutes"), "the kind HTTPRoute")
    return namespaces.Namespace(control_plane)


@pytest.fixture(scope="module")
def restricted(control_plane):
    """A namespace that enforces Pod Security "restricted"."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/enforce-version": "latest"}
    return namespaces.Namespace(control_plane, labels=labels)


def pods(objects):
    for one in objects:
        if "template" in one.get("spec", {}):
            yield one["metadata"]["name"], one["spec"]


@pytest.mark.parametrize("group", groups.GROUPS)
def test_every_group_makes_well_formed_objects(rendered, group):
    objects = rendered(group)
    names = collections.Counter((one["kind"], one["metadata"]["name"]) for one in objects)
    assert not [name for name, times in names.items() if times > 1]
    for one in objects:
        assert one["metadata"]["labels"]["release"] == "jhub"
        assert one["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
    for name, spec in pods(objects):
        labels = spec["template"]["metadata"]["labels"]
        assert spec["selector"]["matchLabels"].items() <= labels.items(), name
        assert not [key for key, value in labels.items() if "0.1.0" in value], "a label would replace pods"
        for container in spec["template"]["spec"]["containers"]:
            variables = [entry["name"] for entry in container.get("env", [])]
            assert len(variables) == len(set(variables)), f"{name}: a variable twice"
            mounts = {mount["name"] for mount in container.get("volumeMounts", [])}
            volumes = {volume["name"] for volume in spec["template"]["spec"].get("volumes", [])}
            assert mounts <= volumes, name


@pytest.mark.parametrize("group", [group for group in groups.GROUPS if not group.startswith("more-in")])
def test_pods_are_as_pod_security_restricted_wants_them(rendered, group):
    """What admission looks at and some more; the API server judges below."""
    for name, spec in pods(rendered(group)):
        pod = spec["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys(), name
        for container in pod["containers"] + pod.get("initContainers", []):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False and context["runAsUser"] > 0, name
            assert context["capabilities"] == {"drop": ["ALL"]} and context["readOnlyRootFilesystem"] is True, name
        for volume in pod.get("volumes", []):
            assert volume.keys() & {"secret", "configMap", "emptyDir", "persistentVolumeClaim"}, volume


@pytest.mark.parametrize("group", groups.GROUPS)
def test_a_real_server_takes_every_object(rendered, server, group):
    for one in rendered(group):
        try:
            server.admin.post(path_of(server, one), one, **STRICT)
        except calls.Refused as refused:
            pytest.fail(f"{one['kind']} {one['metadata']['name']}: {refused}")


@pytest.mark.parametrize("group", groups.GROUPS)
def test_a_restricted_namespace_takes_every_pod(rendered, restricted, group):
    """Pod Security admission judges pods, and what makes them only warns."""
    for _, spec in pods(rendered(group)):
        pod = {"metadata": {**spec["template"]["metadata"], "name": "pod"},
               "spec": {**spec["template"]["spec"], "serviceAccountName": "default"}}
        pod["spec"].pop("priorityClassName", None)
        restricted.admin.post(restricted.path("pods"), pod, **STRICT)


@pytest.mark.parametrize("group", groups.GROUPS)
def test_every_group_makes_good_settings(rendered, group, tmp_path):
    said = check(rendered(group), tmp_path)
    assert said.returncode == 0, said.stderr
