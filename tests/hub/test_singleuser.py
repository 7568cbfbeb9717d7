"""The real jupyterhub-singleuser, unmodified, and JupyterHub's HubAuth in an external service."""

import subprocess
import sys
import urllib.parse

import pytest
import requests

import hubs


@pytest.fixture(scope="module")
def hub():
    made = hubs.Hub(command=hubs.SINGLEUSER, http_timeout_s=60, servers_per_user_max=2)
    try:
        yield made.start().wait_ready()
    finally:
        made.close()


@pytest.fixture(scope="module")
def ada(hub):
    browser = hub.browser("ada")
    browser.start_server("ada")
    return browser


def test_jupyterlab_opens_after_log_in(hub, ada):
    answer = ada.follow("/user/ada/lab")
    assert answer.status_code == 200
    assert "jupyter-config-data" in answer.text
    assert ada.cookies.get("jupyterhub-user-ada", path="/user/ada/")


def test_a_visitor_without_a_session_logs_in_first(hub, ada):
    browser = hub.browser()
    page = hubs.Page(browser.follow("/user/ada/lab/tree/x?reset"))
    answer = browser.post(page.action, allow_redirects=True,
                          data={"username": "ada", "password": "x", "_xsrf": page.field("_xsrf")})
    assert answer.url == hub.origin + "/user/ada/lab/tree/x?reset"
    assert answer.status_code == 200


def test_its_api_takes_cookie_and_token(hub, ada):
    ada.follow("/user/ada/lab")
    url = "/user/ada/api/contents"
    assert ada.get(url).status_code == 200
    answer = hub.api("POST", "/users/ada/tokens", json={"note": "test"})
    assert answer.status_code == 201, answer.text
    token = answer.json()["token"]
    for word in ("token", "Bearer"):
        headers = {"Authorization": f"{word} {token}"}
        answer = requests.get(hub.origin + url, headers=headers, timeout=20)
        assert answer.status_code == 200, answer.text
    answer = requests.get(hub.origin + url, headers={"Authorization": "token x"}, timeout=20)
    assert answer.status_code == 403
    assert requests.get(hub.origin + url, timeout=20).status_code == 403


def test_its_activity_arrives(hub, ada):
    hubs.wait_for(lambda: hub.server("ada")["last_activity"], "activity")
    hubs.wait_for(lambda: "users/ada/activity" in hub.log or hub.user("ada")["last_activity"], "it")


def test_another_user_does_not_get_in(hub, ada):
    grace = hub.browser("grace")
    answer = grace.follow("/user/ada/lab")
    assert answer.status_code == 403
    assert grace.get("/user/ada/api/contents").status_code == 403


def test_an_admin_gets_in_after_consent(hub, ada):
    admin = hub.browser("admin")
    page = hubs.Page(admin.follow("/user/ada/lab"))
    answer = admin.post(page.action, allow_redirects=True,
                        data={"_xsrf": page.field("_xsrf"), "scopes": page.field("scopes")})
    assert answer.status_code == 200
    assert "jupyter-config-data" in answer.text
    assert urllib.parse.urlsplit(answer.url).path == "/user/ada/lab"


def test_log_out_of_the_server_logs_out_of_the_hub(hub, ada):
    browser = hub.browser("ada")
    assert browser.follow("/user/ada/lab").status_code == 200
    answer = browser.follow("/user/ada/logout")
    assert answer.url == hub.hub_url + "logout"
    assert answer.status_code == 200
    assert browser.get("/hub/home").headers["Location"].startswith("/hub/login")
    assert "/hub/login" in browser.follow("/user/ada/lab").url


def test_a_named_server_opens_beside_the_default_one(hub, ada):
    ada.start_server("ada", "two-b c")
    answer = ada.follow("/user/ada/two-b%20c/lab")
    assert answer.status_code == 200, answer.text
    assert "jupyter-config-data" in answer.text
    assert ada.get("/user/ada/two-b%20c/api/contents").status_code == 200
    assert ada.follow("/user/ada/lab").status_code == 200


SERVICE = '''
import os, sys, tornado.httpserver, tornado.ioloop, tornado.web, urllib.parse
from jupyterhub.services.auth import HubOAuthenticated, HubOAuthCallbackHandler, HubAuthenticated


class Who(HubOAuthenticated, tornado.web.RequestHandler):
    @tornado.web.authenticated
    def get(self):
        self.write(self.get_current_user())


class Token(HubAuthenticated, tornado.web.RequestHandler):
    @tornado.web.authenticated
    def get(self):
        self.write(self.get_current_user())


prefix = os.environ["JUPYTERHUB_SERVICE_PREFIX"]
app = tornado.web.Application([
    (prefix + "who", Who), (prefix + "token", Token),
    (prefix + "oauth_callback", HubOAuthCallbackHandler)], cookie_secret=os.urandom(32))
url = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
tornado.httpserver.HTTPServer(app).listen(url.port, url.hostname)
print("listening", flush=True)
tornado.ioloop.IOLoop.current().start()
'''


@pytest.fixture(scope="module")
def with_service():
    """A hub with a service that logs people in by HubAuth: (hub, no_confirm or not by name)."""
    ports = hubs.Ports(2)
    made = hubs.Hub()
    names = ("asking", "trusted")
    services = []
    for name, port in zip(names, ports.numbers):
        services.append({"name": name, "url": f"http://127.0.0.1:{port}",
                         "token_file": made.secret_file(f"{name}_token", f"{name}-{'s' * 32}"),
                         "oauth_no_confirm": name == "trusted"})
    made.settings["services"] += services
    running = []
    try:
        made.start().wait_ready()
        for service in services:
            name = service["name"]
            env = {
                "PATH": "/usr/bin:/bin", "JUPYTERHUB_API_TOKEN": f"{name}-{'s' * 32}",
                "JUPYTERHUB_CLIENT_ID": f"service-{name}", "JUPYTERHUB_SERVICE_NAME": name,
                "JUPYTERHUB_API_URL": made.direct_url + "api", "JUPYTERHUB_BASE_URL": "/",
                "JUPYTERHUB_SERVICE_PREFIX": f"/services/{name}/",
                "JUPYTERHUB_SERVICE_URL": service["url"],
                "JUPYTERHUB_OAUTH_ACCESS_SCOPES":
                    f'["access:services", "access:services!service={name}"]',
            }
            running.append(subprocess.Popen([sys.executable, "-c", SERVICE], env=env,
                                            stdout=subprocess.PIPE))
            assert running[-1].stdout.readline() == b"listening\n"
        yield made
    finally:
        for process in running:
            process.kill()
            process.wait()
        made.close()
        ports.close()


def test_a_trusted_service_logs_people_in(with_service):
    browser = with_service.browser("ada")
    answer = hubs.wait_for(lambda: (a := browser.follow("/services/trusted/who")).ok and a, "a route")
    assert answer.url == with_service.origin + "/services/trusted/who"
    assert answer.json()["name"] == "ada"
    assert "access:services!service=trusted" in answer.json()["scopes"]


def test_a_service_asks_for_consent(with_service):
    browser = with_service.browser("ada")
    page = hubs.Page(browser.follow("/services/asking/who"))
    assert "asking" in page.text
    answer = browser.post(page.action, allow_redirects=True,
                          data={"_xsrf": page.field("_xsrf"), "scopes": page.field("scopes")})
    assert answer.json()["name"] == "ada"
    page = browser.page("/hub/api/oauth2/authorize?client_id=service-asking&response_type=code&state=s"
                        "&redirect_uri=/services/asking/oauth_callback")
    deny = page.text.partition("error=access_denied")
    assert deny[1], page.text


def test_a_service_without_a_session_leads_to_the_log_in_page(with_service):
    browser = with_service.browser()
    page = hubs.Page(browser.follow("/services/trusted/who?a=b"))
    assert "/hub/login" in page.answer.url
    answer = browser.post(page.action, allow_redirects=True,
                          data={"username": "grace", "password": "x", "_xsrf": page.field("_xsrf")})
    assert answer.json()["name"] == "grace"
    assert answer.url.endswith("/services/trusted/who?a=b")


def test_a_service_takes_users_tokens(with_service):
    with_service.browser("ada")
    token = with_service.api("POST", "/users/ada/tokens").json()["token"]
    url = with_service.origin + "/services/trusted/token"
    answer = requests.get(url, headers={"Authorization": f"token {token}"}, timeout=20)
    assert answer.json()["name"] == "ada"
    answer = requests.get(url, headers={"Authorization": "token x"}, timeout=20, allow_redirects=False)
    assert answer.status_code in (302, 403)
