"""The platform as an admin gets it: the chart, installed by helm with its own images, and used through the address
of its load balancer."""

import json
import secrets
import subprocess

import requests
import websocket
import yaml

import control_plane
from control_plane import wait_for
from hubs import Hub, quoted

CHART = control_plane.ROOT / "deploy/chart"
HUBCTL = control_plane.ROOT / "build/hubctl"
PATIENCE = 120
PASSWORD = "anything"  # of everybody


class Platform(Hub):
    """A release in a namespace of its own. The calls of hubs.Hub serve it; `values` are laid over the chart's."""

    def __init__(self, node, namespace, **values):  # no process of ours: a pod
        self.node, self.namespace, self.token = node, namespace, secrets.token_hex(16)
        self.helm_program, = control_plane.tool("helm")
        self.values = {
            "hub": {"config": {"DummyAuthenticator": {"password": PASSWORD}}, "services": {"tests": {"apiToken": self.token}},
                    "loadRoles": {"tests": {"services": ["tests"], "scopes": [
                        "admin:users", "admin:servers", "tokens", "access:servers"]}}},
            "singleuser": {"storage": {"capacity": "1Gi"}}, "prePuller": {"continuous": {"enabled": False}}}
        self.install(**values)

    def helm(self, *arguments):
        done = subprocess.run([self.helm_program, "--kubeconfig", self.node.config, "--namespace", self.namespace,
                               *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"helm {arguments}: {done.stderr}{self.told()}"
        return done.stdout

    def install(self, **values):
        """Also the upgrade of what is installed."""
        merge(self.values, values)
        path = self.node.folder / f"{self.namespace}.yaml"
        path.write_text(yaml.safe_dump(self.values), encoding="utf-8")
        said = self.helm("upgrade", "--install", "--create-namespace", "hub", CHART, "--values", path, "--wait",
                         "--timeout", "120s")
        service = self.get("services", "proxy-public")
        self.origin = "http://" + service["status"]["loadBalancer"]["ingress"][0]["ip"]
        self.hub_url = f"{self.origin}/hub/"
        self.wait_hub()
        return said

    def get(self, kind, name=""):
        return self.node.admin.find(f"/api/v1/namespaces/{self.namespace}/{kind}" + (f"/{name}" if name else ""))

    def pod_of(self, component, user=None):
        """The pod of hub or proxy, or of a user's server; None when there is none or it is ending."""
        selector = f"component={component}" + (f",hub.jupyter.org/username={user}" if user else "")
        found = self.node.admin.get(f"/api/v1/namespaces/{self.namespace}/pods", labelSelector=selector)["items"]
        return next((pod for pod in found if "deletionTimestamp" not in pod["metadata"]), None)

    def delete_pod(self, pod):
        self.node.admin.delete(f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}")

    def is_ready(self, name, server=""):
        """Also while a hub or a proxy is replaced."""
        try:
            return super().is_ready(name, server)
        except (requests.RequestException, AssertionError):
            return None

    def wait_hub(self):
        wait_for(lambda: requests.get(self.hub_url + "api", timeout=5).status_code == 200, "the hub", PATIENCE)

    def hubctl(self, *arguments):
        done = subprocess.run([HUBCTL, "--kubeconfig", self.node.config, "-n", self.namespace, *arguments],
                              capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, f"hubctl {arguments}: {done.stderr}"
        return done.stdout

    def told(self):
        """For a failure: where the pods are, and what happened."""
        pods = (self.get("pods") or {"items": []})["items"]
        events = (self.get("events") or {"items": []})["items"]
        return "\n".join([f"{pod['metadata']['name']}: {json.dumps(pod['status'])[:1500]}" for pod in pods] + [
            f"{event['involvedObject']['name']}: {event['reason']}: {event['message']}" for event in events[-30:]])


class Notebook:
    """A user's JupyterLab, as its pages use it, by a token of the user's."""

    def __init__(self, platform, name):
        answer = platform.api("POST", f"/users/{quoted(name)}/tokens", json={
            "note": "tests", "scopes": [f"access:servers!user={name}"]})
        assert answer.status_code == 201, answer.text
        self.url = f"{platform.origin}/user/{quoted(name)}/"
        self.headers = {"Authorization": f"token {answer.json()['token']}"}

    def call(self, method, path):
        answer = requests.request(method, self.url + path, headers=self.headers, timeout=60)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def run(self, code):
        """What the code prints, in a kernel of its own."""
        kernel = self.call("POST", "api/kernels")["id"]
        socket = websocket.create_connection(
            self.url.replace("http:", "ws:") + f"api/kernels/{kernel}/channels", timeout=60,
            header=[f"{name}: {value}" for name, value in self.headers.items()])
        number, said = secrets.token_hex(8), ""
        socket.send(json.dumps({
            "header": {"msg_id": number, "msg_type": "execute_request", "version": "5.3", "username": "", "session": "x"},
            "parent_header": {}, "metadata": {}, "channel": "shell", "buffers": [],
            "content": {"code": code, "silent": False, "store_history": False, "user_expressions": {},
                        "allow_stdin": False, "stop_on_error": True}}))
        while True:
            message = json.loads(socket.recv())
            if message["parent_header"].get("msg_id") != number:
                continue
            if message["msg_type"] == "stream":
                said += message["content"]["text"]
            assert message["msg_type"] != "error", message["content"]
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                socket.close()
                return said


def merge(into, values):
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value
