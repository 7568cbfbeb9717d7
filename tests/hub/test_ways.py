"""The ways to log in, each against the real thing: a provider of OpenID Connect, the machine's PAM, a
password file written by the hub's own command, a proxy in front that names the user."""

import os
import pathlib
import re
import subprocess
import urllib.parse

import pytest

import hubs
import oidc


def users(hub):
    return {user["name"]: user for user in hub.api("GET", "/users").json()}


# --- oauth2 ---


@pytest.fixture(scope="module")
def provided():
    """A hub and its provider."""
    hub = hubs.Hub(admin_groups=["staff"], allow_all=False, allow_groups=["students"])
    provider = oidc.OidcProvider([hub.hub_url + "oauth_callback"], users={
        **oidc.USERS,
        "eve": {"password": "eve's own", "claims": {"groups": ["others"]}},
        "odd": {"password": "odd's own", "claims": {"preferred_username": "../odd", "groups": ["staff"]}},
    })
    try:
        with provider:
            hub.settings.update(provider.hub_settings(), oauth2_provider="Our School")
            hub.env.update(provider.env())
            hub.start().wait_ready()
            hub.provider = provider
            yield hub
    finally:
        hub.close()


def depart(hub, browser, next_=None):
    """To the provider; its URL."""
    query = f"?next={urllib.parse.quote(next_, safe='')}" if next_ else ""
    answer = browser.get(f"{browser.prefix}oauth_login{query}")
    assert answer.status_code == 302, answer.text
    url = answer.headers["Location"]
    assert url.startswith(hub.provider.issuer + "/")
    return url


def log_in(hub, browser, name, next_=None, **more):
    """There and back; the hub's answer to the callback."""
    answer = hub.provider.log_in(browser, depart(hub, browser, next_), name, **more)
    assert answer.status_code in (302, 303), answer.text
    assert answer.headers["Location"].startswith(hub.hub_url + "oauth_callback?")
    return browser.get(answer.headers["Location"])


def test_the_page_leads_to_the_provider(provided):
    page = provided.browser().page("/hub/login?next=%2Fhub%2Ftoken")
    assert "Our School" in page.text
    assert re.search(r'href="/hub/oauth_login\?next=/hub/token"', page.text)


def test_a_log_in_at_the_provider_is_one_here(provided):
    browser = provided.browser()
    answer = log_in(provided, browser, "bob", next_="/hub/token?x=1")
    assert answer.status_code == 302, answer.text
    assert answer.headers["Location"] == "/hub/token?x=1"
    assert browser.page("/hub/home")
    assert users(provided)["bob"]["groups"] == ["students"]
    assert not users(provided)["bob"]["admin"]


def test_a_group_makes_an_admin(provided):
    browser = provided.browser()
    assert log_in(provided, browser, "ada").status_code == 302
    assert users(provided)["ada"]["admin"]
    assert sorted(users(provided)["ada"]["groups"]) == ["chess", "staff"]
    assert browser.page("/hub/admin")


def test_who_is_in_no_allowed_group_stays_out(provided):
    answer = log_in(provided, provided.browser(), "eve")
    assert answer.status_code == 403
    assert "You may not use this hub" in answer.text
    assert "eve" not in users(provided)


def test_a_name_that_is_none_stays_out(provided):
    answer = log_in(provided, provided.browser(), "odd")
    assert answer.status_code == 403
    assert "This user name cannot be used here" in answer.text


def test_a_wrong_password_stays_with_the_provider(provided):
    browser = provided.browser()
    answer = provided.provider.log_in(browser, depart(provided, browser), "bob", password="wrong")
    assert answer.status_code == 200 and "No such name and password" in answer.text


def test_who_leaves_the_provider_is_told(provided):
    answer = log_in(provided, provided.browser(), "bob", leave=True)
    assert answer.status_code == 403
    assert "Your log-in provider did not let you in" in answer.text


def test_a_code_is_good_once_and_in_its_own_browser(provided):
    """Log-in forgery: a code that somebody else got, in a browser that asked for none."""
    one, other = provided.browser(), provided.browser()
    answer = provided.provider.log_in(one, depart(provided, one), "bob")
    callback = answer.headers["Location"]
    depart(provided, other)
    for browser in (provided.browser(), other):
        answer = browser.get(callback)
        assert answer.status_code == 403
        assert "jupyterhub-hub-login" not in browser.cookies
    assert one.get(callback).status_code == 302
    assert one.page("/hub/home")
    again = provided.browser()
    again.cookies.update(one.cookies)
    again.cookies.pop("jupyterhub-hub-login", None)
    assert again.get(callback).status_code == 403


def test_two_tabs_may_log_in_at_once(provided):
    browser = provided.browser()
    first, second = depart(provided, browser, "/hub/token"), depart(provided, browser, "/hub/home")
    for url, goal in ((second, "/hub/home"), (first, "/hub/token")):
        callback = provided.provider.log_in(browser, url, "bob").headers["Location"]
        answer = browser.get(callback)
        assert answer.headers["Location"] == goal


def test_codes_and_secrets_stay_out_of_the_log(provided):
    browser = provided.browser()
    answer = provided.provider.log_in(browser, depart(provided, browser), "bob")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)
    assert browser.get(answer.headers["Location"]).status_code == 302
    assert "log-in of bob from" in provided.log
    for secret in (query["code"][0], query["state"][0], provided.provider.client_secret):
        assert secret not in provided.log


def test_a_provider_that_ended_is_an_error_of_ours(start_hub):
    provider = oidc.OidcProvider(["http://127.0.0.1:1/hub/oauth_callback"]).start()
    settings, env = provider.hub_settings(), provider.env()
    provider.stop()
    hub = start_hub(env=env, **settings)
    answer = hub.browser().get("/hub/oauth_login")
    assert answer.status_code == 500
    assert "does not answer" in answer.text
    assert "/.well-known/openid-configuration: " in hub.log


# --- password-file ---


def set_password(path, name, password):
    return subprocess.run([str(hubs.PROGRAM), "--password-file", str(path), "password", name],
                          input=password + "\n", capture_output=True, text=True, timeout=30)


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    path = tmp_path_factory.mktemp("passwords") / "passwords"
    made = hubs.Hub(authenticator="password-file", password_file=str(path), login_failures_max=3)
    made.passwords = path
    assert set_password(path, "first", "x").returncode == 0
    try:
        yield made.start().wait_ready()
    finally:
        made.close()


def test_the_command_sets_passwords(filed):
    done = set_password(filed.passwords, "Ada", "correct horse")
    assert done.returncode == 0, done.stderr
    assert "\nada:$argon2id$v=19$m=19456,t=2,p=1$" in filed.passwords.read_text(encoding="utf-8")
    assert filed.passwords.stat().st_mode & 0o777 == 0o600
    assert "correct horse" not in done.stdout + done.stderr
    assert filed.browser().log_in("ada", "correct horse").status_code == 302
    answer = filed.browser().log_in("ada", "wrong horse")
    assert answer.status_code == 403
    assert "wrong horse" not in answer.text + filed.log
    assert "log-in refused for ada from 127.0.0.1: wrong password" in filed.log


@pytest.mark.parametrize("name, password", [("a/b", "x"), ("..", "x"), ("bob", ""), ("bob", "x" * 2000)])
def test_the_command_refuses_what_cannot_be(filed, name, password):
    done = set_password(filed.passwords, name, password)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "x" * 50 not in done.stderr


def test_unknown_users_hear_the_same(filed):
    known, unknown = (filed.browser().log_in(name, "x") for name in ("ada", "nobody"))
    assert known.status_code == unknown.status_code == 403
    alert = re.compile(r'role="alert">([^<]*)<')
    assert alert.search(known.text)[1] == alert.search(unknown.text)[1]


def test_failures_are_bounded(filed):
    answers = [filed.browser().log_in("carol", "x") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [403, 403, 403, 429, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 100


# --- pam ---


@pytest.mark.skipif(os.geteuid() != 0, reason="a PAM service is a file in /etc")
def test_pam_is_asked(start_hub, tmp_path):
    script = tmp_path / "ask"
    script.write_text("#!/bin/sh\n[ \"$(tr -d '\\0')\" = 'correct horse' ]\n", encoding="utf-8")
    script.chmod(0o755)
    service = pathlib.Path(f"/etc/pam.d/hubgate-test-{os.getpid()}")
    service.write_text(f"auth [success=1 default=ignore] pam_exec.so quiet expose_authtok {script}\n"
                       "auth requisite pam_deny.so\nauth required pam_permit.so\n"
                       "account required pam_permit.so\n", encoding="utf-8")
    try:
        hub = start_hub(authenticator="pam", pam_service=service.name)
        assert hub.browser().log_in("ada", "wrong horse").status_code == 403
        assert hub.browser().log_in("ada", "correct horse").status_code == 302
    finally:
        service.unlink()


# --- header ---


SECRET = "a secret of the proxy in front"


@pytest.fixture(scope="module")
def named():
    made = hubs.Hub(authenticator="header", header_trusted=["127.0.0.1"], header_groups_name="X-Remote-Groups",
                    env={"HUBGATE_HUB_HEADER_SECRET": SECRET})
    try:
        yield made.start().wait_ready()
    finally:
        made.close()


def test_the_proxy_in_front_names_the_user(named):
    browser = named.browser()
    answer = browser.get("/hub/login?next=/hub/token", headers={
        "X-Remote-User": "ada", "X-Remote-Groups": "staff, chess", "X-Remote-Secret": SECRET})
    assert answer.status_code == 302 and answer.headers["Location"] == "/hub/token"
    assert sorted(users(named)["ada"]["groups"]) == ["chess", "staff"]
    assert browser.page("/hub/home")


@pytest.mark.parametrize("headers", [
    {},
    {"X-Remote-Secret": SECRET},
    {"X-Remote-User": "ada"},
    {"X-Remote-User": "ada", "X-Remote-Secret": "another"},
])
def test_without_a_name_and_the_secret_nobody_comes_in(named, headers):
    answer = named.browser().get("/hub/login", headers=headers)
    assert answer.status_code == 403
    assert SECRET not in answer.text + named.log


def test_a_chain_from_elsewhere_is_not_believed(named):
    """As if hubgate had been called by somebody else: the last address is the one that it wrote."""
    answer = named.browser().get(named.direct_url + "login", headers={
        "X-Remote-User": "ada", "X-Remote-Secret": SECRET, "X-Forwarded-For": "127.0.0.1, 192.0.2.9"})
    assert answer.status_code == 403
