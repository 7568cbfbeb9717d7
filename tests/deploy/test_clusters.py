"""The settings for Kubespray and k3s: read by Ansible itself, the manifest by an API server, the profiles by helm."""

import json
import re

import pytest
import yaml

import pods
from conftest import ROOT
from test_workflows import tool

KUBESPRAY = ROOT / "deploy/kubespray"
# Variables of Kubespray's roles, as their defaults and its documents have them; each that is set here must be one.
KNOWN = """ansible_user ansible_become ansible_host ip container_manager etcd_deployment_type
    kube_network_plugin kube_service_addresses kube_pods_subnet kube_proxy_mode kube_encrypt_secret_data
    kubeconfig_localhost helm_enabled metrics_server_enabled local_path_provisioner_enabled
    local_path_provisioner_is_default_storageclass local_path_provisioner_claim_root
    local_path_provisioner_reclaim_policy metallb_enabled metallb_speaker_enabled metallb_config
    kubelet_max_parallel_image_pulls kubelet_image_gc_high_threshold kubelet_image_gc_low_threshold
    node_labels node_taints containerd_additional_runtimes containerd_registries_mirrors""".split()


@pytest.fixture(scope="module")
def inventory():
    return json.loads(pods.run("ansible-inventory", "--inventory", str(KUBESPRAY / "inventory.ini"), "--list"))


def test_ansible_reads_the_inventory_and_every_variable_is_one_of_kubesprays(inventory):
    hosts = inventory["_meta"]["hostvars"]
    assert set(inventory["kube_control_plane"]["hosts"]) == set(inventory["etcd"]["hosts"])
    assert len(inventory["etcd"]["hosts"]) % 2 == 1
    assert set(inventory["gpu"]["hosts"]) < set(inventory["kube_node"]["hosts"])
    for name, given in hosts.items():
        assert given["container_manager"] == "containerd" and given["kube_network_plugin"] == "calico", name
        assert set(given) <= set(KNOWN), name


def test_machines_with_gpus_are_what_the_profile_and_the_plugin_look_for(inventory):
    given = inventory["_meta"]["hostvars"]
    gpus = inventory["gpu"]["hosts"]
    assert all(("node_labels" in given[name]) == (name in gpus) for name in given)
    one = given[gpus[0]]
    plugin = daemon_set()["spec"]["template"]["spec"]
    profile = gpu_profile()
    for selector in (plugin["nodeSelector"], profile["node_selector"]):
        assert selector.items() <= one["node_labels"].items()
    key, _, effect = re.fullmatch(r"([^=]+)=([^:]+):(.+)", one["node_taints"][0]).groups()
    for tolerations in (plugin["tolerations"], profile["tolerations"]):
        assert {"key": key, "operator": "Exists", "effect": effect} in tolerations
    runtime = one["containerd_additional_runtimes"][0]["name"]
    assert runtime == plugin["runtimeClassName"] == profile["extra_pod_config"]["runtimeClassName"]


def manifests():
    return [one for name in ("nvidia", "nfs", "gpu-check")
            for one in yaml.safe_load_all((KUBESPRAY / f"{name}.yaml").read_text(encoding="utf-8"))]


def daemon_set():
    return next(one for one in manifests() if one["kind"] == "DaemonSet")


def gpu_profile():
    values = yaml.safe_load((ROOT / "deploy/images/singleuser/profiles.yaml").read_text(encoding="utf-8"))
    return values["singleuser"]["profileList"][-1]["kubespawner_override"]


def test_an_api_server_takes_the_manifests(namespace):
    paths = {"RuntimeClass": "/apis/node.k8s.io/v1/runtimeclasses", "Pod": namespace.path("pods"),
             "DaemonSet": "/apis/apps/v1/namespaces/kube-system/daemonsets",
             "StorageClass": "/apis/storage.k8s.io/v1/storageclasses"}
    made = manifests()
    namespace.plane.admin.post(paths[made[0]["kind"]], made[0])  # a pod's class has to be there
    try:
        for one in made[1:]:
            namespace.plane.admin.post(paths[one["kind"]], one, dryRun="All", fieldValidation="Strict")
    finally:
        namespace.plane.admin.delete(f"{paths['RuntimeClass']}/{made[0]['metadata']['name']}")


GUIDES = [ROOT / "docs/admin" / name for name in ("cluster.md", "cluster.zh-CN.md")]


def blocks(path, language):
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"))


def test_both_guides_say_the_same_commands_and_settings():
    for language in ("sh", "yaml", "python"):
        english, chinese = (blocks(path, language) for path in GUIDES)
        assert english == chinese and english, language
    english, chinese = (path.read_text(encoding="utf-8") for path in GUIDES)
    assert [re.findall(rf"(?m)^{mark}", english) for mark in ("#", r"\|")] == [
        re.findall(rf"(?m)^{mark}", chinese) for mark in ("#", r"\|")]


def test_the_files_that_the_guide_names_are_there():
    text = GUIDES[0].read_text(encoding="utf-8")
    for name in set(re.findall(r"lab/([\w/.-]+\.\w+)", text)) - {"artifacts/admin.conf"}:
        assert (KUBESPRAY / name).is_file(), name
    for name in set(re.findall(r"hubgate/(deploy/[\w/.-]+)", text)):
        assert (ROOT / name).exists(), name


def test_our_chart_takes_the_guides_values_and_the_profiles(tmp_path):
    (tmp_path / "config.yaml").write_text(blocks(GUIDES[0], "yaml")[0], encoding="utf-8")
    said = pods.run(tool("helm"), "template", "jhub", str(ROOT / "deploy/chart"), "--namespace", "jhub",
                    "--values", str(tmp_path / "config.yaml"),
                    "--values", str(ROOT / "deploy/images/singleuser/profiles.yaml"))
    assert "hubgate-singleuser-pytorch-cuda" in said
    claims = [one for one in yaml.safe_load_all(said) if one and one["kind"] == "PersistentVolumeClaim"]
    assert [claim["spec"]["storageClassName"] for claim in claims] == ["local-path"]


@pytest.mark.parametrize("name", ["config", "registries"])
def test_the_settings_of_k3s_are_yaml_with_its_keys(name):
    given = yaml.safe_load((ROOT / f"deploy/k3s/{name}.yaml").read_text(encoding="utf-8"))
    known = {"config": {"write-kubeconfig-mode", "disable", "secrets-encryption"}, "registries": {"mirrors", "configs"}}
    assert set(given) == known[name]
