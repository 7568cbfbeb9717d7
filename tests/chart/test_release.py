"""A release at work: one helm command, then people log in and get servers, by the chart's own account, in a namespace
that enforces Pod Security "restricted"."""

import contextlib
import json
import subprocess
import time

import pytest
import requests
import websockets.sync.client

import charts
import core
import hubs
import kubelet as kubelets
import namespaces
from test_server import Release

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
VALUES = {
    "hub": {"config": {"Authenticator": {"admin_users": ["ada"]}}, "services": {"tests": {"admin": True}},
            "db": {"pvc": {"storage": "64Mi"}}},
    "singleuser": {"image": {"name": "hubgate.test/lab", "tag": "1"}, "defaultUrl": "/lab", "extraEnv": {"COURSE": "1e3"},
                   "memory": {"guarantee": "128M"}, "profileList": [
                       {"display_name": "Small", "default": True},
                       {"display_name": "Large", "kubespawner_override": {"mem_guarantee": "256M"}},
                       {"display_name": "Stub", "kubespawner_override": {"cmd": hubs.STUB}}]},
    "prePuller": {"continuous": {"enabled": False}},
}


class Lab:
    """A release, seen from outside; what tests/hub does with a hub may be done with it."""

    api, user, server, is_ready, wait_server, start_server, stop_server, add_user, browser = (
        getattr(hubs.Hub, name) for name in ("api", "user", "server", "is_ready", "wait_server", "start_server",
                                             "stop_server", "add_user", "browser"))

    def __init__(self, namespace, folder):
        self.namespace, self.release = namespace, Release(namespace, folder)
        self.core = core.Core(namespace, folder)
        self.origin = f"http://{self.core.proxy_address}:8000"
        self.hub_url = self.origin + "/hub/"

    def upgrade(self, **values):
        """`helm upgrade --install`, and what the cluster does of it: which pods were replaced."""
        self.notes = self.release.put(charts.merged(VALUES, self.core.values, values))
        replaced = self.core.follow()
        hubs.wait_for(self.is_up, "the log-in page", 60)
        return replaced

    def is_up(self):
        for name, container in self.core.containers.items():
            assert container.process.poll() is None, f"{name}: {container.log}"
        with contextlib.suppress(requests.RequestException):
            return requests.get(self.hub_url + "login", timeout=5).status_code == 200

    def secret(self, key):
        return core.calls.decoded(self.namespace.admin.get(self.namespace.path("secrets", "hub")))[key]

    @property
    def token(self):
        return self.secret("hub.services.tests.apiToken")

    def log_in(self, name):
        return self.browser(name, self.secret("hub.config.DummyAuthenticator.password"))

    def close(self):
        self.core.close()


@pytest.fixture(scope="module")
def lab(control_plane, tmp_path_factory):
    if reason := core.why_not():
        pytest.skip(reason)
    namespace = namespaces.Namespace(control_plane, labels=RESTRICTED)
    node = kubelets.Kubelet(namespace)
    made = Lab(namespace, tmp_path_factory.mktemp("lab"))
    try:
        begun = time.monotonic()
        made.upgrade()
        print(f"from helm's start to the log-in page: {time.monotonic() - begun:.1f} s")
        yield made
    finally:
        for name, container in made.core.containers.items():
            print(f"--- {name}\n{container.log[-4000:]}")
        made.close()
        node.close()
        namespace.close()


def test_people_log_in_and_get_a_server(lab):
    browser = lab.log_in("ada")
    answer = browser.api("POST", "/users/ada/server", json={"profile": "large"})
    assert answer.status_code in (201, 202), answer.text
    lab.wait_server("ada")
    pod = lab.namespace.pod("jupyter-ada")
    assert pod["spec"]["containers"][0]["image"] == "hubgate.test/lab:1"
    assert pod["spec"]["containers"][0]["resources"]["requests"]["memory"] == str(256 << 20)
    assert {"name": "COURSE", "value": "1e3"} in pod["spec"]["containers"][0]["env"]
    assert lab.namespace.admin.find(lab.namespace.path("persistentvolumeclaims", "claim-ada"))
    assert "version" in requests.get(f"{lab.origin}/user/ada/api", timeout=10).json()
    page = browser.follow("/user/ada/lab")
    assert page.status_code == 200 and "JupyterLab" in page.text
    assert lab.user("ada")["admin"] is True


def test_users_pods_carry_what_the_policies_select(lab):
    lab.start_server("grace", options={"profile": "stub"})
    labels = lab.namespace.pod("jupyter-grace")["metadata"]["labels"]
    policies = lab.namespace.admin.get(lab.namespace.path("networkpolicies", group="networking.k8s.io/v1"))["items"]
    selector = next(one for one in policies if one["metadata"]["name"] == "singleuser")["spec"]["podSelector"]["matchLabels"]
    assert selector.items() <= labels.items()
    assert labels["hub.jupyter.org/network-access-hub"] == "true"


def socket_of(lab, name):
    """A WebSocket to a user's server through the proxy."""
    token = lab.api("POST", f"/users/{name}/tokens", json={"scopes": [f"access:servers!user={name}"]}).json()["token"]
    return websockets.sync.client.connect(
        f"ws{lab.origin[4:]}/user/{name}/api/events/subscribe", additional_headers={"Authorization": f"token {token}"})


def test_an_upgrade_keeps_servers_routes_and_websockets(lab):
    lab.start_server("alan")  # JupyterLab: the stub has no WebSockets
    uid = lab.namespace.pod("jupyter-alan")["metadata"]["uid"]
    with socket_of(lab, "alan") as socket:
        assert lab.upgrade(cull={"timeout": 7200}, singleuser={"memory": {"guarantee": "129M"}}) == ["hub"]
        assert lab.namespace.pod("jupyter-alan")["metadata"]["uid"] == uid
        hubs.wait_for(lambda: lab.is_ready("alan"), "the server, taken up")
        assert "version" in requests.get(f"{lab.origin}/user/alan/api", timeout=10).json()
        assert socket.ping().wait(10), "the WebSocket went on"
    assert lab.upgrade(cull={"timeout": 7200}, singleuser={"memory": {"guarantee": "129M"}}) == []


def test_a_new_proxy_has_the_routes_again(lab):
    lab.start_server("emmy", options={"profile": "stub"})
    assert lab.upgrade(debug={"enabled": True}) == ["hub", "proxy"]
    hubs.wait_for(lambda: "version" in requests.get(f"{lab.origin}/user/emmy/api", timeout=10).text, "the route")


def test_the_hub_has_all_rights_that_it_asks_for(lab):
    """But for what pods use, which rbac.podMetrics gives."""
    asked = lab.namespace.plane.audit(lab.core.account.user)
    refused = [call for call in asked if call["responseStatus"]["code"] == 403 and "metrics.k8s.io" not in call["requestURI"]]
    assert asked and not refused, json.dumps(refused[:3])
    assert "may not" not in lab.core.containers["hub"].log


def test_a_server_stops_and_its_files_stay(lab):
    lab.start_server("kurt", options={"profile": "stub"})
    lab.stop_server("kurt")
    hubs.wait_for(lambda: lab.namespace.pod("jupyter-kurt") is None, "the end of the pod")
    assert lab.namespace.admin.find(lab.namespace.path("persistentvolumeclaims", "claim-kurt"))


def test_a_backup_comes_out_of_the_pod(lab):
    """As the guide says: kubectl exec runs it in the container."""
    hub = lab.core.containers["hub"]
    command = [*hub.pod["spec"]["containers"][0]["args"], "backup", "-"]
    said = subprocess.run(["nsenter", f"--target={hub.process.pid}", "--mount", "--root", "--setuid=1000", "--setgid=1000",
                           "/usr/local/bin/hubgate-hub", *command], capture_output=True, timeout=30)
    assert said.returncode == 0 and said.stdout.startswith(b"SQLite format 3"), said.stderr
