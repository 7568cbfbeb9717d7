"""hubctl's verbs for clusters against a real API server, held against kubectl where it says the same."""

import json
import re
import sys
import time

import pytest
import yaml

import kubeconfig
from fault_proxy import Answer, Cut, Hang, Raw
from operators import PATIENCE, ROOT, Operator, operator, read_line, read_until  # noqa: F401

sys.path.append(str(ROOT / "tests/hubctl"))
import stub  # noqa: E402

LONG_AGO = "2026-01-02T03:04:05Z"


@pytest.fixture
def restricted(namespace, tmp_path):
    """restricted([rules]): an operator with these rights in the namespace."""
    def make(rules):
        token = namespace.account("operator", rules).token()
        return Operator(kubeconfig.write(tmp_path / "few", namespace.plane, {"token": token}, name="few",
                                         namespace=namespace.name), tmp_path)

    return make


@pytest.fixture
def hub():
    """hub(users): a scripted hub, and what hubctl finds it by."""
    made = []

    def make(**more):
        made.append(stub.Hub(**more))
        return {"HUBGATE_HUB_URL": made[-1].url, "HUBGATE_HUB_TOKEN": made[-1].token}

    yield make
    for one in made:
        one.stop()


def container(name="notebook", **status):
    return {"name": name, "image": f"{name}:1", "imageID": "", "ready": False, "restartCount": 0, "state": {},
            **status}


def running(name="notebook", **more):
    return container(name, ready=True, state={"running": {"startedAt": LONG_AGO}}, **more)


def waiting(reason, message="", name="notebook", **more):
    return container(name, state={"waiting": {"reason": reason, "message": message}}, **more)


def ended(code, reason="", name="notebook", **more):
    return container(name, state={"terminated": {"exitCode": code, "reason": reason, "finishedAt": LONG_AGO}}, **more)


def make_pod(namespace, user="ada", server="", name=None, status=None, label=None, spec=None, **about):
    """A user's pod as KubeSpawner makes it, in a state that a kubelet would have reported."""
    name = name or f"jupyter-{user}" + (f"--{server}" if server else "")
    notes = {"hub.jupyter.org/username": user, **({"hub.jupyter.org/servername": server} if server else {})}
    namespace.admin.post(namespace.path("pods"), {
        "metadata": {"name": name, "annotations": notes, "labels": {
            "component": "singleuser-server", "hub.jupyter.org/username": label or user,
            "hub.jupyter.org/servername": server}, **about},
        "spec": {"nodeName": "node1", "containers": [{"name": "notebook", "image": "notebook:1"}], **(spec or {})}})
    if status:
        namespace.admin.patch(namespace.path("pods", f"{name}/status"), {"status": status})
    return name


def make_event(namespace, reason, name="jupyter-ada", kind="Pod", at="2026-12-01T03:00:00Z", n=0, uid="", **more):
    namespace.admin.post(namespace.path("events"), {
        "metadata": {"name": f"{name}.187b3f0b6c{n:06x}"}, "type": "Normal", "reason": reason,
        "message": f"what {reason} says", "firstTimestamp": at, "lastTimestamp": at, "count": 1,
        "involvedObject": {"apiVersion": "v1", "kind": kind, "name": name, "namespace": namespace.name, "uid": uid},
        **more})


# ---- pods ----

READY = [{"type": "Ready", "status": "True"}]
INIT = {"initContainers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}
SIDECAR = {"initContainers": [{"name": "a", "image": "a:1", "restartPolicy": "Always"}]}
TWO = {"containers": [{"name": "notebook", "image": "notebook:1"}, {"name": "side", "image": "side:1"}]}
STATES = {
    "pending": {},
    "running": {"status": {"phase": "Running", "containerStatuses": [running()], "conditions": READY}},
    "restarted": {"status": {"phase": "Running", "containerStatuses": [running(
        restartCount=3, lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": LONG_AGO}})]}},
    "creating": {"status": {"phase": "Pending", "containerStatuses": [waiting("ContainerCreating")]}},
    "image": {"status": {"phase": "Pending", "containerStatuses": [waiting("ImagePullBackOff")]}},
    "crash": {"spec": TWO, "status": {"phase": "Running", "containerStatuses": [
        running(), waiting("CrashLoopBackOff", name="side", restartCount=7)]}},
    "oom": {"status": {"phase": "Running", "containerStatuses": [ended(137, "OOMKilled")]}},
    "exit": {"status": {"phase": "Failed", "containerStatuses": [ended(3)]}},
    "evicted": {"status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"}},
    "done": {"status": {"phase": "Succeeded", "containerStatuses": [ended(0, "Completed")]}},
    "half": {"spec": TWO, "status": {"phase": "Running", "containerStatuses": [
        ended(0, "Completed"), running("side")]}},
    "init": {"spec": INIT, "status": {"phase": "Pending", "initContainerStatuses": [
        ended(0, "Completed", "a"), running("b", restartCount=2)],
        "containerStatuses": [waiting("PodInitializing")]}},
    "initfails": {"spec": INIT, "status": {"phase": "Pending", "initContainerStatuses": [
        ended(1, "Error", "a"), waiting("PodInitializing", name="b")]}},
    "initwaits": {"spec": INIT, "status": {"phase": "Pending", "initContainerStatuses": [
        waiting("CrashLoopBackOff", name="a", restartCount=4), waiting("PodInitializing", name="b")]}},
    "sidecar": {"spec": SIDECAR, "status": {
        "phase": "Running", "initContainerStatuses": [running("a", started=True, restartCount=1)],
        "containerStatuses": [running(restartCount=1)]}},
}


def test_pods_are_told_as_kubectl_tells_them(operator, namespace):
    for user, state in STATES.items():
        make_pod(namespace, user, **state)
    make_pod(namespace, "going", status=STATES["running"]["status"])
    namespace.admin.delete(namespace.path("pods", "jupyter-going"), body={"gracePeriodSeconds": 600})
    titles = ["NAME", "READY", "STATUS", "RESTARTS", "NODE"]
    theirs = operator.kubectl("get", "pods", "-o", "wide").columns(*titles)
    ours = operator("get", "pods", "-o", "wide")
    assert ours.columns(*titles) == theirs
    assert len(theirs) == len(STATES) + 1
    assert [user for user, in ours.columns("USER")] == sorted([*STATES, "going"])
    assert ["jupyter-going", "Terminating"] in ours.columns("NAME", "STATUS")


def test_pods_of_one_user_and_of_one_server(operator, namespace):
    make_pod(namespace, "ada")
    make_pod(namespace, "ada", "gpu")
    make_pod(namespace, "grace")
    assert operator("get", "pods", "ada", "-o", "name").lines == ["ada", "ada/gpu"]
    assert operator("get", "pods", "ada/gpu", "-o", "name").lines == ["ada/gpu"]
    assert operator("get", "pods", "--filter", "GRA", "-o", "name").lines == ["grace"]
    assert json.loads(operator("get", "pods", "ada/gpu", "-o", "json").out)["metadata"]["name"] == "jupyter-ada--gpu"
    assert [pod["kind"] for pod in yaml.safe_load(operator("get", "pods", "ada", "-o", "yaml").out)] == ["Pod", "Pod"]
    ran = operator("get", "pods", "linus", "grace", status=1)
    assert ran.columns("USER") == [["grace"]]
    assert ran.error == (f"hubctl: there is no pod of linus in namespace {namespace.name} of context lab "
                         "(hubctl get pods lists them)")


def test_data_is_what_kubectl_gives(operator, namespace):
    make_pod(namespace, "ada", **STATES["restarted"])
    make_pod(namespace, "grace")
    theirs = json.loads(operator.kubectl("get", "pods", "-o", "json").out)["items"]
    assert json.loads(operator("get", "pods", "-o", "json").out) == theirs
    assert yaml.safe_load(operator("get", "pods", "ada/", "-o", "yaml").out) == theirs[0]
    with operator.begin("get", "pods", "-w", "-o", "json") as process:
        assert json.JSONDecoder().raw_decode(read_until(process, "}\n{"))[0] == theirs[0]


@pytest.mark.parametrize("user, label", [
    ("alice@example.com", "alice-example-com---ff8d9819"), ("user@email.com", "user-40email-2ecom"),
    ("秀樹", "x---966660aa")], ids=["safe", "escaped", "far"])
def test_a_user_whose_name_is_no_label(operator, namespace, user, label):
    """KubeSpawner 7 writes one label, those before it another; the annotation has the name."""
    make_pod(namespace, user, name="jupyter-one", label=label)
    make_pod(namespace, "other", name="jupyter-two")
    assert operator("get", "pods", user, "-o", "name").lines == [user]


def test_a_pod_that_is_nobodys_is_left_out(operator, namespace):
    namespace.admin.post(namespace.path("pods"), {"metadata": {"name": "hub"}, "spec": {
        "containers": [{"name": "hub", "image": "hub:1"}]}})
    assert operator("get", "pods").err == f"hubctl: no pods in namespace {namespace.name} of context lab\n"


def test_more_pods_than_a_page_holds(operator, namespace):
    for n in range(260):
        make_pod(namespace, f"user{n:03}")
    assert operator("get", "pods", "-o", "name").lines == [f"user{n:03}" for n in range(260)]


def test_another_namespace_and_all_of_them(operator, make_namespace):
    one, two = make_namespace(), make_namespace()
    make_pod(one, "ada")
    make_pod(two, "grace")
    assert operator("get", "pods", "-n", one.name, "-o", "name").lines == ["ada"]
    everywhere = operator("get", "pods", "-A").columns("NAMESPACE", "USER")
    assert [one.name, "ada"] in everywhere and [two.name, "grace"] in everywhere
    ran = operator("get", "pods", "-n", "Not_One", status=1)
    assert ran.error == "hubctl: --namespace 'Not_One' is no name of a namespace"


def test_watched_pods(operator, namespace):
    make_pod(namespace, "ada")
    with operator.begin("get", "pods", "-w") as process:
        assert read_line(process)[:3] == ["NAME", "READY", "STATUS"]
        assert read_line(process)[:3] == ["jupyter-ada", "0/1", "Pending"]
        namespace.admin.patch(namespace.path("pods", "jupyter-ada/status"), {"status": STATES["running"]["status"]})
        assert read_line(process)[:3] == ["jupyter-ada", "1/1", "Running"]
        make_pod(namespace, "grace")
        assert read_line(process)[:3] == ["jupyter-grace", "0/1", "Pending"]
        process.send_signal(2)
        assert process.wait(PATIENCE) == -2


# ---- events ----

def test_events_in_their_order(operator, namespace):
    at = "2026-12-01T03:00:00Z"
    make_event(namespace, "Started", n=5, at=at)
    make_event(namespace, "Scheduled", n=1, eventTime="2026-12-01T03:00:00.500000Z", firstTimestamp=None,
               lastTimestamp=None, count=0, reportingComponent="s", reportingInstance="s", action="Binding")
    make_event(namespace, "Pulling", n=2, at=at)
    make_event(namespace, "BackOff", n=3, at="2026-12-01T02:00:00Z", lastTimestamp="2026-12-01T03:01:00Z", count=9,
               type="Warning")
    make_event(namespace, "Other", name="jupyter-grace", n=4, at="2026-12-01T02:59:00Z")
    make_event(namespace, "ProvisioningFailed", name="claim-ada", kind="PersistentVolumeClaim", n=0,
               at="2026-12-01T02:59:30Z")
    ran = operator("events")
    assert [reason for reason, in ran.columns("REASON")] == [
        "Other", "ProvisioningFailed", "Scheduled", "Pulling", "Started", "BackOff"]
    assert "(x9 over " in ran.lines[-1] and ran.columns("OBJECT")[0] == ["pod/jupyter-grace"]
    # a user's pod and claim, though there is none of them any more
    ran = operator("events", "--for", "ada")
    assert [reason for reason, in ran.columns("REASON")] == [
        "ProvisioningFailed", "Scheduled", "Pulling", "Started", "BackOff"]
    assert "no events" in operator("events", "--for", "linus").error
    told = operator.kubectl("events", "--for", "pod/jupyter-ada").columns("REASON", "MESSAGE")
    assert sorted(told) == sorted(ran.columns("REASON", "MESSAGE")[1:])


def test_watched_events(operator, namespace):
    make_event(namespace, "Scheduled", n=1)
    with operator.begin("events", "--for", "ada", "-w") as process:
        assert read_line(process)[:2] == ["LAST", "SEEN"]
        assert "Scheduled" in read_line(process)
        make_event(namespace, "Pulled", name="jupyter-grace", n=2)
        make_event(namespace, "Started", n=3)
        assert "Started" in read_line(process)


# ---- describe ----

def make_server(namespace):
    claim = {"metadata": {"name": "claim-ada"}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
                                                        "resources": {"requests": {"storage": "10Gi"}}}}
    namespace.admin.post(namespace.path("persistentvolumeclaims"), claim)
    make_pod(namespace, "ada", status={
        "phase": "Pending", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}],
        "containerStatuses": [waiting("ErrImagePull", "there is no notebook:1")]},
        spec={"volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "claim-ada"}}]})
    uid = namespace.pod("jupyter-ada")["metadata"]["uid"]
    make_event(namespace, "Scheduled", n=1, uid=uid)
    make_event(namespace, "Failed", n=2, type="Warning", uid=uid)
    make_event(namespace, "Killing", n=0, uid="of-the-pod-before")


def test_describe_pod_says_what_kubectl_says(operator, namespace):
    make_server(namespace)
    out = operator("describe", "pod", "ada").out
    said = operator.kubectl("describe", "pod", "jupyter-ada").out
    for fact in ("notebook:1", "10.1.2.3", "node1", "ErrImagePull", "claim-ada", "what Failed says"):
        assert fact in out and fact in said, fact
    for line in (r"Status: +ErrImagePull", r"Because: +there is no notebook:1", r"Node: +node1", r"Image: +notebook:1",
                 r"Ready: +0 of 1 containers, 0 restarts", r"claim-ada +\S+ +10Gi +fast"):
        assert re.search(line, out), out
    assert "of-the-pod-before" not in out and "Killing" not in out and "Killing" not in said
    assert out.index("what Scheduled says") < out.index("what Failed says")
    told = json.loads(operator("describe", "pod", "ada", "-o", "json").out)
    assert told["pod"]["metadata"]["name"] == "jupyter-ada" and told["unknown"] == []
    assert [claim["metadata"]["name"] for claim in told["claims"]] == ["claim-ada"]
    assert [event["reason"] for event in told["events"]] == ["Scheduled", "Failed"]


def pod_server(namespace, **more):
    """As a hub whose servers are pods tells its admins."""
    return stub.user("ada", servers={"": stub.server(
        state={"pod_name": "jupyter-ada", "namespace": namespace.name}, **more)})


def test_describe_adds_the_pod_where_the_server_is_one(operator, namespace, hub, tmp_path):
    make_server(namespace)
    there = hub(users=[pod_server(namespace), stub.user("grace", servers={"": stub.server(state={"pid": 7})})])
    elsewhere = Operator(kubeconfig.write(tmp_path / "other", namespace.plane, {"token": namespace.plane.token}),
                         tmp_path)  # its context names no namespace: the hub knows where its pods are
    out = elsewhere("describe", "ada", **there).out
    assert re.search(r"^State: +ready$", out, re.M)
    assert f"\nWhat the cluster says in namespace {namespace.name} of context test:\n" in out
    assert re.search(r"^  Status: +ErrImagePull$", out, re.M)
    told = json.loads(elsewhere("describe", "ada", "-o", "json", **there).out)
    assert told["server"]["ready"] and told["pod"]["metadata"]["name"] == "jupyter-ada"
    assert "the cluster" not in elsewhere("describe", "grace", **there).out
    assert "the cluster" not in elsewhere("describe", "server", "ada", **there).out


def test_the_hubs_part_does_not_fail_with_the_cluster(operator, namespace, hub, tmp_path):
    there = hub(users=[pod_server(namespace)])
    away = Operator(kubeconfig.write(tmp_path / "away", namespace.plane, {"token": "x"}, server="https://127.0.0.1:1"),
                    tmp_path)
    none = Operator(tmp_path / "no-such-file", tmp_path)
    for one, says in ((away, "https://127.0.0.1:1"), (none, "no-such-file")):
        ran = one("describe", "ada", **there)  # the hub said that it is a pod: a remark
        assert "State:" in ran.out and says in ran.error
        ran = one("describe", "ada", "-n", "hub", status=1, **there)  # the flags did: an error
        assert "State:" in ran.out and says in ran.error
        assert json.loads(one("describe", "ada", "-o", "json", **there).out)["server"]["ready"]


def test_the_clusters_part_does_not_fail_with_the_hub(operator, namespace):
    make_server(namespace)
    ran = operator("describe", "ada", "-n", namespace.name, status=1, HUBGATE_HUB_URL="http://127.0.0.1:1/hub/api")
    assert "ErrImagePull" in ran.out and "no hub answers" in ran.error


def test_what_may_not_be_read_is_said_beside_the_rest(restricted, namespace):
    make_server(namespace)
    few = restricted([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}])
    out = few("describe", "pod", "ada").out
    assert re.search(r"Status: +ErrImagePull", out)
    assert len(re.findall(r"Not known: .*403 Forbidden.*(persistentvolumeclaims|events)", out)) == 2


# ---- refusals ----

def test_a_right_that_is_missing_is_named(restricted, namespace):
    nobody = restricted([])
    error = nobody("get", "pods", status=1).error
    assert 'cannot list resource "pods"' in error and namespace.name in error and "Role" in error
    assert 'cannot list resource "events"' in nobody("events", status=1).error
    ran = nobody("get", "pods", "-w", status=1)
    assert 'cannot list resource "pods"' in ran.error


def test_a_token_that_is_none(namespace, tmp_path):
    wrong = Operator(kubeconfig.write(tmp_path / "wrong", namespace.plane, {"token": "none"}), tmp_path)
    assert "what context test shows is wrong or has expired" in wrong("get", "pods", status=1).error


def test_a_cluster_that_is_away_or_another(namespace, tmp_path):
    away = Operator(kubeconfig.write(tmp_path / "away", namespace.plane, {"token": "x"}, server="https://127.0.0.1:1"),
                    tmp_path)
    start = time.monotonic()
    assert "hubctl contexts lists others" in away("get", "pods", status=1).error
    assert time.monotonic() - start < 10, "who waits can try again himself"
    other = Operator(kubeconfig.write(tmp_path / "other", namespace.plane, {"token": "x"}, **{
        "tls-server-name": "elsewhere.example"}), tmp_path)
    assert "elsewhere.example" in other("get", "pods", status=1).error


def test_an_account_of_a_pod_without_a_kubeconfig(namespace, tmp_path):
    """hubctl in a pod: its service account, its own cluster, its own namespace."""
    # where the files are is fixed: this is only seen to be looked for
    host, port = namespace.plane.url.removeprefix("https://").split(":")
    inside = Operator("", tmp_path)
    error = inside("get", "pods", status=1, KUBERNETES_SERVICE_HOST=host, KUBERNETES_SERVICE_PORT=port).error
    assert "/var/run/secrets/kubernetes.io/serviceaccount" in error


@pytest.fixture
def behind(namespace, fault_proxy, tmp_path):
    """An operator whose way to the API server has faults."""
    return Operator(kubeconfig.write(tmp_path / "faults", namespace.plane, {"token": namespace.plane.token},
                                     namespace=namespace.name, server=fault_proxy.url), tmp_path)


@pytest.mark.parametrize("fault, says", [
    (Answer.broken(503), "503"), (Raw(b"nonsense\r\n\r\n"), "no answer of"), (Cut(after=20), "no answer of"),
    (Hang(), "no answer of"), (Hang(after=20), "no answer of"),
], ids=["broken", "nonsense", "cut", "hang", "stuck"])
def test_an_api_server_that_fails_is_said_in_a_line(behind, fault_proxy, fault, says):
    fault_proxy.fault(fault, times=None)
    assert says in behind("get", "pods", "--timeout", "1", status=1).error
    assert says in behind("describe", "pod", "ada", "--timeout", "1", status=1).error


def test_a_busy_api_server_is_asked_again(behind, namespace, fault_proxy):
    make_pod(namespace, "ada")
    fault_proxy.fault(Answer.too_many(retry_after=1), times=1)
    assert behind("get", "pods", "-o", "name").lines == ["ada"]


def test_a_watch_goes_on_after_it_was_cut(behind, namespace, fault_proxy):
    make_pod(namespace, "ada")
    with behind.begin("get", "pods", "-w") as process:
        read_line(process), read_line(process)
        fault_proxy.cut_all()
        make_pod(namespace, "grace")
        assert read_line(process)[0] == "jupyter-grace"


@pytest.mark.parametrize("how", ["certificate", "inline", "plugin"])
def test_other_ways_in(control_plane, namespace, tmp_path, how):
    make_pod(namespace, "ada")
    if how == "plugin":
        program = tmp_path / "login"
        program.write_text("#!/bin/sh\necho '" + json.dumps({
            "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": {"token": control_plane.token}}) + "'\n")
        program.chmod(0o755)
        user = kubeconfig.plugin(program)
    else:
        user = kubeconfig.certificate(*control_plane.authority.sign(
            "boss", "/O=system:masters/CN=boss", into=tmp_path), inline=how == "inline")
    one = Operator(kubeconfig.write(tmp_path / "config", control_plane, user, inline=how == "inline",
                                    namespace=namespace.name), tmp_path)
    assert one("get", "pods", "-o", "name").lines == ["ada"]
