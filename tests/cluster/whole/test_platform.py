"""The platform on a whole cluster: helm installs it, users' pods run JupyterLab, and they outlive what serves them."""

import subprocess

import pytest
import requests

from control_plane import ROOT, wait_for
from whole.platform import PASSWORD, Notebook, Platform

GREETING = {"display_name": "Greeting", "choices": {
    "none": {"display_name": "None", "kubespawner_override": {"environment": {"GREETING": ""}}},
    "day": {"display_name": "Good day", "kubespawner_override": {"environment": {"GREETING": "good day"}}}}}
PROFILES = [{"display_name": "Laboratory", "slug": "lab", "default": True, "profile_options": {"greeting": GREETING}},
            {"display_name": "No image", "slug": "none",
             "kubespawner_override": {"image": "registry.example.org/not-there:1"}}]


@pytest.fixture(scope="module")
def platform(node):
    return Platform(node, "hub", singleuser={"profileList": PROFILES})


def uid(pod):
    return pod["metadata"]["uid"]


def is_ready(pod):
    conditions = pod["status"].get("conditions", []) if pod else []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def test_one_helm_command_leads_to_a_log_in_page(platform):
    answer = requests.get(platform.hub_url + "login", timeout=30)
    assert answer.status_code == 200 and 'name="password"' in answer.text


def test_a_cell_runs_in_a_users_pod_and_the_volume_keeps_its_file(platform):
    platform.start_server("ada", options={"profile": "lab"})
    said = Notebook(platform, "ada").run(
        "import os; open('kept.txt', 'w').write('by the claim'); print(os.getuid(), os.getcwd(), 6 * 7)")
    assert said.split() == ["1000", "/home/jovyan", "42"]
    first = platform.pod_of("singleuser-server", "ada")
    platform.stop_server("ada")
    wait_for(lambda: platform.pod_of("singleuser-server", "ada") is None, "the end of the pod", 60)
    platform.start_server("ada", options={"profile": "lab"})
    assert uid(platform.pod_of("singleuser-server", "ada")) != uid(first)
    assert Notebook(platform, "ada").call("GET", "api/contents/kept.txt")["content"] == "by the claim"


def test_a_browser_gets_from_the_log_in_to_jupyterlab(platform):
    browser = platform.browser("grace", PASSWORD)
    answer = browser.api("POST", "/users/grace/server", json={"profile": "lab"})
    assert answer.status_code in (201, 202), answer.text
    platform.wait_server("grace")
    page = browser.follow("/user/grace/lab")
    assert page.status_code == 200 and "jupyterlab" in page.text.lower()


def test_a_persons_whole_way_in_chromium(platform):
    """Log in, choose, follow the cluster's events, run a cell, stop, and find the file in the next pod."""
    done = subprocess.run(["node", ROOT / "tests/cluster/way.mjs", platform.origin, "mary"], capture_output=True,
                          text=True, timeout=280, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}{platform.told()}"


def test_a_users_server_outlives_the_hub(platform):
    platform.start_server("lin")
    pod, hub = platform.pod_of("singleuser-server", "lin"), platform.pod_of("hub")
    platform.delete_pod(hub)
    wait_for(lambda: is_ready(platform.pod_of("hub")) and uid(platform.pod_of("hub")) != uid(hub), "another hub", 60)
    platform.wait_hub()
    platform.wait_server("lin")
    assert uid(platform.pod_of("singleuser-server", "lin")) == uid(pod)
    assert Notebook(platform, "lin").run("print(1)") == "1\n"


def test_an_upgrade_leaves_users_pods_and_the_proxy_as_they_are(platform):
    platform.start_server("max")
    pod, proxy, hub = (platform.pod_of(*what) for what in (("singleuser-server", "max"), ("proxy",), ("hub",)))
    platform.install(hub={"extraEnv": {"ANOTHER": "word"}})
    platform.wait_server("max")
    assert uid(platform.pod_of("singleuser-server", "max")) == uid(pod)
    assert uid(platform.pod_of("proxy")) == uid(proxy) and uid(platform.pod_of("hub")) != uid(hub)
    assert Notebook(platform, "max").run("print(2)") == "2\n"


def test_an_image_that_no_registry_has(platform):
    platform.add_user("eve")
    answer = platform.api("POST", "/users/eve/server", json={"profile": "none"})
    assert answer.status_code in (201, 202)
    wait_for(lambda: not platform.user("eve")["pending"], "the end of its start", 120)
    assert not platform.is_ready("eve")
    assert platform.pod_of("singleuser-server", "eve") is None


def test_a_pod_that_is_deleted_by_hand_is_a_server_that_stopped(platform):
    platform.start_server("tim")
    platform.delete_pod(platform.pod_of("singleuser-server", "tim"))
    wait_for(lambda: not platform.is_ready("tim"), "the hub to notice", 60)


def test_hubctl_reads_and_acts_in_the_pod(platform):
    platform.start_server("ida")
    assert "ida" in platform.hubctl("get", "pods")
    assert "uid=1000" in platform.hubctl("exec", "ida", "--", "id")
    assert "JupyterLab" in platform.hubctl("logs", "ida")
