"""The fault proxy does what it is told, and nothing else."""

import http.client
import socket

import pytest

import calls
import fault_proxy as faults
from control_plane import wait_for

POD = {"metadata": {"name": "one"}, "spec": {"containers": [{"name": "main", "image": "example.test/one"}]}}


@pytest.fixture
def through(fault_proxy, control_plane):
    return calls.Calls(fault_proxy.url, ca=control_plane.authority.path, token=control_plane.token)


@pytest.fixture
def pods(namespace):
    return namespace.path("pods")


def test_a_request_without_a_fault_is_passed_on(fault_proxy, through, pods):
    through.post(pods, POD)
    assert [item["metadata"]["name"] for item in through.get(pods)["items"]] == ["one"]
    assert [request.method for request in fault_proxy.seen(pods)] == ["POST", "GET"]


def test_a_connection_serves_the_next_request_too(fault_proxy, through, pods):
    connection = http.client.HTTPSConnection("127.0.0.1", fault_proxy.port, context=through.tls, timeout=15)
    for path in (pods, "/version", pods):
        connection.request("GET", path, headers={"Authorization": f"Bearer {through.token}"})
        assert connection.getresponse().read()
    connection.close()


@pytest.mark.parametrize("answer, code, reason", [
    (faults.Answer.too_many(), 429, "TooManyRequests"), (faults.Answer.broken(), 500, "InternalError"),
    (faults.Answer.broken(503), 503, "InternalError"), (faults.Answer.gone(), 410, "Expired")])
def test_it_refuses_as_often_as_it_is_told(fault_proxy, through, pods, answer, code, reason):
    fault_proxy.fault(answer, path=pods, times=2)
    for _ in range(2):
        with pytest.raises(calls.Refused) as refused:
            through.get(pods)
        assert (refused.value.code, refused.value.reason) == (code, reason)
    assert through.get(pods)["items"] == []


def test_a_refusal_says_when_to_come_again(fault_proxy, through, pods):
    fault_proxy.fault(faults.Answer.too_many(retry_after=7))
    connection = http.client.HTTPSConnection("127.0.0.1", fault_proxy.port, context=through.tls, timeout=15)
    connection.request("GET", pods)
    assert connection.getresponse().headers["Retry-After"] == "7"
    connection.close()


def test_a_request_that_is_cut_off_was_done_all_the_same(fault_proxy, through, pods):
    fault_proxy.fault(faults.Cut(), method="POST")
    with pytest.raises((OSError, http.client.HTTPException)):
        through.post(pods, POD)
    assert through.get(pods)["items"][0]["metadata"]["name"] == "one"


@pytest.mark.parametrize("after", [0, 1, 5, 300])
def test_a_watch_is_cut_at_that_byte(fault_proxy, through, namespace, pods, after):
    namespace.admin.post(pods, POD)
    fault_proxy.fault(faults.Cut(after=after), watch=True)
    with through.tls.wrap_socket(socket.create_connection(("127.0.0.1", fault_proxy.port), 15),
                                 server_hostname="127.0.0.1") as raw:
        raw.sendall(f"GET {pods}?watch=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {through.token}\r\n\r\n"
                    .encode())
        got = b"".join(iter(lambda: raw.recv(65536), b""))
    assert len(got.split(b"\r\n\r\n", 1)[1]) == after
    assert through.get(pods)["items"], "what is no watch is left alone"


def test_nonsense(fault_proxy, through, pods):
    fault_proxy.fault(faults.Raw())
    with pytest.raises((OSError, http.client.HTTPException)):
        through.get(pods)
    fault_proxy.fault(faults.Answer(200, b"<html>{{"))
    assert through.get(pods) == "<html>{{"


def test_an_answer_that_never_comes_and_one_that_stops(fault_proxy, through, pods):
    for fault in (faults.Hang(), faults.Hang(after=20)):
        fault_proxy.fault(fault)
        with pytest.raises(OSError):
            through.get(pods, patience=0.5)


def test_an_answer_that_drips_is_whole(fault_proxy, through, pods):
    fault_proxy.fault(faults.Drip(bytes=7, pause=0.001))
    assert through.get(pods)["kind"] == "PodList"


def test_gone_as_an_event_at_the_start_and_in_the_middle(fault_proxy, through, namespace, pods):
    fault_proxy.fault(faults.Answer.watch_gone(), watch=True)
    assert [(kind, item["code"]) for kind, item in through.watch(pods)] == [("ERROR", 410)]
    watch = through.watch(pods)
    namespace.admin.post(pods, POD)
    told = []
    for kind, item in watch:
        told.append(kind)
        if kind == "ADDED":
            fault_proxy.inject(faults.watch_gone_event(), path=pods)
        if kind == "ERROR":
            watch.close()
    assert told == ["ADDED", "ERROR"] and item["reason"] == "Expired"


def test_it_goes_away_and_comes_back(fault_proxy, through, pods):
    watch = through.watch(pods)
    fault_proxy.leave()
    with pytest.raises((OSError, http.client.HTTPException)):
        list(watch)
        through.get(pods)
    with pytest.raises((OSError, http.client.HTTPException)):
        through.get(pods)
    fault_proxy.come_back()
    assert wait_for(lambda: through.get(pods), "an answer")["kind"] == "PodList"


def test_logs_pass(through, namespace, kubelet, pods):
    through.post(pods, {**POD, "spec": {"containers": [
        {"name": "main", "image": "hubgate.test/idle", "command": ["echo", "said"]}]}})
    wait_for(lambda: (namespace.pod("one")["status"].get("containerStatuses") or [{}])[0].get("containerID"), "its start")
    wait_for(lambda: through.get(pods + "/one/log") == "said\n", "its log")
