"""hubgate-hub.service: its lines, the files it comes with, what the hub says to a service manager, and a
restart as systemd does it, with the proxy as a service of its own."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
import requests
import yaml

import hubs

UNITS = hubs.ROOT / "systemd"
UNIT = (UNITS / "hubgate-hub.service").read_text(encoding="utf-8")
SERVERS = (UNITS / "hubgate-servers.service").read_text(encoding="utf-8")
analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")


def said_by(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@analyze
def test_systemd_understands_every_line(tmp_path):
    paths = [tmp_path / "hubgate-hub.service", tmp_path / "hubgate-servers.service"]
    for path, text in zip(paths, (UNIT, SERVERS)):
        path.write_text(re.sub(r"(?m)^ExecStart=/usr/local\S+", f"ExecStart={shutil.which('true')}", text),
                        encoding="utf-8")
    said = said_by("systemd-analyze", "verify", "--man=no", *map(str, paths))
    assert not [line for line in said.stderr.splitlines() if "hubgate-" in line], said.stderr


@analyze
def test_the_service_is_sandboxed_as_far_as_its_servers_can_be():
    said = said_by("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=57",
                   str(UNITS / "hubgate-hub.service"))
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.parametrize("line, why", [
    ("ProtectHome=", "homes are where servers run"),
    ("ProtectSystem=strict", "servers write to shared directories"),
    ("PrivateTmp=", "it goes with the hub, and servers stay"),
    ("PrivateDevices=", "servers use GPUs"),
    ("DeviceAllow=", "servers use GPUs"),
    ("ProtectClock=", "it implies DeviceAllow="),
    ("ProtectControlGroups=", "the hub makes groups"),
    ("PrivateUsers=", "the hub becomes other users"),
    ("MemoryDenyWriteExecute=", "interpreters compile"),
    ("RestrictNamespaces=", "containers without root"),
    ("MemoryMax=", "it would be one limit for all servers together"),
])
def test_nothing_in_the_sandbox_breaks_servers(line, why):
    assert not re.search(f"(?m)^{line}", UNIT), why


def test_servers_outlive_the_hub_and_their_own_lack_of_memory():
    lines = UNIT.splitlines()
    for line in ("Type=notify", "KillMode=process", "OOMPolicy=continue", "TasksMax=infinity",
                 "StateDirectory=hubgate-hub"):
        assert line in lines, line
    assert "Restart=on-failure" in lines, "what was stopped by SIGINT or the API stays stopped"


def test_the_groups_of_servers_are_another_units():
    """systemd cannot start a service anew in a group that has controllers for those below."""
    assert "Delegate=" not in UNIT
    for line in ("Delegate=memory cpu pids", "OOMPolicy=continue", "TasksMax=infinity"):
        assert line in SERVERS.splitlines(), line
    assert re.search(r"(?m)^Environment=HUBGATE_HUB_SERVER_CGROUP=/sys/fs/cgroup/system.slice/"
                     r"hubgate-servers.service$", UNIT)
    assert re.search(r"(?m)^Wants=.*\bhubgate-servers.service\b", UNIT)
    assert re.search(r"(?m)^After=.*\bhubgate-servers.service\b", UNIT)
    assert "PartOf=hubgate-servers.service" in UNIT.splitlines()


def test_make_install_puts_everything_in_its_place(tmp_path):
    said = said_by("make", "-s", "-C", str(hubs.ROOT), "-o", "all", "install", f"DESTDIR={tmp_path}",
                   "PREFIX=/opt/hubgate", f"BUILD={hubs.PROGRAM.parent}")
    assert said.returncode == 0, said.stdout + said.stderr
    top = tmp_path / "opt/hubgate"
    for name in ("bin/hubgate-hub", "bin/hubctl", "bin/hubgate", "libexec/hubgate/hubgate-keeper"):
        assert os.access(top / name, os.X_OK), name
    for name in ("hub.yaml.example", "hubgate.env.example", "hubgate-hub.example.yaml"):
        assert (top / "share/doc/hubgate" / name).exists(), name
    assert (top / "lib/systemd/system/hubgate-servers.service").exists()
    unit = (top / "lib/systemd/system/hubgate-hub.service").read_text(encoding="utf-8")
    assert "ExecStart=/opt/hubgate/bin/hubgate-hub " in unit and "/usr/local" not in unit


def test_readiness_watchdog_and_stopping_are_told(start_hub):
    name = f"@hubgate-hub-test-{os.getpid()}"
    told = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:])
        manager.setblocking(False)

        def heard(state):
            with contextlib.suppress(BlockingIOError):
                while True:
                    told.extend(manager.recv(4096).decode().splitlines())
            return told.count(state)

        hub = start_hub(env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"})
        hubs.wait_for(lambda: heard("WATCHDOG=1") >= 3, "the hub feeds the watchdog")
        assert heard("READY=1") == 1, told
        assert hub.stop() == 0, hub.log
        assert heard("STOPPING=1") == 1, told


def example(name):
    return (UNITS / name).read_text(encoding="utf-8")


def test_the_example_of_the_settings_is_good(tmp_path):
    (tmp_path / "hub.yaml").write_text(example("hub.yaml.example"), encoding="utf-8")
    said = subprocess.run(
        [str(hubs.PROGRAM), "--config", str(tmp_path / "hub.yaml"), "--check"], capture_output=True,
        text=True, timeout=60, env={"PATH": os.environ["PATH"], "CONFIGPROXY_AUTH_TOKEN": "s3cret"})
    assert said.returncode == 0, said.stderr


class Services:
    """hubgate.service and hubgate-hub.service, by what the example files say, on free ports."""

    def __init__(self):
        env = {"CONFIGPROXY_AUTH_TOKEN": "a-token-that-both-know"}
        settings = yaml.safe_load(example("hub.yaml.example"))
        for key in ("authenticator", "server_command", "environment", "state_dir", "admin_groups"):
            settings.pop(key)  # those of the tests, in their stead
        self.hub = hub = hubs.Hub(env=env, proxy_command=[], **settings)
        flags = re.search(r"(?m)^HUBGATE_FLAGS=(.*)$", example("hubgate.env.example"))[1]
        for key, port in (("=8000", hub.proxy_port), (":8081", hub.hub_port)):
            assert key in flags
            flags = flags.replace(key, f"{key[0]}{port}")
        self.proxy = subprocess.Popen(
            [str(hubs.PROXY), *flags.split(), "--ip=127.0.0.1", f"--api-port={hub.api_port}"],
            env={"PATH": os.environ["PATH"], **env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self):
        self.proxy.kill()
        self.proxy.wait()
        self.hub.close()


@pytest.fixture
def services():
    made = Services()
    try:
        made.hub.start().wait_ready()
        yield made
    finally:
        made.close()


def test_a_restart_of_the_hub_touches_neither_servers_nor_proxy(services):
    hub = services.hub
    hub.start_server("ada")
    before = requests.get(hub.url + "user/ada/api", timeout=10)
    assert before.status_code == 200 and before.headers["X-JupyterHub-Version"] == "stub"
    hub.signal(signal.SIGTERM)  # to the main process alone: KillMode=process
    assert hub.wait() == 0, hub.log
    assert services.proxy.poll() is None
    assert requests.get(hub.url + "user/ada/api", timeout=10).status_code == 200
    hub.restart()
    hub.wait_server("ada")
    hub.stop_server("ada")


def test_the_hub_ends_its_servers_when_it_is_interrupted(services):
    hub = services.hub
    hub.start_server("ada")
    hub.signal(signal.SIGINT)
    assert hub.wait() == 0, hub.log
    hubs.wait_for(lambda: not hubs.marked(hub.mark), "the end of the server")
    assert services.proxy.poll() is None, "the proxy is not the hub's to end"
