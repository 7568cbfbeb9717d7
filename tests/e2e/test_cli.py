"""The command line, start-up and exit (CHP points 1-15)."""

import os
import re
import signal
import socket

import pytest

import peers
import programs
from differences import differs


def bare(text):
    """Log lines without time, name and colour: "level: message"."""
    text = re.sub(r"\x1b\[\d+m", "", text)
    return re.findall(r"(\w+): (.*)", re.sub(r"(?m)^\S+ \[ConfigProxy\] ", "", text))


def test_version(run_program):
    theirs = run_program("chp", "--version")
    ours = run_program("hubgate", "--version")
    for program in (theirs, ours):
        assert program.process.returncode == 0
        assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", program.stdout)


def test_help_names_every_flag_of_chp(run_program):
    theirs = run_program("chp", "--help")
    ours = run_program("hubgate", "--help")
    assert (theirs.process.returncode, ours.process.returncode) == (0, 0)
    flags = set(re.findall(r"--[a-z][a-z0-9-]+", theirs.stdout))
    assert flags <= set(re.findall(r"--[a-z][a-z0-9-]+", ours.stdout))


WRONG = {
    "unknown option": (["--nonsense"], "error: unknown option '--nonsense'"),
    "missing value": (["--port"], "argument missing"),
    "positional": (["word"], "error: too many arguments. Expected 0 arguments but got 1"),
    "socket and port": (["--socket", "x", "--port", "1"], "cannot be used with option"),
    "header without colon": (["--custom-header", "nonsense"], "A colon was expected in custom header"),
    "header without name": (["--custom-header", ": x"], "A colon was expected in custom header"),
}


@pytest.mark.parametrize("arguments, says", WRONG.values(), ids=WRONG)
def test_wrong_usage(kind, run_program, arguments, says):
    program = run_program(kind, *arguments)
    assert program.process.returncode == 1
    assert says in program.stderr


@pytest.mark.parametrize("wrong", [
    "--ssl-allow-rc4", "--storage-backend=etcd9", "--log-level=loud", "--workers=257", "--workers=x",
    "--max-header-bytes=1", "--head-timeout=-1", "--head-timeout=soon", "--drain-seconds=x",
    "--log-format=xml", "--ssl-key=/none", "--ssl-cert=/none",
    "--error-path=/none", "--error-target=nonsense", "--default-target=nonsense",
])
def test_values_that_cannot_be_are_refused(run_program, wrong):
    program = run_program("hubgate", wrong, "--check")
    assert program.process.returncode == 1
    lines = [line for line in program.stderr.splitlines() if "not authenticated" not in line]
    assert len(lines) == 1, program.stderr
    assert wrong.split("=")[0].lstrip("-") in lines[0]


def test_an_address_that_does_not_resolve_ends_the_start(run_program):
    program = run_program("hubgate", "--ip=no-such-host.invalid", f"--port={programs.free_port()}")
    assert program.process.returncode == 1
    assert "no-such-host.invalid" in program.stderr.strip().splitlines()[-1]


def test_check_says_nothing_against_good_flags(run_program):
    program = run_program("hubgate", "--check", f"--port={programs.free_port()}")
    assert program.process.returncode == 0


@pytest.mark.parametrize("flags", [
    ["--ip=", "--port={port}", "--api-ip=", "--api-port={api_port}"],
    ["--ip", "127.0.0.1", "--port", "{port}", "--api-ip", "127.0.0.1", "--api-port", "{api_port}"],
    ["--ip=127.0.0.9", "--ip=127.0.0.1", "--port={port}", "--api-ip=127.0.0.1",
     "--api-port={api_port}"],
], ids=["as the chart", "apart", "the last wins"])
def test_ways_to_write_flags(kind, start, flags):
    proxy = start(kind, listen=flags)
    assert proxy.get("/_chp_healthz").status == 200


def test_the_api_port_follows_the_port(kind, start):
    while True:
        port = programs.free_port()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port + 1)):
                break
    proxy = programs.Proxy(kind, listen=["--ip=127.0.0.1", f"--port={port}"])
    try:
        proxy.address = ("127.0.0.1", port)
        proxy.api.address = ("localhost", port + 1)
        peers.wait_until(lambda: proxy.running() and open_port(port + 1), "the API listens")
    finally:
        proxy.stop()


def open_port(port):
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe:
            if probe.connect_ex((host, port)) == 0:
                return True
    return False


def test_an_address_that_takes_both_families(kind, start):
    proxy = start(kind, listen=["--ip=", "--port={port}", "--api-ip=127.0.0.1",
                                "--api-port={api_port}"])
    for address in (("127.0.0.1", proxy.port), ("::1", proxy.port)):
        with peers.connect(address) as client:
            assert client.send(peers.request("GET", "/_chp_healthz")).read_response().status == 200


def test_start_up_lines(kind, start, echo, tmp_path):
    pid_file = tmp_path / "pid"
    metrics = programs.free_port()
    proxy = start(kind, ["--default-target", echo.url, "--pid-file", str(pid_file),
                         f"--metrics-port={metrics}", "--metrics-ip=127.0.0.1"])

    def lines():
        return [message for level, message in bare(proxy.stdout) if level == "info"]

    def where(port):
        return differs(kind, "start-up-lines", f"{port}:127.0.0.1", f"127.0.0.1:{port}")

    for expected in (f"Adding route / -> {echo.url}",
                     f"Proxying http://{where(proxy.port)} to {echo.url}",
                     f"Proxy API at http://{where(proxy.api_port)}/api/routes",
                     f"Serve metrics at http://{where(metrics)}/metrics",
                     f"Writing pid {proxy.pid} to {pid_file}",
                     f"Route added / -> {echo.url}"):
        peers.wait_until(lambda: any(line.startswith(expected) for line in lines()), expected)


def test_no_default_target_is_said(kind, start):
    proxy = start(kind)
    peers.wait_until(lambda: re.search(r"Proxying http://\S+ to \(no default\)", proxy.stdout),
                     "it was said")


def test_pid_file(kind, start, tmp_path):
    pid_file = tmp_path / "pid"
    proxy = start(kind, ["--pid-file", str(pid_file)])
    assert pid_file.read_text().strip() == str(proxy.pid)
    proxy.stop()
    assert not pid_file.exists()


def test_an_open_api_is_warned_about(kind, start):
    proxy = start(kind, token=None)
    peers.wait_until(lambda: "REST API is not authenticated." in proxy.output, "it was said")
    status, _ = proxy.api.call("GET", "/api/routes")
    assert status == 200


def test_sigterm_ends_it(kind, start):
    proxy = start(kind)
    proxy.signal(signal.SIGTERM)
    assert proxy.wait() == differs(kind, "exit-status", 2, 0)


def test_an_interrupt_ends_it(kind, start):
    proxy = start(kind)
    proxy.signal(signal.SIGINT)
    assert proxy.wait() == 2


def test_the_last_of_repeated_numbers_wins(kind, run_program, start):
    """CHP reads a repeated number in the base its first value names."""
    listen = ["--ip=127.0.0.1", "--port=1", "--port={port}", "--api-ip=127.0.0.1",
              "--api-port={api_port}"]
    if differs(kind, "repeated-numbers", False, True):
        assert start(kind, listen=listen).get("/_chp_healthz").status == 200


# --- ours only ---


@pytest.mark.parametrize("which", ["--port", "--api-port", "--metrics-port"])
def test_a_taken_port_ends_the_start(run_program, which):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = {"--port": programs.free_port(), "--api-port": programs.free_port(),
                 "--metrics-port": programs.free_port(), which: taken.getsockname()[1]}
        flags = [f"{flag}={port}" for flag, port in ports.items()]
        program = run_program("hubgate", "--ip=127.0.0.1", "--api-ip=127.0.0.1",
                              "--metrics-ip=127.0.0.1", *flags,
                              env={"CONFIGPROXY_AUTH_TOKEN": "t"})
    assert program.process.returncode == 1
    assert len(program.stderr.strip().splitlines()) == 1, program.stderr
    assert str(ports[which]) in program.stderr


def test_a_second_proxy_on_the_same_port_is_refused(hubgate, run_program):
    program = run_program("hubgate", "--ip=127.0.0.1", f"--port={hubgate.port}",
                          "--api-ip=127.0.0.1", f"--api-port={programs.free_port()}",
                          env={"CONFIGPROXY_AUTH_TOKEN": "t"})
    assert program.process.returncode == 1


@pytest.mark.parametrize("ip", ["", "0.0.0.0", "::"])
def test_an_open_api_on_all_addresses_is_refused(run_program, ip):
    program = run_program("hubgate", f"--api-ip={ip}", f"--port={programs.free_port()}",
                          f"--api-port={programs.free_port()}")
    assert program.process.returncode == 1
    assert "--insecure-api" in program.stderr


def test_an_open_api_on_all_addresses_on_request(start):
    proxy = start("hubgate", ["--api-ip=0.0.0.0", "--insecure-api"], token=None)
    assert proxy.api.call("GET", "/api/routes")[0] == 200


def test_the_token_from_a_file(start, tmp_path):
    (tmp_path / "token").write_text("from-file\n")
    env = {"CONFIGPROXY_AUTH_TOKEN_FILE": str(tmp_path / "token")}
    proxy = programs.Proxy("hubgate", token=None, env=env)
    try:
        proxy.api.token = "from-file"
        proxy.wait_ready()
        proxy.api.token = None
        assert proxy.api.call("GET", "/api/routes")[0] == 403
    finally:
        proxy.stop()


def test_no_colour_where_no_terminal_is(hubgate):
    hubgate.get("/none")
    assert "\x1b" not in hubgate.output


def test_the_descriptor_limit_is_raised(hubgate):
    with open(f"/proc/{hubgate.pid}/limits", encoding="ascii") as limits:
        row = next(line for line in limits if line.startswith("Max open files"))
    soft, hard = row.split()[3:5]
    assert soft == hard


def test_one_thread_a_worker(start):
    counts = []
    for workers in (1, 3):
        proxy = start("hubgate", [f"--workers={workers}"])
        counts.append(len(os.listdir(f"/proc/{proxy.pid}/task")))
    assert counts[1] - counts[0] == 2
