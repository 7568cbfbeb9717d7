"""The control plane itself: what a test may count on."""

import os
import subprocess
import sys
import time

import pytest

import calls
import control_plane as planes
import kubeconfig

POD = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "main", "image": "example.test/one"}]}}


def test_a_pod_is_validated_and_kept(namespace):
    made = namespace.admin.post(namespace.path("pods"), POD)
    assert made["status"]["phase"] == "Pending"
    with pytest.raises(calls.Refused) as refused:
        namespace.admin.post(namespace.path("pods"), {**POD, "spec": {"containers": []}})
    assert refused.value.code == 422 and "spec.containers" in refused.value.message


def test_a_watch_tells_changes_and_gives_bookmarks(namespace):
    at = namespace.admin.get(namespace.path("pods"))["metadata"]["resourceVersion"]
    watch = namespace.admin.watch(namespace.path("pods"), resourceVersion=at, allowWatchBookmarks="true",
                                  timeoutSeconds="4")  # one is given two seconds before the end
    namespace.admin.post(namespace.path("pods"), POD)
    kinds = [kind for kind, _ in watch]
    assert kinds[0] == "ADDED" and kinds[-1] == "BOOKMARK"


def test_an_account_has_the_hubs_rights_and_no_more(namespace):
    hub = namespace.account().calls()
    assert hub.post(namespace.path("pods"), POD)["metadata"]["name"] == "one"
    for kind in ("secrets", "configmaps", "services"):
        with pytest.raises(calls.Refused) as refused:
            hub.get(namespace.path(kind))
        assert refused.value.code == 403
    with pytest.raises(calls.Refused) as refused:
        hub.get("/api/v1/namespaces/default/pods")
    assert refused.value.reason == "Forbidden"


def test_a_token_that_is_none_is_refused(control_plane):
    with pytest.raises(calls.Refused) as refused:
        calls.Calls(control_plane.url, ca=control_plane.authority.path, token="none").get("/api/v1/pods")
    assert refused.value.code == 401


def test_a_quota_is_enforced(namespace):
    namespace.quota(pods="1")
    namespace.admin.post(namespace.path("pods"), POD)
    with pytest.raises(calls.Refused) as refused:
        namespace.admin.post(namespace.path("pods"), {**POD, "metadata": {"name": "two"}})
    assert refused.value.code == 403 and "exceeded quota" in refused.value.message


def test_a_client_certificate_names_its_user(control_plane, namespace, tmp_path):
    certificate, key = control_plane.authority.sign("alice", "/O=system:masters/CN=alice", into=tmp_path)
    alice = calls.Calls(control_plane.url, ca=control_plane.authority.path, certificate=certificate, key=key)
    review = alice.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", {
        "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    assert review["status"]["userInfo"]["username"] == "alice"


@pytest.mark.parametrize("kind", ["token", "certificate", "plugin"])
def test_kubectl_takes_the_kubeconfig(control_plane, namespace, tmp_path, kind):
    try:
        kubectl, = planes.tool("kubectl")
    except planes.Missing as missing:
        pytest.skip(str(missing))
    token = namespace.account().token()
    said = ('{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", '
            f'"status": {{"token": "{token}"}}}}')
    pair = control_plane.authority.sign("alice", "/O=system:masters/CN=alice", into=tmp_path)
    user = {"token": {"token": token}, "certificate": kubeconfig.certificate(*pair, inline=True),
            "plugin": kubeconfig.plugin("echo", said)}[kind]
    path = kubeconfig.write(tmp_path / "config", control_plane, user, namespace=namespace.name, inline=True)
    namespace.admin.post(namespace.path("pods"), POD)
    got = subprocess.run([kubectl, f"--kubeconfig={path}", "get", "pods", "-o", "name"], capture_output=True,
                         text=True, check=True, env={**os.environ, "HOME": str(tmp_path)})
    assert got.stdout.split() == ["pod/one"]


def test_the_audit_tells_who_called_what(namespace):
    account = namespace.account()
    account.calls().get(namespace.path("pods"), limit="7")
    planes.wait_for(lambda: [call for call in namespace.plane.audit(account.user)
                             if call["verb"] == "list" and "limit=7" in call["requestURI"]], "the call in the audit")


def test_a_mounted_token_is_replaced_at_once(namespace, tmp_path):
    account = namespace.account()
    account.mount(tmp_path / "account")
    before = os.readlink(tmp_path / "account/..data")
    account.mount(tmp_path / "account", token="other")
    assert (tmp_path / "account/token").read_text() == "other"
    assert os.readlink(tmp_path / "account/..data") != before


def test_an_api_server_that_was_killed_comes_back_with_its_objects(own_control_plane):
    plane = own_control_plane()
    plane.admin.post("/api/v1/namespaces", {"metadata": {"name": "kept"}})
    plane.kill_api()
    with pytest.raises(OSError):
        plane.admin.get("/api/v1/namespaces")
    plane.start_api()
    assert plane.admin.get("/api/v1/namespaces/kept")["metadata"]["name"] == "kept"


def test_a_shared_control_plane_ends_with_its_last_user(tmp_path, control_plane):
    """However that one ends: here it is killed."""
    program = ("import pathlib, sys, control_plane as c; p = c.shared(pathlib.Path(sys.argv[1])); "
               "print(p.admin.get('/version')['minor'], flush=True); sys.stdin.read()")
    user = subprocess.Popen([sys.executable, "-c", program, tmp_path / "plane"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True, cwd=os.path.dirname(__file__))
    assert user.stdout.readline() == "34\n"

    def left():
        return subprocess.run(["pgrep", "-f", str(tmp_path)], stdout=subprocess.PIPE, text=True, check=False).stdout

    assert left()
    user.kill()
    user.wait()
    planes.wait_for(lambda: not left(), "the end of all its processes")
