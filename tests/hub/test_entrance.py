"""Log-in and log-out: forms, where they lead, cookies, forgery, names, throttle, languages."""

import contextlib
import http.client
import socket
import subprocess
import time
import urllib.parse

import pytest
import requests

import hubs


@pytest.fixture(scope="module")
def guarded():
    """A hub with a password, named servers off, and the throttle as it is by default."""
    made = hubs.Hub(env={"HUBGATE_HUB_DUMMY_PASSWORD": "correct horse"})
    try:
        yield made.start().wait_ready()
    finally:
        made.close()


def cookie_lines(answer):
    return answer.raw.headers.getlist("Set-Cookie")


def cookie_line(answer, name):
    found = [line for line in cookie_lines(answer) if line.startswith(name + "=")]
    assert len(found) == 1, cookie_lines(answer)
    return found[0]


# --- in ---


def test_a_log_in_leads_to_ones_server(hub):
    answer = hub.browser().log_in("ada")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/hub/spawn/ada"
    line = cookie_line(answer, "jupyterhub-hub-login")
    assert "; Path=/hub/;" in line and "; HttpOnly" in line and "; SameSite=Lax" in line
    assert "; Max-Age=1209600" in line and "Secure" not in line
    line = cookie_line(answer, "jupyterhub-session-id")
    assert "; Path=/;" in line and "; HttpOnly" in line and "; SameSite=Lax" in line


def test_who_is_logged_in_sees_no_log_in_page(hub):
    browser = hub.browser("ada")
    assert browser.get("/hub/login?next=/hub/token").headers["Location"] == "/hub/token"
    assert browser.get("/hub/login").status_code == 302


def test_behind_https_cookies_are_secure(hub):
    headers = {"X-Forwarded-Proto": "https"}
    browser = requests.Session()
    page = hubs.Page(browser.get(hub.direct_url + "login", headers=headers, timeout=10))
    xsrf, cookies = page.field("_xsrf"), page.answer.cookies
    cookie = "; ".join(f"{c.name}={c.value}" for c in cookies)
    answer = browser.post(hub.direct_url + "login", headers={**headers, "Cookie": cookie}, timeout=10,
                          data={"username": "ada", "password": "x", "_xsrf": xsrf},
                          allow_redirects=False)
    assert answer.status_code == 302, answer.text
    assert cookie_lines(answer)
    for line in cookie_lines(answer):
        assert "; Secure" in line


@pytest.mark.parametrize("next_, goal", [
    ("/hub/home", "/hub/home"),
    ("/hub/token?a=b&c=%2F#d", "/hub/token?a=b&c=%2F#d"),
    ("/user/ada/lab/tree/a%20b.ipynb", "/user/ada/lab/tree/a%20b.ipynb"),
    ("/user/ada/lab/tree/a b é.ipynb", "/user/ada/lab/tree/a%20b%20%C3%A9.ipynb"),
    ("//evil.test", None),
    ("///evil.test", None),
    ("/\\evil.test", None),
    ("\\\\evil.test", None),
    ("/\t/evil.test", None),
    ("/\n/evil.test", None),
    ("\r\nX: y", None),
    (" //evil.test", None),
    ("https:evil.test", None),
    ("https://evil.test/", None),
    ("HTTPS://evil.test/hub/", None),
    ("http://127.0.0.1.evil.test/", None),
    ("javascript:alert(1)", None),
    ("data:text/html,x", None),
    ("evil.test", None),
    ("hub/home", None),
    ("?x", None),
    ("", None),
    ("/" + "a" * 5000, None),
    ("/hub/%zz", None),
    ("{origin}/hub/home?x", "/hub/home?x"),
    ("{origin}", "/"),
    ("{origin}//evil.test", None),
    ("{origin}@evil.test/", None),
    ("{origin}.evil.test/", None),
])
def test_next_leads_to_local_places_alone(hub, next_, goal):
    browser = hub.browser()
    answer = browser.log_in("ada", next_=next_.replace("{origin}", hub.origin))
    assert answer.status_code == 302
    assert answer.headers["Location"] == (goal or "/hub/spawn/ada")
    answer = browser.get("/hub/login?" + urllib.parse.urlencode({"next": next_.replace("{origin}", hub.origin)}))
    assert answer.headers["Location"] == (goal or "/hub/spawn/ada")


def test_next_stays_below_the_base_url(start_hub):
    hub = start_hub(base_url="/jhub/")
    for next_, goal in [("/jhub/hub/home", "/jhub/hub/home"), ("/jhub/user/ada/x", "/jhub/user/ada/x"),
                        ("/other/", None), ("/jhub/../other/", None), ("/jhub/%2e%2E/other", None),
                        ("/jhubx/", None), ("/", None)]:
        answer = hub.browser().log_in("ada", next_=next_)
        assert answer.headers["Location"] == (goal or "/jhub/hub/spawn/ada")
        line = cookie_line(answer, "jupyterhub-hub-login")
        assert "; Path=/jhub/hub/;" in line
        assert "; Path=/jhub/;" in cookie_line(answer, "jupyterhub-session-id")


# --- not in ---


def test_a_wrong_password_and_an_unknown_name_are_told_alike(guarded):
    guarded.add_user("known")
    said = []
    for name in ("known", "unknown"):
        answer = guarded.browser().log_in(name, "wrong")
        assert answer.status_code == 403
        page = hubs.Page(answer)
        assert page.field("username") == name
        said.append(page.text.replace(name, "").replace(page.field("_xsrf"), ""))
        assert "jupyterhub-hub-login" not in answer.cookies
    assert said[0] == said[1]
    assert guarded.browser().log_in("known", "correct horse").status_code == 302
    assert "correct horse" not in guarded.log


@pytest.mark.parametrize("xsrf", ["", "x" * 43, "missing", "other"])
def test_a_log_in_form_is_good_in_its_own_browser_alone(hub, xsrf):
    browser = hub.browser()
    browser.page("/hub/login")
    data = {"username": "ada", "password": "x", "_xsrf": xsrf}
    if xsrf == "missing":
        del data["_xsrf"]
    if xsrf == "other":
        data["_xsrf"] = hub.browser().page("/hub/login").field("_xsrf")
    answer = browser.post("/hub/login", data=data)
    assert answer.status_code == 403
    assert "jupyterhub-hub-login" not in browser.cookies
    data["_xsrf"] = hubs.Page(answer).field("_xsrf")
    assert browser.post("/hub/login", data=data).status_code == 302


def test_a_session_is_not_fixed_by_somebody_else(hub):
    browser = hub.browser()
    browser.cookies.set("jupyterhub-session-id", "planted" * 4, domain="127.0.0.1", path="/")
    browser.log_in("ada")
    ids = {c.value for c in browser.cookies if c.name == "jupyterhub-session-id"}
    assert "planted" * 4 not in ids
    anonymous = hub.browser()
    anonymous.page("/hub/login")
    before = anonymous.cookies["jupyterhub-session-id"]
    anonymous.log_in("ada")
    assert anonymous.cookies["jupyterhub-session-id"] != before


def test_a_second_log_in_ends_the_first_of_that_browser(hub):
    browser = hub.browser("ada")
    old = browser.cookies["jupyterhub-hub-login"]
    page = hub.browser().page("/hub/login")
    anonymous = {c.name: c.value for c in page.answer.cookies}
    answer = requests.post(
        hub.origin + "/hub/login", timeout=10, allow_redirects=False,
        headers={"Cookie": f"jupyterhub-session-id={anonymous['jupyterhub-session-id']}"},
        data={"username": "grace", "password": "x", "_xsrf": page.field("_xsrf")})
    assert answer.status_code == 302
    assert hub.browser().get("/hub/home", cookies={"jupyterhub-hub-login": old}).status_code == 200


# --- names (hub contract, and what may not become a path) ---


@pytest.mark.parametrize("name", [
    "", " ", ".", "..", "a/b", "../../etc", "a%2fb", "a\\b", "a\r\nX: y", "a\0b", "-rf", "a" * 1000,
    "a\u202eb", "\u200bada", "a;b", "$(id)", "`id`", "a'b", 'a"b', "<script>", "a|b", "a:b", "a\u0000",
    "\ufeffada", "a\x7f",
])
def test_names_that_are_none_are_refused(hub, name):
    answer = hub.browser().log_in(name)
    assert answer.status_code == 403
    assert "jupyterhub-hub-login" not in answer.cookies
    names = {user["name"] for user in hub.api("GET", "/users?limit=200").json()}
    assert name not in names and name.strip() not in names - {"ada"}


def test_capitals_are_the_same_user(hub):
    assert hub.browser().log_in("ADA").headers["Location"] == "/hub/spawn/ada"


# --- cookies that mean nobody ---


@pytest.mark.parametrize("cookie", [
    "x", "", "." * 50, "a.b", "A" * 32 + "." + "B" * 43, "é", "x" * 9000, '"quoted"',
])
def test_a_forged_cookie_is_nobody(hub, cookie):
    cookie = cookie.encode().decode("latin-1")
    headers = {"Cookie": f"jupyterhub-hub-login={cookie}"}
    answer = hub.browser().get("/hub/home", headers=headers)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/hub/login?next=")
    assert requests.get(hub.hub_url + "api/user", headers=headers, timeout=10).status_code == 403
    answer = hub.browser().get("/hub/login", headers=headers)
    assert answer.status_code == 200
    if cookie:
        assert "Max-Age=0" in cookie_line(answer, "jupyterhub-hub-login")


def test_a_cookie_with_one_letter_changed_is_nobody(hub):
    browser = hub.browser("ada")
    good = browser.cookies["jupyterhub-hub-login"]
    for at in (0, len(good) // 2, len(good) - 2):
        bad = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1:]
        answer = hub.browser().get("/hub/home", cookies={"jupyterhub-hub-login": bad})
        assert answer.status_code == 302


def test_the_cookie_of_a_deleted_user_is_nobody(hub):
    browser = hub.browser("brief")
    assert browser.get("/hub/home").status_code == 200
    assert hub.api("DELETE", "/users/brief").status_code == 204
    assert browser.get("/hub/home").headers["Location"].startswith("/hub/login")
    hub.browser("brief")  # the next of that name is another one
    assert browser.get("/hub/home").headers["Location"].startswith("/hub/login")


def test_a_session_lives_through_kill_and_restart(start_hub):
    hub = start_hub()
    browser = hub.browser("ada")
    gone = hub.browser("ada")
    gone.get("/hub/logout")
    cookie = browser.cookies["jupyterhub-hub-login"]
    hub.kill()
    hub.restart()
    assert browser.get("/hub/home").status_code == 200
    assert gone.get("/hub/home").status_code == 302
    hub.stop()
    (hub.path / "state/cookie_secret").unlink()
    hub.restart()
    assert hub.browser().get("/hub/home", cookies={"jupyterhub-hub-login": cookie}).status_code == 302


# --- out ---


def test_log_out_ends_the_session_and_clears_its_cookies(hub):
    browser = hub.browser("ada")
    old = browser.cookies["jupyterhub-hub-login"]
    answer = browser.get("/hub/logout")
    assert answer.status_code == 200
    for name in ("jupyterhub-hub-login", "jupyterhub-session-id"):
        assert any("Max-Age=0" in line for line in cookie_lines(answer) if line.startswith(name))
    assert hub.browser().get("/hub/home", cookies={"jupyterhub-hub-login": old}).status_code == 302
    assert browser.get("/hub/logout").status_code == 200


def test_log_out_leads_where_the_settings_say(start_hub):
    hub = start_hub(logout_url="https://sso.example.org/logout?x=1")
    answer = hub.browser("ada").get("/hub/logout")
    assert answer.headers["Location"] == "https://sso.example.org/logout?x=1"


# --- the throttle ---


def test_after_a_few_failures_one_waits(guarded):
    statuses = [guarded.browser().log_in("guessed", f"wrong{i}").status_code for i in range(7)]
    assert statuses[0] == 403
    assert statuses[-1] == 429
    answer = guarded.browser().log_in("guessed", "correct horse")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "jupyterhub-hub-login" not in answer.cookies


def test_a_hundred_wrong_passwords_a_second_are_bounded(start_hub):
    hub = start_hub(env={"HUBGATE_HUB_DUMMY_PASSWORD": "correct horse"})
    browser = hub.browser()
    xsrf = browser.page("/hub/login").field("_xsrf")
    began, judged = time.monotonic(), 0
    for i in range(100):
        data = {"username": f"user{i}", "password": "wrong", "_xsrf": xsrf}
        judged += browser.post("/hub/login", data=data).status_code == 403
    assert judged < 60
    assert time.monotonic() - began < 30
    assert requests.get(hub.hub_url + "health", timeout=5).status_code == 200


def test_the_hub_may_end_in_the_middle_of_log_ins(start_hub, tmp_path):
    file = tmp_path / "passwords"
    subprocess.run([hubs.PROGRAM, "password", "ada", "--password-file", file], input=b"x\n", check=True,
                   timeout=60)
    hub = start_hub(authenticator="password-file", password_file=str(file), login_failures_max=0)
    browser = hub.browser()
    xsrf = browser.page("/hub/login").field("_xsrf")
    cookie = "; ".join(f"{c.name}={c.value}" for c in browser.cookies)
    body = urllib.parse.urlencode({"username": "ada", "password": "x", "_xsrf": xsrf}).encode()
    head = (f"POST /hub/login HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n").encode()
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", hub.hub_port)))
            client.sendall(head + body)
        assert requests.get(hub.direct_url + "health", timeout=20).status_code == 200
        assert hub.stop() == 0
    hub.check()


# --- a reverse proxy says who it is ---


def hub_behind_a_proxy(start_hub, **more):
    return start_hub(authenticator="header", header_trusted=["127.0.0.1"],
                     env={"HUBGATE_HUB_HEADER_SECRET": "known to the two"}, **more)


def test_a_header_logs_in_at_once(start_hub):
    hub = hub_behind_a_proxy(start_hub, header_groups_name="X-Remote-Groups")
    browser = hub.browser()
    browser.headers.update({"X-Remote-User": "Ada", "X-Remote-Groups": "staff,students",
                            "X-Remote-Secret": "known to the two"})
    assert browser.get("/hub/home").headers["Location"].startswith("/hub/login?next=")
    answer = browser.get("/hub/login?next=/hub/home")
    assert answer.headers["Location"] == "/hub/home"
    assert hubs.Page(browser.get("/hub/home")).attribute("data-user") == "ada"
    assert sorted(hub.user("ada")["groups"]) == ["staff", "students"]
    again = hub.browser()
    again.headers.update({"X-Remote-User": "ada", "X-Remote-Groups": "staff",
                          "X-Remote-Secret": "known to the two"})
    again.get("/hub/login")
    assert hub.user("ada")["groups"] == ["staff"]
    answer = hub.browser().get("/hub/login")
    assert answer.status_code == 403
    answer = hub.browser().post("/hub/login", data={"username": "eve", "password": "x"})
    assert answer.status_code == 403


@pytest.mark.parametrize("secret", [None, "", "guessed by somebody"])
def test_a_header_without_the_proxys_secret_is_nobody(start_hub, secret):
    """A program of a user's, which reaches hub and proxy from the same address."""
    hub = hub_behind_a_proxy(start_hub)
    headers = {"X-Remote-User": "admin", **({"X-Remote-Secret": secret} if secret is not None else {})}
    for url in (hub.hub_url, hub.direct_url):
        answer = requests.get(url + "login", headers=headers, timeout=10, allow_redirects=False)
        assert answer.status_code == 403, url
    assert "did not send its secret" in hub.log


def test_a_header_that_comes_twice_is_nobody(start_hub):
    hub = hub_behind_a_proxy(start_hub)
    for port in (hub.proxy_port, hub.hub_port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.putrequest("GET", "/hub/login")
        connection.putheader("X-Remote-User", "eve")
        connection.putheader("X-Remote-User", "ada")
        connection.putheader("X-Remote-Secret", "known to the two")
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 403, answer.read()
        connection.close()


# --- pages ---


@pytest.mark.parametrize("language, word", [
    ("en", "Log in"), ("zh-CN,zh;q=0.9", "登录"), ("de,zh;q=0.5,en;q=0.4", "登录"), ("fr", "Log in"),
])
def test_the_page_speaks_the_browsers_language(hub, language, word):
    page = hub.browser(language=language).page("/hub/login")
    assert word in page.text
    browser = hub.browser(language=language)
    browser.cookies.set("hubgate-lang", "zh-CN", domain="127.0.0.1", path="/")
    assert "登录" in browser.page("/hub/login").text


def test_a_refusal_speaks_it_too(guarded):
    page = hubs.Page(guarded.browser(language="zh-CN").log_in("nobody", "wrong"))
    assert "登录" in page.text
    assert "Wrong user name" not in page.text and "do not match" not in page.text


def test_the_log_has_neither_names_of_nobody_nor_passwords(hub):
    hub.browser().log_in("my p4ssword/typed in the wrong field", "s3cret-p4ss")
    assert "p4ssword/typed" not in hub.log
    assert "s3cret-p4ss" not in hub.log
