"""Users by the API: the list, one, adding, changing, deleting, their activity."""

import datetime
import threading
import urllib.parse

import pytest

import hubs
from document import PAGED


def names(users):
    return [user["name"] for user in users]


def stamp(seconds=0):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


# --- who am I ---

def test_a_service_knows_itself(api):
    me = api("GET", "/user")
    assert me["kind"] == "service" and me["name"] == "tests" and me["admin"]
    assert "admin:users" in me["scopes"]


def test_a_token_knows_its_owner_and_itself(api):
    name = api.add("self-1")
    made = api("POST", f"/users/{name}/tokens", status=201, json={"scopes": ["access:servers!user"]})
    me = api("GET", "/user", token=made["token"])
    assert me == {"kind": "user", "name": name, "admin": False, "groups": [], "token_id": made["id"],
                  "session_id": None, "scopes": [f"access:servers!user={name}"]}


def test_all_that_a_user_has_is_shown_to_them(api):
    name = api.add("self-2")
    me = api("GET", "/user", token=api.token(name))
    assert me["servers"] == {} and me["pending"] is None and me["created"].endswith("Z")
    assert f"servers!user={name}" in me["scopes"]


def test_a_browser_is_known_by_its_session(hub):
    browser = hub.browser("self-3")
    me = browser.api("GET", "/user")
    assert me.status_code == 200 and me.json()["name"] == "self-3" and me.json()["token_id"] is None


def test_bearer_is_as_good_as_token(hub, api):
    token = api.token(api.add("self-4"))
    answer = hub.api("GET", "/user", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["name"] == "self-4"


# --- the list ---

@pytest.fixture(scope="module")
def crowd(hub):
    """245 users of a hub that had two more."""
    people = [f"crowd-{i:03}" for i in range(245)]
    assert hub.api("POST", "/users", json={"usernames": people}).status_code == 201
    return people


def test_a_page_has_fifty_and_leads_to_the_next(hub, api, crowd):
    seen, url = [], "/users"
    while url:
        page = api("GET", url, headers=PAGED)
        seen += names(page["items"])
        assert len(page["items"]) <= 50
        following = page["_pagination"]["next"]
        url = following and following["url"].removeprefix(hub.hub_url + "api")
    assert len(seen) == len(set(seen)) == page["_pagination"]["total"]
    assert set(crowd) < set(seen)


def test_the_next_page_keeps_the_query(hub, api, crowd):
    page = api("GET", "/users?name_filter=crowd-&sort=-name&limit=7&offset=3", headers=PAGED)
    assert names(page["items"]) == sorted(crowd)[::-1][3:10]
    assert page["_pagination"] | {"next": None} == {"offset": 3, "limit": 7, "total": 245, "next": None}
    url = page["_pagination"]["next"]["url"]
    assert url.startswith(hub.hub_url)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    assert query == {"name_filter": ["crowd-"], "sort": ["-name"], "limit": ["7"], "offset": ["10"]}


def test_the_bare_list_has_two_hundred_at_most(api, crowd):
    assert len(api("GET", "/users")) == 200
    assert len(api("GET", "/users?limit=1000000")) == 200
    assert len(api("GET", "/users?limit=0")) == 1
    assert len(api("GET", "/users?limit=3&offset=1")) == 3
    assert api("GET", "/users?offset=100000") == []


def test_orders(api, crowd):
    some = crowd[:5]
    for i, name in enumerate(reversed(some)):
        api("POST", f"/users/{name}/activity", json={"last_activity": stamp(i - 1000)})
    query = "/users?name_filter=CROWD-00&limit=5"
    assert names(api("GET", query)) == some
    assert names(api("GET", query + "&sort=id")) == some
    assert names(api("GET", query + "&sort=-id"))[0] == "crowd-009"
    assert names(api("GET", query + "&sort=-last_activity")) == some
    last = api("GET", "/users?name_filter=crowd-00&sort=last_activity")
    assert names(last)[-5:] == some[::-1] and last[0]["last_activity"] is None
    total = api("GET", "/users", headers=PAGED)["_pagination"]["total"]
    assert names(api("GET", "/users?sort=-id")) == names(api("GET", f"/users?offset={total - 200}"))[::-1]


def test_states(hub, api, crowd):
    api("POST", "/users/crowd-100/server", status=201)
    assert names(api("GET", "/users?state=ready")) == ["crowd-100"]
    assert names(api("GET", "/users?state=active")) == ["crowd-100"]
    assert "crowd-100" not in names(api("GET", "/users?state=inactive&name_filter=crowd-1"))
    one = api("GET", "/users?state=ready")[0]
    assert one["servers"][""]["ready"] and one["server"] == "/user/crowd-100/"
    hub.stop_server("crowd-100")
    assert api("GET", "/users?state=ready") == []
    stopped = api("GET", "/users?name_filter=crowd-100&include_stopped_servers=true")[0]
    assert stopped["servers"][""]["stopped"]


@pytest.mark.parametrize("query", ["state=asleep", "sort=age", "sort=--id", "limit=x", "offset=1.5"])
def test_what_a_query_cannot_say(api, query):
    api("GET", f"/users?{query}", status=400)


def test_a_filtered_scope_lists_those_it_lets_through(api):
    api.add("filter-1", "filter-2", "filter-3")
    api("POST", "/groups/filtered", status=201, json={"users": ["filter-2", "filter-3"]})
    token = api.scoped("list:users!group=filtered", "list:users!user=filter-1")
    page = api("GET", "/users?limit=2", token=token, headers=PAGED)
    assert names(page["items"]) == ["filter-1", "filter-2"] and page["_pagination"]["total"] == 3


def test_users_list_themselves_alone(api):
    name = api.add("alone")
    assert names(api("GET", "/users", token=api.token(name))) == [name]


# --- one ---

def test_names_that_need_escapes(api):
    for name in ("has space", "has@at.example", "percent~tilde", "秀樹", "a+b"):
        path = "/users/" + urllib.parse.quote(name, safe="")
        assert api("POST", path, status=201)["name"] == name
        assert api("GET", path)["name"] == name
        api("DELETE", path, status=204)
        api("GET", path, status=404)


def test_names_are_kept_in_small_letters(api):
    assert api("POST", "/users/MiXed", status=201)["name"] == "mixed"
    api("POST", "/users/mixed", status=409)


@pytest.mark.parametrize("name", ["..", ".", "-x", "a%2Fb", "a%00b", "a%0Ab", "%3Cb%3E", "a" * 256, "%20a"])
def test_names_that_are_not_taken(hub, api, name):
    answer = hub.api("POST", "/users/" + name)
    assert answer.status_code in (400, 404, 405), answer.text
    api("POST", "/users", status=400, json={"usernames": ["fine", urllib.parse.unquote(name)]})
    api("GET", "/users/fine", status=404)


def test_adding_many_passes_over_those_there_are(api):
    api.add("many-1")
    made = api("POST", "/users", status=201, json={"usernames": ["many-1", "many-2", "many-3", "many-2"]})
    assert names(made) == ["many-2", "many-3"] and not any(user["admin"] for user in made)
    api("POST", "/users", status=409, json={"usernames": ["many-1", "many-2"]})


@pytest.mark.parametrize("body", [{}, {"usernames": []}, {"usernames": "x"}, {"usernames": [1]},
                                  {"usernames": ["x"], "admin": "yes"}, {"usernames": ["x"], "groups": []},
                                  {"usernames": ["x" + str(i) for i in range(10001)]}, None])
def test_bodies_that_add_nobody(api, body):
    api("POST", "/users", status=400, json=body)


def test_only_admins_make_admins(api):
    api.add("chief", admin=True)
    assert api("GET", "/users/chief")["admin"]
    token = api.token("chief", "admin:users")
    assert api("POST", "/users/chief-2", status=201, json={"admin": True}, token=token)["admin"]
    assert not api("PATCH", "/users/chief-2", json={"admin": False}, token=token)["admin"]
    assert not api("GET", "/users/chief-2")["admin"]


def test_a_plain_user_adds_nobody(api):
    token = api.token(api.add("plain"))
    api("POST", "/users/plain-2", status=403, token=token)
    api("PATCH", "/users/plain", status=403, token=token, json={"admin": True})
    api("DELETE", "/users/plain", status=403, token=token)


def test_users_keep_their_names(api):
    api.add("stays")
    assert api("PATCH", "/users/stays", json={"name": "stays"})["name"] == "stays"
    api("PATCH", "/users/stays", status=400, json={"name": "goes"})
    api("PATCH", "/users/stays", status=400, json={"colour": "red"})
    api("PATCH", "/users/stays", status=400, json={"admin": 1})


def test_deleting_stops_the_servers_first(hub, api):
    api.add("leaver")
    token = api.token("leaver")
    hub.start_server("leaver")
    hub.start_server("leaver", "second")
    api("DELETE", "/users/leaver", status=204)
    api("GET", "/users/leaver", status=404)
    api("GET", "/user", status=403, token=token)
    routes = api("GET", "/proxy")
    assert not any(route.startswith("/user/leaver/") for route in routes)
    assert api("POST", "/users/leaver", status=201)["servers"] == {}


def test_deleting_while_it_starts(hub, api):
    api.add("slow-leaver")
    starter = threading.Thread(target=hub.api, args=("POST", "/users/slow-leaver/server"))
    starter.start()
    hubs.wait_for(lambda: (hub.server("slow-leaver") or {}).get("pending") == "spawn", "a start")
    api("DELETE", "/users/slow-leaver", status=204)
    starter.join(hubs.PATIENCE)
    api("GET", "/users/slow-leaver", status=404)


def test_nobody_deletes_themselves(api):
    name = api.add("lemming", admin=True)
    api("DELETE", f"/users/{name}", status=400, token=api.token(name))


# --- activity ---

def test_activity_moves_forward_only(hub, api):
    api.add("active")
    hub.start_server("active")
    later, earlier = stamp(1800), stamp(-7200)
    api("POST", "/users/active/activity", json={"last_activity": later})
    first = api("GET", "/users/active")["last_activity"]
    api("POST", "/users/active/activity", json={"last_activity": earlier})
    assert api("GET", "/users/active")["last_activity"] == first
    assert first[:19] == later[:19]


def test_activity_of_servers(hub, api):
    api.add("active-2")
    hub.start_server("active-2")
    at = stamp(0)
    api("POST", "/users/active-2/activity", json={"servers": {"": {"last_activity": at}}})
    assert api("GET", "/users/active-2")["servers"][""]["last_activity"][:19] == at[:19]


def test_a_server_tells_its_own_activity(api):
    name = api.add("active-3")
    token = api.token(name, "users:activity!user")
    api("POST", f"/users/{name}/activity", token=token, json={"last_activity": "2026-01-02T03:04:05.678901Z"})
    assert api("GET", f"/users/{name}")["last_activity"] == "2026-01-02T03:04:05.678Z"
    api("POST", "/users/admin/activity", token=token, status=404, json={"last_activity": stamp()})


@pytest.mark.parametrize("text,shown", [
    ("2026-02-03T04:05:06+02:00", "2026-02-03T02:05:06.000Z"),
    ("2026-02-03T04:05:07", "2026-02-03T04:05:07.000Z"),
    ("2026-02-03T04:05:08.5Z", "2026-02-03T04:05:08.500Z")])
def test_forms_of_times(api, text, shown):
    name = api.add("times-" + shown[18])
    api("POST", f"/users/{name}/activity", json={"last_activity": text})
    assert api("GET", f"/users/{name}")["last_activity"] == shown


@pytest.mark.parametrize("body", [
    None, {}, {"servers": {}}, {"servers": []}, {"servers": {"": 7}}, {"servers": {"": {}}},
    {"servers": {"nothere": {"last_activity": "2026-01-01T00:00:00Z"}}},
    {"servers": {"": {"last_activity": "yesterday"}}}, {"last_activity": "yesterday"},
    {"last_activity": 1700000000}, {"last_activity": stamp(3600)}, {"last_activity": "x" * 1000},
    {"last_activity": "2026-01-01T00:00:00Z", "servers": {"": {"last_activity": stamp(7200)}}}])
def test_activity_that_is_refused_counts_for_nothing(api, body):
    name = api.add("refused")
    api("POST", f"/users/{name}/activity", status=400, json=body)
    assert api("GET", f"/users/{name}")["last_activity"] is None
