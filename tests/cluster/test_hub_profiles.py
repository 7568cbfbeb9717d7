"""What users choose arrives in their pods: profiles and their options by the form and the API, on a real API
server; settings that are read anew; and a person's whole way in Chromium."""

import json
import os
import pathlib
import signal
import subprocess

import hubs
import pytest
from hubs import wait_for

HERE = pathlib.Path(__file__).parent
PROFILES = [
    {"display_name": "Plain", "slug": "plain"},
    {
        "display_name": "Laboratory",
        "kubespawner_override": {
            "mem_limit": "2G", "cpu_limit": 1.5, "environment": {"GREETING": "hello", "OF": "{username}"}},
        "profile_options": {
            "greeting": {
                "display_name": "Greeting",
                "choices": {
                    "none": {"display_name": "None", "kubespawner_override": {"environment": {"GREETING": None}}},
                    "day": {"display_name": "Good day",
                            "kubespawner_override": {"environment": {"GREETING": "good day"}}},
                },
            },
            "tag": {
                "display_name": "Version",
                "choices": {"one": {"kubespawner_override": {"image": "hubgate.test/lab:1"}}},
                "unlisted_choice": {
                    "enabled": True, "validation_regex": r"\d+(\.\d+)*",
                    "kubespawner_override": {"image": "hubgate.test/lab:{value}",
                                             "extra_labels": {"version": "{value}"}}},
            },
        },
    },
]


@pytest.fixture
def hub(start_hub, kubelet):
    return start_hub(singleuser={"profileList": PROFILES, "image": {"name": "hubgate.test/lab", "tag": "0"}})


def container(namespace, name):
    return namespace.pods()[name]["spec"]["containers"][0]


def variables(namespace, name):
    return {one["name"]: one.get("value") for one in container(namespace, name)["env"]}


def test_what_the_form_says_is_what_the_pod_has(hub, namespace):
    ada = hub.browser("ada")
    page = ada.page("/hub/spawn")
    answer = ada.post("/hub/spawn", data={
        "_xsrf": page.field("_xsrf"), "profile": "laboratory",
        "profile-option-laboratory--greeting": "day",
        "profile-option-laboratory--tag--unlisted-choice": "4.5"})
    assert answer.status_code == 302, answer.text[:1000]
    hub.wait_server("ada")
    notebook = container(namespace, "jupyter-ada")
    assert notebook["image"] == "hubgate.test/lab:4.5"
    assert notebook["resources"]["limits"] == {"cpu": "1500m", "memory": str(2 << 30)}
    assert variables(namespace, "jupyter-ada")["GREETING"] == "good day"
    assert variables(namespace, "jupyter-ada")["OF"] == "ada"
    assert namespace.pods()["jupyter-ada"]["metadata"]["labels"]["version"] == "4.5"
    assert hub.server("ada")["user_options"] == {
        "profile": "laboratory", "greeting": "day", "tag--unlisted-choice": "4.5"}
    state = hub.server("ada")["state"]
    assert state["pod_name"] == "jupyter-ada"
    assert state["node"] == namespace.pods()["jupyter-ada"]["spec"]["nodeName"]
    texts = [event["message"] for event in hub.events("ada")]
    assert any("Successfully assigned" in text for text in texts), texts
    assert ada.follow("/user/ada/whoami").status_code == 200


def test_defaults_count_where_nothing_was_chosen(hub, namespace):
    hub.start_server("bob", options={"profile": "laboratory"})
    assert container(namespace, "jupyter-bob")["image"] == "hubgate.test/lab:1"
    assert "GREETING" not in variables(namespace, "jupyter-bob")
    hub.start_server("cat")
    assert container(namespace, "jupyter-cat")["image"] == "hubgate.test/lab:0"
    assert hub.server("cat")["profile"] == "plain"


def test_a_refused_choice_makes_nothing(hub, namespace):
    for options in ({"profile": "laboratory", "tag": "two"},
                    {"profile": "laboratory", "tag--unlisted-choice": "1 && rm"}):
        assert hub.begin("eve", options=options).status_code == 400
    assert namespace.pods() == {}
    assert not namespace.admin.get(namespace.path("persistentvolumeclaims"))["items"]


def test_settings_that_are_read_anew_make_the_next_pods(hub, namespace):
    hub.start_server("ada")
    hub.settings["singleuser"]["image"]["tag"] = "next"
    hub.settings["singleuser"]["profileList"] = [{"display_name": "Other"}]
    (hub.path / "hub.yaml").write_text(json.dumps(hub.settings), encoding="utf-8")
    hub.signal(signal.SIGHUP)
    wait_for(lambda: "changed: singleuser" in hub.log.replace("profiles, ", ""), "the settings")
    hub.start_server("bob")
    assert container(namespace, "jupyter-bob")["image"] == "hubgate.test/lab:next"
    assert container(namespace, "jupyter-ada")["image"] == "hubgate.test/lab:0"
    assert hub.is_ready("ada") and hub.server("bob")["profile"] == "other"


def test_a_persons_way_in_chromium(start_hub, kubelet):
    hub = start_hub(start_timeout_s=120, http_timeout_s=120, singleuser={
        "cmd": [*hubs.SINGLEUSER, "--LabApp.extension_manager=readonly",
                f"--LabApp.app_settings_dir={hubs.ROOT}/deploy/local/lab"],
        "image": {"name": "hubgate.test/lab", "tag": "1"}, "profileList": PROFILES})
    done = subprocess.run(["node", HERE / "way.mjs", hub.origin, "admin"], cwd=hubs.ROOT, env=os.environ,
                          capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (kubelet.claim_folder("claim-admin") / "kept.txt").read_text(encoding="ascii") == "by the claim"
