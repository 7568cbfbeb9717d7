"""Every verb against a real hub."""

import json
import re
import subprocess
import time

import pytest
import yaml

import hubs
from conftest import HUBCTL


def column(ran, title):
    """The cells of one column of a table."""
    titles, *rows = [re.split(r" {3,}", line) for line in ran.lines]
    return [row[titles.index(title)] for row in rows]


@pytest.fixture
def user(ctl, names):
    """user("ada"): a user of this test's own, deleted after it."""
    made = []

    def user(start="user", *flags):
        made.append(names(start))
        ctl("add", made[-1], *flags)
        return made[-1]

    yield user
    if made:
        ctl("delete", "-y", *made, status=None)


# ---- users ----

def test_add_get_delete(ctl, hub, names):
    ada, grace = names("ada"), names("grace")
    assert ctl("add", ada, grace).lines == [f"user {ada} added", f"user {grace} added"]
    listed = ctl("get", "users")
    assert {ada, grace} <= set(column(listed, "NAME"))
    assert ctl("delete", "-y", ada, grace).lines == [f"user {ada} deleted", f"user {grace} deleted"]
    assert not {ada, grace} & {user["name"] for user in hub.call("/users")}


def test_add_makes_admins(ctl, hub, user):
    assert hub.call(f"/users/{user('linus', '--admin')}")["admin"] is True


def test_adding_who_is_there_is_said_and_fails(ctl, user, names):
    there, new = user(), names()
    ran = ctl("add", there, new, status=1)
    assert ran.out == f"user {new} added\n"
    assert ran.error == f"hubctl: user {there} was there already"
    ran = ctl("add", there, status=1)
    assert ran.error == f"hubctl: user {there} was there already"
    ctl("delete", "-y", new)


def test_a_user_by_name_is_one_object_and_two_are_a_list(ctl, user):
    one, other = user(), user()
    assert json.loads(ctl("get", "users", one, "-o", "json").out)["name"] == one
    both = json.loads(ctl("get", "users", one, other, "-o", "json").out)
    assert [each["name"] for each in both] == [one, other]


def test_an_unknown_user_does_not_hide_the_known(ctl, user):
    ada = user()
    ran = ctl("get", "users", "nobody", ada, status=1)
    assert column(ran, "NAME") == [ada]
    assert ran.error == "hubctl: there is no user nobody (hubctl get users lists them)"


@pytest.mark.parametrize("words", [
    ["get", "users", "nobody"], ["get", "servers", "nobody"], ["get", "tokens", "nobody"],
    ["describe", "user", "nobody"], ["describe", "server", "nobody"], ["logs", "nobody"],
    ["start", "nobody"], ["stop", "nobody"], ["delete", "-y", "nobody"],
    ["token", "nobody", "--revoke", "a1"], ["get", "groups", "nobody"],
], ids=" ".join)
def test_who_is_unknown_is_said(ctl, words):
    ran = ctl(*words, status=1)
    assert ran.out == ""
    assert "nobody" in ran.error


@pytest.mark.parametrize("name", ["big name", "秀樹", "a&b=c?d#e", "50%", "has@sp.example", "~x+y"])
def test_names_of_any_kind(ctl, hub, name, names):
    """They are escaped in paths, for each verb that has one."""
    if set(name) & set("&%") and not hub.takes_odd_names:
        pytest.skip("this hub takes no such names")
    name = names(name)
    ctl("add", name)
    assert ctl("get", "users", "-o", "name", "--filter", name).lines == [name]
    assert json.loads(ctl("get", "users", name, "-o", "json").out)["name"] == name
    server = f"{name}/{name}"
    assert ctl("start", server, "--wait").out.startswith(f"{server} is ready at /user/")
    assert ctl("get", "servers", name, "-o", "name").lines == [server]
    assert ctl("stop", server).lines == [f"{server} has stopped"]
    assert ctl("delete", "-y", server).lines == [f"server {server} deleted"]
    ctl("delete", "-y", name)
    assert all(user["name"] != name for user in hub.call("/users"))


def test_a_name_that_would_command_the_terminal(ctl, hub, user):
    if not hub.takes_odd_names:
        ran = ctl("add", "evil\x1b[2J", status=1)
        assert "\x1b" not in ran.error
        return
    name = user("evil\x1b[2m\x07\u202e\u009b")
    shown = name.replace("\x1b", "\\x1b").replace("\x07", "\\x07")
    shown = shown.replace("\u202e", "\\u202e").replace("\u009b", "\\x9b")
    for words in (["get", "users"], ["get", "users", "-o", "name"], ["get", "users", "-o", "wide"],
                  ["describe", "user", name], ["start", name, "-w"], ["get", "servers"],
                  ["get", "servers", "-o", "name"], ["stop", name]):
        ran = ctl(*words)
        assert shown in ran.out, words
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ran.out + ran.err), words
    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        ran = ctl("get", "users", name, "-o", form)
        assert read(ran.out)["name"] == name
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ran.out)


# ---- forms ----

@pytest.mark.parametrize("what", [["get", "users"], ["get", "servers", "--state", "all"],
                                  ["get", "routes"], ["get", "tokens", "--all"], ["get", "groups"],
                                  ["whoami"], ["version"]], ids=" ".join)
def test_json_and_yaml_say_the_same(ctl, user, what):
    ctl("start", user(), "-w")
    as_json = json.loads(ctl(*what, "-o", "json").out)
    as_yaml = yaml.safe_load(ctl(*what, "-o", "yaml").out)

    def still(value):
        """Without the times at which they were asked."""
        if isinstance(value, dict):
            return {k: still(v) for k, v in value.items() if k not in ("last_activity", "usage")}
        return [still(item) for item in value] if isinstance(value, list) else value

    assert still(as_json) == still(as_yaml)
    assert as_json


def test_wide_has_more_columns(ctl, user):
    ada = user()
    narrow, wide = (ctl("get", "users", ada, *more).lines[0] for more in ([], ["-o", "wide"]))
    assert wide.startswith(narrow) and "GROUPS" in wide.removeprefix(narrow)


def test_sort_by_a_column_and_backwards(ctl, user):
    mine = [user("sorted") for _ in range(3)]
    up = ctl("get", "users", *reversed(mine), "--sort", "name", "-o", "name").lines
    down = ctl("get", "users", *mine, "--sort=-name", "-o", "name").lines
    assert up == mine and down == mine[::-1]
    ran = ctl("get", "users", "--sort", "size", status=2)
    assert "name, admin, servers, active, age" in ran.error


def test_filter_is_by_part_of_the_name_in_any_case(ctl, user):
    ada = user("filtered-name")
    user("other")
    assert ctl("get", "users", "--filter", "ERED-NA", "-o", "name").lines == [ada]
    # an underscore is one, not any letter
    assert ctl("get", "users", "--filter", "filtered_name", "-o", "name").out == ""


# ---- servers ----

def test_start_and_stop(ctl, hub, user):
    ada = user()
    assert ctl("start", ada, "--wait").lines[-1].startswith(f"{ada} is ready")
    assert hub.call(f"/users/{ada}")["servers"][""]["ready"] is True
    assert ctl("start", ada).lines == [f"{ada} is running already"]
    listed = ctl("get", "servers", ada)
    assert column(listed, "STATE") == ["ready"]
    assert ctl("stop", ada).lines == [f"{ada} has stopped"]
    assert ctl("stop", ada).lines == [f"{ada} is not running"]
    assert not [s for s in hub.call(f"/users/{ada}")["servers"].values() if not s["stopped"]]


def test_start_shows_the_progress(ctl, user):
    ada = user()
    ran = ctl("start", ada, "--profile", "slow", "--wait")
    assert ran.lines == [f"{ada} is ready at /user/{ada}/"]
    said = re.findall(rf"(?m)^{ada}: +(\d+)% (.+)$", ran.err)
    assert len(said) >= 2 and all(words for _, words in said)
    assert sorted(int(percent) for percent, _ in said) == [int(percent) for percent, _ in said]


def test_start_without_wait_returns_and_a_later_one_looks_on(ctl, user):
    ada = user()
    ran = ctl("start", ada, "--profile", "slow")
    assert ran.lines[0].startswith(f"{ada} is starting")
    listed = ctl("get", "servers", "--state", "pending", "--filter", ada)
    assert column(listed, "STATE") == ["starting"]
    assert ctl("start", ada, "-w").lines[-1].startswith(f"{ada} is ready")


def test_a_server_that_fails_says_why(ctl, user):
    ada = user()
    ran = ctl("start", ada, "--profile", "broken", "-w", status=1)
    assert ran.out == ""
    assert re.match(rf"hubctl: {ada} did not start: \S.* \(hubctl logs {ada}\)$",
                    ran.err.splitlines()[-1])
    assert ctl("get", "servers", ada).out == ""


def test_stop_waits_for_one_that_takes_its_time(ctl, user):
    ada = user()
    ctl("start", ada, "--profile", "stubborn", "-w")
    began = time.monotonic()
    ran = ctl("stop", ada)
    assert ran.lines == [f"{ada} has stopped"]
    assert time.monotonic() - began > 1.5
    assert column(ctl("get", "servers", ada, "--state", "all"), "STATE") == ["stopped"]


def test_stop_does_not_wait_when_told_so(ctl, user):
    ada = user()
    ctl("start", ada, "--profile", "stubborn", "-w")
    # a hub that answers when it is gone leaves nothing to wait for
    assert ctl("stop", ada, "--no-wait").lines[0] in (f"{ada} is stopping", f"{ada} has stopped")
    assert ctl("stop", ada).lines[0] in (f"{ada} has stopped", f"{ada} is not running")


def test_several_at_once_and_one_is_unknown(ctl, user):
    one, other = user(), user()
    ran = ctl("start", one, "nobody", other, "-w", status=1)
    assert [line.split()[0] for line in ran.lines] == [one, other]
    ran = ctl("stop", one, "nobody", other, status=1)
    assert ran.lines == [f"{one} has stopped", f"{other} has stopped"]
    assert "nobody" in ran.error


def test_named_servers(ctl, hub, user):
    ada = user()
    ctl("start", f"{ada}/gpu", ada, "-w")
    assert ctl("get", "servers", ada, "-o", "name").lines == [ada, f"{ada}/gpu"]
    assert ctl("get", "servers", f"{ada}/gpu", "-o", "name").lines == [f"{ada}/gpu"]
    assert json.loads(ctl("get", "servers", f"{ada}/gpu", "-o", "json").out)["name"] == "gpu"
    assert len(json.loads(ctl("get", "servers", ada, "-o", "json").out)) == 2
    assert ctl("stop", f"{ada}/gpu").lines == [f"{ada}/gpu has stopped"]
    assert ctl("get", "servers", ada, "-o", "name").lines == [ada]
    assert f"{ada}/gpu" in ctl("get", "servers", "--state", "inactive", "-o", "name").lines
    ran = ctl("stop", f"{ada}/none", status=1)
    assert f"there is no server {ada}/none" in ran.error
    assert ctl("delete", "-y", f"{ada}/gpu").lines == [f"server {ada}/gpu deleted"]
    assert f"{ada}/gpu" not in ctl("get", "servers", "--state", "all", "-o", "name").lines
    # the user is still there, and a slash too many never means the user
    ctl("delete", "-y", f"{ada}/", status=1)
    assert hub.call(f"/users/{ada}")["name"] == ada


def test_the_real_singleuser(ctl, hub, user):
    ada = user()
    ran = ctl("start", ada, "--profile", "jupyter", "-w")
    assert ran.lines[-1] == f"{ada} is ready at /user/{ada}/"
    assert ctl("stop", ada).lines == [f"{ada} has stopped"]


def test_describe(ctl, hub, user):
    ada = user("described")
    ctl("start", f"{ada}/gpu", "--profile", "quick", "-w")
    said = ctl("describe", "user", ada).out
    assert re.search(rf"(?m)^Name: +{ada}$", said) and re.search(rf"(?m)^ +{ada}/gpu +ready ", said)
    said = ctl("describe", "server", f"{ada}/gpu").out
    for line in (rf"User: +{ada}", r"Server: +gpu", r"State: +ready", r"  profile: quick",
                 r"Started: +20\d\d-\S+Z \(\d+s ago\)", rf"URL: +\S*/user/{ada}/gpu/"):
        assert re.search(f"(?m)^{line}$", said), line
    assert json.loads(ctl("describe", "server", f"{ada}/gpu", "-o", "json").out)["name"] == "gpu"
    assert yaml.safe_load(ctl("describe", "user", ada, "-o", "yaml").out)["name"] == ada
    if hub.has_logs:
        assert "singleuser quick" in said


def test_logs(ctl, hub, user):
    ada = user()
    ctl("start", ada, "--profile", "quick", "-w")
    if hub.has_logs:
        assert f"singleuser quick for {ada}" in ctl("logs", ada).out
        ctl("start", f"{ada}/bad", "--profile", "broken", "-w", status=1)
        assert "the disk is full" in ctl("logs", f"{ada}/bad").out
    else:
        ran = ctl("logs", ada, status=1)
        assert "gives none out" in ran.error and ran.out == ""
    ran = ctl("logs", f"{ada}/none", status=1)
    assert f"{ada} has no server none" in ran.error


def test_logs_are_followed_until_the_server_has_stopped(ctl, hub, user, environment):
    if not hub.has_logs:
        pytest.skip("this hub gives none out")
    ada = user()
    ctl("start", ada, "-w")
    env = {**environment, "HUBGATE_HUB_URL": hub.url, "HUBGATE_HUB_TOKEN": hub.token}
    with subprocess.Popen([HUBCTL, "logs", "-f", ada], stdout=subprocess.PIPE, text=True, env=env) as follow:
        assert follow.stdout.readline() == f"singleuser quick for {ada}\n"
        ctl("stop", ada)
        follow.stdout.read()
        assert follow.wait(hubs.PATIENCE) == 0


def test_top_once(ctl, hub, user):
    ada = user()
    ctl("start", ada, "-w")
    ran = ctl("top", "--once", "--filter", ada)
    assert ran.lines[0].startswith("1 server: 1 ready, 0 starting or stopping")
    assert ran.lines[1] == "" and ran.lines[2].split() == [
        "NAME", "STATE", "CPU", "MEMORY", "LIMIT", "ACTIVE", "AGE"]
    assert ran.lines[3].split()[:2] == [ada, "ready"]
    if not hub.has_usage:
        assert ran.lines[3].split()[2:5] == ["-", "-", "-"]
        return
    end = time.monotonic() + hubs.PATIENCE
    while ran.lines[3].split()[2:4] == ["-", "-"]:  # until the hub has measured
        assert time.monotonic() < end
        time.sleep(0.2)
        ran = ctl("top", "--once", "--filter", ada)
    assert re.fullmatch(r"\d+\.\d\d", ran.lines[3].split()[2])
    assert re.fullmatch(r"[\d.]+Mi", ran.lines[3].split()[3])


# ---- routes, groups, tokens ----

def test_routes(ctl, user):
    ada = user()
    ctl("start", ada, "-w")
    ran = ctl("get", "routes")
    owners = dict(zip(column(ran, "PATH"), column(ran, "OF")))
    assert owners[f"/user/{ada}/"] == f"server {ada}"
    assert owners["/"] in ("hub", "default target")
    assert ctl("get", "routes", "--filter", ada, "-o", "name").lines == [f"/user/{ada}/"]
    ctl("get", "routes", "/", status=2)


def test_groups(ctl, hub):
    assert column(ctl("get", "groups"), "NAME") == hub.groups
    assert json.loads(ctl("get", "groups", hub.groups[0], "-o", "json").out)["users"] == []


def test_tokens(ctl, run, hub, user):
    ada = user()
    ran = ctl("token", ada, "--note", "for the test", "--expires", "30m", "--scopes", "read:users!user")
    assert re.fullmatch(r"\S{16,}\n", ran.out)
    token, (identity,) = ran.out.strip(), re.findall(r"token (\w+), shown this once; expires: 30m", ran.err)
    assert run("whoami", url=hub.url, token=token, status=0).lines[0] == f"Name:    {ada}"
    refused = run("get", "tokens", url=hub.url, token=token, status=1)
    assert "may not do this" in refused.error
    listed = ctl("get", "tokens", ada)
    row = column(listed, "ID").index(identity)
    assert column(listed, "NOTE")[row] == "for the test" and column(listed, "EXPIRES")[row] == "29m"
    assert token not in listed.out
    assert identity in ctl("get", "tokens", "--all", "-o", "name").lines
    assert ctl("token", ada, "--revoke", identity).lines == [f"token {identity} of {ada} revoked"]
    assert identity not in ctl("get", "tokens", ada).out
    assert run("whoami", url=hub.url, token=token, status=1).error
    ran = ctl("token", ada, "--revoke", identity, status=1)
    assert f"there is no token {identity}" in ran.error


def test_a_token_of_a_user_without_end(ctl, run, hub, user):
    ada = user()
    ran = ctl("token", ada, "--expires", "never")
    assert "expires: never" in ran.err
    own = run("get", "tokens", url=hub.url, token=ran.out.strip(), status=0)
    assert column(own, "USER") == [ada]
    made = json.loads(ctl("token", ada, "-o", "json").out)
    assert made["token"] and made["user"] == ada


@pytest.mark.parametrize("flags", [["--expires", "soon"], ["--expires", "0m"], ["--expires", "m"],
                                   ["--revoke", "a1", "--note", "x"]], ids=" ".join)
def test_tokens_that_cannot_be(ctl, flags):
    assert ctl("token", "ada", *flags, status=2).error


# ---- ourselves ----

def test_whoami_and_version(ctl, hub):
    said = ctl("whoami")
    assert said.lines[-2:] == ["Token:   HUBGATE_HUB_TOKEN", f"Hub:     {hub.url}"]
    assert "admin" in said.lines[1]
    ours, theirs = ctl("version").lines
    assert ours.startswith("hubctl ") and theirs.startswith("hub    ") and theirs.endswith(hub.url)


def test_a_wrong_token(ctl):
    ran = ctl("get", "users", token="nobodys", status=1)
    assert ran.error.startswith("hubctl: the hub does not know the token of HUBGATE_HUB_TOKEN")


def test_no_token(run, hub):
    ran = run("get", "users", url=hub.url, status=1)
    assert ran.error.startswith("hubctl: the hub wants a token")
    assert run("version", url=hub.url).status == 0


def test_a_token_that_may_not(ctl, hub, names):
    assert ctl("get", "users", token=hub.reader_token, status=0)
    ran = ctl("add", names(), token=hub.reader_token, status=1)
    assert ran.error.startswith("hubctl: the token of HUBGATE_HUB_TOKEN may not do this")
    assert "hubctl whoami" in ran.error


def test_the_documented_pipe(ctl, hub, user, environment):
    """get -o name feeds xargs hubctl stop, whatever the names are."""
    one, other = user("piped it's" if hub.takes_odd_names else "piped it is"), user("piped two")
    ctl("start", one, other, "-w")
    env = {**environment, "HUBGATE_HUB_URL": hub.url, "HUBGATE_HUB_TOKEN": hub.token,
           "PATH": f"{HUBCTL.parent}:{environment['PATH']}"}
    ended = subprocess.run(
        ["bash", "-c", "hubctl get servers --filter piped -o name | xargs -rd '\\n' hubctl stop"],
        env=env, capture_output=True, text=True, timeout=hubs.PATIENCE)
    assert ended.stdout.splitlines() == [f"{one} has stopped", f"{other} has stopped"], ended.stderr
