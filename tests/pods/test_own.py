"""What is Hubgate's own: GPUs hidden from those who asked for none, a pod that restricted Pod Security lets in,
names of before, names that are remembered."""

import oracle
import pytest
from kubespawner.slugs import escape_slug, safe_slug

TASK = {"user": "ada", "server": "", "user_id": 7, "space": "users", "prefix": "/user/ada/", "environment": [], "hub": "h1"}
GPU = {"nvidia.com/gpu": "1"}
NAME = "NVIDIA_VISIBLE_DEVICES"


def made(ours, **task):
    answer = ours(TASK | task)
    assert "error" not in answer, answer
    return answer


def variable(answer, name):
    values = [v.get("value") for v in answer["pod"]["spec"]["containers"][0]["env"] if v["name"] == name]
    return values[0] if values else None


@pytest.mark.parametrize(
    "task",
    [
        {},
        {"singleuser": {"extraResource": {"limits": {"amd.com/gpu": 1, "nvidia.com/gpu": 0}}}},
        {"singleuser": {"extraResource": {"limits": GPU}}, "overrides": [{"extra_resource_limits": {"nvidia.com/gpu": None}}]},
        {"overrides": [{"extra_container_config": {"resources": {"limits": {"cpu": 1}}}}]},
    ],
)
def test_a_server_without_a_gpu_sees_none(ours, task):
    assert variable(made(ours, **task), NAME) == "void"


@pytest.mark.parametrize(
    "task",
    [
        {"singleuser": {"extraResource": {"limits": GPU}}},
        {"overrides": [{"extra_resource_limits": GPU}]},
        {"overrides": [{"extra_resource_guarantees": {"nvidia.com/mig-1g.5gb": 1}}]},
        {"kubespawner": {"extra_container_config": {"resources": {"limits": GPU}}}},
        {"kubespawner": {"extra_container_config": {"resources": {"claims": [{"name": "gpu"}]}}}},
        {"kubespawner": {"extra_pod_config": {"runtimeClassName": "nvidia"}}},
        {"kubespawner": {"hide_gpus": False}},
        {"singleuser": {"hideGpus": False}},
    ],
)
def test_a_server_with_one_sees_it(ours, task):
    assert variable(made(ours, **task), NAME) is None


@pytest.mark.parametrize(
    "task, value",
    [
        ({"singleuser": {"extraEnv": {NAME: "all"}}}, "all"),
        ({"singleuser": {"extraEnv": {"x": {"name": NAME, "value": "0"}}}}, "0"),
        ({"environment": [f"{NAME}=1"]}, "1"),
        ({"overrides": [{"environment": {NAME: "2"}}]}, "2"),
    ],
)
def test_what_the_settings_say_of_gpus_counts(ours, task, value):
    assert variable(made(ours, **task), NAME) == value


def test_no_privileged_container_is_made_unasked(ours):
    mine = made(ours)["pod"]
    theirs = oracle.manifests(TASK | {"hub_space": None})["pod"]
    assert "initContainers" not in mine["spec"]
    assert theirs["spec"]["initContainers"][0]["name"] == "block-cloud-metadata"


def test_objects_have_the_label_of_their_hub(ours):
    answer = made(ours)
    for kind in ("pod", "claim"):
        assert answer[kind]["metadata"]["labels"]["hubgate.org/hub"] == "h1"
        assert answer[kind]["metadata"]["annotations"]["hubgate.org/version"]


def test_no_label_of_the_settings_stands_for_ours(ours):
    labels = {"hubgate.org/hub": "x", "component": "x", "hub.jupyter.org/servername": "x"}
    answer = made(ours, singleuser={"extraLabels": labels}, labels=labels)
    found = answer["pod"]["metadata"]["labels"]
    assert (found["hubgate.org/hub"], found["component"], found["hub.jupyter.org/servername"]) == ("h1", "singleuser-server", "")


def test_the_claim_of_before_is_known(ours):
    names = made(ours, user="Ada.L")["names"]
    assert names["claim"] == "claim-" + safe_slug("Ada.L", max_length=48)
    assert names["claim_before"] == "claim-" + escape_slug("Ada.L")
    assert made(ours, user="ada")["names"]["claim_before"] == ""
    assert made(ours, user="Ada", kubespawner={"handle_legacy_names": False})["names"]["claim_before"] == ""


@pytest.mark.parametrize(
    "template, server, own",
    [
        ("claim-{user_server}", "", True),
        ("claim-{user_server}", "gpu", True),
        ("claim-{username}", "", True),
        ("claim-{username}", "gpu", False),
    ],
)
def test_a_named_server_may_share_its_users_claim(ours, template, server, own):
    answer = made(ours, server=server, singleuser={"storage": {"dynamic": {"pvcNameTemplate": template}}})
    assert answer["names"]["claim_is_own"] is own


def test_a_small_share_of_a_core_is_not_rounded(ours):
    limits = made(ours, singleuser={"cpu": {"limit": 0.1, "guarantee": 2.0}})["pod"]["spec"]["containers"][0]["resources"]
    assert limits == {"limits": {"cpu": "0.1"}, "requests": {"cpu": 2, "memory": 2**30}}


def test_a_directory_of_a_profile_has_its_template_filled_in(ours):
    answer = made(ours, overrides=[{"working_dir": "/home/{username}"}])
    assert answer["pod"]["spec"]["containers"][0]["workingDir"] == "/home/ada"


def test_an_unlisted_choice_may_become_anything(ours):
    """As it is looked at before anybody chose: a size that is "{value}G" is no size yet."""
    assert "error" not in ours(TASK | {"check": [{"mem_limit": "{value}G", "uid": "{value}", "image": "x:{value}"}]})
    assert "no such trait" in ours(TASK | {"check": [{"mem_limt": "{value}G"}]})["error"]


def test_null_is_kubespawners_own_default(ours):
    nulls = dict.fromkeys(["component_label", "pod_name_template", "port", "environment", "volumes", "common_labels", "ip"])
    plain, nothing = made(ours), made(ours, kubespawner=nulls)
    assert nothing["pod"]["spec"]["volumes"] == []
    for answer in (plain, nothing):
        answer["pod"]["spec"]["volumes"] = None
    assert nothing["pod"] == plain["pod"]
    assert made(ours, kubespawner={"image": None})["pod"]["spec"]["containers"][0]["image"] == "quay.io/jupyterhub/singleuser:latest"
