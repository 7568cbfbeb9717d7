"""Servers by the API: start, stop, named ones, progress, logs."""

import threading
import time

import pytest
import requests

import hubs
from document import events


def watch(hub, path, token=None, timeout=60):
    return requests.get(hub.hub_url + "api" + path, stream=True, timeout=timeout,
                        headers={"Authorization": f"token {token or hub.token}"})


def let_go(hub, name):
    """A `slow` stub server listens from now on."""
    (hub.home(name) / "go").touch()


# --- start and stop ---

def test_start_ready_stop(hub, api):
    name = api.add("one")
    api("POST", f"/users/{name}/server", status=201)
    server = api("GET", f"/users/{name}")["servers"][""]
    assert server["ready"] and not server["stopped"] and server["url"] == f"/user/{name}/"
    assert server["started"] and server["user_options"] == {} and "state" in server
    assert requests.get(f"{hub.origin}/user/{name}/api", timeout=5).status_code == 200
    api("POST", f"/users/{name}/server", status=400)
    api("DELETE", f"/users/{name}/server", status=204)
    assert api("GET", f"/users/{name}")["servers"] == {}
    api("DELETE", f"/users/{name}/server", status=204)


def test_users_start_their_own(api):
    token = api.token(api.add("own"))
    api("POST", "/users/own/server", status=201, token=token)
    api("DELETE", "/users/own/server", status=204, token=token)
    api("POST", "/users/admin/server", status=404, token=token)


def test_a_scope_to_start_is_none_to_stop(api):
    name = api.add("halves")
    starter, stopper = api.scoped("start:servers"), api.scoped("delete:servers")
    api("DELETE", f"/users/{name}/server", status=403, token=starter)
    api("POST", f"/users/{name}/server", status=201, token=starter)
    api("POST", f"/users/{name}/server", status=403, token=stopper)
    api("DELETE", f"/users/{name}/server", status=204, token=stopper)


def test_a_scope_of_one_server(api):
    name = api.add("single")
    token = api.scoped(f"servers!server={name}/mine")
    api("POST", f"/users/{name}/servers/mine", status=201, token=token)
    api("POST", f"/users/{name}/server", status=404, token=token)
    api("DELETE", f"/users/{name}/servers/mine", status=204, token=token, json={"remove": True})


def test_a_slow_start_is_pending(start_hub):
    hub = start_hub(slow_spawn_timeout_s=1)
    hub.add_user("slow-1")
    assert hub.api("POST", "/users/slow-1/server").status_code == 202
    assert hub.api("POST", "/users/slow-1/server").status_code == 202
    model = hub.user("slow-1")
    assert model["pending"] == "spawn" and model["server"] is None
    let_go(hub, "slow-1")
    hub.wait_server("slow-1")


def test_a_pending_start_can_be_stopped(hub, api):
    name = api.add("slow-2")
    answers = []
    starter = threading.Thread(
        target=lambda: answers.append(hub.api("POST", f"/users/{name}/server")))
    starter.start()
    hubs.wait_for(lambda: (hub.server(name) or {}).get("pending") == "spawn", "the start")
    api("DELETE", f"/users/{name}/server", status=204)
    starter.join(hubs.PATIENCE)
    assert answers[0].status_code == 500 and "stopped" in answers[0].json()["message"]


def test_a_start_that_fails_says_why(api):
    name = api.add("dies-1")
    refused = api("POST", f"/users/{name}/server", status=500)
    assert "did not start" in refused["message"]
    assert api("GET", f"/users/{name}")["servers"] == {}
    api("POST", f"/users/{name}/server", status=500)


def test_options_are_kept(api):
    name = api.add("options")
    api("POST", f"/users/{name}/server", status=201, json={"colour": "blue", "n": [1, {"x": None}]})
    assert api("GET", f"/users/{name}")["servers"][""]["user_options"] == {"colour": "blue", "n": [1, {"x": None}]}
    api("DELETE", f"/users/{name}/server", status=204)
    api("POST", f"/users/{name}/server", status=201, json={"user_options": {"a": 1}, "display_name": "x"})
    assert api("GET", f"/users/{name}")["servers"][""]["user_options"] == {"a": 1}
    api("DELETE", f"/users/{name}/server", status=204)
    api("POST", f"/users/{name}/server", status=400, json={"x": "y" * 17000})


def test_limits_answer_with_the_time_to_try_again(start_hub):
    hub = start_hub(concurrent_spawns_max=1, active_servers_max=2)
    for name in ("slow-a", "b", "c"):
        hub.add_user(name)
    starter = threading.Thread(target=hub.api, args=("POST", "/users/slow-a/server"))
    starter.start()
    hubs.wait_for(lambda: (hub.server("slow-a") or {}).get("pending"), "a start")
    busy = hub.api("POST", "/users/b/server")
    assert busy.status_code == 429 and int(busy.headers["Retry-After"]) > 0, busy.text
    let_go(hub, "slow-a")
    starter.join(hubs.PATIENCE)
    assert hub.api("POST", "/users/b/server").status_code == 201
    full = hub.api("POST", "/users/c/server")
    assert full.status_code == 429 and int(full.headers["Retry-After"]) > 0, full.text


# --- named servers ---

def test_named_servers_come_and_go(hub, api):
    name = api.add("named")
    for server in ("first", "with space", "第二"):
        api("POST", f"/users/{name}/servers/{hubs.quoted(server)}", status=201)
    servers = api("GET", f"/users/{name}")["servers"]
    assert set(servers) == {"first", "with space", "第二"}
    assert servers["with space"]["url"] == f"/user/{name}/with%20space/"
    assert requests.get(hub.origin + servers["with space"]["url"] + "api", timeout=5).status_code == 200
    refused = api("POST", f"/users/{name}/servers/fourth", status=400)
    assert "3" in refused["message"]
    api("DELETE", f"/users/{name}/servers/first", status=204)
    api("POST", f"/users/{name}/servers/first", status=201)  # it still counts as its own
    api("DELETE", f"/users/{name}/servers/first", status=204, json={"remove": True})
    api("DELETE", f"/users/{name}/servers/first", status=404)
    api("POST", f"/users/{name}/servers/fourth", status=201)
    stopped = api("GET", f"/users/{name}?include_stopped_servers=1")["servers"]
    assert set(stopped) == {"", "with space", "第二", "fourth"}


def test_removing_a_stopped_one(api):
    name = api.add("named-2")
    api("POST", f"/users/{name}/servers/x", status=201)
    api("DELETE", f"/users/{name}/servers/x", status=204)
    api("DELETE", f"/users/{name}/servers/x", status=204, json={"remove": True})
    assert set(api("GET", f"/users/{name}?include_stopped_servers=1")["servers"]) == {""}


def test_the_empty_name_is_the_default_server(api):
    name = api.add("empty")
    api("POST", f"/users/{name}/servers/", status=201)
    assert set(api("GET", f"/users/{name}")["servers"]) == {""}
    api("DELETE", f"/users/{name}/servers/", status=400, json={"remove": True})
    api("DELETE", f"/users/{name}/servers/", status=204)


@pytest.mark.parametrize("server", ["-x", "%20", "a%2Fb", "a%0Ab", "x" * 256])
def test_names_that_no_server_has(api, hub, server):
    name = api.add("nameless")
    answer = hub.api("POST", f"/users/{name}/servers/{server}")
    assert answer.status_code in (400, 404, 405), answer.text
    assert set(api("GET", f"/users/{name}?include_stopped_servers=1")["servers"]) == {""}


def test_without_named_servers(start_hub):
    hub = start_hub(servers_per_user_max=0)
    hub.add_user("ada")
    assert hub.api("POST", "/users/ada/servers/x").status_code == 400
    assert hub.api("POST", "/users/ada/servers/").status_code == 201


def test_a_failed_first_start_leaves_the_record_a_refused_one_none(api):
    name = api.add("dies-2")
    api("POST", f"/users/{name}/servers/x", status=500)
    assert "x" in api("GET", f"/users/{name}?include_stopped_servers=1")["servers"]
    api("POST", f"/users/{name}/servers/y", status=400, json={"profile": "no such"})
    assert "y" not in api("GET", f"/users/{name}?include_stopped_servers=1")["servers"]


# --- progress ---

def test_progress_tells_from_the_beginning(hub, api):
    name = api.add("slow-3")
    starter = threading.Thread(target=hub.api, args=("POST", f"/users/{name}/server"))
    starter.start()
    hubs.wait_for(lambda: (hub.server(name) or {}).get("pending"), "the start")
    with watch(hub, f"/users/{name}/server/progress") as stream:
        assert stream.status_code == 200
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        assert stream.headers["Cache-Control"] == "no-store" and stream.headers["X-JupyterHub-Version"]
        told = events(stream)
        assert next(told)["progress"] == 0
        let_go(hub, name)
        rest = list(told)
    starter.join(hubs.PATIENCE)
    assert rest[-1]["ready"] and rest[-1]["url"] == f"/user/{name}/" and rest[-1]["progress"] == 100
    assert [event["progress"] for event in rest] == sorted(event["progress"] for event in rest)


def test_progress_of_a_ready_server_is_its_end(hub, api):
    name = api.add("ready")
    api("POST", f"/users/{name}/servers/x", status=201)
    with watch(hub, f"/users/{name}/servers/x/progress") as stream:
        assert list(events(stream))[-1]["url"] == f"/user/{name}/x/"
    hub.stop()
    hub.restart()
    hub.wait_server(name, "x")
    with watch(hub, f"/users/{name}/servers/x/progress") as stream:
        assert list(events(stream))[-1]["ready"]


def test_progress_of_a_failed_start_tells_its_last_lines(hub, api):
    name = api.add("dies-3")
    api("POST", f"/users/{name}/server", status=500)
    with watch(hub, f"/users/{name}/server/progress") as stream:
        last = list(events(stream))[-1]
    assert last["failed"] and "status 3" in last["message"] and last["log"]


def test_progress_of_nothing(api):
    name = api.add("still")
    api("GET", f"/users/{name}/server/progress", status=400)
    api("GET", f"/users/{name}/servers/x/progress", status=404)
    api("POST", f"/users/{name}/server", status=201)
    api("DELETE", f"/users/{name}/server", status=204)
    api("GET", f"/users/{name}/server/progress", status=400)


def test_a_stream_is_kept_alive(hub, api):
    name = api.add("slow-4")
    starter = threading.Thread(target=hub.api, args=("POST", f"/users/{name}/server"))
    starter.start()
    hubs.wait_for(lambda: (hub.server(name) or {}).get("pending"), "the start")
    began = time.monotonic()
    with watch(hub, f"/users/{name}/server/progress") as stream:
        blanks = 0
        for line in stream.iter_lines():
            blanks = blanks + 1 if line == b"" else 0
            if blanks >= 3 or time.monotonic() - began > 12:
                break
        assert blanks >= 3
    let_go(hub, name)
    starter.join(hubs.PATIENCE)


# --- logs ---

def test_the_last_lines(hub, api):
    name = api.add("logs")
    assert api("GET", f"/users/{name}/server/logs") == ""
    api("POST", f"/users/{name}/server", status=201)
    hubs.wait_for(lambda: "listening" in api("GET", f"/users/{name}/server/logs"), "a line")
    hubs.wait_for(lambda: "activity: 200" in api("GET", f"/users/{name}/server/logs"), "the activity")
    assert len(api("GET", f"/users/{name}/server/logs?lines=1").splitlines()) == 1
    assert api.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert api.headers["X-Content-Type-Options"] == "nosniff"
    for bad in ("0", "-1", "x", "5001"):
        api("GET", f"/users/{name}/server/logs?lines={bad}", status=400)
    api("GET", f"/users/{name}/servers/x/logs", status=404)
    api("DELETE", f"/users/{name}/server", status=204)
    assert "listening" in api("GET", f"/users/{name}/server/logs")


def test_ones_own_log_and_no_other(api):
    api.add("logs-2", "logs-3")
    token = api.token("logs-2")
    api("GET", "/users/logs-2/server/logs", token=token)
    api("GET", "/users/logs-3/server/logs", token=token, status=404)
    api("GET", "/users/logs-3/server/logs", token=api.scoped("read:users"), status=403)


def test_a_log_is_followed_until_the_server_ends(hub, api):
    name = api.add("logs-4")
    api("POST", f"/users/{name}/server", status=201)
    hubs.wait_for(lambda: "activity: 200" in api("GET", f"/users/{name}/server/logs"), "the activity")
    with watch(hub, f"/users/{name}/server/logs?follow=1&lines=1") as stream:
        lines = stream.iter_lines(decode_unicode=True)
        first = next(lines)
        for n in range(3):
            requests.get(f"{hub.origin}/user/{name}/followed-{n}", timeout=5, allow_redirects=False)
            assert f"followed-{n}" in next(line for line in lines if "followed" in line)
        assert "followed" not in first
        api("DELETE", f"/users/{name}/server", status=204)
        assert "listening" not in "\n".join(lines)  # the stream ends, and says nothing twice


def test_a_follower_that_leaves_is_forgotten(hub, api):
    name = api.add("logs-5")
    api("POST", f"/users/{name}/server", status=201)
    for _ in range(70):  # more than may follow at a time
        with watch(hub, f"/users/{name}/server/logs?follow=1") as stream:
            assert stream.status_code == 200, stream.text
    api("DELETE", f"/users/{name}/server", status=204)


# --- usage ---

def test_usage_is_measured(hub, api):
    name = api.add("usage")
    api("POST", f"/users/{name}/server", status=201)
    hubs.wait_for(lambda: hub.server(name)["usage"], "a measurement", 30)
    usage = api("GET", f"/users/{name}?usage_history=1")["servers"][""]["usage"]
    assert usage["memory_bytes"] > 1_000_000 and usage["history"][-1][2] == usage["memory_bytes"]
    assert "history" not in api("GET", f"/users/{name}")["servers"][""]["usage"]
