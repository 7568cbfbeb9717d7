"""What users choose of pods, by the form and by the API: an API server is not needed for it, and this
one is away. What becomes of it: tests/cluster."""

import json

import pytest

import hubs

PROFILES = [
    {"display_name": "CPU", "slug": "cpu"},
    {
        "display_name": "GPU, large",
        "kubespawner_override": {"mem_limit": "8G"},
        "profile_options": {
            "image": {
                "choices": {"torch": {"kubespawner_override": {"image": "torch:1"}},
                            "jax": {"kubespawner_override": {"image": "jax:1"}}},
                "unlisted_choice": {"enabled": True, "validation_regex": r"our/[\w-]+:\d+",
                                    "validation_message": "An image of ours",
                                    "kubespawner_override": {"image": "{value}"}},
            },
            "size": {"choices": {"small": {}, "large": {}}},
        },
        "allow_groups": ["staff"],
    },
]


@pytest.fixture(scope="module")
def hub():
    nobody = hubs.Ports(1)
    made = hubs.Hub(spawner="kubernetes", singleuser={"profileList": PROFILES}, servers_per_user_max=3)
    for key in ("homes_dir", "switch_user", "server_command"):  # of processes
        del made.settings[key]
    made.settings["hub_connect_url"] = f"http://127.0.0.1:{made.hub_port}"
    made.settings["kubeconfig"] = made.secret_file("kubeconfig", json.dumps({
        "current-context": "away",
        "contexts": [{"name": "away", "context": {"cluster": "away", "user": "hub"}}],
        "clusters": [{"name": "away", "cluster": {"server": f"http://127.0.0.1:{nobody.numbers[0]}"}}],
        "users": [{"name": "hub", "user": {"token": "secret-token"}}],
    }))
    try:
        yield made.start().wait_ready()
    finally:
        made.close()
        nobody.close()


def join_staff(hub, name):
    hub.add_user(name)
    hub.api("POST", "/groups/staff")
    assert hub.api("POST", "/groups/staff/users", json={"users": [name]}).status_code == 200


def ask(hub, name, options, server=""):
    path = f"/users/{name}/" + (f"servers/{server}" if server else "server")
    return hub.api("POST", path, json=options)


def form(browser, fields):
    page = browser.page("/hub/spawn")
    return browser.post("/hub/spawn", data={"_xsrf": page.field("_xsrf"), **fields})


def end(hub, name):
    hub.api("DELETE", f"/users/{name}/server")
    hubs.wait_for(lambda: hub.server(name)["stopped"], "the end")


def test_the_hub_starts_and_serves_without_an_api_server(hub):
    trouble = hub.api("GET", "/info").json()["trouble"]
    assert trouble["message"] and trouble["since"].endswith("Z")
    metrics = hub.api("GET", "/../metrics").text
    assert "\nhubgate_hub_spawner_up 0\n" in metrics
    assert "secret-token" not in hub.log


def test_the_form_and_the_api_keep_the_same_options(hub):
    join_staff(hub, "ada")
    browser = hub.browser("ada")
    answer = form(browser, {"profile": "gpu-large", "profile-option-gpu-large--image": "jax",
                            "profile-option-gpu-large--size": "large",
                            "profile-option-cpu--image": "torch"})
    assert answer.status_code == 302 and "/spawn-pending/ada" in answer.headers["Location"]
    chosen = {"profile": "gpu-large", "image": "jax", "size": "large"}
    assert hub.server("ada")["user_options"] == chosen
    assert hub.server("ada")["profile"] == "gpu-large"
    end(hub, "ada")
    page = browser.page("/hub/spawn")
    assert json.loads(page.attribute("data-chosen")) == chosen
    end_form = form(browser, {"profile": "gpu-large", "profile-option-gpu-large--image--unlisted-choice": "our/a:1"})
    assert end_form.status_code == 302
    assert hub.server("ada")["user_options"] == {"profile": "gpu-large", "image--unlisted-choice": "our/a:1"}
    end(hub, "ada")


def test_overrides_are_not_shown_to_browsers(hub):
    join_staff(hub, "eve")
    page = hub.browser("eve").page("/hub/spawn")
    profiles = json.loads(page.attribute("data-profiles"))
    assert [one["slug"] for one in profiles] == ["cpu", "gpu-large"]
    assert profiles[1]["memory_limit"] == 8 << 30
    assert [choice["id"] for choice in profiles[1]["options"][0]["choices"]] == ["torch", "jax"]
    assert "override" not in page.attribute("data-profiles")


@pytest.mark.parametrize("options, why", [
    ({"profile": "gpu-large", "image": "tensorflow"}, "image: tensorflow is not offered"),
    ({"profile": "gpu-large", "image": {"a": 1}}, "image: a text was expected"),
    ({"profile": "gpu-large", "image--unlisted-choice": "their/a:1"}, "image: An image of ours"),
    ({"profile": "gpu-large", "image--unlisted-choice": "our/a:1 --privileged"}, "image: An image of ours"),
    ({"profile": "gpu-large", "image--unlisted-choice": "our/" + "a" * 600 + ":1"}, "image: An image of ours"),
    ({"profile": "gpu-large", "size--unlisted-choice": "9"}, "size: only what is in the list"),
    ({"profile": "gpu-large", "sise": "large"}, "sise: GPU, large has no such option"),
    ({"profile": "cpu", "image": "torch"}, "image: CPU has no such option"),
    ({"profile": "tpu"}, "there is no profile tpu"),
])
def test_what_is_not_offered_is_refused(hub, options, why):
    join_staff(hub, "bob")
    answer = ask(hub, "bob", options)
    assert answer.status_code == 400 and why in answer.json()["message"], answer.text
    assert not (hub.server("bob") or {}).get("pending")


def test_profiles_of_a_group_are_for_its_members(hub):
    hub.add_user("guest")
    page = hub.browser("guest").page("/hub/spawn")
    assert [one["slug"] for one in json.loads(page.attribute("data-profiles"))] == ["cpu"]
    assert ask(hub, "guest", {"profile": "gpu-large"}).status_code == 400


def test_the_form_comes_again_with_what_is_wrong(hub):
    join_staff(hub, "cat")
    answer = form(hub.browser("cat"), {"profile": "gpu-large", "profile-option-gpu-large--image": "x"})
    page = hubs.Page(answer)
    assert answer.status_code == 400 and "image: x is not offered; choose another" in page.text
    assert json.loads(page.attribute("data-chosen")) == {"profile": "gpu-large", "image": "x"}


def test_a_link_chooses_and_what_else_it_brings_is_left_out(hub):
    join_staff(hub, "dan")
    browser = hub.browser("dan")
    answer = browser.get("/hub/spawn?utm_source=mail")
    assert answer.status_code == 200 and "data-profiles" in answer.text
    answer = browser.get("/hub/spawn?utm_source=mail&profile=gpu-large&profile-option-gpu-large--size=large")
    assert answer.status_code == 302
    assert hub.server("dan")["user_options"] == {"profile": "gpu-large", "size": "large"}
    end(hub, "dan")
