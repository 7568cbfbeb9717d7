"""Tokens by the API: shown once, bounded by who makes them and whose they are."""

import concurrent.futures
import datetime

import pytest

import hubs


def test_a_token_is_made_used_and_revoked(api):
    name = api.add("ada")
    made = api("POST", f"/users/{name}/tokens", status=201, json={"note": "for my script"})
    assert made["note"] == "for my script" and made["user"] == name and made["expires_at"] is None
    assert made["scopes"] == ["inherit"] and made["oauth_client"] == "JupyterHub"
    assert api("GET", "/user", token=made["token"])["name"] == name
    [listed] = api("GET", f"/users/{name}/tokens")["api_tokens"]
    assert "token" not in listed and listed["id"] == made["id"] and listed["last_activity"]
    assert made["token"] not in api("GET", f"/users/{name}/tokens/{made['id']}").values()
    api("DELETE", f"/users/{name}/tokens/{made['id']}", status=204)
    api("GET", "/user", token=made["token"], status=403)
    api("DELETE", f"/users/{name}/tokens/{made['id']}", status=404)
    assert api("GET", f"/users/{name}/tokens")["api_tokens"] == []


def test_a_token_revokes_itself(api):
    name = api.add("self")
    made = api("POST", f"/users/{name}/tokens", status=201)
    api("DELETE", f"/users/{name}/tokens/{made['id']}", status=204, token=made["token"])
    api("GET", "/user", token=made["token"], status=403)


def test_a_page_makes_one(hub, api):
    browser = hub.browser("paged")
    made = browser.api("POST", "/users/paged/tokens", json={"note": "mine"})
    assert made.status_code == 201 and made.json()["note"] == "mine"
    assert browser.api("POST", "/users/paged/tokens", xsrf=False, json={}).status_code == 403
    assert browser.api("POST", "/users/admin/tokens", json={}).status_code == 404
    assert browser.api("DELETE", f"/users/paged/tokens/{made.json()['id']}").status_code == 204


def test_tokens_outlive_the_hub(hub, api):
    name = api.add("lasting")
    token = api.token(name, note="kept")
    hub.kill()
    hub.restart()
    assert api("GET", "/user", token=token)["name"] == name
    assert [one["note"] for one in api("GET", f"/users/{name}/tokens")["api_tokens"]] == ["kept"]


def test_tokens_expire(api):
    name = api.add("brief")
    made = api("POST", f"/users/{name}/tokens", status=201, json={"expires_in": 1})
    left = datetime.datetime.fromisoformat(made["expires_at"]) - datetime.datetime.now(datetime.timezone.utc)
    assert left <= datetime.timedelta(seconds=1)
    hubs.wait_for(lambda: api.hub.api("GET", "/user", token=made["token"]).status_code == 403, "its end")
    assert api("GET", f"/users/{name}/tokens")["api_tokens"] == []


def test_a_longest_life(start_hub):
    hub = start_hub(token_expires_max_s=3600)
    hub.add_user("ada")
    assert hub.api("POST", "/users/ada/tokens", json={"expires_in": 3601}).status_code == 400
    for body in ({}, {"expires_in": None}, {"expires_in": 3600}):
        made = hub.api("POST", "/users/ada/tokens", json=body)
        assert made.status_code == 201 and made.json()["expires_at"]


def test_the_note_says_who_made_it(api):
    name = api.add("noted")
    assert api("POST", f"/users/{name}/tokens", status=201)["note"] == "Requested via api by service tests"
    token = api.token(name)
    assert api("POST", f"/users/{name}/tokens", status=201, token=token)["note"] == "Requested via api"


@pytest.mark.parametrize("body", [
    {"note": 7}, {"note": "x" * 1024}, {"expires_in": "1"}, {"expires_in": 0}, {"expires_in": -5},
    {"expires_in": 1.5}, {"expires_in": 10**12}, {"scopes": "self"}, {"scopes": [1]},
    {"scopes": ["no:such"]}, {"scopes": ["servers!planet=x"]}, {"scopes": ["servers!user="]},
    {"scopes": ["x" * 1000]}, {"scopes": ["self"] * 1000}, {"roles": ["emperor"]}, {"roles": {}}])
def test_bodies_that_make_none(api, body):
    name = api.add("tokenless")
    api("POST", f"/users/{name}/tokens", status=400, json=body)
    assert api("GET", f"/users/{name}/tokens")["api_tokens"] == []


@pytest.mark.parametrize("asked,may", [
    (["self"], True), (["inherit"], True), (["read:users!user=given"], True), (["servers!user"], True),
    (["access:servers!server=given/lab"], True), (["list:users!user=given"], True),
    (["read:users"], False), (["admin:users"], False), (["servers!user=admin"], False),
    (["access:servers!server=admin/"], False), (["servers!group=staff"], False),
    (["read:hub"], False), (["self", "proxy"], False)])
def test_users_give_no_more_than_they_have(api, asked, may):
    name = api.add("given")
    token = api.token(name)
    api("POST", f"/users/{name}/tokens", status=201 if may else 403, token=token, json={"scopes": asked})


def test_a_narrow_token_gives_no_wide_one(api):
    name = api.add("narrow")
    token = api.token(name, "tokens!user", "read:users:name!user")
    for body in ({}, {"scopes": ["self"]}, {"scopes": ["inherit"]}, {"scopes": ["servers!user"]},
                 {"roles": ["user"]}, {"roles": ["token"]}):
        api("POST", f"/users/{name}/tokens", status=403, token=token, json=body)
    api("POST", f"/users/{name}/tokens", status=201, token=token, json={"scopes": ["read:users:name!user"]})


def test_an_admins_narrow_token_gives_nobody_more(api):
    api.add("victim")
    token = api.scoped("tokens")
    api("POST", "/users/victim/tokens", status=403, token=token)
    api("POST", "/users/victim/tokens", status=403, token=token, json={"scopes": ["servers!user"]})
    api("POST", "/users/scoped-admin/tokens", status=403, token=token, json={"scopes": ["admin:users"]})
    api("POST", "/users/victim/tokens", status=201, token=token, json={"scopes": ["tokens!user"]})


def test_an_admin_gives_a_user_no_more_than_the_user_has(api):
    api.add("modest")
    api("POST", "/users/modest/tokens", status=403, json={"scopes": ["admin:users"]})
    api("POST", "/users/modest/tokens", status=403, json={"roles": ["admin"]})
    api("POST", "/users/modest/tokens", status=201, json={"scopes": ["servers!user=modest"]})


def test_a_former_admins_token_is_worth_what_they_are(api):
    api.add("former", admin=True)
    token = api.token("former", "admin:users", "self")
    api("GET", "/users/admin", token=token)
    api("PATCH", "/users/former", json={"admin": False})
    api("GET", "/users/admin", token=token, status=404)
    api("POST", "/users/new-friend", token=token, status=403)
    api("GET", "/users/former", token=token)


def test_roles(api):
    api.add("roles")
    assert api("POST", "/users/roles/tokens", status=201, json={"roles": ["token"]})["scopes"] == ["inherit"]
    scopes = api("POST", "/users/roles/tokens", status=201, json={"roles": ["server"]})["scopes"]
    assert "users:activity!user=roles" in scopes
    assert api("POST", "/users/admin/tokens", status=201, json={"roles": ["admin"]})["scopes"]


def test_tokens_of_others_are_out_of_reach(api):
    api.add("mine", "theirs")
    made = api("POST", "/users/theirs/tokens", status=201)
    token = api.token("mine")
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/" + made["id"]), ("DELETE", "/" + made["id"])):
        api(method, f"/users/theirs/tokens{path}", status=404, token=token)
    api("DELETE", f"/users/mine/tokens/{made['id']}", status=404, token=token)
    for id_ in ("a", "12", "b12", "a-1", "a99999999999999999999", "a1x"):
        api("GET", f"/users/mine/tokens/{id_}", status=404, token=token)


def test_a_thousand_are_enough(hub, api):
    name = api.add("hoarder")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        made = pool.map(lambda _: hub.api("POST", f"/users/{name}/tokens").status_code, range(1000))
        assert set(made) == {201}
    refused = api("POST", f"/users/{name}/tokens", status=400)
    assert "revoke" in refused["message"]
    assert len(api("GET", f"/users/{name}/tokens")["api_tokens"]) == 1000


def test_no_token_in_the_log(hub, api):
    name = api.add("discreet")
    token = api.token(name)
    api("GET", "/user", token=token)
    assert token not in hub.log and hub.token not in hub.log
