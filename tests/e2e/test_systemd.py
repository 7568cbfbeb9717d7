"""The systemd units, and what hubgate says to a service manager and takes from one."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

import peers
import programs

UNITS = programs.ROOT / "systemd"
analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze here")


@analyze
def test_the_service_is_sandboxed():
    """At most 2.0 of 10 in systemd's own rating."""
    said = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20",
         str(UNITS / "hubgate.service")],
        capture_output=True, text=True, timeout=peers.PATIENCE,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    level = re.search(r"exposure level for hubgate.service: ([0-9.]+)", said.stdout)
    assert float(level[1]) <= 2.0


@analyze
def test_systemd_understands_every_line(tmp_path):
    for unit in (UNITS / "hubgate.service", UNITS / "hubgate.socket"):
        text = unit.read_text(encoding="utf-8")
        text = text.replace("/usr/local/bin/hubgate", shutil.which("true"))
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    said = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True, text=True, timeout=peers.PATIENCE,
    )
    ours = [line for line in said.stderr.splitlines() if "hubgate." in line]
    assert not ours, said.stderr


def test_the_units_name_a_socket_that_hubgate_knows():
    text = (UNITS / "hubgate.socket").read_text(encoding="utf-8")
    assert re.search("(?m)^FileDescriptorName=public$", text)


class Manager:
    """A service manager's end: the datagrams it got, the sockets it hands over."""

    def __init__(self, name):
        self.told = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        self.socket.setblocking(False)
        self.name = name

    def heard(self, state):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.told += self.socket.recv(4096).decode().splitlines()
        return self.told.count(state)

    def start(self, handed=(), names="", watchdog_us=None, flags=()):
        """hubgate as the service's main process, with these listening sockets from 3 on."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("CONFIGPROXY")}
        env.update(NOTIFY_SOCKET=self.name, CONFIGPROXY_AUTH_TOKEN="s3cret")
        if watchdog_us:
            env["WATCHDOG_USEC"] = str(watchdog_us)
        script = 'exec "$@"'
        if handed:
            env.update(LISTEN_FDS=str(len(handed)), LISTEN_FDNAMES=names)
            moves = " ".join(f"{3 + i}<&{s.fileno()}" for i, s in enumerate(handed))
            script = f'export LISTEN_PID=$$; exec "$@" {moves}'
        return subprocess.Popen(
            ["bash", "-c", script, "-", str(programs.HUBGATE), "--api-ip=127.0.0.1",
             f"--api-port={programs.free_port()}", *flags],
            env=env, pass_fds=[s.fileno() for s in handed], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )


@pytest.fixture
def manager(tmp_path, request):
    made = Manager(getattr(request, "param", str(tmp_path / "notify")))
    yield made
    made.socket.close()


def end(process):
    """Ends it and returns its status and output."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=peers.PATIENCE)[0].decode(errors="replace")
    return process.returncode, output


@pytest.mark.parametrize("manager", [f"@hubgate-test-{os.getpid()}"], ids=["abstract"],
                         indirect=True)
def test_readiness_watchdog_and_stopping_are_told(manager):
    process = manager.start(
        watchdog_us=400_000, flags=["--ip=127.0.0.1", f"--port={programs.free_port()}"]
    )
    try:
        peers.wait_until(lambda: manager.heard("READY=1"), "hubgate says that it is ready")
        peers.wait_until(lambda: manager.heard("WATCHDOG=1") >= 3, "it feeds the watchdog")
    finally:
        status, output = end(process)
    assert status == 0, output
    assert manager.heard("STOPPING=1") == 1, manager.told
    assert manager.heard("READY=1") == 1


def test_a_port_opened_by_the_manager_is_served(manager):
    with socket.create_server(("127.0.0.1", 0)) as public:
        process = manager.start(handed=[public], names="public")
        try:
            with contextlib.closing(peers.connect(public.getsockname())) as client:
                # Waits in the kernel until hubgate accepts: nobody is refused while it starts.
                client.send(b"GET /_chp_healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert client.read_response("GET").status == 200
        finally:
            status, output = end(process)
        assert status == 0, output
