"""The hub with servers that are pods, on a real API server: what it makes, what it tells meanwhile, and what
it makes of everything that goes wrong with a pod."""

import time

import hubs
import pytest
from hubs import wait_for

LAB = {"cmd": hubs.SINGLEUSER, "image": {"name": "hubgate.test/lab", "tag": "1"}}


@pytest.fixture
def hub(start_hub, kubelet):
    return start_hub()


def messages(hub, name, server=""):
    return [event["message"] for event in hub.events(name, server)]


# --- a server's life ---


def test_jupyterlab_answers_in_a_pod_and_stops(start_hub, namespace, kubelet):
    hub = start_hub(singleuser=LAB, start_timeout_s=120, http_timeout_s=120)
    hub.start_server("ada")
    assert list(namespace.pods()) == ["jupyter-ada"]
    ada = hub.browser("ada")
    page = ada.follow("/user/ada/lab")
    assert page.status_code == 200 and "JupyterLab" in page.text
    answer = ada.get("/user/ada/api/status")
    assert answer.status_code == 200 and "kernels" in answer.json(), answer.text[:500]
    hub.stop_server("ada")
    assert namespace.pods() == {}
    assert ada.get("/user/ada/lab").status_code != 200


def test_files_stay_for_the_next_pod(hub, kubelet):
    hub.start_server("ada")
    (kubelet.claim_folder("claim-ada") / "notes.txt").write_text("kept", encoding="ascii")
    hub.stop_server("ada")
    hub.start_server("ada")
    assert (kubelet.claim_folder("claim-ada") / "notes.txt").read_text(encoding="ascii") == "kept"


def test_named_servers_have_pods_and_claims_of_their_own(hub, namespace):
    hub.start_server("ada")
    hub.start_server("ada", "gpu")
    pods = namespace.pods()
    assert sorted(pods) == ["jupyter-ada", "jupyter-ada--gpu"]
    claims = namespace.admin.get(namespace.path("persistentvolumeclaims"))["items"]
    assert sorted(claim["metadata"]["name"] for claim in claims) == ["claim-ada", "claim-ada--gpu"]
    hub.stop_server("ada", "gpu")
    assert sorted(namespace.pods()) == ["jupyter-ada"] and hub.is_ready("ada")


def test_the_name_of_a_server_does_not_give_another_users_files(start_hub, namespace, kubelet):
    hub = start_hub(singleuser={"storage": {"dynamic": {"pvcNameTemplate": "claim-{username}-{servername}"}}})
    hub.start_server("ada-bob")
    assert namespace.admin.find(namespace.path("persistentvolumeclaims", "claim-ada-bob"))
    hub.begin("ada", "bob")
    wait_for(lambda: any("claim-ada-bob is another user's" in line for line in messages(hub, "ada", "bob")), "a refusal")
    assert list(namespace.pods()) == ["jupyter-ada-bob"]


def test_a_user_who_is_deleted_leaves_his_files_unless_that_is_wished(start_hub, namespace, kubelet):
    hub = start_hub(kubespawner={"delete_pvc": True}, singleuser={
        "storage": {"dynamic": {"pvcNameTemplate": "claim-{username}"}}})
    hub.start_server("ada")
    hub.start_server("ada", "second")
    hub.stop_server("ada", "second")
    assert hub.api("DELETE", "/users/ada/servers/second", json={"remove": True}).status_code == 204
    hub.stop_server("ada")
    assert namespace.admin.find(namespace.path("persistentvolumeclaims", "claim-ada")), "it was the user's"
    assert hub.api("DELETE", "/users/ada").status_code == 204
    wait_for(lambda: not namespace.admin.find(namespace.path("persistentvolumeclaims", "claim-ada")), "its end")


def test_progress_is_told_from_events(hub, namespace):
    hub.start_server("ada")
    told = hub.events("ada")
    texts = [event["message"] for event in told]
    assert any("Successfully assigned" in text for text in texts), texts
    assert any("Started container notebook" in text for text in texts), texts
    percents = [event["progress"] for event in told]
    assert percents == sorted(percents) and percents[-1] == 100
    hub.stop_server("ada")
    hub.start_server("ada")
    again = [event["message"] for event in hub.events("ada")]
    assert sum("Successfully assigned" in text for text in again) == 1, again


def test_the_log_is_the_containers(hub):
    hub.start_server("ada")
    answer = wait_for(lambda: (found := hub.api("GET", "/users/ada/server/logs")).text and found, "the log")
    assert "listening at" in answer.text


# --- starts that fail ---


def fails(hub, name):
    wait_for(lambda: hub.failed(name), "the failure", 60)
    last = hub.events(name)[-1]
    assert last["failed"], last
    return last


def test_an_image_that_does_not_exist_fails_soon(start_hub, namespace, kubelet):
    hub = start_hub(singleuser={"image": {"name": "hubgate.test/missing", "tag": "1"}}, start_timeout_s=300)
    begun = time.monotonic()
    hub.begin("ada")
    last = fails(hub, "ada")
    assert time.monotonic() - begun < 30
    assert "cannot be pulled" in last["message"] and "not found" in last["message"], last
    assert namespace.pods() == {}


@pytest.mark.parametrize("image,says", [
    ("misconfigured", 'secret "not-there" not found'),
    ("unstartable", "executable file not found"),
    ("hungry", "more memory than it may"),
    ("crashing", "ended with status 1"),
    ("done", "ended with status 0"),
])
def test_a_container_that_does_not_run_fails_with_its_reason(start_hub, namespace, kubelet, image, says):
    hub = start_hub(singleuser={"image": {"name": f"hubgate.test/{image}", "tag": "1"}}, start_timeout_s=300)
    hub.begin("ada")
    assert says in fails(hub, "ada")["message"]
    assert namespace.pods() == {}


def test_a_server_that_dies_leaves_its_last_lines(hub, namespace):
    hub.begin("dies-1")
    last = fails(hub, "dies-1")
    assert "ended with status 3" in last["message"]
    assert "no kernel is installed" in last["log"]
    assert namespace.pods() == {}


def test_a_quota_that_is_used_up_is_told(hub, namespace, kubelet):
    namespace.quota(pods="1")
    hub.start_server("ada")
    hub.begin("eve")
    assert "exceeded quota" in fails(hub, "eve")["message"]
    assert hub.is_ready("ada")


def test_without_a_node_a_start_says_so_and_waits(hub, kubelet):
    kubelet.hold()
    hub.add_user("ada")
    with hub.api("POST", "/users/ada/server", json=None, headers={"Prefer": "x"}) as answer:
        assert answer.status_code == 202
    wait_for(lambda: (hub.server("ada") or {}).get("pending") == "spawn", "the start")
    lines = follow_progress(hub, "ada", "waiting for a node")
    assert "nodes are available" in lines[-1]
    kubelet.release()
    hub.wait_server("ada")


def follow_progress(hub, name, until):
    import requests
    url = hub.hub_url + f"api/users/{name}/server/progress"
    lines = []
    with requests.get(url, headers={"Authorization": f"token {hub.token}"}, stream=True, timeout=60) as answer:
        for line in answer.iter_lines(decode_unicode=True):
            lines.append(line)
            if until in line:
                return lines
    raise AssertionError(f"no {until} in {lines}")


def test_a_start_can_be_stopped_while_it_waits(hub, namespace, kubelet):
    kubelet.hold()
    hub.begin("ada")
    wait_for(lambda: "jupyter-ada" in namespace.pods(), "the pod")
    assert hub.api("DELETE", "/users/ada/server").status_code in (202, 204)
    wait_for(lambda: hub.failed("ada"), "the end")
    assert namespace.pods() == {}


# --- pods that go by themselves ---


def test_an_evicted_pod_ends_its_server(hub, namespace, kubelet):
    hub.start_server("ada")
    kubelet.evict("jupyter-ada")
    wait_for(lambda: (hub.server("ada") or {}).get("stopped", True), "the end")
    assert "The server /user/ada/ ended by itself: its node turned it out (Evicted)" in hub.log
    wait_for(lambda: namespace.pods() == {}, "the end of the pod")
    hub.start_server("ada")


def test_a_pod_deleted_by_hand_ends_its_server(hub, namespace):
    hub.start_server("ada")
    namespace.admin.delete(namespace.path("pods", "jupyter-ada"))
    wait_for(lambda: (hub.server("ada") or {}).get("stopped", True), "the end")
    assert "its pod was deleted" in hub.log
    hub.start_server("ada")


def test_a_server_out_of_memory_has_ended_with_that_reason(hub, kubelet):
    hub.start_server("ada")
    kubelet.kill("jupyter-ada", 137, "OOMKilled")
    wait_for(lambda: (hub.server("ada") or {}).get("stopped", True), "the end")
    assert "OOMKilled" in hub.log


# --- the hub ends and comes back ---


@pytest.mark.parametrize("way", ["ends", "is killed"])
def test_servers_go_on_without_the_hub(hub, namespace, kubelet, way):
    hub.start_server("ada")
    uid = namespace.pod("jupyter-ada")["metadata"]["uid"]
    if way == "ends":
        hub.stop()
    else:
        hub.kill()
    hub.restart()
    hub.wait_server("ada")
    assert namespace.pod("jupyter-ada")["metadata"]["uid"] == uid
    assert hub.browser("ada").follow("/user/ada/whoami").status_code == 200
    hub.stop_server("ada")
    assert namespace.pods() == {}


def test_what_ended_while_the_hub_was_away_is_noticed(hub, namespace):
    hub.start_server("ada")
    hub.start_server("eve")
    hub.kill()
    namespace.admin.delete(namespace.path("pods", "jupyter-ada"), body={"gracePeriodSeconds": 0})
    hub.restart()
    hub.wait_server("eve")
    wait_for(lambda: (hub.server("ada") or {}).get("stopped", True), "the end")
    hub.start_server("ada")


def test_a_start_that_the_hub_did_not_live_to_see_is_cleared_away(hub, namespace, kubelet):
    kubelet.hold()
    hub.begin("ada")
    wait_for(lambda: "jupyter-ada" in namespace.pods(), "the pod")
    hub.kill()
    kubelet.release()
    hub.restart()
    wait_for(lambda: namespace.pods() == {}, "the end of the pod")
    hub.start_server("ada")


def test_pods_of_others_in_the_namespace_are_left_alone(hub, namespace):
    labels = {"component": "singleuser-server", "hubgate.org/hub": "another"}
    for name, given in (("jupyter-theirs", labels), ("other", {"app": "x"})):
        namespace.admin.post(namespace.path("pods"), {
            "metadata": {"name": name, "labels": given},
            "spec": {"containers": [{"name": "c", "image": "hubgate.test/idle"}]}})
    hub.start_server("ada")
    hub.stop()
    hub.restart()
    hub.wait_server("ada")
    assert sorted(namespace.pods()) == ["jupyter-ada", "jupyter-theirs", "other"]
    hub.begin("theirs")
    assert "not of this hub" in fails(hub, "theirs")["message"]


def test_a_pod_that_kubespawner_left_is_replaced(hub, namespace):
    namespace.admin.post(namespace.path("pods"), {
        "metadata": {"name": "jupyter-ada", "labels": {"component": "singleuser-server"}},
        "spec": {"containers": [{"name": "notebook", "image": "hubgate.test/idle"}]}})
    hub.start_server("ada")
    assert "hubgate.org/hub" in namespace.pod("jupyter-ada")["metadata"]["labels"]
    assert any("pod from before" in text for text in messages(hub, "ada"))


# --- rights ---


def test_rights_that_are_missing_are_named(start_hub, kubelet):
    hub = start_hub(rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}])
    trouble = wait_for(hub.trouble, "the trouble")
    assert "may not create pods" in str(trouble)
    hub.begin("ada")
    assert "forbidden" in fails(hub, "ada")["message"].lower()
