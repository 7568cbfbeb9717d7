"""kubeapi/ against a real API server: a mirror held against what the server says, through restarts,
compaction and churn; rights, tokens, certificates and programs."""

import base64
import json
import os
import pathlib
import queue
import random
import signal
import subprocess
import threading
import urllib.request

import pytest

import calls
import control_plane as planes
import fault_proxy as faults
import kubeconfig
import namespaces

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASKER = pathlib.Path(os.environ.get("ASKER", ROOT / "build/cluster/asker")).absolute()
PATIENCE = float(os.environ.get("ASKER_PATIENCE", 60))
LABELS = {"component": "singleuser-server"}


class Asker:
    """The program of asker.c; what it says is kept."""

    def __init__(self, *arguments, **env):
        if not ASKER.exists():
            pytest.fail(f"no {ASKER}: make build/cluster/asker", pytrace=False)
        self.process = subprocess.Popen([ASKER, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env={**os.environ, **env})
        self.queue, self.said = queue.Queue(), []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.queue.put(json.loads(line))
        self.queue.put(None)

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def next(self):
        said = self.queue.get(timeout=PATIENCE)
        assert said is not None, f"it ended: {self.process.stderr.read()}"
        self.said.append(said)
        return said

    def until(self, holds):
        """The next that is said for which that holds."""
        while not holds(said := self.next()):
            pass
        return said

    def call(self, method, path, body=None):
        self.ask("call", method, path, json.dumps(body, separators=(",", ":")) if body else "-")
        return self.until(lambda said: "status" in said)

    def mirror(self, namespace):
        self.ask("mirror", namespace.path("pods"), "component=singleuser-server")
        self.until(lambda said: "synced" in said)

    @property
    def changes(self):
        return [said for said in self.said if "change" in said]

    def mirrored(self):
        """name → (uid, version), as its changes have it; each must fit what was there."""
        there = {}
        for said in self.changes:
            name, uid = said["name"], said["uid"]
            if said["change"] == "added":
                assert name not in there, said
            else:
                assert there[name][0] == uid, said
            if said["change"] == "gone":
                del there[name]
            else:
                there[name] = (uid, said["version"])
        return there

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0, self.process.stderr.read()
        assert "Sanitizer" not in self.process.stderr.read()


@pytest.fixture
def asker(tmp_path):
    """asker(namespace or plane, user={…}): one that comes by a kubeconfig; asker(folder=…): in a cluster."""
    made = []

    def make(plane, user=None, folder=None, **more):
        if folder:
            made.append(Asker("in", folder, KUBERNETES_SERVICE_HOST="127.0.0.1",
                              KUBERNETES_SERVICE_PORT=plane.url.rpartition(":")[2]))
        else:
            path = kubeconfig.write(tmp_path / f"config-{len(made)}", plane, user or {"token": plane.token}, **more)
            made.append(Asker("of", path))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pod(name, **more):
    return {"metadata": {"name": name, "labels": LABELS, **more},
            "spec": {"containers": [{"name": "notebook", "image": "example.test/one"}]}}


def remove(namespace, name):
    namespace.admin.delete(namespace.path("pods", name), body={"gracePeriodSeconds": 0})


def there_is(namespace):
    found = namespace.admin.get(namespace.path("pods"), labelSelector="component=singleuser-server")
    return {one["metadata"]["name"]: (one["metadata"]["uid"], one["metadata"]["resourceVersion"])
            for one in found["items"]}


def churn(namespace, names, times, seed):
    """Pods that come, change, lose and gain the label, and go."""
    chance = random.Random(seed)
    for _ in range(times):
        name = chance.choice(names)
        path = namespace.path("pods", name)
        try:
            what = chance.random()
            if what < .4:
                namespace.admin.post(namespace.path("pods"), pod(name))
            elif what < .6:
                namespace.admin.patch(path, {"metadata": {"annotations": {"n": str(chance.random())}}})
            elif what < .7:
                namespace.admin.patch(path, {"metadata": {"labels": {"component": None}}})
            elif what < .75:
                namespace.admin.patch(path, {"metadata": {"labels": LABELS}})
            else:
                remove(namespace, name)
        except calls.Refused as refused:
            assert refused.code in (404, 409), refused


def churn_at_once(namespace, threads, times):
    workers = [threading.Thread(target=churn, args=(namespace, [f"w{i}-{n}" for n in range(4)], times, i))
               for i in range(threads)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()


def same_as_the_server(asker, namespace):
    """Waits for it: a last pod closes all that was before it, but where the list tells it."""
    last = f"last-{len(asker.said)}"
    namespace.admin.post(namespace.path("pods"), pod(last))
    asker.until(lambda said: said.get("name") == last)
    expected = there_is(namespace)
    while asker.mirrored() != expected:
        asker.next()


# ---- mirrors ----


def test_a_mirror_tells_what_a_watch_of_others_tells_under_churn(namespace, asker):
    account = namespace.account()
    one = asker(namespace.plane, {"token": account.token()})
    for i in range(3):
        namespace.admin.post(namespace.path("pods"), pod(f"before-{i}"))
    listed = namespace.admin.get(namespace.path("pods"), labelSelector="component=singleuser-server")
    one.mirror(namespace)
    watch = namespace.admin.watch(namespace.path("pods"), labelSelector="component=singleuser-server",
                                  resourceVersion=listed["metadata"]["resourceVersion"])
    churn_at_once(namespace, 4, 60)
    same_as_the_server(one, namespace)
    words = {"ADDED": "added", "MODIFIED": "changed", "DELETED": "gone"}
    expected = []
    for kind, item in watch:
        expected.append((words[kind], item["metadata"]["name"], item["metadata"]["uid"],
                         item["metadata"]["resourceVersion"]))
        if item["metadata"]["name"].startswith("last-"):
            break
    watch.close()
    told = [(said["change"], said["name"], said["uid"], said["version"]) for said in one.changes]
    assert told[3:] == expected
    assert not [said for said in one.said if "trouble" in said]
    asked = [call for call in namespace.plane.audit(account.user) if "/pods?" in call["requestURI"]]
    assert [call["verb"] for call in asked].count("list") == 1, "one list, and one watch that goes on"


@pytest.mark.long
def test_nothing_is_lost_whatever_befalls_a_mirror(namespace, asker, fault_proxy):
    account = namespace.account()
    one = asker(namespace.plane, {"token": account.token()}, server=fault_proxy.url)
    one.mirror(namespace)
    chance, enough = random.Random(3), threading.Event()
    befalls = [
        lambda: fault_proxy.fault(faults.Cut(after=chance.randrange(9000)), watch=True, times=2),
        lambda: fault_proxy.fault(faults.Cut(after=chance.randrange(500)), watch=False),
        lambda: fault_proxy.fault(faults.Answer.gone(), watch=True),
        lambda: fault_proxy.fault(faults.Answer.gone(), watch=False),
        lambda: fault_proxy.fault(faults.Answer.too_many(0), times=2),
        lambda: fault_proxy.fault(faults.Answer.broken(), times=2),
        lambda: fault_proxy.fault(faults.Raw()),
        lambda: fault_proxy.fault(faults.Drip(bytes=7, pause=0.0001)),
        lambda: fault_proxy.inject(faults.watch_gone_event(), path="/pods"),
        lambda: fault_proxy.inject(b'{"type":"ADDED","object":{}}\n', path="/pods"),
        fault_proxy.cut_all]

    def work():
        while not enough.is_set():
            churn_at_once(namespace, 3, 5)

    working = threading.Thread(target=work)
    working.start()
    try:
        for befall in chance.sample(befalls, len(befalls)) * 2:
            before = len(fault_proxy.requests)
            befall()
            fault_proxy.cut_all()
            # So much trouble makes it wait up to half a minute between two tries.
            planes.wait_for(lambda: len(fault_proxy.requests) > before, "the mirror's next request", 60)
    finally:
        enough.set()
        working.join()
    fault_proxy.clear()
    same_as_the_server(one, namespace)
    assert {faults.Cut, faults.Answer, faults.Raw} <= {type(one.fault) for one in fault_proxy.requests}


def test_a_pod_whose_making_was_not_answered_may_be_ones_own(namespace, asker, fault_proxy):
    one = asker(namespace.plane, {"token": namespace.account().token()}, server=fault_proxy.url)
    fault_proxy.fault(faults.Cut(), method="POST")
    said = one.call("POST", namespace.path("pods"), pod("ada"))
    assert (said["status"], said["reason"], said["retried"]) == (409, "AlreadyExists", True)
    assert namespace.pod("ada")


def test_a_server_that_hangs_once_is_asked_again(namespace, asker, fault_proxy):
    one = asker(namespace.plane, {"token": namespace.account().token()}, server=fault_proxy.url)
    fault_proxy.fault(faults.Hang())
    said = one.call("GET", namespace.path("pods"))
    assert said["status"] == 200 and said["retried"]


def test_many_pods_come_page_by_page(namespace, asker):
    for i in range(230):
        namespace.admin.post(namespace.path("pods"), pod(f"p{i}"))
    account = namespace.account()
    one = asker(namespace.plane, {"token": account.token()})
    one.mirror(namespace)
    assert one.mirrored() == there_is(namespace) and len(one.mirrored()) == 230
    planes.wait_for(lambda: [call["verb"] for call in namespace.plane.audit(account.user)
                             if "/pods?" in call["requestURI"]].count("list") == 3, "three pages in the audit")


def make_plane_with_pods(own_control_plane, *flags):
    plane = own_control_plane(*flags)
    namespace = namespaces.Namespace(plane)
    for i in range(5):
        namespace.admin.post(namespace.path("pods"), pod(f"kept-{i}"))
    return plane, namespace


@pytest.mark.long
def test_an_api_server_may_be_killed_and_started_again_under_a_mirror(own_control_plane, asker):
    plane, namespace = make_plane_with_pods(own_control_plane)
    one = asker(plane)
    one.mirror(namespace)
    for turn in range(3):
        stop = plane.kill_api if turn % 2 == 0 else plane.stop_api
        worker = threading.Thread(target=lambda: churn_until_down(namespace))
        worker.start()
        stop()
        worker.join()
        plane.start_api()
        remove(namespace, f"kept-{turn}")
        churn(namespace, ["a", "b", "c"], 20, turn)
        same_as_the_server(one, namespace)
    troubles = [said["trouble"] for said in one.said if "trouble" in said]
    assert not troubles or troubles[-1] is None or wait_for_peace(one), troubles


def churn_until_down(namespace):
    try:
        churn(namespace, ["x", "y", "z"], 10000, 7)
    except (OSError, AssertionError, ValueError):
        pass


def wait_for_peace(one):
    return one.until(lambda said: said.get("trouble", 0) is None)


def compact(plane):
    """Of all history of etcd: by its JSON gateway."""
    def ask(path, body):
        request = urllib.request.Request(f"http://127.0.0.1:{plane.etcd_ports[0]}/v3/kv/{path}",
                                         json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    key = base64.b64encode(b"/registry").decode()
    revision = ask("range", {"key": key})["header"]["revision"]
    ask("compaction", {"revision": revision, "physical": True})


@pytest.mark.parametrize("flags", [(), ("--watch-cache=false",)], ids=["cached", "from-etcd"])
def test_what_the_server_has_forgotten_is_listed_anew(own_control_plane, asker, flags):
    """While the asker stands still its watch ends, and what it has missed is compacted away: 410, as a
    status from the cache, or as an event where the server asks etcd."""
    plane, namespace = make_plane_with_pods(own_control_plane, *flags)
    one = asker(plane)
    one.mirror(namespace)
    one.process.send_signal(signal.SIGSTOP)
    plane.kill_api()
    plane.start_api()
    churn(namespace, ["a", "b", "c", "kept-0"], 60, 1)
    remove(namespace, "kept-1")
    compact(plane)
    plane.kill_api()
    plane.start_api()
    one.process.send_signal(signal.SIGCONT)
    one.until(lambda said: "synced" in said)
    same_as_the_server(one, namespace)
    assert [said for said in one.changes if said["name"] == "kept-1" and said["change"] == "gone"
            and not said["seen"]], "its going was not seen"
    assert not [said for said in one.said if said.get("trouble")]


def test_events_are_told_from_now_on(namespace, asker):
    def event(name, reason):
        about = {"apiVersion": "v1", "kind": "Pod", "namespace": namespace.name, "name": "ada"}
        namespace.admin.post(namespace.path("events"), {"metadata": {"name": name}, "involvedObject": about,
                                                        "reason": reason, "message": "m", "type": "Normal"})

    event("old", "Old")
    one = asker(namespace.plane, {"token": namespace.account().token()})
    one.ask("events", namespace.path("events"), "involvedObject.kind=Pod")
    one.until(lambda said: "synced" in said)
    event("new", "Scheduled")
    namespace.admin.patch(namespace.path("events", "new"), {"count": 2})
    namespace.admin.delete(namespace.path("events", "new"))
    event("newer", "Pulled")
    one.until(lambda said: said.get("name") == "newer")
    assert [(said["change"], said["name"], said["reason"]) for said in one.changes] == [
        ("added", "new", "Scheduled"), ("changed", "new", "Scheduled"), ("added", "newer", "Pulled")]


def test_what_may_not_be_listed_is_said_and_told_once_it_may(namespace, asker):
    account = namespace.account(rules=[])
    namespace.admin.post(namespace.path("pods"), pod("ada"))
    one = asker(namespace.plane, {"token": account.token()})
    one.ask("mirror", namespace.path("pods"), "component=singleuser-server")
    trouble = one.until(lambda said: said.get("trouble"))["trouble"]
    assert trouble.startswith(f'list pods: 403 Forbidden: pods is forbidden: User "{account.user}" cannot list')
    namespace.admin.patch(namespace.path("roles", "hub", group="rbac.authorization.k8s.io/v1"), {
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}]})
    one.until(lambda said: "synced" in said)
    assert set(one.mirrored()) == {"ada"}
    wait_for_peace(one)


# ---- calls ----


def test_a_refusal_says_why(namespace, asker):
    one = asker(namespace.plane, {"token": namespace.account().token()})
    assert one.call("POST", namespace.path("pods"), pod("ada"))["status"] == 201
    said = one.call("POST", namespace.path("pods"), pod("ada"))
    assert (said["status"], said["reason"]) == (409, "AlreadyExists")
    namespace.quota(pods="0")
    said = one.call("POST", namespace.path("pods"), pod("bob"))
    assert said["status"] == 403 and "exceeded quota: quota, requested: pods=1, used: pods=0, limited: pods=0" in said["error"]
    said = one.call("POST", namespace.path("pods"), {**pod("bob"), "spec": {"containers": []}})
    assert (said["status"], said["reason"]) == (422, "Invalid") and "spec.containers" in said["error"]
    said = one.call("DELETE", namespace.path("pods", "nobody"))
    assert (said["status"], said["reason"]) == (404, "NotFound")
    assert said["error"] == 'ask: 404 NotFound: pods "nobody" not found'


def test_a_call_outlasts_a_restart(own_control_plane, asker):
    plane, namespace = make_plane_with_pods(own_control_plane)
    one = asker(plane)
    assert one.call("GET", namespace.path("pods", "kept-0"))["status"] == 200
    plane.kill_api()
    one.ask("call", "GET", namespace.path("pods", "kept-0"), "-")
    plane.start_api()
    said = one.until(lambda said: "status" in said)
    assert said["status"] == 200 and said["retried"]


def test_each_missing_right_is_named(namespace, asker):
    asked = ["list:pods", "create:pods", "get:pods/log", "create:persistentvolumeclaims", "watch:events"]
    one = asker(namespace.plane, {"token": namespace.account().token()})
    one.ask("rights", namespace.name, *asked)
    assert one.until(lambda said: "missing" in said) == {"missing": [], "error": None}
    few = namespace.account("few", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}])
    other = asker(namespace.plane, {"token": few.token()})
    other.ask("rights", namespace.name, *asked)
    assert other.until(lambda said: "missing" in said)["missing"] == [
        f"may not create pods in namespace {namespace.name}",
        f"may not get pods/log in namespace {namespace.name}",
        f"may not create persistentvolumeclaims in namespace {namespace.name}",
        f"may not watch events in namespace {namespace.name}"]


# ---- access ----


def test_a_pods_token_is_read_again_when_the_server_does_not_take_it_any_more(namespace, asker, tmp_path):
    account = namespace.account()
    folder = account.mount(tmp_path / "account")
    one = asker(namespace.plane, folder=folder)
    assert one.call("GET", namespace.path("pods"))["status"] == 200
    # A token is bound to its account: one of that name made anew takes it no more.
    path = namespace.path("serviceaccounts", "hub")
    namespace.admin.delete(path)
    namespace.admin.post(namespace.path("serviceaccounts"), {"metadata": {"name": "hub"}})

    def refused():
        try:
            calls.Calls(namespace.plane.url, ca=namespace.plane.authority.path,
                        token=(folder / "token").read_text()).get(namespace.path("pods"))
        except calls.Refused as refusal:
            return refusal.code == 401
        return False

    planes.wait_for(refused, "the end of the old token")
    said = one.call("GET", namespace.path("pods"))
    assert (said["status"], said["error"]) == (401, "ask: 401 Unauthorized: Unauthorized")
    account.mount(folder)
    assert one.call("POST", namespace.path("pods"), pod("ada"))["status"] == 201


@pytest.mark.parametrize("inline", [False, True], ids=["files", "inline"])
def test_a_client_certificate_is_shown(namespace, asker, tmp_path, inline):
    pair = namespace.plane.authority.sign("alice", "/O=system:masters/CN=alice", into=tmp_path)
    one = asker(namespace.plane, kubeconfig.certificate(*pair, inline=inline), inline=inline)
    said = one.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                    {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    assert said["object"]["status"]["userInfo"]["username"] == "alice"


def test_somebody_else_is_come_as(namespace, asker, tmp_path):
    pair = namespace.plane.authority.sign("alice", "/O=system:masters/CN=alice", into=tmp_path)
    user = {**kubeconfig.certificate(*pair), "as": "grace", "as-groups": ["g1", "g2"],
            "as-user-extra": {"example.test/why": ["a"]}}
    said = asker(namespace.plane, user).call(
        "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    info = said["object"]["status"]["userInfo"]
    assert info["username"] == "grace" and {"g1", "g2"} <= set(info["groups"])
    assert info["extra"]["example.test/why"] == ["a"]


def test_a_program_brings_a_token_and_another_once_it_is_refused(namespace, asker, tmp_path):
    account = namespace.account()
    (tmp_path / "token").write_text("not.a.token")
    program = tmp_path / "login"
    program.write_text('#!/bin/sh\necho run >>"$0.runs"\n'
                       'printf \'{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", '
                       '"status": {"token": "%s"}}\' "$(cat "${0%/*}/token")"\n')
    program.chmod(0o700)
    one = asker(namespace.plane, kubeconfig.plugin(program))
    assert one.call("GET", namespace.path("pods"))["status"] == 401
    (tmp_path / "token").write_text(account.token())
    assert one.call("GET", namespace.path("pods"))["status"] == 200
    assert one.call("GET", namespace.path("pods"))["status"] == 200
    assert (tmp_path / "login.runs").read_text().count("run") == 3


@pytest.mark.parametrize("cluster, why", [
    ({"tls-server-name": "kubernetes.default"}, None),
    ({"tls-server-name": "elsewhere.test"}, "no alternative certificate subject name matches"),
    ({"insecure-skip-tls-verify": True}, None)], ids=["its-name", "another-name", "insecure"])
def test_the_servers_name_is_verified(namespace, asker, cluster, why):
    one = asker(namespace.plane, {"token": namespace.account().token()}, **cluster)
    one.ask("call", "GET", namespace.path("pods"), "-")
    said = one.until(lambda said: "status" in said)
    assert (said["status"] == 200) if not why else (said["status"] == 0 and why in said["error"])


def test_a_log_is_told_as_it_comes(namespace, kubelet, asker):
    chatty = pod("chatty")
    chatty["spec"]["containers"][0]["command"] = ["sh", "-c", "echo first; echo last; exec sleep 1000"]
    one = asker(namespace.plane, {"token": namespace.account().token()})
    namespace.admin.post(namespace.path("pods"), chatty)
    planes.wait_for(lambda: namespace.pod("chatty")["status"]["phase"] == "Running", "its start")
    one.ask("log", namespace.path("pods", "chatty") + "/log?follow=true")
    one.until(lambda said: "".join(said.get("piece", "") for said in one.said) == "first\nlast\n")
    remove(namespace, "chatty")
    said = one.until(lambda said: "status" in said)
    assert (said["status"], said["error"]) == (200, None)
