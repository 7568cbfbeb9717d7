"""The hub under test with servers that are pods: hubs.Hub, in a namespace of the test cluster. Its pods are
the kubelet's processes, which reach the hub on loopback."""

import json
import pathlib
import sys

import kubeconfig

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "hub"))

import hubs  # noqa: E402
from hubs import wait_for  # noqa: E402,F401

OF_PROCESSES = ("homes_dir", "switch_user", "server_command")


class PodHub(hubs.Hub):
    """singleuser, kubespawner: laid over what the tests need; `server`: an API server's address in place of
    the namespace's own (a fault proxy)."""

    def __init__(self, namespace, folder, command=None, singleuser=None, server=None, rules=None, **settings):
        self.namespace = namespace
        self.account = account = namespace.account(rules=rules)
        config = kubeconfig.write(folder / "hub.kubeconfig", namespace.plane, {"token": account.token()},
                                  namespace=namespace.name, **({"server": server} if server else {}))
        super().__init__(command=command, spawner="kubernetes", kubeconfig=str(config), **{
            "servers_per_user_max": 3, **settings})
        for key in OF_PROCESSES:
            del self.settings[key]
        self.settings["hub_connect_url"] = f"http://127.0.0.1:{self.hub_port}"
        self.settings["singleuser"] = {
            "cmd": command or hubs.STUB, "cloudMetadata": {"blockWithIptables": False}, **(singleuser or {})}

    def begin(self, name, server="", options=None):
        """Asks for a start, and does not wait for it."""
        self.add_user(name)
        path = f"/users/{hubs.quoted(name)}/" + (f"servers/{server}" if server else "server")
        return self.api("POST", path, json=options)

    def events(self, name, server=""):
        """What was told of the last start, once it is over."""
        path = f"/users/{hubs.quoted(name)}/" + (f"servers/{server}" if server else "server") + "/progress"
        answer = self.api("GET", path)
        return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]

    def failed(self, name):
        """Whether its start is over, and failed."""
        return not (self.server(name) or {}).get("pending")

    def trouble(self):
        """What the driver cannot do just now, as the admin page has it; None."""
        return self.api("GET", "/info").json()["trouble"]
