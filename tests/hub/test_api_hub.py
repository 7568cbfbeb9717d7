"""The API's root, the hub itself, its services, the proxy's table, metrics, the end."""

import re
import signal

import pytest
import requests

import hubs
from document import ROOT


def test_the_root_is_open_to_all(hub):
    for path in ("api", "api/"):
        answer = requests.get(hub.hub_url + path, headers={"Origin": "https://elsewhere.example"}, timeout=5)
        assert re.fullmatch(r"5\.\d+\.\d+\+hubgate", answer.json()["version"])
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["X-JupyterHub-Version"] == answer.json()["version"]


def test_health(hub):
    for path in ("health", "api/health"):
        for method in ("GET", "HEAD"):
            answer = requests.request(method, hub.hub_url + path, timeout=5)
            assert answer.status_code == 200 and answer.content == b"", path


def test_head_is_get_without_a_body(hub):
    answer = hub.api("HEAD", "/users")
    assert answer.status_code == 200 and answer.content == b"" and int(answer.headers["Content-Length"]) > 2


def test_info(hub, api):
    before = api("GET", "/info")
    api.add("info")
    api("POST", "/users/info/server", status=201)
    after = api("GET", "/info")
    assert after["users"] == before["users"] + 1
    assert after["servers"] == {"active": before["servers"]["active"] + 1, "pending": 0}
    assert after["spawner"]["class"] == "local" and after["authenticator"]["class"] == "dummy"
    assert after["usage"]["memory_limit_bytes"] > 100_000_000
    assert after["proxy"] and 1_000_000 < after["memory_bytes"] < 200_000_000


# --- services ---

def test_services(api):
    assert api("GET", "/services")["tests"]["admin"]
    assert api("GET", "/services/tests")["kind"] == "service"
    api("GET", "/services/none", status=404)
    token = api.scoped("list:services!service=tests")
    assert set(api("GET", "/services", token=token)) == {"tests"}
    assert set(api("GET", "/services/tests", token=token)) == {"kind", "name", "admin"}


# --- the proxy ---


def test_the_table(hub, api):
    name = api.add("routed")
    api("POST", f"/users/{name}/server", status=201)
    table = api("GET", "/proxy")
    assert table[f"/user/{name}/"]["routespec"] == f"/user/{name}/"
    assert table[f"/user/{name}/"]["data"] | {"last_activity": 0} == \
        {"user": name, "server_name": "", "last_activity": 0}
    assert table["/"]["target"] == f"http://127.0.0.1:{hub.hub_port}"
    page = api("GET", "/proxy?limit=1", headers={"Accept": "application/jupyterhub-pagination+json"})
    assert len(page["items"]) == 1 and page["_pagination"]["total"] == len(table)
    assert api("POST", "/proxy") == ""


@pytest.mark.parametrize("body", [None, {"api_url": 7}, {"api_url": "ftp://x"}, {"api_url": "http://a b"},
                                  {"auth_token": ""}, {"auth_token": "a b"}, {"auth_token": 7}])
def test_proxies_that_are_none(api, body):
    api("PATCH", "/proxy", status=400, json=body)
    api("POST", "/proxy")


def test_a_proxy_elsewhere(start_hub):
    hub = start_hub()
    gone = hubs.Ports(1)
    try:
        url = f"http://127.0.0.1:{gone.numbers[0]}"
        answer = requests.patch(hub.direct_url + "api/proxy", json={"api_url": url}, timeout=hubs.PATIENCE,
                                headers={"Authorization": f"token {hub.token}"})
        assert answer.status_code == 503, answer.text
        back = requests.patch(hub.direct_url + "api/proxy", timeout=hubs.PATIENCE,
                              json={"api_url": f"http://127.0.0.1:{hub.api_port}"},
                              headers={"Authorization": f"token {hub.token}"})
        assert back.status_code == 200, back.text
    finally:
        gone.close()


# --- metrics ---

def figure(page, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", page, re.M)[1])


def metrics(hub, token):
    return requests.get(hub.hub_url + "metrics", timeout=5, headers={"Authorization": f"token {token}"})


def test_metrics(hub, api):
    api.add("measured")
    api("POST", "/users/measured/server", status=201)
    answer = metrics(hub, api.scoped("read:metrics"))
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    page = answer.text
    assert figure(page, "jupyterhub_total_users") >= 3
    assert figure(page, "jupyterhub_running_servers") >= 1
    assert figure(page, 'hubgate_hub_servers{stage="ready"}') == figure(page, "jupyterhub_running_servers")
    assert figure(page, 'jupyterhub_active_users{period="24h"}') >= 1
    assert figure(page, 'hubgate_hub_requests_total{status="201"}') >= 1
    assert figure(page, "hubgate_hub_proxy_up") == 1
    assert figure(page, "hubgate_hub_spawner_up") == 1
    assert figure(page, 'hubgate_hub_starts_total{end="ready"}') >= 1
    assert 0 < figure(page, "hubgate_hub_start_seconds_sum") < 60
    assert figure(page, "process_resident_memory_bytes") > 0
    printed = re.findall(r"(?m)^# HELP (\S+) (.*)\n# TYPE \1 (\S+)$", page)
    rows = re.findall(r"(?m)^\| `(\w+)` \| (\w+) \| [^|]* \| (.*) \|$",
                      (ROOT / "docs/reference/hub-metrics.md").read_text(encoding="utf-8"))
    assert sorted(rows) == sorted((name, kind, words) for name, words, kind in printed)


def test_metrics_want_a_token_unless_told_not_to(hub, start_hub):
    assert requests.get(hub.hub_url + "metrics", timeout=5).status_code == 403
    other = start_hub(authenticate_prometheus=False)
    assert requests.get(other.hub_url + "metrics", timeout=5).status_code == 200


# --- the end ---

def test_shutdown_leaves_the_servers(start_hub):
    hub = start_hub()
    hub.start_server("ada")
    answer = hub.api("POST", "/shutdown")
    assert answer.status_code == 202 and answer.json() == {"message": "Shutting down Hub"}
    assert hub.wait() == 0
    assert requests.get(f"{hub.origin}/user/ada/api", timeout=5).status_code == 200
    hub.restart()
    hub.wait_server("ada")


def test_shutdown_of_all(start_hub):
    hub = start_hub()
    hub.start_server("ada")
    assert hub.api("POST", "/shutdown", json={"servers": True, "proxy": True}).status_code == 202
    assert hub.wait() == 0
    hubs.wait_for(lambda: not hubs.marked(hub.mark), "the end of servers and proxy")


def test_shutdown_wants_switches(hub, api):
    api("POST", "/shutdown", status=400, json={"servers": "all"})
    assert hub.running()
