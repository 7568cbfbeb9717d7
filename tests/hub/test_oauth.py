"""Log-in to users' servers through the hub (OAuth 2, PKCE): with a stub server, step by step and
with everything that may be wrong in a step."""

import base64
import hashlib
import urllib.parse

import pytest
import requests

import hubs

VERIFIER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~0123456789abcdefg"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def query_of(answer):
    """The arguments that a redirect carries."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))


class Client:
    """One server as OAuth sees it: its id, secret and callback."""

    def __init__(self, hub, browser, name):
        env = browser.follow(f"/user/{hubs.quoted(name)}/env").json()
        self.hub = hub
        self.id = env["JUPYTERHUB_CLIENT_ID"]
        self.secret = env["JUPYTERHUB_API_TOKEN"]
        self.callback = env["JUPYTERHUB_OAUTH_CALLBACK_URL"]

    def asked(self, **more):
        query = {"client_id": self.id, "redirect_uri": self.callback, "response_type": "code",
                 "state": "st4te", **more}
        query = {key: value for key, value in query.items() if value is not None}
        return "/hub/api/oauth2/authorize?" + urllib.parse.urlencode(query)

    def code(self, browser, **more):
        answer = browser.get(self.asked(**more))
        assert answer.status_code == 302, answer.text
        return query_of(answer)["code"]

    def claim(self, code, auth=None, headers=None, **more):
        form = {"client_id": self.id, "client_secret": self.secret, "redirect_uri": self.callback,
                "grant_type": "authorization_code", "code": code, **more}
        form = {key: value for key, value in form.items() if value is not None}
        return requests.post(self.hub.direct_url + "api/oauth2/token", data=form, auth=auth,
                             headers=headers, timeout=hubs.PATIENCE)


@pytest.fixture(scope="module")
def ada(hub):
    browser = hub.browser("ada")
    browser.start_server("ada")
    return browser


@pytest.fixture(scope="module")
def client(hub, ada):
    return Client(hub, ada, "ada")


@pytest.fixture(scope="module")
def grace(hub):
    browser = hub.browser("grace")
    browser.start_server("grace")
    return browser


# --- the whole way ---


def test_a_user_comes_to_their_own_server_without_a_question(hub):
    browser = hub.browser("hedy")
    browser.start_server("hedy")
    answer = browser.follow("/user/hedy/whoami?x=1")
    assert [urllib.parse.urlsplit(step.headers["Location"]).path for step in answer.history] == [
        "/hub/api/oauth2/authorize", "/user/hedy/oauth_callback", "/user/hedy/whoami"]
    assert answer.url.endswith("/user/hedy/whoami?x=1")
    model = answer.json()
    assert (model["kind"], model["name"], model["admin"]) == ("user", "hedy", False)
    assert sorted(model["scopes"]) == ["access:servers!server=hedy/",
                                       "read:users:groups!user=hedy", "read:users:name!user=hedy"]
    assert model["session_id"] == browser.cookies["jupyterhub-session-id"]


def test_without_a_session_the_way_leads_through_the_log_in_page(hub, ada):
    browser = hub.browser()
    page = hubs.Page(browser.follow("/user/ada/whoami"))
    assert page.answer.url.startswith(hub.hub_url + "login?next=%2Fhub%2Fapi%2Foauth2%2Fauthorize") or \
        page.answer.url.startswith(hub.hub_url + "login?next=/hub/api/oauth2/authorize")
    answer = browser.post(page.action, allow_redirects=True,
                          data={"username": "ada", "password": "x", "_xsrf": page.field("_xsrf")})
    assert answer.url == hub.origin + "/user/ada/whoami"
    assert answer.json()["name"] == "ada"


@pytest.mark.parametrize("name", ["has@at", "with blank", "秀樹", "tilde~plus+", "under_score.dot-"])
def test_every_name_comes_to_its_server(hub, name):
    browser = hub.browser(name)
    browser.start_server(name)
    answer = browser.follow(f"/user/{hubs.quoted(name)}/whoami")
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == name
    assert f"access:servers!server={name}/" in answer.json()["scopes"]


def test_named_servers_are_clients_of_their_own(hub, ada):
    ada.start_server("ada", "lab one")
    answer = ada.follow("/user/ada/lab%20one/whoami")
    assert "access:servers!server=ada/lab one" in answer.json()["scopes"]
    token = ada.cookies.get("stub-token", path="/user/ada/lab one/") or \
        ada.cookies.get("stub-token", path="/user/ada/lab%20one/")
    answer = requests.get(hub.origin + "/user/ada/whoami", timeout=10,
                          headers={"Authorization": f"token {token}"})
    assert answer.status_code == 403


def test_names_with_a_dash_are_not_taken_for_servers(hub):
    """a's server b, and the server of a-b."""
    one, two = hub.browser("a"), hub.browser("a-b")
    two.start_server("a-b")
    one.start_server("a", "b")
    assert one.follow("/user/a/b/whoami").json()["name"] == "a"
    assert two.follow("/user/a-b/whoami").json()["name"] == "a-b"
    hub.stop_server("a", "b")
    assert hub.browser("a-b").follow("/user/a-b/whoami").status_code == 200


def test_a_stub_with_pkce_goes_the_whole_way(start_hub):
    hub = start_hub(environment={"STUB_PKCE": "1"})
    browser = hub.browser("ada")
    browser.start_server("ada")
    answer = browser.follow("/user/ada/whoami")
    assert "code_challenge_method=S256" in answer.history[0].headers["Location"]
    assert answer.json()["name"] == "ada"


# --- the authorization endpoint ---


def test_state_comes_back_as_it_was(ada, client):
    state = "a b&c=d%2F+\r\nX: y#é~"
    answer = ada.get(client.asked(state=state))
    assert query_of(answer)["state"] == state
    assert urllib.parse.urlsplit(answer.headers["Location"]).path == client.callback
    assert "X" not in answer.headers
    answer = ada.get(client.asked(state=None))
    assert set(query_of(answer)) == {"code"}


@pytest.mark.parametrize("wrong", [
    {"client_id": None}, {"client_id": "jupyterhub-user-nobody"}, {"client_id": ""},
    {"redirect_uri": None}, {"redirect_uri": "https://evil.test/"}, {"redirect_uri": "//evil.test"},
    {"redirect_uri": "/user/ada/oauth_callback/"}, {"redirect_uri": "/user/grace/oauth_callback"},
    {"redirect_uri": "/user/ada/oauth_callback?x=1"}, {"redirect_uri": "/user/ada/oauth_callback#"},
    {"redirect_uri": "/user/ada/%6fauth_callback"},
])
def test_nobody_is_sent_to_an_address_that_is_not_registered(ada, client, wrong):
    answer = ada.get(client.asked(**wrong))
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("wrong, error", [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": None}, "invalid_request"),
    ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": CHALLENGE}, "invalid_request"),
    ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ({"code_challenge_method": "S256"}, "invalid_request"),
])
def test_the_clients_mistakes_are_told_to_the_client(ada, client, wrong, error):
    answer = ada.get(client.asked(**wrong))
    assert answer.status_code == 302
    said = query_of(answer)
    assert (said["error"], said["state"]) == (error, "st4te")
    assert "code" not in said


def test_another_user_is_refused(client, grace):
    answer = grace.get(client.asked())
    assert answer.status_code == 403
    assert "Location" not in answer.headers
    answer = grace.follow("/user/ada/whoami")
    assert answer.status_code == 403


def test_a_token_is_no_browser(hub, client):
    answer = requests.get(hub.origin + client.asked(), allow_redirects=False, timeout=10,
                          headers={"Authorization": f"token {client.secret}"})
    assert answer.status_code == 403


def test_answers_are_not_kept_or_told_on(ada, client):
    for answer in (ada.get(client.asked()), ada.get(client.asked(client_id="x"))):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")


# --- consent ---


@pytest.fixture(scope="module")
def admin(hub):
    return hub.browser("admin")


def test_an_admin_is_asked_before_a_users_server_is_opened(hub, client):
    admin = hub.browser("admin")
    page = hubs.Page(admin.follow("/user/ada/whoami"))
    assert page.answer.status_code == 200
    assert "/hub/api/oauth2/authorize" in page.answer.url
    assert "ada" in page.text
    answer = admin.post(page.action, allow_redirects=True,
                        data={"_xsrf": page.field("_xsrf"), "scopes": page.field("scopes")})
    assert answer.status_code == 200, answer.text
    model = answer.json()
    assert model["name"] == "admin"
    assert "access:servers!server=ada/" in model["scopes"]


@pytest.mark.parametrize("xsrf", [None, "", "x" * 43, "other"])
def test_consent_needs_the_token_of_its_own_session(hub, admin, client, xsrf):
    if xsrf == "other":
        xsrf = hub.browser("admin").xsrf
    data = {"scopes": ""} if xsrf is None else {"_xsrf": xsrf, "scopes": ""}
    answer = admin.post(client.asked(), data=data)
    assert answer.status_code == 403
    assert "Location" not in answer.headers


def test_an_anonymous_id_like_the_sessions_gives_no_token_for_it(hub, admin, client):
    thief = hub.browser()
    thief.cookies.set("jupyterhub-session-id", admin.cookies["jupyterhub-session-id"],
                      domain="127.0.0.1", path="/")
    stolen = thief.page("/hub/login").field("_xsrf")
    answer = admin.post(client.asked(), data={"_xsrf": stolen, "scopes": ""})
    assert answer.status_code == 403


def test_consent_can_be_refused(admin, client):
    page = admin.page(client.asked())
    assert 'href="/hub/home"' in page.text


# --- the token endpoint ---


def test_a_code_becomes_a_token(hub, ada, client):
    answer = client.claim(client.code(ada))
    assert answer.status_code == 200
    said = answer.json()
    assert said["token_type"] == "Bearer"
    assert said["expires_in"] == pytest.approx(14 * 86400, abs=120)
    assert set(said["scope"].split()) == {"access:servers!server=ada/", "read:users:name!user=ada",
                                          "read:users:groups!user=ada"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].startswith("application/json")
    model = hub.api("GET", "/user", token=said["access_token"]).json()
    assert model["name"] == "ada"
    assert hub.api("GET", "/users", token=said["access_token"]).status_code == 403
    assert hub.api("POST", "/users/ada/tokens", token=said["access_token"]).status_code in (403, 404)
    assert hub.api("DELETE", "/users/ada/server", token=said["access_token"]).status_code in (403, 404)


def test_a_client_may_use_basic_authentication(ada, client):
    auth = (client.id, client.secret)
    answer = client.claim(client.code(ada), auth=auth, client_id=None, client_secret=None)
    assert answer.status_code == 200
    answer = client.claim(client.code(ada), auth=(client.id, "x"), client_id=None, client_secret=None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_singleusers_own_authorization_field_does_no_harm(ada, client):
    headers = {"Authorization": f"token {client.secret}"}
    assert client.claim(client.code(ada), headers=headers).status_code == 200


@pytest.mark.parametrize("challenge, verifier, status", [
    (CHALLENGE, VERIFIER, 200),
    (CHALLENGE, VERIFIER[::-1], 400),
    (CHALLENGE, CHALLENGE, 400),
    (CHALLENGE, "", 400),
    (CHALLENGE, None, 400),
    (None, VERIFIER, 400),
    (None, None, 200),
])
def test_the_verifier_must_fit_the_challenge(ada, client, challenge, verifier, status):
    method = "S256" if challenge else None
    code = client.code(ada, code_challenge=challenge, code_challenge_method=method)
    answer = client.claim(code, code_verifier=verifier)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["error"] == "invalid_grant"


def test_a_code_used_twice_takes_its_token_back(hub, ada, client):
    code = client.code(ada)
    token = client.claim(code).json()["access_token"]
    assert hub.api("GET", "/user", token=token).status_code == 200
    answer = client.claim(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert hub.api("GET", "/user", token=token).status_code == 403
    assert code not in hub.log and token not in hub.log


@pytest.mark.parametrize("wrong, status, error", [
    ({"client_secret": "x"}, 401, "invalid_client"),
    ({"client_secret": ""}, 401, "invalid_client"),
    ({"client_secret": None}, 401, "invalid_client"),
    ({"client_id": "jupyterhub-user-nobody"}, 401, "invalid_client"),
    ({"client_id": None}, 401, "invalid_client"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({"grant_type": "client_credentials"}, 400, "unsupported_grant_type"),
    ({"grant_type": "refresh_token"}, 400, "unsupported_grant_type"),
    ({"grant_type": None}, 400, "invalid_request"),
    ({"code": None}, 400, "invalid_request"),
    ({"code": "x" * 43}, 400, "invalid_grant"),
    ({"redirect_uri": "/user/grace/oauth_callback"}, 400, "invalid_grant"),
    ({"redirect_uri": None}, 400, "invalid_grant"),
])
def test_wrong_claims_get_their_error(ada, client, wrong, status, error):
    answer = client.claim(**{"code": client.code(ada), **wrong})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_code_is_for_its_client_alone(hub, ada, client, grace):
    other = Client(hub, grace, "grace")
    answer = other.claim(client.code(ada), redirect_uri=client.callback)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    answer = other.claim(client.code(ada), client_id=client.id)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_body_that_is_no_form_is_refused(hub, client):
    for body in (b"\xff\xfe\x00", b"{}", b"client_id=%zz&client_secret=%", b"&" * 1000, b""):
        answer = requests.post(hub.direct_url + "api/oauth2/token", data=body, timeout=10)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert client.claim("\0").json()["error"] in ("invalid_grant", "invalid_request")


# --- ends ---


def test_log_out_ends_codes_and_tokens_of_that_browser_alone(hub):
    one = hub.browser("mary")
    one.start_server("mary")
    client = Client(hub, one, "mary")
    two = hub.browser("mary")
    gone, stays = (client.claim(client.code(b)).json()["access_token"] for b in (one, two))
    code = client.code(one)
    assert one.get("/hub/logout").status_code == 200
    assert client.claim(code).json()["error"] == "invalid_grant"
    assert hub.api("GET", "/user", token=gone).status_code == 403
    assert hub.api("GET", "/user", token=stays).status_code == 200
    assert one.get(client.asked()).headers["Location"].startswith("/hub/login")


def test_a_stopped_server_is_no_client_and_its_tokens_end(hub):
    browser = hub.browser("jean")
    browser.start_server("jean")
    client = Client(hub, browser, "jean")
    token = client.claim(client.code(browser)).json()["access_token"]
    hub.stop_server("jean")
    assert browser.get(client.asked()).status_code == 400
    assert client.claim("x").json()["error"] == "invalid_client"
    assert hub.api("GET", "/user", token=token).status_code == 403
    assert hub.api("GET", "/user", token=client.secret).status_code == 403


def test_access_survives_a_restart_of_the_hub(start_hub):
    hub = start_hub()
    browser = hub.browser("ada")
    browser.start_server("ada")
    client = Client(hub, browser, "ada")
    token = client.claim(client.code(browser)).json()["access_token"]
    hub.kill()
    hub.restart()
    assert hub.api("GET", "/user", token=token).json()["name"] == "ada"
    hub.wait_server("ada")
    assert client.claim(client.code(browser)).status_code == 200
    assert browser.follow("/user/ada/whoami").status_code == 200
