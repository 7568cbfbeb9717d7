"""hubctl where pods run: logs and commands through a real API server and the test kubelet, beside kubectl's."""

import fcntl
import hashlib
import json
import os
import pty
import random
import re
import select
import struct
import subprocess
import termios
import time

import pytest

from control_plane import wait_for
from operators import HUBCTL, PATIENCE, operator, read_line  # noqa: F401

SERVER = "import time; print('started', flush=True); time.sleep(600)"


def user_pod(user="ada", server="", program=SERVER, containers=(), **spec):
    """A user's pod as KubeSpawner makes it, whose server is a Python program."""
    name = f"jupyter-{user}" + (f"--{server}" if server else "")
    notes = {"hub.jupyter.org/username": user, **({"hub.jupyter.org/servername": server} if server else {})}
    notebook = {"name": "notebook", "image": "hubgate.test/idle", "command": ["python", "-u", "-c", program]}
    return {"metadata": {"name": name, "annotations": notes, "labels": {
        "component": "singleuser-server", "hub.jupyter.org/username": user, "hub.jupyter.org/servername": server}},
        "spec": {"restartPolicy": "OnFailure", "automountServiceAccountToken": False,
                 "containers": [notebook, *containers], **spec}}


@pytest.fixture
def run(namespace, kubelet):
    """run("ada", …): a user's pod that runs."""
    def run(user="ada", server="", **more):
        made = namespace.admin.post(namespace.path("pods"), user_pod(user, server, **more))
        name = made["metadata"]["name"]
        wait_for(lambda: namespace.pod(name)["status"]["phase"] == "Running", f"pod {name}", PATIENCE)
        return name

    return run


# ---- what is there ----

def test_pods_that_run_and_fail_as_kubectl_has_them(operator, namespace, run):
    run("ada")
    run("grace", "gpu", containers=[{"name": "side", "image": "hubgate.test/crashing"}])
    namespace.admin.post(namespace.path("pods"), user_pod("linus", containers=[
        {"name": "side", "image": "hubgate.test/missing:1"}]))
    titles = ["NAME", "READY", "STATUS", "NODE"]

    def settled():
        said = operator.kubectl("get", "pods", "-o", "wide").columns(*titles)
        states = {row[2] for row in said}
        return said if states == {"Running", "CrashLoopBackOff", "ImagePullBackOff"} else None

    def same():
        theirs = settled()
        return theirs and operator("get", "pods", "-o", "wide").columns(*titles) == theirs

    wait_for(same, "the same in both tables", PATIENCE)


def test_events_as_a_cluster_makes_them(operator, namespace, run):
    """All within a second, of which the kubelet's events tell no part."""
    name = run("ada")
    wait_for(lambda: namespace.events(name)[-1]["reason"] == "Started", "its start", PATIENCE)
    made = [event["reason"] for event in namespace.events(name)]
    assert made[0] == "Scheduled" and len(made) > 3
    assert [reason for reason, in operator("events", "--for", "ada").columns("REASON")] == made
    told = json.loads(operator("describe", "pod", "ada", "-o", "json").out)
    assert [event["reason"] for event in told["events"]] == made


# ---- logs ----

def test_logs_are_kubectls(operator, run):
    name = run(program="import time\nfor n in range(300): print('line', n)\ntime.sleep(600)")
    wait_for(lambda: "line 299" in operator.kubectl("logs", name).out, "its lines", PATIENCE)
    whole = operator.kubectl("logs", name).lines
    assert operator("logs", "ada", "--tail", "5000", "-c", "notebook").lines == whole
    assert operator("logs", "ada", "-c", "notebook").lines == whole[-100:]
    error = operator("logs", "ada", "-c", "nope", status=1).error
    assert "container nope is not valid" in error and error.startswith(f"hubctl: read the log of pod {name}: 400")


def test_followed_logs_come_as_they_are_written(operator, namespace, run, tmp_path):
    run(program=f"""import os, time
print('first')
while not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.02)
print('second')
while not os.path.exists({str(tmp_path / 'end')!r}): time.sleep(0.02)
print('third')""", restartPolicy="Never")
    with operator.begin("logs", "-f", "ada", "-n", namespace.name) as process:
        assert read_line(process) == ["first"]
        (tmp_path / "go").touch()
        assert read_line(process) == ["second"]
        (tmp_path / "end").touch()
        assert read_line(process) == ["third"]
        assert process.wait(PATIENCE) == 0, "the log ends with its container"


def test_what_a_container_wrote_before_it_was_restarted(operator, run, tmp_path):
    name = run(program=f"""import os, sys, time
print('run', 'two' if os.path.exists({str(tmp_path / 'once')!r}) else 'one')
if not os.path.exists({str(tmp_path / 'once')!r}):
    open({str(tmp_path / 'once')!r}, 'w').close()
    sys.exit(3)
time.sleep(600)""")
    wait_for(lambda: operator.kubectl("logs", name).out == "run two\n", "its second run", PATIENCE)
    assert operator("logs", "-p", "ada").out == "run one\n"
    assert operator("logs", "-c", "notebook", "ada").out == "run two\n"
    assert re.search(r"Ended last: +Error, exit code 3, \d+s ago", operator("describe", "pod", "ada").out)


# ---- commands ----

def execute(operator, *words, stdin=None):
    return subprocess.run([HUBCTL, "exec", *words], env=operator.env, input=stdin, capture_output=True,
                          stdin=subprocess.DEVNULL if stdin is None else None, timeout=PATIENCE, check=False)


def test_a_command_through_the_api_server(operator, run):
    """It makes of our WebSocket what it speaks to kubelets: v5.channel.k8s.io as it is spoken."""
    run()
    done = execute(operator, "ada", "--", "sh", "-c", "echo out; echo bad >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"out\n", b"bad\n")
    words = ["a b", "*", "&x=y", "%41", "-n", "秀樹", "'\""]
    done = execute(operator, "ada", "--", "printf", "[%s]", *words)
    assert done.stdout.decode() == "".join(f"[{word}]" for word in words)
    assert execute(operator, "ada", "--", "true").returncode == 0


def test_stdin_through_the_api_server(operator, run):
    run()
    done = execute(operator, "-i", "ada", "--", "sh", "-c", "read x; echo got $x; cat", stdin=b"one\ntwo")
    assert (done.returncode, done.stdout) == (0, b"got one\ntwo")
    data = random.randbytes(2 << 20)
    done = execute(operator, "-i", "ada", "--", "cat", stdin=data)
    assert hashlib.sha256(done.stdout).digest() == hashlib.sha256(data).digest()


def test_a_program_that_is_not_there(operator, run):
    run()
    done = execute(operator, "ada", "--", "no-such-program")
    assert done.returncode not in (0, 2) and b"no-such-program" in done.stderr


def test_a_terminal_through_the_api_server(operator, run):
    run()
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    process = subprocess.Popen([HUBCTL, "exec", "-it", "ada", "--", "sh"], stdin=theirs, stdout=theirs, stderr=theirs,
                               env=operator.env, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(theirs)
    os.write(ours, b"until [ \"$(stty size)\" = '33 99' ]; do sleep 0.05; done; echo siz''ed; exit 5\r")
    seen, end = b"", time.monotonic() + PATIENCE
    while b"sized" not in seen and time.monotonic() < end:
        if select.select([ours], [], [], 0.1)[0]:
            seen += os.read(ours, 4096)
    assert b"sized" in seen
    assert process.wait(PATIENCE) == 5
    os.close(ours)


def test_a_command_in_a_pod_that_does_not_run(operator, namespace, kubelet):
    kubelet.hold()
    namespace.admin.post(namespace.path("pods"), user_pod())
    done = execute(operator, "ada", "--", "true")
    assert done.returncode == 1 and b"does not have a host assigned" in done.stderr


@pytest.mark.parametrize("verbs, works", [(["get", "create"], True), (["create"], False), ([], False)], ids=str)
def test_the_rights_of_exec(operator, namespace, run, verbs, works):
    run()
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    if verbs:
        rules.append({"apiGroups": [""], "resources": ["pods/exec"], "verbs": verbs})
    token = namespace.account("operator", rules).token()
    operator.rewrite({"token": token})
    done = execute(operator, "ada", "--", "echo", "in")
    if works:
        assert done.stdout == b"in\n"
    else:
        assert done.returncode == 1 and done.stderr.count(b"\n") == 1
        assert b'cannot get resource "pods/exec"' in done.stderr, done.stderr


# ---- beside the hub ----

@pytest.fixture
def hub(start_hub, kubelet):
    return start_hub()


def test_an_operator_of_a_hub_whose_servers_are_pods(operator, hub, namespace):
    """The hub says that they are pods, and where; the kubeconfig's context knows nothing of that."""
    operator.rewrite({"token": namespace.plane.token}, namespace=None)
    there = {"HUBGATE_HUB_URL": f"http://127.0.0.1:{hub.hub_port}/hub/api", "HUBGATE_HUB_TOKEN": hub.token}
    operator("add", "ada", **there)
    ran = operator("start", "ada", "ada/gpu", "--wait", **there)
    assert ran.lines[0].startswith("ada is ready at /user/ada/")
    out = operator("describe", "ada", **there).out
    assert re.search(r"^State: +ready$", out, re.M) and "pod_name: jupyter-ada" in out
    assert f"What the cluster says in namespace {namespace.name} of context lab:" in out
    assert re.search(r"^  Status: +Running$", out, re.M) and re.search(r"claim-ada +Bound", out)
    assert "Started container notebook" in out
    assert operator("logs", "ada/gpu", **there).out == operator("logs", "ada/gpu", "-n", namespace.name).out
    done = execute(operator, "-n", namespace.name, "ada/gpu", "--", "printenv", "JUPYTERHUB_SERVER_NAME")
    assert done.stdout == b"gpu\n"
    ran = operator("top", "--once", **there)
    assert ran.lines[0].startswith("2 servers: 2 ready") and "the cluster measures nothing" in ran.error
    assert operator("stop", "ada", "ada/gpu", **there).lines == ["ada has stopped", "ada/gpu has stopped"]
    assert "no pods" in operator("get", "pods", "-n", namespace.name).error
    assert "Killing" in operator("events", "--for", "ada", "-n", namespace.name).out
