"""The hub with servers that are pods, and an API server that fails in all the ways there are: no server is
lost, and what was asked for is done once it works again."""

import pytest
from fault_proxy import Answer, Cut, Drip, Hang, Raw, watch_gone_event
from hubs import wait_for
from pod_hub import PodHub


@pytest.fixture
def hub(start_hub, kubelet, fault_proxy):
    return start_hub(server=fault_proxy.url)


def runs(hub, name):
    return hub.is_ready(name) and hub.browser(name).follow(f"/user/{name}/whoami").status_code == 200


def test_a_busy_or_failing_api_server_is_asked_again(hub, fault_proxy):
    fault_proxy.fault(Answer.too_many(retry_after=1), path="/pods", method="POST", times=2)
    fault_proxy.fault(Answer.broken(503), path="/persistentvolumeclaims", method="POST", times=2)
    hub.start_server("ada")
    fault_proxy.fault(Answer.broken(500), path="/pods/", method="DELETE", times=2)
    hub.stop_server("ada")


def test_an_answer_that_was_lost_makes_no_second_pod(hub, namespace, fault_proxy):
    fault_proxy.fault(Cut(), path="/pods", method="POST")
    hub.start_server("ada")
    assert list(namespace.pods()) == ["jupyter-ada"]
    assert runs(hub, "ada")
    fault_proxy.fault(Cut(), path="/pods/", method="DELETE")
    hub.stop_server("ada")
    assert namespace.pods() == {}


@pytest.mark.parametrize("fault", [Hang(), Raw(), Answer(200, b"nonsense"), Answer(200, b'{"a":1}')],
                         ids=["hangs", "is no HTTP", "is no JSON", "is another"])
def test_nonsense_in_place_of_an_answer_ends_one_start_at_most(hub, namespace, fault_proxy, fault):
    hub.start_server("eve")
    fault_proxy.fault(fault, path="/pods", method="POST")
    hub.begin("ada")
    wait_for(lambda: hub.failed("ada"), "the start's end", 60)
    if not hub.is_ready("ada"):
        hub.start_server("ada")
    assert runs(hub, "ada") and runs(hub, "eve")
    assert sorted(namespace.pods()) == ["jupyter-ada", "jupyter-eve"]


@pytest.mark.parametrize("fault", [Answer.gone(), Answer.watch_gone(), Cut(after=300), Raw(), Drip(bytes=7)],
                         ids=["410", "410 within", "cut", "nonsense", "drips"])
def test_a_watch_that_fails_is_taken_up_again(hub, namespace, fault_proxy, fault):
    hub.start_server("ada")
    fault_proxy.fault(fault, path="/pods", watch=True, times=2)
    fault_proxy.cut_all()
    hub.start_server("eve")
    namespace.admin.delete(namespace.path("pods", "jupyter-ada"), body={"gracePeriodSeconds": 0})
    wait_for(lambda: (hub.server("ada") or {}).get("stopped", True), "the end", 60)
    assert runs(hub, "eve")


def test_a_watch_that_is_too_old_misses_nothing(hub, namespace, fault_proxy):
    hub.start_server("ada")
    hub.start_server("eve")
    fault_proxy.leave()
    namespace.admin.delete(namespace.path("pods", "jupyter-ada"), body={"gracePeriodSeconds": 0})
    fault_proxy.fault(Answer.gone(), path="/pods", watch=True)
    fault_proxy.come_back()
    wait_for(lambda: (hub.server("ada") or {}).get("stopped", True), "the end", 60)
    assert runs(hub, "eve")
    fault_proxy.inject(watch_gone_event(), path="/pods")
    hub.stop_server("eve")


def test_servers_run_on_while_the_api_server_is_away_and_the_admin_is_told(hub, namespace, fault_proxy):
    hub.start_server("ada")
    fault_proxy.leave()
    trouble = wait_for(hub.trouble, "the trouble", 90)
    assert "pods of namespace" in str(trouble)
    assert runs(hub, "ada")
    fault_proxy.come_back()
    wait_for(lambda: not hub.trouble(), "its end", 90)
    assert runs(hub, "ada")
    hub.stop_server("ada")


def test_a_hub_that_starts_while_the_api_server_is_away_loses_nobody(hub, namespace, fault_proxy):
    hub.start_server("ada")
    uid = namespace.pod("jupyter-ada")["metadata"]["uid"]
    hub.kill()
    hub.settings["start_timeout_s"] = 1
    fault_proxy.leave()
    hub.restart()
    assert wait_for(hub.trouble, "the trouble", 90)
    wait_for(lambda: (hub.server("ada") or {}).get("pending") == "spawn", "the server that is looked for")
    assert hub.browser("ada").follow("/user/ada/api").status_code == 200, "its route stays"
    fault_proxy.come_back()
    hub.wait_server("ada")
    assert namespace.pod("jupyter-ada")["metadata"]["uid"] == uid


def test_a_stop_is_done_once_the_api_server_is_back(hub, namespace, fault_proxy):
    hub.start_server("ada")
    fault_proxy.leave()
    assert hub.api("DELETE", "/users/ada/server").status_code == 202
    fault_proxy.come_back()
    wait_for(lambda: (hub.server("ada") or {}).get("stopped", True), "the end", 60)
    assert namespace.pods() == {}


def test_an_api_server_that_is_killed_and_comes_back(own_control_plane, make_kubelet, tmp_path):
    import namespaces
    plane = own_control_plane()
    namespace = namespaces.Namespace(plane)
    make_kubelet(namespace)
    hub = PodHub(namespace, tmp_path)
    try:
        hub.start().wait_ready()
        hub.start_server("ada")
        plane.kill_api()
        assert runs(hub, "ada")
        plane.start_api()
        hub.start_server("eve")
        assert runs(hub, "ada")
        namespace.admin.delete(namespace.path("pods", "jupyter-ada"), body={"gracePeriodSeconds": 0})
        wait_for(lambda: (hub.server("ada") or {}).get("stopped", True), "the end", 60)
    finally:
        hub.close()
