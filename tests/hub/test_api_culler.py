"""jupyterhub-idle-culler, as it is on PyPI: a service of the hub that stops what nobody uses."""

import contextlib
import datetime
import os
import subprocess
import sys
import threading

import hubs

SCOPES = ["list:users", "read:users:activity", "read:servers", "delete:servers"]
TOKEN = "culler-token-0123456789abcdef0123456789"


def culled_hub(start_hub, *scopes):
    return start_hub(servers_per_user_max=3, env={"CULLER_TOKEN": TOKEN}, more_services=[
        {"name": "culler", "token_env": "CULLER_TOKEN", "scopes": [*SCOPES, *scopes]}])


@contextlib.contextmanager
def culler(hub, *flags):
    """The culler at work, every second."""
    environ = {**os.environ, "JUPYTERHUB_API_TOKEN": TOKEN, "JUPYTERHUB_API_URL": hub.hub_url + "api"}
    with open(hub.path / "culler", "w", encoding="utf-8") as log:
        process = subprocess.Popen([sys.executable, "-m", "jupyterhub_idle_culler", "--cull-every=1", *flags],
                                   env=environ, stdout=log, stderr=log)
    try:
        yield
    finally:
        assert process.poll() is None, (hub.path / "culler").read_text()
        process.terminate()
        process.wait(hubs.PATIENCE)
    said = (hub.path / "culler").read_text()
    assert "Traceback" not in said and "Error" not in said, said


@contextlib.contextmanager
def busy(hub, name):
    """Tells activity of the user's default server, again and again."""
    over = threading.Event()

    def tell():
        while not over.wait(0.3):
            now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            hub.api("POST", f"/users/{name}/activity",
                    json={"servers": {"": {"last_activity": now}}, "last_activity": now})
    thread = threading.Thread(target=tell)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(hubs.PATIENCE)


def test_the_idle_server_goes_the_busy_one_stays(start_hub):
    hub = culled_hub(start_hub)
    for name in ("idle", "busy"):
        hub.start_server(name)
    hub.start_server("idle", "second")
    with busy(hub, "busy"), culler(hub, "--timeout=4"):
        hubs.wait_for(lambda: not hub.server("idle")["ready"] and not hub.server("idle", "second")["ready"],
                      "the end of the idle ones", 30)
        assert hub.is_ready("busy")
    assert hub.api("GET", "/users/idle").status_code == 200


def test_named_servers_are_removed_when_told_to(start_hub):
    hub = culled_hub(start_hub)
    hub.start_server("idle", "second")
    with culler(hub, "--timeout=2", "--remove-named-servers=True"):
        hubs.wait_for(lambda: hub.server("idle", "second") is None, "the end of the named one", 30)
    assert hub.server("idle")["stopped"]


def test_users_go_too_when_told_to(start_hub):
    hub = culled_hub(start_hub, "admin:users", "read:users")
    for name in ("idle", "busy"):
        hub.start_server(name)
    hub.api("POST", "/users", json={"usernames": [f"never-{i}" for i in range(60)]})
    with busy(hub, "busy"), culler(hub, "--timeout=4", "--cull-users=True", "--api-page-size=20"):
        hubs.wait_for(lambda: {user["name"] for user in hub.api("GET", "/users").json()} == {"busy"},
                      "the end of the idle users", 40)
        assert hub.is_ready("busy")
