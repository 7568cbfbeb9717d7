"""Groups by the API."""

import pytest

from document import PAGED


def members(api, group):
    return sorted(api("GET", f"/groups/{group}")["users"])


def test_a_group_comes_and_goes(api):
    api.add("g-ada", "g-bob")
    assert api("POST", "/groups/course", status=201, json={"users": ["g-ada"]})["users"] == ["g-ada"]
    api("POST", "/groups/course", status=409)
    assert api("GET", "/users/g-ada")["groups"] == ["course"]
    assert sorted(api("POST", "/groups/course/users", json={"users": ["g-bob", "g-ada"]})["users"]) == \
        ["g-ada", "g-bob"]
    assert api("DELETE", "/groups/course/users", json={"users": ["g-ada"]})["users"] == ["g-bob"]
    assert api("DELETE", "/groups/course/users", json={"users": ["g-ada"]})["users"] == ["g-bob"]
    api("DELETE", "/groups/course", status=204)
    api("GET", "/groups/course", status=404)
    assert api("GET", "/users/g-bob")["groups"] == []


def test_groups_outlive_the_hub(hub, api):
    api.add("g-kept")
    api("POST", "/groups/kept", status=201, json={"users": ["g-kept"]})
    api("PUT", "/groups/kept/properties", json={"room": [1, "x"]})
    hub.kill()
    hub.restart()
    group = api("GET", "/groups/kept")
    assert group["users"] == ["g-kept"] and group["properties"] == {"room": [1, "x"]}


def test_many_at_once(api):
    api.add("g-many")
    made = api("POST", "/groups", status=201, json={"groups": ["m1", "m2"], "users": ["g-many"]})
    assert [group["name"] for group in made] == ["m1", "m2"] and members(api, "m2") == ["g-many"]
    api("POST", "/groups", status=409, json={"groups": ["m3", "m1"]})
    api("GET", "/groups/m3", status=404)


@pytest.mark.parametrize("body", [None, {}, {"groups": []}, {"groups": [7]}, {"groups": ["x"], "users": "ada"},
                                  {"groups": ["x"], "users": ["nobody"]}, {"groups": ["a/b"]},
                                  {"groups": ["x"], "colour": 1}, {"groups": ["x%d" % i for i in range(1001)]}])
def test_bodies_that_make_none(api, body):
    api("POST", "/groups", status=400, json=body)
    api("GET", "/groups/x", status=404)


@pytest.mark.parametrize("body", [None, {}, {"users": "ada"}, {"users": ["nobody"]}, {"users": [7]}])
def test_members_that_are_none(api, body):
    api("POST", "/groups/odd", status=201)
    api("POST", "/groups/odd/users", status=400, json=body)
    assert members(api, "odd") == []
    api("DELETE", "/groups/odd", status=204)


def test_properties(api):
    api("POST", "/groups/props", status=201)
    assert api("GET", "/groups/props")["properties"] == {}
    assert api("PUT", "/groups/props/properties", json={"a": {"b": 1}})["properties"] == {"a": {"b": 1}}
    for body in (None, [], "x", {"a": "x" * 17000}):
        api("PUT", "/groups/props/properties", status=400, json=body)
    assert api("GET", "/groups/props")["properties"] == {"a": {"b": 1}}


def test_pages(api):
    api("POST", "/groups", status=201, json={"groups": [f"page-{i}" for i in range(60)]})
    page = api("GET", "/groups", headers=PAGED)
    assert len(page["items"]) == 50 and page["_pagination"]["total"] >= 60
    rest = api("GET", "/groups?offset=50", headers=PAGED)
    assert len(rest["items"]) == page["_pagination"]["total"] - 50 and rest["_pagination"]["next"] is None
    assert len(api("GET", "/groups?limit=3")) == 3


def test_scopes_of_one_group(api):
    api.add("g-scope")
    api("POST", "/groups", status=201, json={"groups": ["s1", "s2"]})
    token = api.scoped("groups!group=s1")
    assert [group["name"] for group in api("GET", "/groups", token=token)] == ["s1"]
    api("POST", "/groups/s1/users", token=token, json={"users": ["g-scope"]})
    api("POST", "/groups/s2/users", token=token, status=404, json={"users": ["g-scope"]})
    api("DELETE", "/groups/s1", token=token, status=403)
    assert api("GET", "/groups", token=api.scoped("list:groups"))[0].keys() == {"kind", "name"}
    reader = api.scoped("read:users!group=s1")
    assert api("GET", "/users/g-scope", token=reader)["name"] == "g-scope"
    api("GET", "/users/admin", token=reader, status=404)


def test_a_deleted_user_is_in_no_group(api):
    api.add("g-gone")
    api("POST", "/groups/left", status=201, json={"users": ["g-gone"]})
    api("DELETE", "/users/g-gone", status=204)
    assert members(api, "left") == []
