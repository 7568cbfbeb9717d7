"""A server's life: limits, failures with their reasons, ends; what outlives the hub and the proxy; the
proxy's table; culling."""

import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import time

import pytest
import requests

import hubs
from hubs import ROOT, wait_for


def proxy_table(hub):
    answer = proxy_call(hub, "GET", "")
    answer.raise_for_status()
    return answer.json()


def proxy_call(hub, method, path, **more):
    token = (hub.path / "state/proxy_token").read_text().strip()
    return requests.request(method, f"http://127.0.0.1:{hub.api_port}/api/routes{path}", timeout=10,
                            headers={"Authorization": f"token {token}"}, **more)


def proxy_pid(hub):
    return int((hub.path / "state/proxy.pid").read_text().split()[0])


def start(hub, name, server="", options=None):
    hub.add_user(name)
    path = f"/users/{name}/" + (f"servers/{server}" if server else "server")
    return hub.api("POST", path, json=options)


def let_go(hub, name):
    (hub.home(name) / "go").touch()


# --- starts that fail ---


def test_a_server_that_dies_fails_at_once_with_its_last_lines(hub):
    begun = time.monotonic()
    answer = start(hub, "dies-1")
    assert answer.status_code == 500, answer.text
    assert "status 3" in answer.json()["message"]
    assert time.monotonic() - begun < 25, "not by the time-out"
    events = hub.api("GET", "/users/dies-1/server/progress")
    last = json.loads(events.text.strip().splitlines()[-1].removeprefix("data: "))
    assert last["failed"] and "no kernel is installed" in last["log"]
    assert not hub.user("dies-1")["servers"].get("", {}).get("pending")


def test_a_server_that_does_not_answer_is_given_up_in_time(start_hub):
    hub = start_hub(http_timeout_s=1, slow_spawn_timeout_s=20)
    answer = start(hub, "never-1")
    assert answer.status_code == 500
    assert "http_timeout_s" in answer.json()["message"]
    assert not any("never" in environ_user(pid) for pid in hubs.marked(hub.mark))


def environ_user(pid):
    try:
        environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    return next((e[16:].decode() for e in environ if e.startswith(b"JUPYTERHUB_USER=")), "")


def test_a_command_that_is_not_there_is_named(start_hub):
    hub = start_hub(command=["/no/such/program"])
    answer = start(hub, "ada")
    assert answer.status_code == 500 and "/no/such/program" in answer.json()["message"], answer.text


def test_a_start_can_be_stopped_while_it_waits(hub):
    hub.add_user("slow-stop")
    begin = subprocess.Popen(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST",
                              "-H", f"Authorization: token {hub.token}",
                              f"{hub.hub_url}api/users/slow-stop/server"], stdout=subprocess.PIPE)
    wait_for(lambda: (hub.server("slow-stop") or {}).get("pending") == "spawn", "the start")
    assert hub.api("DELETE", "/users/slow-stop/server").status_code in (202, 204)
    wait_for(lambda: not (hub.server("slow-stop") or {}).get("pending"), "the end")
    assert begin.communicate(timeout=20)[0] == b"500"
    assert "/user/slow-stop" not in proxy_table(hub)


# --- limits ---


def test_too_many_starts_at_once_are_asked_to_come_again(start_hub):
    hub = start_hub(concurrent_spawns_max=2, slow_spawn_timeout_s=0)
    for name in ("slow-a", "slow-b"):
        assert start(hub, name).status_code == 202
    answer = start(hub, "ada")
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0
    for name in ("slow-a", "slow-b"):
        let_go(hub, name)
        hub.wait_server(name)
    assert start(hub, "ada").status_code == 202


def test_no_more_servers_run_than_may(start_hub):
    hub = start_hub(active_servers_max=1)
    assert start(hub, "ada").status_code == 201
    answer = start(hub, "eve")
    assert answer.status_code == 429 and "Retry-After" in answer.headers
    hub.stop_server("ada")
    assert start(hub, "eve").status_code == 201


def test_named_servers_are_counted(hub):
    hub.add_user("many")
    for name in ("one", "two", "three"):
        assert start(hub, "many", name).status_code == 201
    answer = start(hub, "many", "four")
    assert answer.status_code == 400 and "maximum of 3" in answer.text, answer.text
    for name in ("one", "two", "three"):
        hub.stop_server("many", name)


def test_the_hub_ends_after_as_many_failures_in_a_row_as_the_settings_say(start_hub):
    hub = start_hub(consecutive_failures_max=2)
    start(hub, "dies-a")
    start(hub, "ada")  # one that works begins the count anew
    start(hub, "dies-a")
    assert hub.running()
    start(hub, "dies-b")
    assert hub.wait() == 1
    assert "consecutive_failures_max" in hub.log


# --- what outlives what ---


def test_a_killed_hub_finds_users_tokens_and_servers_again(start_hub):
    hub = start_hub(servers_per_user_max=2)
    browser = hub.browser("ada")
    hub.start_server("ada")
    hub.start_server("ada", "lab")
    token = hub.api("POST", "/users/ada/tokens", json={"note": "kept"}).json()["token"]
    whoami = browser.follow("/user/ada/whoami")
    assert whoami.status_code == 200 and whoami.json()["name"] == "ada"
    before = {pid for pid in hubs.marked(hub.mark) if environ_user(pid) == "ada"}
    proxy = proxy_pid(hub)
    hub.process.kill()
    hub.process.wait()
    assert requests.get(f"{hub.origin}/user/ada/api", timeout=10).status_code == 200, "without a hub"
    hub.start().wait_ready()
    hub.wait_server("ada")
    hub.wait_server("ada", "lab")
    assert proxy_pid(hub) == proxy
    assert before == {pid for pid in hubs.marked(hub.mark) if environ_user(pid) == "ada"}
    assert hub.api("GET", "/user", token=token).json()["name"] == "ada"
    assert browser.get("/hub/home").status_code == 200, "still logged in"
    assert browser.get("/user/ada/whoami").json()["name"] == "ada"
    assert {"/", "/user/ada", "/user/ada/lab"} <= set(proxy_table(hub))
    hub.stop_server("ada")
    hub.stop_server("ada", "lab")
    wait_for(lambda: not any(environ_user(pid) == "ada" for pid in hubs.marked(hub.mark)), "their end")


def test_a_server_that_died_while_there_was_no_hub_is_cleaned_up(start_hub):
    hub = start_hub()
    hub.start_server("ada")
    hub.process.kill()
    hub.process.wait()
    for pid in hubs.marked(hub.mark):
        if environ_user(pid) == "ada":
            os.kill(pid, signal.SIGKILL)
    hub.start().wait_ready()
    wait_for(lambda: not (hub.server("ada") or {}).get("ready") and
             not (hub.server("ada") or {}).get("pending"), "the end of the record")
    wait_for(lambda: "/user/ada" not in proxy_table(hub), "the end of the route")
    hub.start_server("ada")


def test_what_was_started_and_not_written_down_is_ended(start_hub):
    hub = start_hub()
    hub.start_server("ada")
    environ = next(pathlib.Path(f"/proc/{pid}/environ").read_bytes() for pid in hubs.marked(hub.mark)
                   if environ_user(pid) == "ada")
    token = re.search(rb"JUPYTERHUB_API_TOKEN=([^\0]+)", environ)[1].decode()
    assert hub.api("GET", "/user", token=token).status_code == 200
    hub.process.kill()
    hub.process.wait()
    with sqlite3.connect(hub.path / "state/hub.sqlite") as database:  # as if killed a moment earlier
        database.execute("UPDATE servers SET state = NULL, url = NULL")
    hub.start().wait_ready()
    wait_for(lambda: not any(environ_user(pid) == "ada" for pid in hubs.marked(hub.mark)), "its end")
    assert hub.api("GET", "/user", token=token).status_code == 403
    hub.start_server("ada")


def test_a_kill_while_users_are_made_loses_none_that_was_acknowledged(start_hub):
    hub = start_hub()
    made = []
    for i in range(200):
        try:
            answer = hub.api("POST", f"/users/kept-{i}")
        except requests.RequestException:
            break
        if answer.status_code == 201:
            made.append(f"kept-{i}")
        if i == 120:
            hub.process.kill()
    hub.process.wait()
    assert len(made) > 100
    hub.start().wait_ready()
    for name in made:
        assert hub.api("GET", f"/users/{name}").status_code == 200, name
    with sqlite3.connect(hub.path / "state/hub.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_sigterm_leaves_servers_and_sigint_ends_them(start_hub):
    hub = start_hub()
    hub.start_server("ada")
    assert hub.stop() == 0
    assert any(environ_user(pid) == "ada" for pid in hubs.marked(hub.mark))
    hub.start().wait_ready()
    hub.wait_server("ada")
    hub.signal(signal.SIGINT)
    assert hub.wait() == 0
    wait_for(lambda: not hubs.marked(hub.mark), "the end of all")


def test_a_backup_holds_what_was_there(start_hub):
    hub = start_hub()
    hub.add_user("ada")
    copy = hub.path / "copy"
    done = subprocess.run([hubs.PROGRAM, "--config", hub.path / "hub.yaml", "backup", copy], check=False,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as database:
        assert ("ada",) in database.execute("SELECT name FROM users").fetchall()


def test_a_backup_may_go_to_standard_output(start_hub):
    """Out of a container without a shell."""
    hub = start_hub()
    hub.add_user("ada")
    done = subprocess.run([hubs.PROGRAM, "--config", hub.path / "hub.yaml", "backup", "-"], check=False,
                          capture_output=True, timeout=30)
    assert done.returncode == 0 and not done.stderr, done.stderr
    (hub.path / "copy").write_bytes(done.stdout)
    with sqlite3.connect(hub.path / "copy") as database:
        assert ("ada",) in database.execute("SELECT name FROM users").fetchall()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([hubs.PROGRAM, "--config", hub.path / "hub.yaml", "backup", "-"], check=False,
                              stdout=full, stderr=subprocess.PIPE, timeout=30)
    assert done.returncode == 1 and b"cannot be written" in done.stderr


def test_tokens_are_on_disk_as_hashes_alone(start_hub):
    hub = start_hub()
    hub.add_user("ada")
    token = hub.api("POST", "/users/ada/tokens", json={}).json()["token"]
    browser = hub.browser("ada")
    cookie = browser.cookies.get("jupyterhub-hub-login")
    hub.stop()
    for file in (hub.path / "state").glob("hub.sqlite*"):
        assert token.encode() not in file.read_bytes()
        assert cookie.split(".")[0].strip('"').encode() not in file.read_bytes()


def test_the_oldest_log_in_of_very_many_ends(start_hub):
    hub = start_hub()
    first = hub.browser("ada")
    for _ in range(99):
        last = hub.browser("ada")
    assert first.get("/hub/home").status_code == 200
    another = hub.browser("ada")
    assert first.get("/hub/home").status_code == 302
    assert last.get("/hub/home").status_code == another.get("/hub/home").status_code == 200


# --- settings read anew ---


def reload(hub, **settings):
    """Writes the keys into the file and sends SIGHUP; what the hub says of it."""
    words = ("changed:", "restart", "stay as they were", "nothing changed")
    known = len(hub.log)
    hub.settings.update(settings)
    (hub.path / "hub.yaml").write_text(json.dumps(hub.settings, indent=1), encoding="utf-8")
    hub.signal(signal.SIGHUP)
    return wait_for(lambda: next((line for line in hub.log[known:].splitlines()
                                  if "[HubgateHub]" in line and any(w in line for w in words)), None),
                    "a word on it")


def test_sighup_takes_what_may_change_and_names_what_may_not(start_hub):
    hub = start_hub()
    said = reload(hub, active_servers_max=1, allow_users=["ada"], allow_all=False,
                  environment={**hub.settings["environment"], "TEST_NEW": "yes"})
    assert "active_servers_max" in said and "restart" not in said, said
    assert start(hub, "ada").status_code == 201
    assert start(hub, "eve").status_code == 429
    assert hub.browser().log_in("nobody-known").status_code == 403
    browser = hub.browser("ada")
    assert browser.follow("/user/ada/env").json()["TEST_NEW"] == "yes"
    said = reload(hub, environment_keep=["PATH"], base_url="/other/")
    assert "restart" in said and "base_url" in said and "environment_keep" in said, said
    assert browser.follow("/user/ada/whoami").status_code == 200


def test_a_file_that_is_wrong_changes_nothing(start_hub):
    hub = start_hub()
    said = reload(hub, activ_servers_max=1)
    assert "activ_servers_max" in said and "active_servers_max" in said, said
    assert start(hub, "ada").status_code == 201
    assert start(hub, "eve").status_code == 201


# --- the proxy's table ---


def test_a_killed_proxy_gets_its_routes_back(start_hub):
    hub = start_hub()
    hub.start_server("ada")
    old = proxy_pid(hub)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: proxy_pid(hub) != old and "/user/ada" in proxy_table(hub), "the routes")
    assert requests.get(f"{hub.origin}/user/ada/api", timeout=10).status_code == 200


def test_a_proxy_of_an_earlier_hub_is_started_again_when_it_ends(start_hub):
    hub = start_hub()
    old = proxy_pid(hub)
    assert hub.stop() == 0
    hub.restart()
    assert proxy_pid(hub) == old
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: proxy_pid(hub) != old and "/" in proxy_table(hub), "the routes")
    assert "The proxy ended (taken up from an earlier hub); starting it again" in hub.log


def test_an_external_proxy_that_is_new_is_noticed(start_hub, tmp_path):
    hub = start_hub()
    hub.start_server("ada")
    hub.stop()
    os.kill(proxy_pid(hub), signal.SIGTERM)
    token = hub.secret_file("proxy_token_of_tests", "secret-of-both")
    hub.settings.pop("proxy_command")
    hub.settings["proxy_token_file"] = token

    def run_proxy():
        return subprocess.Popen(
            [hubs.PROXY, "--ip", "127.0.0.1", "--port", str(hub.proxy_port), "--api-ip", "127.0.0.1",
             "--api-port", str(hub.api_port), "--default-target", f"http://127.0.0.1:{hub.hub_port}"],
            env={**os.environ, "CONFIGPROXY_AUTH_TOKEN": "secret-of-both", hubs.MARK: hub.mark},
            stdout=subprocess.DEVNULL)

    def has_route():
        return requests.get(f"http://127.0.0.1:{hub.api_port}/api/routes/user/ada", timeout=5,
                            headers={"Authorization": "token secret-of-both"}).status_code == 200

    proxy = None
    try:
        def listens():
            nonlocal proxy
            if proxy is None or proxy.poll() is not None:
                proxy = run_proxy()
                time.sleep(0.2)
            return proxy.poll() is None and requests.get(f"{hub.origin}/_chp_healthz", timeout=5).ok
        wait_for(listens, "the proxy")
        hub.start().wait_ready()
        hub.wait_server("ada")
        wait_for(has_route, "the route")
        proxy.kill()
        proxy.wait()
        proxy = None
        wait_for(listens, "the second proxy")
        wait_for(has_route, "the route at the new proxy")
    finally:
        if proxy:
            proxy.kill()
            proxy.wait()


def test_foreign_routes_stay_and_stale_ones_go(start_hub):
    hub = start_hub(proxy_check_interval_s=1)
    target = f"http://127.0.0.1:{hub.hub_port}"
    assert proxy_call(hub, "POST", "/foreign", json={"target": target}).status_code == 201
    assert proxy_call(hub, "POST", "/user/gone", json={
        "target": target, "jupyterhub": True, "user": "gone", "server_name": ""}).status_code == 201
    hub.start_server("ada")
    proxy_call(hub, "DELETE", "/user/ada")
    proxy_call(hub, "POST", "/", json={"target": "http://127.0.0.1:9", "jupyterhub": True, "hub": True})
    wait_for(lambda: "/user/gone" not in (table := proxy_table(hub)) and "/user/ada" in table and
             table["/"]["target"] == target, "a true table")
    assert "/foreign" in proxy_table(hub)


@pytest.mark.parametrize("name", ["a b", "has@home", "秀樹", "dot.and-dash", "50", "x+y"])
def test_names_are_the_same_in_hub_and_table(hub, name):
    hub.start_server(name)
    assert f"/user/{name}" in proxy_table(hub)
    hub.api("POST", "/proxy")
    answer = requests.get(f"{hub.origin}/user/{hubs.quoted(name)}/api", timeout=10)
    assert answer.status_code == 200
    hub.stop_server(name)
    assert f"/user/{name}" not in proxy_table(hub)


# --- culling ---


def test_idle_servers_are_stopped_and_busy_ones_are_not(start_hub):
    hub = start_hub(cull_idle_timeout_s=3, cull_every_s=1, cull_warn_s=2)
    browser = hub.browser("busy")
    for name in ("idle", "busy"):
        hub.start_server(name)
    browser.follow("/user/busy/whoami")

    def idle_is_gone():
        assert browser.get("/user/busy/whoami").status_code == 200
        return not hub.is_ready("idle")

    wait_for(idle_is_gone, "the idle one's end", 30)
    assert hub.is_ready("busy")
    assert "Culling the server /user/idle/" in hub.log


def test_old_servers_are_stopped_though_busy_and_groups_have_their_own_times(start_hub):
    hub = start_hub(cull_max_age_s=2, cull_every_s=1, cull_groups={"long": {"max_age_s": 0}})
    hub.add_user("ada")
    hub.api("POST", "/groups/long")
    assert hub.api("POST", "/groups/long/users", json={"users": ["ada"]}).status_code == 200
    hub.start_server("ada")
    hub.start_server("eve")
    wait_for(lambda: not hub.is_ready("eve"), "the old one's end", 30)
    assert hub.is_ready("ada")


def test_the_warning_comes_before_the_end(start_hub):
    hub = start_hub(cull_idle_timeout_s=600, cull_every_s=1, cull_warn_s=1000)
    hub.start_server("ada")
    wait_for(lambda: hub.server("ada").get("cull_at"), "the warning")


# --- many ---


def test_500_users_start_while_everything_answers(start_hub):
    subprocess.run(["make", "-s", "build/bench/stub"], cwd=ROOT, check=True)
    hub = start_hub(command=[str(ROOT / "build/bench/stub")], concurrent_spawns_max=64,
                    slow_spawn_timeout_s=0)
    names = [f"many-{i:03d}" for i in range(500)]
    assert hub.api("POST", "/users", json={"usernames": names}).status_code == 201
    waiting, slowest, browser = list(names), 0.0, hub.browser("watcher")
    while waiting:
        answer = hub.api("POST", f"/users/{waiting[-1]}/server")
        assert answer.status_code in (201, 202, 429), answer.text
        if answer.status_code != 429:
            waiting.pop()
            continue
        for path in ("/hub/login", "/hub/home", "/hub/health"):
            begun = time.monotonic()
            assert browser.get(path).status_code in (200, 302)
            slowest = max(slowest, time.monotonic() - begun)
    ready = wait_for(lambda: (n := len(all_ready(hub))) == 500 and n, "500 servers", 120)
    print(f"{ready} servers; the slowest page took {slowest * 1000:.0f} ms")
    table = proxy_table(hub)
    assert all(f"/user/{name}" in table for name in names)


def all_ready(hub):
    found = []
    for offset in range(0, 600, 200):
        found += hub.api("GET", f"/users?state=ready&limit=200&offset={offset}").json()
    return found
