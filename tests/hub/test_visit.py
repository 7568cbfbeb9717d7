"""Pages, and the URL rules that people meet: root, start, pending, failure, servers that do not run,
user-redirect, the proxy's error pages, static files."""

import concurrent.futures
import contextlib
import json
import os
import signal
import socket
import urllib.parse

import pytest
import requests

import hubs


@pytest.fixture(scope="module")
def ada(hub):
    return hub.browser("ada")


def goal(answer, status=302):
    assert answer.status_code == status, f"{answer.status_code}\n{answer.text[:1000]}"
    return answer.headers["Location"]


# --- the root, and what is not below the hub ---


@pytest.mark.parametrize("path, to", [
    ("/", "/hub/"), ("/?x=1", "/hub/?x=1"), ("/nowhere/at%20all?a=b&c", "/hub/nowhere/at%20all?a=b&c"),
    ("//evil.test/", "/hub/evil.test/"), ("/user/nobody/lab", "/hub/user/nobody/lab"),
    ("/robots.txt", "/hub/robots.txt"), ("/hubx", "/hub/hubx"), ("/hub?a", "/hub/?a"),
])
def test_what_has_no_route_is_asked_of_the_hub(hub, path, to):
    answer = requests.get(hub.direct_url[:-len("/hub/")] + path, allow_redirects=False, timeout=10)
    assert goal(answer) == to


def test_the_root_leads_to_ones_server_or_its_start(hub):
    browser = hub.browser()
    assert goal(browser.get("/hub/")) in ("/hub/login?next=/hub/", "/hub/login?next=%2Fhub%2F")
    browser.log_in("rooted")
    assert goal(browser.get("/hub")) == "/hub/"
    assert goal(browser.get("/hub/")) == "/hub/spawn/rooted"
    browser.start_server("rooted")
    assert goal(browser.get("/hub/")) == "/user/rooted/"


@pytest.mark.parametrize("path", ["home", "token", "admin", "spawn", "spawn/ada", "spawn-pending/ada",
                                  "user/ada/", "user-redirect/x?y=z", ""])
def test_without_a_session_pages_lead_to_log_in_and_back(hub, path):
    answer = hub.browser().get("/hub/" + path)
    query = urllib.parse.urlsplit(goal(answer)).query
    assert dict(urllib.parse.parse_qsl(query))["next"] == "/hub/" + path


def test_pages_are_there(hub, ada):
    for path in ("home", "token"):
        page = ada.page("/hub/" + path)
        assert page.attribute("data-page") == path
        assert page.attribute("data-user") == "ada"
        assert page.attribute("data-admin") == "false"
    assert ada.page("/hub/home").attribute("data-named-limit") == "3"
    assert hub.browser("admin").page("/hub/admin").attribute("data-admin") == "true"


def test_the_admin_page_is_for_admins(ada):
    page = ada.page("/hub/admin", 403)
    assert page.attribute("data-page") == "error"


def test_an_unknown_page_is_404(ada):
    answer = ada.get("/hub/nothing-here", headers={"Accept": "text/html", "Accept-Language": "zh-CN"})
    assert answer.status_code == 404 and "网址可能有误" in answer.text
    assert ada.get("/hub/home/").status_code == 200


PAGES = ["login", "home", "token", "nothing-here", "admin", "user/nobody/", "error/503", "spawn/nobody",
         "spawn-pending/ada"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_guarded(ada, path):
    answer = ada.get("/hub/" + path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-JupyterHub-Version"]
    assert "Strict-Transport-Security" not in answer.headers
    assert "<script>" not in answer.text and " style=" not in answer.text


@pytest.mark.parametrize("mode", ["cors", "same-origin", "no-cors"])
def test_a_script_of_a_users_server_cannot_read_pages(hub, ada, mode):
    fetched = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Site": "same-origin"}
    assert ada.get("/hub/home", headers=fetched).status_code == 403
    for path in ("home", "nothing-here", "error/503", "user/nobody/x", "oauth_login", "logo/x"):
        answer = ada.get("/hub/" + path, headers=fetched)
        assert ada.xsrf not in answer.text, path
    assert ada.get("/hub/home", headers={"Sec-Fetch-Mode": "navigate"}).status_code == 200
    anonymous = hub.browser()
    anonymous.page("/hub/login", headers=fetched)
    assert not anonymous.cookies


# --- a start ---


def test_a_start_leads_to_the_server(hub):
    browser = hub.browser("starter")
    answer = browser.get("/hub/spawn")
    assert goal(answer) in ("/hub/spawn-pending/starter", "/user/starter/")
    hub.wait_server("starter")
    assert goal(browser.get("/hub/spawn")) == "/user/starter/"
    assert goal(browser.get("/hub/spawn?next=/user/starter/lab/tree/x")) == "/user/starter/lab/tree/x"
    assert goal(browser.get("/hub/spawn?next=//evil.test")) == "/user/starter/"
    assert goal(browser.get("/hub/spawn-pending/starter?next=/user/starter/y")) == "/user/starter/y"
    assert browser.follow("/hub/spawn").status_code == 200


def test_who_waits_sees_the_progress_and_goes_on(hub):
    browser = hub.browser("slow-one")
    to = goal(browser.get("/hub/spawn?next=/user/slow-one/lab"))
    assert to == "/hub/spawn-pending/slow-one?next=/user/slow-one/lab"
    page = browser.page(to)
    assert page.attribute("data-page") == "pending"
    assert page.attribute("data-next") == "/user/slow-one/lab"
    assert page.attribute("data-failed") == ""
    stream = browser.get(page.attribute("data-progress-url"), stream=True,
                         headers={"Sec-Fetch-Mode": "cors", "Accept": "text/event-stream"})
    assert stream.status_code == 200
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    assert goal(browser.get("/user/slow-one/lab")) == "/hub/user/slow-one/lab"
    assert goal(browser.get("/hub/user/slow-one/lab?a=b"), 303) == \
        "/hub/spawn-pending/slow-one?next=/user/slow-one/lab%3Fa%3Db"
    assert goal(browser.get("/hub/spawn")) == "/hub/spawn-pending/slow-one"
    (hub.home("slow-one") / "go").touch()
    events = [json.loads(line[6:]) for line in stream.iter_lines(decode_unicode=True)
              if line.startswith("data: ")]
    assert events[-1]["ready"] and events[-1]["url"] == "/user/slow-one/"
    assert goal(browser.get(to)) == "/user/slow-one/lab"


def test_a_start_that_fails_says_why(hub):
    browser = hub.browser("dies-soon")
    answer = browser.get("/hub/spawn")
    if answer.status_code == 302:
        hubs.wait_for(lambda: browser.get("/hub/spawn-pending/dies-soon").status_code == 500, "its end")
        answer = browser.get("/hub/spawn-pending/dies-soon")
    assert answer.status_code == 500
    page = hubs.Page(answer)
    assert "status 3" in page.attribute("data-failed")
    assert "no kernel is installed: giving up" in page.text
    assert page.attribute("data-spawn-url") == "/hub/spawn/dies-soon"


def test_a_server_that_is_stopping_is_started_again_after(hub):
    browser = hub.browser("lingers")
    browser.start_server("lingers")
    first = hub.server("lingers")["started"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        stopped = pool.submit(hub.api, "DELETE", "/users/lingers/server")
        hubs.wait_for(lambda: hub.server("lingers")["pending"] == "stop", "the stop")
        assert browser.page("/hub/spawn-pending/lingers").attribute("data-page") == "pending"
        goal(browser.get("/hub/spawn"))
        assert stopped.result().status_code in (202, 204)
    hub.wait_server("lingers")
    assert hub.server("lingers")["started"] != first


def test_the_hub_may_end_while_people_wait(start_hub):
    hub = start_hub()
    browser = hub.browser("slow-end")
    goal(browser.get("/hub/spawn"))
    other = hub.browser("slow-end2")
    cookie = "; ".join(f"{c.name}={c.value}" for c in other.cookies)
    page = browser.page("/hub/spawn-pending/slow-end")
    stream = browser.get(page.attribute("data-progress-url"), stream=True,
                         headers={"Sec-Fetch-Mode": "cors"})
    with contextlib.ExitStack() as stack:
        for path in ("spawn", "user/slow-end2/lab?redirects=1", "api/users/slow-end2/server"):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", hub.hub_port)))
            method = "POST" if "api" in path else "GET"
            client.sendall(f"{method} /hub/{path} HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n"
                           f"X-XSRFToken: {other.xsrf}\r\nContent-Length: 0\r\n\r\n".encode())
        assert hub.stop() == 0
    stream.close()
    hub.check()


def test_named_servers_have_their_rules(hub, ada):
    ada.start_server("ada", "lab 1")
    assert hub.is_ready("ada", "lab 1")
    assert goal(ada.get("/hub/spawn/ada/lab%201")) == "/user/ada/lab%201/"
    for name in ("a%2Fb", "..", "%2e%2e", "a%00b", "-x", "x" * 300, "a%0Ab"):
        assert ada.get(f"/hub/spawn/ada/{name}").status_code in (400, 404), name
    for name in ("two", "three"):
        ada.start_server("ada", name)
    assert ada.get("/hub/spawn/ada/four").status_code == 400
    assert "four" not in hub.user("ada")["servers"]


def test_named_servers_can_be_off(start_hub):
    hub = start_hub()
    assert hub.browser("ada").get("/hub/spawn/ada/lab").status_code == 400


def test_only_admins_start_servers_of_others(hub):
    hub.add_user("other")
    browser = hub.browser("eve")
    for path in ("spawn/other", "spawn-pending/other", "spawn/nobody"):
        assert browser.get("/hub/" + path).status_code in (403, 404), path
    assert not hub.is_ready("other")
    admin = hub.browser("admin")
    assert goal(admin.get("/hub/spawn/other")) in ("/hub/spawn-pending/other", "/user/other/")
    hub.wait_server("other")
    assert admin.get("/hub/spawn/nobody").status_code == 404


PROFILES = [
    {"name": "Small", "default": True, "memory_limit": "2G", "environment": {"TEST_PROFILE": "small"}},
    {"name": "Large", "slug": "large", "description": "More of <all>", "cpu_limit": 2,
     "environment": {"TEST_PROFILE": "large"}},
    {"name": "Staff", "slug": "staff", "allow_users": ["grace"]},
]


@pytest.fixture(scope="module")
def choosy():
    made = hubs.Hub(profiles=PROFILES)
    try:
        yield made.start().wait_ready()
    finally:
        made.close()


def test_profiles_are_chosen_in_a_form(choosy):
    browser = choosy.browser("ada")
    page = browser.page("/hub/spawn?next=/user/ada/env")
    shown = json.loads(page.attribute("data-profiles"))
    assert [profile["slug"] for profile in shown] == ["small", "large"]
    assert shown[0]["default"] is True and shown[0]["memory_limit"] == 2 * 1024 ** 3
    assert all("environment" not in profile for profile in shown)
    assert not choosy.is_ready("ada")
    to = goal(browser.post(page.action, data={"_xsrf": page.field("_xsrf"), "profile": "large"}))
    assert to in ("/hub/spawn-pending/ada?next=/user/ada/env", "/user/ada/env")
    choosy.wait_server("ada")
    assert browser.follow("/user/ada/env").json()["TEST_PROFILE"] == "large"
    assert choosy.server("ada")["user_options"]["profile"] == "large"


def test_a_link_chooses_a_profile(choosy):
    browser = choosy.browser("linked")
    goal(browser.get("/hub/spawn?profile=small&other=1&other=2"))
    choosy.wait_server("linked")
    assert choosy.server("linked")["user_options"] == {"profile": "small", "other": ["1", "2"]}


@pytest.mark.parametrize("profile", ["staff", "nothing", "<b>"])
def test_a_profile_that_is_not_ones_own_is_refused(choosy, profile):
    browser = choosy.browser("eve")
    page = browser.page("/hub/spawn")
    answer = browser.post(page.action, data={"_xsrf": page.field("_xsrf"), "profile": profile})
    assert answer.status_code == 400
    assert hubs.Page(answer).attribute("data-page") == "spawn"
    assert "<b>" not in answer.text
    assert not choosy.is_ready("eve")


def test_a_form_needs_its_token(choosy):
    browser = choosy.browser("eve")
    for data in ({"profile": "small"}, {"profile": "small", "_xsrf": "x"},
                 {"profile": "small", "_xsrf": choosy.browser("mallory").xsrf}):
        assert browser.post("/hub/spawn/eve", data=data).status_code == 403
    assert not choosy.is_ready("eve")


def test_a_form_of_too_many_fields_is_refused(choosy):
    browser = choosy.browser("eve")
    data = {"_xsrf": browser.xsrf, **{f"field{i}": "x" for i in range(200)}}
    assert browser.post("/hub/spawn/eve", data=data).status_code == 400


def test_too_many_starts_have_to_wait(start_hub):
    hub = start_hub(concurrent_spawns_max=1)
    first = hub.browser("slow-first")
    goal(first.get("/hub/spawn"))
    answer = hub.browser("second").get("/hub/spawn")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"].startswith("text/html")
    (hub.home("slow-first") / "go").touch()
    hub.wait_server("slow-first")
    goal(hub.browser("second").get("/hub/spawn"))


# --- servers that do not run ---


def test_a_person_gets_a_page_with_a_way_to_start(hub):
    browser = hub.browser("idle")
    answer = browser.follow("/user/idle/lab/tree/x?a=b")
    assert answer.status_code == 424
    page = hubs.Page(answer)
    assert page.attribute("data-own") == "true"
    assert 'href="/hub/spawn/idle?next=/user/idle/lab/tree/x%3Fa%3Db"' in page.text
    admin = hub.browser("admin")
    answer = admin.follow("/user/idle/lab")
    assert answer.status_code == 424
    assert hubs.Page(answer).attribute("data-own") == "false"


@pytest.mark.parametrize("method, path, accept", [
    ("GET", "/user/idle/lab", "application/json"),
    ("GET", "/user/idle/api/contents", "text/html"),
    ("GET", "/user/idle/api/kernels", "*/*"),
    ("POST", "/user/idle/lab", "text/html"),
    ("PUT", "/user/idle/files/x", "text/html"),
    ("DELETE", "/user/idle/x", "text/html"),
    ("PATCH", "/user/idle/x", "*/*"),
    ("GET", "/user/no-such-user/api/status", "*/*"),
])
@pytest.mark.parametrize("known", [False, True])
def test_a_program_gets_json(hub, method, path, accept, known):
    browser = hub.browser("idle") if known else hub.browser()
    answer = browser.request(method, "/hub" + path, headers={"Accept": accept})
    assert answer.status_code == 424
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["message"]


def test_others_see_nothing(hub):
    hub.add_user("private")
    browser = hub.browser("eve")
    for name in ("private", "no-such-user"):
        assert browser.get(f"/hub/user/{name}/lab").status_code == 404


def test_a_server_without_a_route_is_tried_again_and_then_said(hub):
    browser = hub.browser("lost")
    browser.start_server("lost")
    url = "/hub/user/lost/lab?a=b"
    assert goal(browser.get(url)) == "/user/lost/lab?a=b&redirects=1"
    assert goal(browser.get(url + "&redirects=1")) == "/user/lost/lab?a=b&redirects=2"
    assert goal(browser.get("/hub/user/lost/?redirects=x")) == "/user/lost/?redirects=1"
    answer = browser.get(url + "&redirects=4")
    assert answer.status_code == 500
    assert hubs.Page(answer).attribute("data-page") == "error"


def test_user_redirect_keeps_the_query_through_log_in_and_start(hub):
    browser = hub.browser()
    link = "/hub/user-redirect/git-pull?repo=https%3A%2F%2Fgit.test%2Fa&urlpath=lab%2Ftree%2Fa+b%26c&x"
    wanted = "/user/puller/git-pull?repo=https%3A%2F%2Fgit.test%2Fa&urlpath=lab%2Ftree%2Fa+b%26c&x"
    page = hubs.Page(browser.follow(link))
    answer = browser.post(page.action, data={"username": "puller", "password": "x",
                                             "_xsrf": page.field("_xsrf")})
    assert goal(answer) == link
    to = goal(browser.get(link))
    assert urllib.parse.urlsplit(to).path == "/hub/spawn/puller"
    to = goal(browser.get(to))
    hub.wait_server("puller")
    assert goal(browser.get(to)) == wanted if "pending" in to else to == wanted
    assert goal(browser.get(goal(browser.get(link)))) == wanted
    assert browser.follow(link).text == f"stub {wanted}\n"


def test_user_redirect_of_nothing_is_the_server(hub):
    browser = hub.browser("puller2")
    assert goal(browser.get("/hub/user-redirect/")) == "/hub/spawn/puller2?next=/user/puller2/"
    assert goal(browser.get("/hub/user-redirect//evil.test/")).startswith(
        "/hub/spawn/puller2?next=/user/puller2/")


# --- for the proxy, probes and browsers ---


@pytest.mark.parametrize("status", [404, 503, 502, 429, 418, 599])
def test_error_pages_of_the_proxy(hub, status):
    answer = requests.get(hub.direct_url + f"error/{status}?url=%2Fuser%2Fx", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f">{status}<" in answer.text
    answer = requests.get(hub.direct_url + f"error/{status}", timeout=10,
                          headers={"Accept-Language": "zh-CN"})
    assert 'lang="zh-CN"' in answer.text


@pytest.mark.parametrize("status", ["", "x", "200", "999999999999", "40x", "-1"])
def test_no_error_page_for_what_is_no_error(hub, status):
    assert requests.get(hub.direct_url + f"error/{status}", timeout=10).status_code == 404


def test_the_proxy_shows_the_hubs_error_page(start_hub):
    hub = start_hub()
    browser = hub.browser("ada")
    browser.start_server("ada")
    pids = [pid for pid in hubs.marked(hub.mark) if b"stub_server" in
            open(f"/proc/{pid}/cmdline", "rb").read()]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)

    def seen():
        answer = browser.get("/user/ada/lab")
        return answer.status_code in (503, 302) and answer
    answer = hubs.wait_for(seen, "an answer for a server that died")
    if answer.status_code == 503:
        assert 'data-page="error"' in answer.text


@pytest.mark.parametrize("path", ["health", "api/health"])
def test_health_is_open_and_empty(hub, path):
    for method in ("GET", "HEAD"):
        answer = requests.request(method, hub.direct_url + path, timeout=10)
        assert (answer.status_code, answer.content) == (200, b"")


def test_static_files_are_kept_by_their_versioned_address(hub):
    page = hub.browser().page("/hub/login")
    url = page.attribute("href")
    url = [part for part in page.text.split('"') if part.endswith("style.css")][0]
    answer = requests.get(hub.origin + url, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    known = requests.get(hub.origin + url, headers={"If-None-Match": answer.headers["ETag"]}, timeout=10)
    assert (known.status_code, known.content) == (304, b"")
    answer = requests.get(hub.hub_url + "static/style.css", timeout=10)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize("path", ["static/../main.c", "static/", "static/nothing.css", "static/..%2fx",
                                  "static/lang/../style.css"])
def test_nothing_else_is_a_static_file(hub, path):
    connection = requests.Session()
    request = requests.Request("GET", hub.direct_url).prepare()
    request.url = hub.direct_url + path
    assert connection.send(request, timeout=10).status_code == 404


@pytest.mark.parametrize("path, type_", [("logo", "image/svg+xml"), ("favicon.ico", "image/svg+xml"),
                                         ("robots.txt", "text/plain")])
def test_small_files(hub, path, type_):
    answer = requests.get(hub.hub_url + path, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(type_)


def test_everything_works_below_a_base_url(start_hub):
    hub = start_hub(base_url="/jhub/")
    assert goal(requests.get(f"http://127.0.0.1:{hub.hub_port}/jhub/", allow_redirects=False,
                             timeout=10)) == "/jhub/hub/"
    assert goal(requests.get(f"http://127.0.0.1:{hub.hub_port}/jhub/user/x/y?z", allow_redirects=False,
                             timeout=10)) == "/jhub/hub/user/x/y?z"
    browser = hub.browser("ada")
    assert goal(browser.get("/jhub/hub/")) == "/jhub/hub/spawn/ada"
    browser.start_server("ada")
    answer = browser.follow("/jhub/user/ada/whoami")
    assert answer.json()["name"] == "ada"
    assert goal(browser.get("/jhub/hub/user-redirect/lab?x")) == \
        "/jhub/hub/spawn/ada?next=/jhub/user/ada/lab%3Fx"
    hub.stop_server("ada")
    assert browser.follow("/jhub/user/ada/lab").status_code == 424
