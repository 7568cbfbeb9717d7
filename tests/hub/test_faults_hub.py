"""What goes wrong, or is made to go wrong, around the hub: it goes on, and keeps what it has."""

import contextlib
import http.server
import json
import os
import pathlib
import resource
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import hubs


def test_named_server_started_again_while_it_is_removed(start_hub):
    hub = start_hub(servers_per_user_max=3)
    ada = hub.browser("lingers-ada")
    hub.start_server("lingers-ada", "lab")
    with ThreadPoolExecutor() as pool:
        removed = pool.submit(hub.api, "DELETE", "/users/lingers-ada/servers/lab", json={"remove": True})
        hubs.wait_for(lambda: hub.server("lingers-ada", "lab")["pending"] == "stop", "its stopping")
        again = pool.submit(ada.get, "/hub/spawn/lingers-ada/lab")
        assert removed.result().status_code in (202, 204)
        assert again.result().status_code == 302
    hub.wait_server("lingers-ada", "lab")
    hub.stop_server("lingers-ada", "lab")
    assert "lab" in hub.user("lingers-ada")["servers"]


def test_a_wrong_token_of_the_proxy_is_named_and_ends_no_server(start_hub):
    hub = start_hub(env={"CONFIGPROXY_AUTH_TOKEN": "the-token-of-both"})
    hub.start_server("ada")
    server = [pid for pid in hubs.marked(hub.mark) if "stub_server" in command_of(pid)]
    hub.stop()
    command = hub.settings.pop("proxy_command")  # the proxy goes on; it is somebody else's now
    hub.env["CONFIGPROXY_AUTH_TOKEN"] = "another-token"
    before = len(hub.log)
    hub.start()
    hubs.wait_for(lambda: "but it refuses our token: proxy_token_file and" in hub.log[before:], "the line")
    hubs.wait_for(lambda: "The server /user/ada/ goes on" in hub.log[before:], "the server's")
    hub.stop()
    hub.env["CONFIGPROXY_AUTH_TOKEN"] = "the-token-of-both"
    hub.settings["proxy_command"] = command
    hub.restart()
    hub.wait_server("ada")
    assert server == [pid for pid in hubs.marked(hub.mark) if "stub_server" in command_of(pid)]
    assert "did not start" not in hub.log[before:]


def command_of(pid):
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    return ""


# --- a user's server has the hub's origin ---

def test_windows_and_frames_of_a_users_server_read_nothing(hub):
    admin = hub.browser("admin")
    hub.start_server("ada")
    visit = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "same-origin"}
    page = admin.get("/hub/home", headers=visit)
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cross-Origin-Opener-Policy"] == "noopener-allow-popups"
    for path in ("api", "api/user", "api/users", "api/users/nobody", "api/users/ada/server/logs", "metrics",
                 "api/users/ada/server/progress"):
        answer = admin.get("/hub/" + path, headers=visit)
        policy = answer.headers["Content-Security-Policy"].split("; ")
        assert "sandbox" in policy and "frame-ancestors 'none'" in policy, path
        assert answer.headers["Cache-Control"] == "no-store", path


# --- without descriptors ---

def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_no_descriptor_left_is_neither_a_loop_nor_a_flood_of_lines(start_hub):
    hub = start_hub()
    pid = hub.process.pid
    limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    before = len(hub.log)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (40, limit[1]))
    with contextlib.ExitStack() as open_ones:
        for _ in range(60):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", hub.hub_port)))
        hubs.wait_for(lambda: "Too many open files" in hub.log[before:], "the first that finds no place")
        began, used = time.monotonic(), cpu_s(pid)
        hubs.wait_for(lambda: time.monotonic() - began > 2, "two seconds of that")
        assert cpu_s(pid) - used < 0.2
        assert len(hub.log) - before < 4000
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
    hubs.wait_for(lambda: requests.get(hub.direct_url + "health", timeout=5).ok, "its answers")


def test_a_cookie_that_a_users_server_set_hides_no_session(hub):
    ada = hub.browser("ada")
    real = ada.cookies["jupyterhub-hub-login"]
    tossed = {"Cookie": f"jupyterhub-hub-login=x.y; jupyterhub-hub-login={real}"}
    with requests.Session() as bare:
        answer = bare.get(hub.hub_url + "home", headers=tossed, allow_redirects=False)
        assert answer.status_code == 200
        bare.get(hub.hub_url + "logout", headers=tossed)
    assert ada.get("/hub/home").status_code == 302


# --- forms ---

def test_too_many_options_of_one_name_are_refused_and_forgotten(hub):
    """The sanitizers' build tells at its end what was not freed."""
    bob = hub.browser("bob")
    form = [("a", str(i)) for i in range(70)]
    assert bob.post("/hub/spawn/bob", data=[*form, ("_xsrf", bob.xsrf)]).status_code == 400


# --- a disk that is full ---

@pytest.fixture
def small_disk():
    """A hub whose state has a file system of its own with a megabyte and a half."""
    hub = hubs.Hub()
    state = hub.path / "state"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k,mode=700", "tmpfs", state], check=False).returncode:
        hub.close()
        pytest.skip("no file system can be mounted here")
    try:
        yield hub.start().wait_ready()
        hub.stop()
    finally:
        subprocess.run(["umount", "-l", state], check=True)
        hub.close()


def test_a_full_disk_is_said_and_what_is_answered_is_kept(small_disk):
    hub, filler = small_disk, small_disk.path / "state/filler"
    with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(4096)):
            pass
    with ThreadPoolExecutor() as pool:
        added = pool.submit(hub.api, "POST", "/users/late")
        hubs.wait_for(lambda: "The state cannot be written" in hub.log, "the line that says so")
        assert hub.api("GET", "/users/late").status_code == 200
        assert not added.done()
        filler.unlink()
        assert added.result().status_code == 201
    hubs.wait_for(lambda: "The state is written again" in hub.log, "the line that it is over")
    assert hub.log.count("The state cannot be written") == 1
    hub.process.kill()
    hub.process.wait()
    hub.start().wait_ready()
    assert hub.user("late")


# --- users who go ---

def test_a_user_who_is_deleted_starts_nothing_more(start_hub):
    hub = start_hub()
    ada = hub.browser("lingers-ada")
    hub.start_server("lingers-ada")
    with ThreadPoolExecutor() as pool:
        deleted = pool.submit(hub.api, "DELETE", "/users/lingers-ada")
        hubs.wait_for(lambda: hub.server("lingers-ada")["pending"] == "stop", "its stopping")
        again = pool.submit(ada.get, "/hub/spawn/lingers-ada")
        assert deleted.result().status_code == 204
        assert again.result().status_code == 400
    assert "Starting the server /user/lingers-ada/" not in hub.log.split("Stopping the server", 1)[1]


# --- a proxy that is none ---

class OddProxy(http.server.BaseHTTPRequestHandler):
    table = b"{}"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.table)))
        self.end_headers()
        self.wfile.write(self.table)

    def do_DELETE(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(204)
        self.end_headers()

    do_POST = do_DELETE


STALE = {"target": "http://127.0.0.1:1", "jupyterhub": True}


@pytest.mark.parametrize("table", [
    {"/" + 9_000_000 * "a": STALE},
    {f"/user/u{i}": STALE for i in range(60_000)},
    {"/a": 1, "/b": None, "": STALE, "/c": {"target": 5, "jupyterhub": True}},
], ids=["long", "many", "odd"])
def test_the_hub_outlives_the_table_of_its_proxy(table):
    hub = hubs.Hub(proxy_command=[], env={"CONFIGPROXY_AUTH_TOKEN": 32 * "x"})
    answers = type("Answers", (OddProxy,), {"table": json.dumps(table).encode()})
    with http.server.ThreadingHTTPServer(("127.0.0.1", hub.api_port), answers) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        try:
            hub.start()
            hubs.wait_for(lambda: "lacks the route" in hub.log, "the table's coming")
            hubs.wait_for(lambda: requests.get(hub.direct_url + "health", timeout=5).ok, "its answer")
            assert hub.running()
        finally:
            proxy.shutdown()
            hub.close()
