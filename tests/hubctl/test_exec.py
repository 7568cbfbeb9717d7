"""exec, logs and measures of pods, against a scripted API server that runs commands behind WebSockets."""

import base64
import contextlib
import fcntl
import hashlib
import os
import pty
import random
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

import cluster
import hubs
import stub
from conftest import HUBCTL

PATIENCE = hubs.PATIENCE


@pytest.fixture
def make(tmp_path):
    """make(…): a cluster, with a kubeconfig at its `config`."""
    made = []

    def make(user=None, entry=None, **more):
        one = cluster.Cluster(pods=[cluster.pod("ada"), cluster.pod("ada", "gpu", containers=("notebook", "side"))],
                              **more)
        made.append(one)
        one.config = one.kubeconfig(tmp_path / f"config{len(made)}", user, **(entry or {}))
        return one

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def lab(make):
    return make()


@pytest.fixture
def execute(run, lab):
    """execute("-i", "ada", "--", "cat", stdin=b"…"): of the cluster `lab`."""
    def execute(*words, of=None, **more):
        return run("exec", *words, KUBECONFIG=str((of or lab).config), **more)

    return execute


# ---- pipes ----

def test_what_a_command_writes_and_its_exit_code(execute):
    ran = execute("ada", "--", "sh", "-c", "echo out; echo err >&2; exit 3", status=3)
    assert (ran.out, ran.err) == ("out\n", "err\n")
    assert execute("ada", "--", "true", status=0).out == ""
    ran = execute("ada", "--", "no-such-program", status=127)
    assert ran.err == "exec: no-such-program: not found\n"


def test_words_come_as_they_were_typed(execute, lab):
    words = ["a b", "", "*", "&x=y", "%41", "-n", "秀樹", "--", "'\"", "+"]
    ran = execute("ada", "--", "printf", "[%s]", *words, status=0)
    assert ran.out == "".join(f"[{word}]" for word in words)


def test_where_it_runs(execute, lab):
    execute("ada/gpu", "--", "true", status=0)
    assert "/pods/jupyter-ada--gpu/exec?container=notebook&" in lab.asked[-1][1]
    execute("-c", "side", "ada/gpu", "--", "true", status=0)
    assert "container=side&" in lab.asked[-1][1]
    assert "stdin=false" in lab.asked[-1][1] and "tty=false" in lab.asked[-1][1]
    error = execute("grace", "--", "true", status=1).error
    assert error == "hubctl: there is no pod of grace in namespace hub of context lab (hubctl get pods lists them)"


def test_stdin_to_its_end(execute, lab):
    assert execute("-i", "ada", "--", "cat", stdin=b"one\ntwo", status=0).out == "one\ntwo"
    assert execute("-i", "ada", "--", "wc", "-c", stdin=b"", status=0).out.strip() == "0"
    assert lab.ended == ["stdin", "stdin"]
    # without -i there is none, and what is there is left alone
    assert execute("ada", "--", "cat", stdin=b"left", status=0).out == ""


def test_megabytes_both_ways(lab, environment):
    data = random.randbytes(5 << 20)
    ended = subprocess.run([HUBCTL, "exec", "-i", "ada", "--", "cat"], input=data, capture_output=True, check=True,
                           env={**environment, "KUBECONFIG": str(lab.config)}, timeout=PATIENCE)
    assert hashlib.sha256(ended.stdout).digest() == hashlib.sha256(data).digest()


def test_a_file_as_stdin(execute, lab, environment, tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    with open(tmp_path / "file", "rb") as file:
        ended = subprocess.run([HUBCTL, "exec", "-i", "ada", "--", "wc", "-c"], stdin=file, capture_output=True,
                               env={**environment, "KUBECONFIG": str(lab.config)}, timeout=PATIENCE, check=True)
    assert ended.stdout.strip() == b"100000"


def test_a_command_that_ends_before_its_stdin(environment, lab):
    with subprocess.Popen([HUBCTL, "exec", "-i", "ada", "--", "head", "-c", "3"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, env={**environment, "KUBECONFIG": str(lab.config)}) as process:
        process.stdin.write(b"abcdef")
        process.stdin.flush()
        assert process.wait(PATIENCE) == 0
        assert process.stdout.read() == b"abc"


def test_nobody_reads_on(environment, lab):
    with subprocess.Popen([HUBCTL, "exec", "ada", "--", "yes"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**environment, "KUBECONFIG": str(lab.config)}) as process:
        assert process.stdout.read(4) == b"y\ny\n"
        process.stdout.close()
        assert process.wait(PATIENCE) != 0


def test_a_server_that_does_not_know_of_an_end(execute, make):
    ran = execute("-i", "ada", "--", "head", "-n", "1", of=make(protocol="v4"), stdin=b"one\n", status=0)
    assert ran.out == "one\n"
    assert ran.err in ("", "hubctl: this API server, older than 1.30, cannot tell the command that stdin has ended\n")
    assert execute("ada", "--", "echo", "v4", of=make(protocol="v4"), status=0).out == "v4\n"


# ---- terminals ----

class Terminal:
    """hubctl in a terminal of 80 columns and 24 lines."""

    def __init__(self, words, env):
        self.fd, theirs = pty.openpty()
        self.size(80, 24)
        self.before = termios.tcgetattr(self.fd)
        self.process = subprocess.Popen([HUBCTL, *words], stdin=theirs, stdout=theirs, stderr=theirs, env=env,
                                        start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        self.seen = b""

    def size(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def type(self, keys):
        os.write(self.fd, keys)

    def expect(self, pattern):
        """What has been shown since the last time, once it holds the pattern."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.seen):
            assert time.monotonic() < end, self.seen
            if select.select([self.fd], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    self.seen += os.read(self.fd, 65536)
        seen, self.seen = self.seen, b""
        return seen

    def end(self):
        status = self.process.wait(PATIENCE)
        after = termios.tcgetattr(self.fd)
        os.close(self.fd)
        return status, after[:4] == self.before[:4]


@pytest.fixture
def terminal(environment, lab):
    def terminal(*words):
        return Terminal(words, {**environment, "KUBECONFIG": str(lab.config), "TERM": "xterm"})

    return terminal


def test_a_shell_in_a_terminal(terminal, lab):
    one = terminal("exec", "-it", "ada", "--", "sh", "-c",
                   "until [ \"$(stty size)\" = '24 80' ]; do sleep 0.05; done; echo sized; read line; echo got $line; "
                   "exec cat")
    one.expect(rb"sized")
    one.type(b"keys\r")
    one.expect(rb"got keys")
    one.type(b"\x04")  # Ctrl-D is the command's, which ends
    assert one.end() == (0, True)
    assert "tty=true" in lab.asked[-1][1] and "stderr=false" in lab.asked[-1][1]
    assert lab.sizes[0] == {"Width": 80, "Height": 24}


def test_a_terminal_that_changes_its_size(terminal, lab):
    one = terminal("exec", "-it", "ada", "--", "sh", "-c",
                   "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done")
    one.expect(rb"ready")
    one.size(101, 42)
    one.expect(rb"42 101")
    one.type(b"\x03")  # Ctrl-C, too
    status, restored = one.end()
    assert restored and status != -signal.SIGINT
    assert lab.sizes[-1] == {"Width": 101, "Height": 42}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["TERM", "HUP"])
def test_the_terminal_is_given_back(terminal, number):
    one = terminal("exec", "-it", "ada", "--", "sh", "-c", "echo ready; exec sleep 100")
    one.expect(rb"ready")
    one.process.send_signal(number)
    assert one.end() == (-number, True)


def test_a_terminal_that_is_none(execute):
    assert "-t needs a terminal" in execute("-it", "ada", "--", "sh", status=2).error


# ---- refusals ----

def test_a_right_that_is_missing(execute, make):
    refuse = cluster.refusal(403, "Forbidden", 'pods "jupyter-ada" is forbidden: User "x" cannot get resource '
                                               '"pods/exec" in API group "" in the namespace "hub"')
    error = execute("ada", "--", "true", of=make(refuse=refuse), status=1).error
    assert 'cannot get resource "pods/exec"' in error and "Role" in error and "exec in pod jupyter-ada" in error


def test_a_pod_that_does_not_run(execute, make):
    refuse = cluster.refusal(400, "BadRequest", "pod jupyter-ada does not have a host assigned")
    assert "does not have a host assigned" in execute("ada", "--", "true", of=make(refuse=refuse), status=1).error


@pytest.mark.parametrize("ending, says", [
    ("cut", "broke off"), (b"{no json", "broke off"), (b'{"status": "Failure", "message": "no such container"}',
                                                       "no such container"),
    (b'{"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": []}}', "does not say why"),
    (b"[]", "does not say why"), (b"x" * 100_000, "broke off"),
], ids=["cut", "no-json", "failure", "no-code", "list", "long"])
def test_an_end_that_is_none(execute, make, ending, says):
    ran = execute("ada", "--", "echo", "out", of=make(ending=ending), status=1)
    assert ran.out == "out\n" and says in ran.error


def test_credentials_that_expire_on_the_way(execute, make, tmp_path):
    """The program's first token is taken for the list of pods, and refused for the WebSocket."""
    program = tmp_path / "login"
    program.write_text(f"""#!/bin/sh
n=$(cat {tmp_path}/n 2>/dev/null || echo 0); echo $((n + 1)) >{tmp_path}/n
echo '{{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {{"token": "token'$n'"}}}}'
""")
    program.chmod(0o755)
    lab = make(user={"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program),
                              "interactiveMode": "Never"}}, tokens=["token0"])
    real = lab.exec

    async def once(request):
        if lab.tokens == ["token0"]:
            lab.tokens[:] = ["token1"]
            return await lab.answer(request)
        return await real(request)

    lab.exec = once
    assert execute("ada", "--", "echo", "in", of=lab, status=0).out == "in\n"


def test_a_server_that_never_answers(execute, make, tmp_path):
    lab = make()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        lab.url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        lab.config = lab.kubeconfig(tmp_path / "silent")
        assert "127.0.0.1" in execute("--timeout", "1", "ada", "--", "true", of=lab, status=1).error.splitlines()[-1]


def test_tokens_are_not_told(execute, lab, make):
    refuse = cluster.refusal(500, "InternalError", "broken")
    for of in (lab, make(refuse=refuse), make(ending="cut")):
        ran = execute("ada", "--", "true", of=of)
        assert cluster.TOKEN not in ran.out + ran.err


# ---- TLS ----

SCRIPT = """
set -eu
cd "$1"
ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
root() { openssl req -x509 $ec -keyout $1.key -out $1.pem -days 30 -subj /CN=$1; }
leaf() { openssl req -x509 -CA $2.pem -CAkey $2.key $ec -keyout $1.key -out $1.pem -days 20 -subj /CN=$1 \
  -addext basicConstraints=CA:FALSE -addext subjectAltName=$3; }
root ca; root other
leaf api ca IP:127.0.0.1,DNS:api.test
leaf named ca DNS:api.test
leaf boss ca DNS:boss.test
cat other.pem ca.pem >bundle.pem
"""


@pytest.fixture(scope="session")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["bash", "-c", SCRIPT, "bash", str(folder)], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("server, entry, works", [
    ("api", {"certificate-authority": "ca.pem"}, True),
    ("api", {"certificate-authority": "bundle.pem"}, True),
    ("api", {"certificate-authority": "other.pem"}, False),
    ("api", {}, False),
    ("api", {"insecure-skip-tls-verify": True}, True),
    ("named", {"certificate-authority": "ca.pem"}, False),
    ("named", {"certificate-authority": "ca.pem", "tls-server-name": "api.test"}, True),
    ("named", {"certificate-authority": "ca.pem", "tls-server-name": "else.test"}, False),
], ids=["good", "bundle", "other-authority", "system", "insecure", "no-address", "named", "misnamed"])
def test_whom_it_trusts(environment, make, material, server, entry, works, tmp_path):
    tls = {"certificate": material / f"{server}.pem", "key": material / f"{server}.key"}
    files = {key: str(material / value) if str(value).endswith(".pem") else value for key, value in entry.items()}
    far = make(tls=tls, entry=files)
    ended = subprocess.run([HUBCTL, "exec", "ada", "--", "echo", "in"], capture_output=True, text=True, timeout=PATIENCE,
                           env={**environment, "KUBECONFIG": str(far.config)}, stdin=subprocess.DEVNULL, check=False)
    assert (ended.returncode == 0 and ended.stdout == "in\n") == works, ended
    if not works:
        assert not any("exec" in path for _, path, _ in far.asked), "nobody else learns of the command"


def test_whom_the_websocket_trusts(environment, make, material):
    """The list of pods is read in peace; then another answers at the same address."""
    good = make(tls={"certificate": material / "api.pem", "key": material / "api.key"},
                entry={"certificate-authority": str(material / "ca.pem")})
    with Switch(good.port) as switch:
        good.url = f"https://127.0.0.1:{switch.port}"
        good.config = good.kubeconfig(good.config, **{"certificate-authority": str(material / "ca.pem")})
        for tls in ({"certificate": material / "named.pem", "key": material / "named.key"}, None):
            bad = make(tls=tls)  # of another name, and without TLS at all
            switch.ports = [good.port, bad.port]
            ended = subprocess.run([HUBCTL, "exec", "ada", "--", "echo", "in"], capture_output=True, text=True,
                                   env={**environment, "KUBECONFIG": str(good.config)}, stdin=subprocess.DEVNULL,
                                   timeout=PATIENCE, check=False)
            assert ended.returncode == 1 and ended.stdout == "", ended
            assert ended.stderr.startswith("hubctl: exec in pod jupyter-ada in namespace hub of context lab: ")
            assert bad.asked == []


class Switch:
    """Passes its first connection to the first port, all others to the second."""

    def __init__(self, port):
        self.ports = [port, port]
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self.socket.accept()
                port = self.ports[0]
                self.ports[0] = self.ports[1]
                theirs = socket.create_connection(("127.0.0.1", port))
                for pair in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self.pour, args=pair, daemon=True).start()

    @staticmethod
    def pour(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


@pytest.mark.parametrize("inline", [False, True], ids=["files", "inline"])
def test_a_client_certificate(execute, make, material, inline):
    tls = {"certificate": material / "api.pem", "key": material / "api.key", "clients": material / "ca.pem"}
    user = {"client-certificate": str(material / "boss.pem"), "client-key": str(material / "boss.key")}
    entry = {"certificate-authority": str(material / "bundle.pem")}
    if inline:
        user = {f"{key}-data": base64_of(path) for key, path in user.items()}
        entry = {"certificate-authority-data": base64_of(material / "bundle.pem")}
    far = make(tls=tls, entry=entry, user=user, tokens=[""])
    assert execute("ada", "--", "echo", "in", of=far, status=0).out == "in\n"


def base64_of(path):
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


# ---- proxies ----

class Tunnel:
    """An HTTP proxy that knows CONNECT; where to, is kept."""

    def __init__(self):
        self.asked = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.socket.accept()[0],), daemon=True).start()

    def serve(self, ours):
        head = b""
        while b"\r\n\r\n" not in head:
            head += ours.recv(4096)
        where = head.split()[1].decode()
        self.asked.append((head.split()[0], where))
        theirs = socket.create_connection(("127.0.0.1", int(where.rpartition(":")[2])))
        ours.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=Switch.pour, args=(theirs, ours), daemon=True).start()
        Switch.pour(ours, theirs)


def test_through_a_proxy(execute, make, material):
    tunnel = Tunnel()
    tls = {"certificate": material / "named.pem", "key": material / "named.key"}
    far = make(tls=tls, entry={"certificate-authority": str(material / "ca.pem"), "tls-server-name": "api.test",
                               "proxy-url": tunnel.url})
    assert execute("ada", "--", "echo", "in", of=far, status=0, http_proxy="http://127.0.0.1:1").out == "in\n"
    assert tunnel.asked == [(b"CONNECT", f"127.0.0.1:{far.port}")] * 2
    tunnel.socket.close()


def test_no_proxy_of_the_environment(execute):
    assert execute("ada", "--", "echo", "in", status=0, http_proxy="http://127.0.0.1:1",
                   HTTPS_PROXY="http://127.0.0.1:1").out == "in\n"


# ---- logs ----

def test_the_log_of_a_pod(run, lab):
    ran = run("logs", "ada", "-n", "hub", KUBECONFIG=str(lab.config), status=0)
    assert ran.out == "log of notebook\nred \\x1b]0;x\\x07\n"
    assert lab.asked[-1][1].endswith("/pods/jupyter-ada/log?container=notebook&tailLines=100")
    run("logs", "-p", "-c", "side", "--tail", "7", "ada/gpu", KUBECONFIG=str(lab.config), status=0)
    assert lab.asked[-1][1].endswith("/pods/jupyter-ada--gpu/log?container=side&tailLines=7&previous=true")
    ran = run("logs", "-f", "ada", "-n", "hub", KUBECONFIG=str(lab.config), status=0)
    assert ran.lines[-3:] == ["more 0", "more 1", "more 2"]
    error = run("logs", "ada", "-c", "starting", KUBECONFIG=str(lab.config), status=1).error
    assert "waiting to start" in error


def test_a_log_that_nobody_reads_on_ends_quietly(environment, lab):
    lab.forever = True
    with subprocess.Popen([HUBCTL, "logs", "-f", "ada", "-n", "hub"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**environment, "KUBECONFIG": str(lab.config)}) as process:
        assert process.stdout.readline() == b"log of notebook\n"
        process.stdout.close()
        assert process.wait(PATIENCE) == -signal.SIGPIPE
        assert process.stderr.read() == b""


def pod_user(**more):
    return stub.user("ada", servers={"": stub.server(state={"pod_name": "jupyter-ada", "namespace": "hub"}, **more)})


def test_a_hub_that_gives_out_no_logs_of_its_pods(run, lab, stub_hub):
    hub = stub_hub(users=[pod_user(), stub.user("grace", servers={"": stub.server()})])
    ran = run("logs", "ada", url=hub.url, token="s3cret", KUBECONFIG=str(lab.config), status=0)
    assert ran.out.startswith("log of notebook\n")
    assert ran.error == "hubctl: the hub gives out no logs; this one is the cluster's"
    ran = run("logs", "grace", url=hub.url, token="s3cret", KUBECONFIG=str(lab.config), status=1)
    assert "the hub has no log of it" in ran.error


# ---- measures ----

def measure(name, *containers, namespace="hub"):
    return {"metadata": {"name": name, "namespace": namespace}, "containers": [
        {"name": "x", "usage": {"cpu": cpu, "memory": memory}} for cpu, memory in containers]}


MEASURES = [measure("jupyter-ada", ("250m", "512Mi")), measure("jupyter-ada--gpu", ("1500000000n", "1Gi"), ("1", "1Gi")),
            measure("jupyter-ada", ("99", "99Gi"), namespace="elsewhere")]


def test_what_pods_use(run, make):
    ran = run("top", "pods", KUBECONFIG=str(make(measures=MEASURES).config), status=0)
    assert ran.lines[0] == "2 pods: 2 running   CPU 2.75   memory 2.5Gi"
    assert [line.split()[:5] for line in ran.lines[3:]] == [
        ["jupyter-ada--gpu", "Running", "2.50", "2.0Gi", "2.0Gi"], ["jupyter-ada", "Running", "0.25", "512Mi", "1.0Gi"]]


def test_a_cluster_that_measures_nothing(run, lab):
    ran = run("top", "pods", "--once", KUBECONFIG=str(lab.config), status=0)
    assert ran.lines[0] == "2 pods: 2 running   CPU -   memory -"
    assert ran.error == "hubctl: the cluster measures nothing: it has no metrics.k8s.io, which metrics-server brings"


def test_servers_that_are_pods_are_measured_by_the_cluster(run, make, stub_hub):
    hub = stub_hub(users=[pod_user(usage=None), stub.user("grace", servers={"": stub.server(
        usage={"cpu": 0.5, "memory_bytes": 1 << 20, "memory_limit_bytes": None})})])
    lab = make(measures=MEASURES)
    ran = run("top", "--once", url=hub.url, token="s3cret", KUBECONFIG=str(lab.config), status=0)
    assert [line.split()[:4] for line in ran.lines[3:]] == [
        ["grace", "ready", "0.50", "1.0Mi"], ["ada", "ready", "0.25", "512Mi"]]
    assert ran.error == "hubctl: CPU and memory are the cluster's measures in namespace hub of context lab"
    ran = run("top", "--once", url=hub.url, token="s3cret", KUBECONFIG="/nowhere", status=0)
    assert ["ada", "ready", "-", "-"] in [line.split()[:4] for line in ran.lines[3:]] and "/nowhere" in ran.error


def test_a_local_hub_asks_no_cluster(run, lab, stub_hub):
    hub = stub_hub(users=[stub.user("ada", servers={"": stub.server(usage=None, state={"pid": 7})})])
    run("top", "--once", url=hub.url, token="s3cret", KUBECONFIG=str(lab.config), status=0)
    run("describe", "ada", url=hub.url, token="s3cret", KUBECONFIG=str(lab.config), status=0)
    assert lab.asked == []


# ---- completion ----

def test_names_of_pods_and_contexts_are_offered(environment, lab):
    def complete(*words):
        script = ('source <(hubctl completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; '
                  'COMP_POINT=${#COMP_LINE}; _hubctl; printf "%s\\n" "${COMPREPLY[@]}"')
        ended = subprocess.run(["bash", "-c", script, "bash", "hubctl", *words], capture_output=True, text=True,
                               timeout=PATIENCE, check=True,
                               env={**environment, "PATH": f"{HUBCTL.parent}:{environment['PATH']}"})
        return ended.stdout.split("\n")[:-1] if ended.stdout.strip() else []

    config = str(lab.config)
    assert complete("exec", "--kubeconfig", config, "a") == ["ada", "ada/gpu"]
    assert complete("get", "pods", f"--kubeconfig={config}", "ada/") == ["ada/gpu"]
    assert complete("use-context", "--kubeconfig", config, "") == ["lab"]
    assert complete("--kubeconfig", config, "events", "--context", "l") == ["lab"]
