"""The test kubelet says of a pod what a real one says, and runs what it asks for."""

import contextlib
import http.client
import json
import os
import subprocess
import termios

import pytest

import calls
import images
import kubeconfig
from control_plane import tool, wait_for


def pod(name="one", image="hubgate.test/idle", **more):
    container = {"name": "notebook", "image": image, **more.pop("container", {})}
    return {"metadata": {"name": name}, "spec": {
        "restartPolicy": "OnFailure", "automountServiceAccountToken": False, "containers": [container], **more}}


def python(program, *arguments):
    return {"command": ["python", "-u", "-c", program], "args": list(arguments)}


@pytest.fixture
def run(namespace, kubelet):
    """run(pod): the pod as created."""
    return lambda made: namespace.admin.post(namespace.path("pods"), made)


@pytest.fixture
def until(namespace):
    """until("Running", name): the pod once it is in that phase, or once a function of it says yes."""
    def wait(what, name="one"):
        good = what if callable(what) else lambda found: found["status"]["phase"] == what

        def found():
            got = namespace.pod(name)
            return got if got and good(got) else None
        return wait_for(found, f"{what} of {namespace.pod(name)}")
    return wait


def waiting(reason):
    return lambda found: state(found).get("waiting", {}).get("reason") == reason


def state(found):
    return found["status"].get("containerStatuses", [{"state": {}}])[0]["state"]


def conditions(found):
    return {one["type"]: one for one in found["status"]["conditions"]}


def reasons(namespace, name="one"):
    return [event["reason"] for event in namespace.events(name)]


def test_a_pod_runs_on_an_address_of_its_own(namespace, run, until):
    server = ("import http.server as h, os, sys; print('here', flush=True); "
              "h.HTTPServer((sys.argv[1], 8888), h.SimpleHTTPRequestHandler).serve_forever()")
    for name in ("one", "two"):
        run(pod(name, container=python(server, "0.0.0.0")))
    addresses = set()
    for name in ("one", "two"):
        found = until("Running", name)
        address = found["status"]["podIP"]
        addresses.add(address)

        def answers():
            connection = http.client.HTTPConnection(address, 8888, timeout=5)
            connection.request("GET", "/")
            return connection.getresponse().status == 200

        wait_for(answers, f"a server on {address}")
    assert len(addresses) == 2
    found = until("Running")
    assert conditions(found)["Ready"]["status"] == "True"
    status = found["status"]["containerStatuses"][0]
    assert status["ready"] and status["started"] and status["restartCount"] == 0 and status["containerID"]
    assert "hubgate-kubelet-" not in json.dumps(found)
    assert reasons(namespace) == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    scheduled, pulling = namespace.events("one")[:2]
    assert scheduled["eventTime"] and not scheduled.get("lastTimestamp")
    assert pulling["lastTimestamp"] and pulling["involvedObject"]["fieldPath"] == "spec.containers{notebook}"


def test_jupyterlab_runs_in_a_pod(run, until):
    run(pod(container={"args": ["jupyter-lab", "--ip=0.0.0.0", "--port=8888", "--no-browser"]}))
    address = until("Running")["status"]["podIP"]

    def answers():
        connection = http.client.HTTPConnection(address, 8888, timeout=5)
        connection.request("GET", "/api")
        return connection.getresponse().status == 200

    wait_for(answers, "JupyterLab on the pod's address", 60)


def test_a_pod_waits_while_its_image_is_pulled(namespace, kubelet, run, until):
    image = kubelet.images["example.test/large:1"] = images.Image(gate=images.held())
    run(pod(image="example.test/large:1"))
    found = until(waiting("ContainerCreating"))
    assert found["status"]["phase"] == "Pending" and not found["status"]["containerStatuses"][0]["ready"]
    assert conditions(found)["Ready"]["reason"] == "ContainersNotReady"
    wait_for(lambda: "Pulling" in reasons(namespace), "its pulling")
    image.gate.set()
    until("Running")


def test_an_image_that_is_missing(namespace, run, until):
    run(pod(image="hubgate.test/missing:1"))
    until(waiting("ErrImagePull"))
    found = until(waiting("ImagePullBackOff"))
    assert "not found" in state(found)["waiting"]["message"] and found["status"]["phase"] == "Pending"
    wait_for(lambda: "BackOff" in reasons(namespace), "its BackOff")
    assert reasons(namespace)[:4] == ["Scheduled", "Pulling", "Failed", "Failed"]


def test_a_container_that_crashes_again_and_again(namespace, run, until):
    run(pod(image="hubgate.test/crashing"))
    found = until(waiting("CrashLoopBackOff"))
    status = found["status"]["containerStatuses"][0]
    assert status["restartCount"] >= 1 and status["lastState"]["terminated"]["exitCode"] == 1
    assert found["status"]["phase"] == "Running"
    wait_for(lambda: "BackOff" in reasons(namespace), "its BackOff")


def test_a_container_that_ends_is_not_started_again_where_the_pod_says_never(run, until):
    run(pod(container=python("import sys; sys.exit(3)"), restartPolicy="Never"))
    found = until("Failed")
    assert state(found)["terminated"]["exitCode"] == 3 and state(found)["terminated"]["reason"] == "Error"
    run(pod("done", image="hubgate.test/done"))
    found = until("Succeeded", "done")
    assert conditions(found)["Ready"]["reason"] == "PodCompleted"


def test_the_configuration_refers_to_what_is_not_there(namespace, run, until):
    env = [{"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "words", "key": "one"}}}]
    run(pod(container={"env": env, **python("import os, time; print(os.environ['WORD']); time.sleep(99)")}))
    found = until(waiting("CreateContainerConfigError"))
    assert state(found)["waiting"]["message"] == 'secret "words" not found'
    namespace.admin.post(namespace.path("secrets"), {"metadata": {"name": "words"}, "stringData": {"one": "said"}})
    until("Running")
    wait_for(lambda: namespace.admin.get(namespace.path("pods", "one/log")) == "said\n", "the word")


def test_a_command_that_is_not_in_the_image(run, until):
    run(pod(container={"command": ["not-there-at-all"]}, restartPolicy="Never"))
    terminated = state(until("Failed"))["terminated"]
    assert terminated["reason"] == "StartError" and terminated["exitCode"] == 128
    assert "executable file not found" in terminated["message"]


def test_a_container_that_uses_too_much_memory(kubelet, run, until):
    run(pod(restartPolicy="Never"))
    until("Running")
    kubelet.kill("one")
    assert state(until("Failed"))["terminated"]["reason"] == "OOMKilled"


def test_a_pod_is_evicted_and_stays(namespace, kubelet, run, until):
    run(pod())
    until("Running")
    kubelet.evict("one")
    found = until("Failed")
    assert found["status"]["reason"] == "Evicted" and "low on resource" in found["status"]["message"]
    assert "Evicted" in reasons(namespace)


def unscheduled(found):
    return conditions(found).get("PodScheduled", {}).get("status") == "False" if "conditions" in found["status"] \
        else False


def test_a_pod_that_no_node_takes(namespace, kubelet, run, until):
    kubelet.hold()
    run(pod())
    found = until(unscheduled)
    assert conditions(found)["PodScheduled"]["reason"] == "Unschedulable"
    assert reasons(namespace) == ["FailedScheduling"]
    kubelet.release()
    until("Running")


@pytest.mark.parametrize("more, why", [
    ({"nodeSelector": {"gpu": "yes"}}, "didn't match Pod's node affinity/selector"),
    ({"container": {"resources": {"limits": {"nvidia.com/gpu": "1"}}}}, "Insufficient nvidia.com/gpu"),
    ({"container": {"resources": {"requests": {"memory": "64Gi"}}}}, "Insufficient memory"),
    ({"volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "none"}}]},
     'persistentvolumeclaim "none" not found')])
def test_the_scheduler_says_what_is_lacking(run, until, more, why):
    run(pod(**more))
    assert why in conditions(until(unscheduled))["PodScheduled"]["message"]


def test_a_cordoned_node_takes_no_pod(kubelet, run, until):
    kubelet.cordon()
    run(pod())
    assert "unschedulable" in conditions(until(unscheduled))["PodScheduled"]["message"]
    kubelet.cordon(False)
    until("Running")


def deleted(namespace):
    """The last that was said of the pod before it was gone."""
    watch = namespace.admin.watch(namespace.path("pods"), fieldSelector="metadata.name=one")
    namespace.admin.delete(namespace.path("pods", "one"))
    last = None
    for kind, found in watch:
        if kind == "DELETED":
            watch.close()
        else:
            last = found
    return last


def test_deleting_ends_the_process_within_its_grace(namespace, run, until):
    program = ("import signal, sys, time; signal.signal(15, lambda *_: (print('told', flush=True), sys.exit(0))); "
               "print('up', flush=True); time.sleep(99)")
    run(pod(container=python(program)))
    until("Running")
    wait_for(lambda: namespace.admin.get(namespace.path("pods", "one/log")) == "up\n", "its first line")
    last = deleted(namespace)
    assert state(last)["terminated"]["exitCode"] == 0 and last["metadata"]["deletionTimestamp"]
    assert reasons(namespace)[-1] == "Killing"


def test_what_ignores_sigterm_is_killed_after_the_grace(namespace, run, until):
    run(pod(container=python("import signal, time; signal.signal(15, signal.SIG_IGN); print(1); time.sleep(99)"),
            terminationGracePeriodSeconds=1))
    until("Running")
    wait_for(lambda: namespace.admin.get(namespace.path("pods", "one/log")), "its first line")
    assert state(deleted(namespace))["terminated"]["exitCode"] == 137


def test_init_containers_come_first_and_those_that_want_powers_are_not_run(run, until, tmp_path):
    run(pod(initContainers=[
        {"name": "block", "image": "hubgate.test/iptables", "command": ["touch", str(tmp_path / "touched")],
         "securityContext": {"privileged": True, "runAsUser": 0}},
        {"name": "first", "image": "hubgate.test/any", **python("print('first')")}]))
    found = until("Running")
    assert [one["state"]["terminated"]["exitCode"] for one in found["status"]["initContainerStatuses"]] == [0, 0]
    assert not (tmp_path / "touched").exists()


def test_an_init_container_that_fails(run, until):
    run(pod(restartPolicy="Never", initContainers=[
        {"name": "first", "image": "hubgate.test/any", **python("import sys; sys.exit(4)")}]))
    found = until("Failed")
    assert state(found)["waiting"]["reason"] == "PodInitializing"
    assert conditions(found)["Initialized"]["status"] == "False"


def test_a_pod_is_ready_when_its_probe_says_so(run, until, tmp_path):
    run(pod(container={"readinessProbe": {"exec": {"command": ["test", "-e", str(tmp_path / "ready")]}}}))
    found = until("Running")
    assert not found["status"]["containerStatuses"][0]["ready"]
    (tmp_path / "ready").touch()
    until(lambda found: conditions(found)["Ready"]["status"] == "True")


def test_a_claim_keeps_its_files_for_the_next_pod_and_goes_after_the_last(namespace, run, until):
    claims = namespace.path("persistentvolumeclaims")
    namespace.admin.post(claims, {"metadata": {"name": "home"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
    wait_for(lambda: namespace.admin.get(claims + "/home")["status"]["phase"] == "Bound", "the claim")
    volume = {"volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}]}
    mount = {"volumeMounts": [{"name": "home", "mountPath": "/home/jovyan", "subPath": "a"}]}
    run(pod("first", container={**mount, **python("open('kept', 'w').write('kept')")}, **volume))
    until("Succeeded", "first")
    run(pod("second", container={**mount, **python("import os; print(open(os.environ['HOME'] + '/kept').read()); "
                                                   "import time; time.sleep(99)")}, **volume))
    until("Running", "second")
    wait_for(lambda: namespace.admin.get(namespace.path("pods", "second/log")) == "kept\n", "the file")
    namespace.admin.delete(claims + "/home")
    assert "deletionTimestamp" in namespace.admin.get(claims + "/home")["metadata"]
    for name in ("first", "second"):
        namespace.admin.delete(namespace.path("pods", name), body={"gracePeriodSeconds": 1})
    wait_for(lambda: namespace.admin.find(claims + "/home") is None, "the end of the claim")


def test_logs_whole_in_part_and_followed(namespace, run, until):
    run(pod(container=python("import sys, time\nfor n in range(4): print('line', n)\nsys.stdin.close()\n"
                             "import signal; signal.signal(15, lambda *_: (print('bye'), sys.exit(0)))\n"
                             "time.sleep(99)")))
    until("Running")
    log = namespace.path("pods", "one/log")
    wait_for(lambda: "line 3" in namespace.admin.get(log), "four lines")
    assert namespace.admin.get(log, tailLines="1") == "line 3\n"
    assert namespace.admin.get(log, limitBytes="6") == "line 0"
    assert namespace.admin.get(log, timestamps="true").startswith("20")
    followed = namespace.admin.open("GET", log, follow="true", tailLines="1")
    assert followed.readline() == b"line 3\n"
    namespace.admin.delete(namespace.path("pods", "one"))
    assert followed.read() == b"bye\n"
    followed.close()


def test_no_log_before_the_container_runs(namespace, run, until):
    run(pod(image="hubgate.test/missing"))
    until(waiting("ImagePullBackOff"))
    with pytest.raises(calls.Refused) as refused:
        namespace.admin.get(namespace.path("pods", "one/log"))
    assert refused.value.code == 400 and "waiting to start" in refused.value.message


def test_a_pod_removed_at_once_leaves_no_process(namespace, kubelet, run, until):
    run(pod())
    until("Running")
    process = kubelet.worker("one").containers[0].process
    namespace.admin.delete(namespace.path("pods", "one"), body={"gracePeriodSeconds": 0})
    process.wait(15)


@pytest.fixture
def kubectl(control_plane, namespace, tmp_path):
    """kubectl("exec", …, input="…"): what it printed, and how it ended; kubectl.start(…): the process."""
    program, = tool("kubectl")
    config = kubeconfig.write(tmp_path / "config", control_plane, {"token": control_plane.token},
                              namespace=namespace.name)

    def call(*arguments, **more):
        return subprocess.run([program, f"--kubeconfig={config}", *arguments], capture_output=True, text=True,
                              check=False, timeout=60, **more)

    call.start = lambda *arguments, **more: subprocess.Popen(
        [program, f"--kubeconfig={config}", *arguments], **more)
    return call


def test_a_command_in_a_running_container(run, until, kubectl):
    run(pod(container={"env": [{"name": "WORD", "value": "said"}]}))
    until("Running")
    done = kubectl("exec", "-i", "one", "--", "sh", "-c", "read x; echo $WORD $x; echo bad >&2; exit 7", input="in\n")
    assert done.stdout == "said in\n" and done.stderr.startswith("bad\n") and done.returncode == 7
    assert kubectl("exec", "one", "--", "pwd").stdout
    much = "0123456789abcdef" * 65536
    assert kubectl("exec", "-i", "one", "--", "cat", input=much).stdout == much


def test_a_command_with_a_terminal(run, until, kubectl):
    run(pod())
    until("Running")
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (33, 77))
    said = ""
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, ours)
        done = kubectl.start("exec", "-it", "one", "--", "sh", "-c",
                             "until stty size | grep '33 77'; do sleep 0.1; done; read x; echo got $x; exit 3",
                             stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        stack.callback(done.kill)
        while "33 77" not in said:
            said += os.read(ours, 4096).decode()
        os.write(ours, b"this\n")
        while "got this" not in said:
            said += os.read(ours, 4096).decode()
        assert done.wait(30) == 3


def test_a_command_that_is_not_there(run, until, kubectl):
    run(pod())
    until("Running")
    assert kubectl("exec", "one", "--", "not-there-at-all").returncode
