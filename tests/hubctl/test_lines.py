"""What a real hub is too slow, too good or too small for, against a scripted one: ten thousand users,
wrong answers, hubs that are away; and terminals, completion, the command line itself."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest
import yaml

import hubs
import stub
from conftest import HUBCTL

VERBS = ["get", "describe", "logs", "start", "stop", "add", "delete", "token", "top", "events", "exec", "contexts",
         "use-context", "whoami", "version", "completion"]
TOKEN = "s3cret"


# ---- many ----

def test_ten_thousand_users_come_in_pages(run, stub_hub):
    hub = stub_hub(users=[stub.user(f"user{n:05}") for n in range(10_000)])
    ran = run("get", "users", "-o", "name", url=hub.url, token=TOKEN, status=0)
    assert ran.lines == [f"user{n:05}" for n in range(10_000)]
    assert len(hub.asked) == 50
    hub.asked.clear()
    ran = run("get", "users", "--filter", "USER0999", "--sort", "-name", url=hub.url, token=TOKEN,
              status=0)
    assert [line.split()[0] for line in ran.lines[1:]] == [f"user0999{n}" for n in range(9, -1, -1)]
    assert len(hub.asked) == 1, "the hub can leave out the others by itself"


def test_pages_that_go_in_a_circle_end(run, stub_hub):
    page = {"items": [stub.user("ada")], "_pagination": {
        "offset": 0, "limit": 1, "total": 2, "next": {"offset": 0, "limit": 1}}}
    hub = stub_hub(answers={"GET /users": (200, page)})
    assert "circle" in run("get", "users", url=hub.url, token=TOKEN, status=1).error


def test_a_hub_that_knows_no_pages(run, stub_hub):
    hub = stub_hub(answers={"GET /users": (200, [stub.user("ada"), stub.user("grace")])})
    assert run("get", "users", "-o", "name", url=hub.url, token=TOKEN).lines == ["ada", "grace"]


# ---- measures ----

def measured(**usage):
    return stub.server(usage=usage)


def test_cpu_and_memory(run, stub_hub):
    hub = stub_hub(users=[
        stub.user("ada", servers={"": measured(cpu=0.25, memory_bytes=512 << 20,
                                               memory_limit_bytes=2 << 30)}),
        stub.user("grace", servers={"gpu": stub.server("gpu", usage=None)}),
        stub.user("linus", servers={"": measured(cpu=12.4, memory_bytes=1536 << 20,
                                                 memory_limit_bytes=None)})])
    ran = run("top", url=hub.url, token=TOKEN, status=0)
    assert ran.lines[0] == "3 servers: 3 ready, 0 starting or stopping   CPU 13   memory 2.0Gi"
    assert [line.split()[:5] for line in ran.lines[3:]] == [
        ["linus", "ready", "12", "1.5Gi", "-"], ["ada", "ready", "0.25", "512Mi", "2.0Gi"],
        ["grace/gpu", "ready", "-", "-", "-"]]
    ran = run("top", "--sort", "memory", url=hub.url, token=TOKEN)
    assert [line.split()[0] for line in ran.lines[3:]] == ["grace/gpu", "ada", "linus"]
    assert "0.25 cores" in run("describe", "server", "ada", url=hub.url, token=TOKEN).out
    assert "512Mi of 2.0Gi" in run("describe", "server", "ada", url=hub.url, token=TOKEN).out
    run("top", "--sort", "size", url=hub.url, token=TOKEN, status=2)


def test_models_that_lack_everything(run, stub_hub):
    odd = {"name": "ada", "servers": {"": {}, "x": {"name": 7, "pending": 3, "usage": "much"}},
           "created": 17, "groups": [1, None, "lab"], "admin": "yes"}
    hub = stub_hub(users=[odd, {"name": None}, {}])
    for words in (["get", "users", "-o", "wide"], ["get", "servers", "-o", "wide"],
                  ["describe", "user", "ada"], ["top", "--once"]):
        assert run(*words, url=hub.url, token=TOKEN, status=0).out


# ---- logs ----

def test_logs_and_what_is_in_them(run, stub_hub):
    text = ("started\r\n\x1b[32mgreen\x1b[0m 10%\r20%\n\x1b]0;title\x07\ttab\u202eend\n秀樹\n"
            "last ").encode() + b"\xff"
    hub = stub_hub(answers={"GET /users/ada/servers/g%20u/logs": (200, text)})
    ran = run("logs", "--tail", "7", "ada/g u", url=hub.url, token=TOKEN, status=0)
    assert ran.out == ("started\ngreen 10%\n20%\n\\x1b]0;title\\x07\ttab\\u202eend\n秀樹\n"
                       "last \\xff")
    assert hub.asked[-1][1] == "/users/ada/servers/g%20u/logs?lines=7"


def test_follow_prints_lines_as_they_come(stub_hub, environment):
    hub = stub_hub(answers={"GET /users/ada/server/logs": (
        200, stub.Pieces([b"one\ntw", 0.3, b"o \xe7\xa7", 0.1, b"\x80\x1b[3", b"1mred\n", 60]))})
    process = subprocess.Popen(
        [HUBCTL, "logs", "-f", "ada"], stdout=subprocess.PIPE, text=True,
        env={**environment, "HUBGATE_HUB_URL": hub.url, "HUBGATE_HUB_TOKEN": TOKEN})
    with process:
        assert process.stdout.readline() == "one\n"
        assert process.stdout.readline() == "two 秀red\n"
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
    assert process.returncode == -signal.SIGINT
    assert hub.asked[0][1] == "/users/ada/server/logs?lines=100&follow=1"


def test_follow_ends_with_the_stream(run, stub_hub):
    hub = stub_hub(answers={"GET /users/ada/server/logs": (200, stub.Pieces([b"one\n", 0.1, b"end"]))})
    assert run("logs", "-f", "ada", url=hub.url, token=TOKEN, status=0).out == "one\nend"


def test_an_empty_log_is_said_to_be_so(run, stub_hub):
    hub = stub_hub(answers={"GET /users/ada/server/logs": (200, b"")})
    ran = run("logs", "ada", url=hub.url, token=TOKEN, status=0)
    assert (ran.out, ran.error) == ("", "hubctl: its log is empty: it has written nothing")


# ---- start, as a hub that answers slowly has it ----

def events(*pieces):
    return stub.Pieces(b"data: " + json.dumps(piece).encode() + b"\n\n" if isinstance(piece, dict)
                       else piece for piece in pieces)


def test_progress_is_shown_while_the_hub_keeps_its_answer_back(run, stub_hub):
    def post():
        time.sleep(2)
        return 201, b""

    hub = stub_hub(users=[stub.user("ada", servers={"": stub.server(url="/user/ada/")})], answers={
        "POST /users/ada/server": post,
        "GET /users/ada/server/progress": (200, events(
            {"progress": 0, "message": "Server requested"}, b"\n\n", b": comment\n\n",
            {"progress": 40, "message": "Pulling\x1b[31m the image"}, b"data: nonsense\n\n",
            {"progress": 100, "ready": True, "url": "/user/ada/", "message": "there"}),
            {"Content-Type": "text/event-stream"})})
    ran = run("start", "ada", "--wait", url=hub.url, token=TOKEN, status=0)
    assert ran.lines == ["ada is ready at /user/ada/"]
    assert ran.err.splitlines()[:2] == ["ada:   0% Server requested",
                                        "ada:  40% Pulling\\x1b[31m the image"]


def test_a_failure_is_the_events_own_words(run, stub_hub):
    hub = stub_hub(answers={
        "POST /users/ada/server": (202, b""),
        "GET /users/ada/server/progress": (200, events(
            {"progress": 100, "failed": True, "message": "Spawn failed: no node has 4 GPUs"}))})
    ran = run("start", "ada", "-w", url=hub.url, token=TOKEN, status=1)
    assert ran.error == "hubctl: ada did not start: Spawn failed: no node has 4 GPUs (hubctl logs ada)"


def test_a_stream_that_breaks_off_is_made_good_by_looking(run, stub_hub):
    states = [{"pending": "spawn", "ready": False}, {"pending": "spawn", "ready": False}, {}]
    hub = stub_hub(answers={
        "POST /users/ada/server": (202, b""),
        "GET /users/ada/server/progress": (200, events({"progress": 10, "message": "begun"})),
        "GET /users/ada": lambda: (200, stub.user("ada", servers={"": stub.server(
            **(states.pop(0) if len(states) > 1 else states[0]))}))})
    ran = run("start", "ada", "-w", url=hub.url, token=TOKEN, status=0)
    assert ran.lines == ["ada is ready at /user/x/"]


def test_the_profile_is_an_option_of_the_user(run, stub_hub):
    hub = stub_hub(users=[stub.user("ada", servers={"": stub.server()})],
                   answers={"POST /users/ada/server": (201, b"")})
    run("start", "ada", "--profile", "large", url=hub.url, token=TOKEN, status=0)
    assert ("POST", "/users/ada/server", '{"profile":"large"}') in hub.asked
    run("start", "ada", url=hub.url, token=TOKEN, status=0)
    assert ("POST", "/users/ada/server", "") in hub.asked


def test_what_takes_long_is_said(run, stub_hub):
    hub = stub_hub(answers={"GET /groups": lambda: time.sleep(2.6) or (200, [])})
    ran = run("get", "groups", url=hub.url, token=TOKEN, status=0)
    assert re.search(r"(?m)^waiting for the hub to answer \(2 s\)$", ran.err)


def test_a_hub_that_does_not_stop_it(run, stub_hub):
    hub = stub_hub(users=[stub.user("ada", servers={"": stub.server()})],
                   answers={"DELETE /users/ada/server": (202, b"")})
    assert "ada still runs" in run("stop", "ada", url=hub.url, token=TOKEN, status=1).error


# ---- failures ----

def test_the_hub_is_down(run):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = "http://127.0.0.1:%d/hub/api" % bound.getsockname()[1]
        for words in (["get", "users"], ["version"], ["start", "ada", "-w"], ["stop", "ada"],
                      ["logs", "ada"], ["top", "--once"]):
            ran = run(*words, url=url, token="x", status=1)
            assert ran.error.startswith(f"hubctl: no hub answers at {url} (")
            assert "--url or HUBGATE_HUB_URL" in ran.error


def test_a_name_that_does_not_resolve(run):
    ran = run("whoami", url="http://no-such-host.invalid/hub/api", token="x", status=1)
    assert "no-such-host.invalid" in ran.error


@pytest.mark.parametrize("status, body, says", [
    (200, b"<html>welcome</html>", "is no hub's API"), (404, b"Not Found", "is no hub's API"),
    (302, b"", "is no hub's API"), (502, b"bad gateway", "is the hub behind it up?"),
], ids=str)
def test_a_server_that_is_no_hub(run, stub_hub, status, body, says):
    hub = stub_hub(answers={"GET /users": (status, body)}, version=None)
    assert says in run("get", "users", url=hub.url, token=TOKEN, status=1).error


def test_a_page_of_the_hub_is_not_its_api(run, stub_hub):
    hub = stub_hub(answers={"GET /users": (302, b"")})
    assert "(302): is that the address of the API" in run(
        "get", "users", url=hub.url, token=TOKEN, status=1).error


@pytest.mark.parametrize("status, message, fields, says", [
    (500, "It broke", {}, "the hub failed with 500: It broke (its log says more)"),
    (429, "Too many", {"Retry-After": "30"}, "the hub is busy: Too many (try again in 30 s)"),
    (400, "No\x1b[2J", {}, "the hub says no with 400: No\\x1b[2J"),
    (400, None, {}, "the hub says no with 400: it did not say why"),
], ids=str)
def test_refusals_in_one_line(run, stub_hub, status, message, fields, says):
    hub = stub_hub(answers={"POST /users": (status, {"status": status, "message": message}, fields)})
    ran = run("add", "ada", url=hub.url, token=TOKEN, status=1)
    assert ran.error == f"hubctl: {says}"


def test_an_answer_that_is_late(run, stub_hub):
    hub = stub_hub(answers={"GET /users": lambda: time.sleep(3) or (200, [])})
    ran = run("get", "users", "--timeout", "1", url=hub.url, token=TOKEN, status=1)
    assert "did not answer in time" in ran.error and "--timeout" in ran.error


def test_an_answer_that_breaks_off(run, stub_hub):
    hub = stub_hub(answers={"GET /users": (200, b"[", {"Content-Length": "9"})})
    assert run("get", "users", url=hub.url, token=TOKEN, status=1, **{"HTTP_PROXY": ""}).error


def test_a_redirect_does_not_get_the_token(run, stub_hub):
    other = stub_hub()
    hub = stub_hub(answers={"GET /users": (302, b"", {"Location": other.url + "/users"})})
    run("get", "users", url=hub.url, token=TOKEN, status=1)
    assert other.asked == []


def test_a_full_disk_is_noticed(stub_hub, environment):
    hub = stub_hub(users=[stub.user("ada")])
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([HUBCTL, "get", "users"], stdout=full, stderr=subprocess.PIPE, env={
            **environment, "HUBGATE_HUB_URL": hub.url, "HUBGATE_HUB_TOKEN": TOKEN})
    assert ended.returncode == 1 and b"cannot write to stdout" in ended.stderr


# ---- address and token ----

def test_where_the_address_is_from(run, stub_hub):
    hub = stub_hub(users=[stub.user("ada")])
    nowhere = "http://127.0.0.1:1/hub/api"
    ask = ["get", "users", "-o", "name"]
    assert run(*ask, "--url", hub.url + "/", url=nowhere, token=TOKEN).out == "ada\n"
    assert run(*ask, url=hub.url, token=TOKEN, JUPYTERHUB_API_URL=nowhere).out == "ada\n"
    assert run(*ask, token=TOKEN, JUPYTERHUB_API_URL=hub.url).out == "ada\n"
    assert run(*ask, url=hub.url, token=TOKEN, http_proxy=nowhere).out == "ada\n"


def test_a_proxy_of_the_environment_is_for_hubs_elsewhere(run, stub_hub):
    answer = (200, {"items": [stub.user("ada")], "_pagination": {"next": None}})
    proxy = stub_hub(answers={"GET http://hub.invalid/hub/api/users": answer})
    through = proxy.url.removesuffix("/hub/api")
    ask = ["get", "users", "-o", "name"]
    assert run(*ask, url="http://hub.invalid/hub/api", token=TOKEN, http_proxy=through).out == "ada\n"
    ran = run(*ask, url="http://hub.invalid/hub/api", token=TOKEN, http_proxy=through,
              no_proxy="hub.invalid", status=1)
    assert "no hub answers at" in ran.error


@pytest.mark.parametrize("url", ["127.0.0.1:8081", "ftp://host/hub/api", "http://", "http://a b/",
                                 "http://user:secret@host/", "http://h/?x", "http://h\x1b/"])
def test_an_address_that_is_none(run, url):
    ran = run("get", "users", "--url", url, token="x", status=1)
    assert "--url" in ran.error and "it looks like http://127.0.0.1:8081/hub/api" in ran.error


def test_where_the_token_is_from(run, stub_hub, tmp_path):
    hub = stub_hub()

    def kept(path, text=TOKEN, mode=0o600):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return str(path)

    def source(*words, **more):
        line = run("whoami", *words, url=hub.url, status=0, **more).lines[-2]
        return line.removeprefix("Token:").strip()

    kept(tmp_path / ".config/hubgate/token", f"  {TOKEN}\n")
    assert source() == str(tmp_path / ".config/hubgate/token")
    kept(tmp_path / "xdg/hubgate/token")
    xdg = {"XDG_CONFIG_HOME": str(tmp_path / "xdg")}
    assert source(**xdg) == str(tmp_path / "xdg/hubgate/token")
    assert source(JUPYTERHUB_API_TOKEN=TOKEN, **xdg) == "JUPYTERHUB_API_TOKEN"
    assert source(token=TOKEN, JUPYTERHUB_API_TOKEN="x", **xdg) == "HUBGATE_HUB_TOKEN"
    mine = kept(tmp_path / "mine")
    assert source("--token-file", mine, token="x") == mine
    open_to_all = kept(tmp_path / "open", mode=0o644)
    ran = run("whoami", "--token-file", open_to_all, url=hub.url, status=1)
    assert ran.error == f"hubctl: others may read {open_to_all}: chmod 600 it first"
    for text in ("", "two words", "two\nlines", "ctrl\x01"):
        ran = run("whoami", "--token-file", kept(tmp_path / "bad", text), url=hub.url, status=1)
        assert "holds no token" in ran.error
    ran = run("whoami", "--token-file", str(tmp_path / "none"), url=hub.url, status=1)
    assert "No such file" in ran.error


# ---- the command line ----

@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb(run, verb):
    said = run(verb, "--help", status=0).out
    assert said.startswith(f"hubctl {verb}: ")
    assert f"\nUsage: hubctl {verb}" in said and "\nExamples\n" in said and "--timeout SECONDS" in said
    assert ("--url URL" in said) == ("It asks the hub" in said)
    assert ("--context NAME" in said) == bool(re.search(r"It asks.* the cluster", said))
    assert max(len(line) for line in said.splitlines()) <= 100
    assert run(verb, "-h", "nonsense").out == said


def test_help_and_version_of_the_program(run):
    said = run("--help", status=0).out
    assert all(re.search(rf"(?m)^  {verb} +\S", said) for verb in VERBS)
    assert run("-h").out == said and run(status=2).err == said
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", run("--version", status=0).out)


@pytest.mark.parametrize("words, says", [
    (["describ", "x"], "there is no verb 'describ' (did you mean describe?); see hubctl --help"),
    (["frobnicate"], "there is no verb 'frobnicate'; see"),
    (["get", "users", "--fliter", "x"], "there is no flag --fliter (did you mean --filter?)"),
    (["get"], "get what?"), (["get", "nodes"], "there are no 'nodes'"),
    (["describe"], "describe what?"), (["describe", "user"], "which user?"),
    (["describe", "node", "x"], "server or pod"),
    (["top", "x"], "'x' is not measured"), (["start"], "start what?"),
    (["get", "users", "--nonsense"], "there is no flag --nonsense; see"),
    (["get", "users", "-q"], "there is no flag -q"),
    (["get", "users", "--admin"], "get takes no --admin"),
    (["get", "users", "-o", "xml"], "is not one of: json, yaml, wide, name"),
    (["get", "users", "--state"], "--state needs a value"),
    (["logs", "ada", "--tail", "many"], "is not a whole number from 1 to 5000"),
    (["logs", "ada", "--follow=yes"], "takes no value"), (["logs", "a/b/c"], "no USER or USER/SERVER"),
    (["logs", "/x"], "no USER or USER/SERVER"), (["get", "groups", "--state", "ready"], "have no --state"),
    (["get", "users", "--all"], "have no --all"), (["whoami", "--context", "x"], "whoami takes no --context"),
    (["contexts", "--url", "http://x"], "contexts takes no --url"), (["completion", "fish"], "bash alone"),
    (["get", "pods", "--url", "x"], "pods have no --url"), (["get", "users", "-n", "hub"], "users have no --namespace"),
    (["get", "pods", "--state", "all"], "have no --state"), (["get", "users", "-w"], "users have no --watch"),
    (["describe", "pod", "x", "--url", "x"], "a pod is the cluster's"), (["describe", "a", "b"], "or pod"),
    (["describe", "user", "x", "-n", "hub"], "a user is the hub's"), (["events", "ada"], "one word too many"),
    (["logs", "ada", "-n", "hub", "--token-file", "x"], "the flags say both"),
    (["get", "users", b"\xff"], "is not UTF-8"), (["describe", "user", "x", "-o", "wide"], "prints text"),
    (["get", "users", "x", "--filter", "y"], "--filter is for whole lists"),
], ids=str)
def test_what_makes_no_sense(run, words, says):
    ran = run(*words, url="http://127.0.0.1:1/", token="x", status=2)
    assert says in ran.error and "--help" in ran.error


def test_flags_may_stand_anywhere(run, stub_hub):
    hub = stub_hub(users=[stub.user("-o"), stub.user("ada")])
    for words in (["--url", hub.url, "get", "-oname", "users"], ["get", f"--url={hub.url}", "users", "-o", "name"]):
        assert run(*words, token=TOKEN, status=0).lines == ["-o", "ada"]
    assert run("get", "-o", "name", "users", "--", "-o", url=hub.url, token=TOKEN).out == "-o\n"


def test_names_that_a_path_would_swallow(run, stub_hub):
    hub = stub_hub(users=[stub.user(".."), stub.user("."), stub.user("a/../b")])
    assert run("get", "users", "..", ".", "-o", "name", url=hub.url, token=TOKEN).lines == [".", ".."]
    assert [path.partition("?")[0] for _, path, _ in hub.asked] == ["/users/%2E%2E", "/users/%2E"]


# ---- YAML ----

TRICKY = ["", "null", "True", "yes", "n", "~", "1", "1.5", "0x1f", "1e3", "2026-11-23", "=", "<<", "- x",
          "a: b", "a #b", "#", "'", '"', "\\", " lead", "trail ", "two\nlines", "tab\there", "\x1b", "\x7f",
          "\x85", "\u2028", "\u202e", "秀樹", "\U0001F600", "\U000E0001", "*x", "&x", "!x", "%x", "@x", "`x",
          "{", "[", "]", ",", "?", "-", ":", "|", ">", "plain", "/a/b", "off", "NULL", ".inf", "12:30:45"]


def test_yaml_is_what_json_is(run, stub_hub):
    odd = stub.user("ada", values={text: text for text in TRICKY}, listed=TRICKY, nested=[
        [], {}, [[], [1, [2]]], {"a": [], "b": {}}, [{"x": [{"y": None}]}], 1, 1.5, True, None],
        number=12345678901234, real=0.1)
    hub = stub_hub(users=[odd])
    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        ran = run("get", "users", "ada", "-o", form, url=hub.url, token=TOKEN, status=0)
        assert read(ran.out) == odd
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e\U000E0001]", ran.out)
    assert yaml.safe_load(run("get", "users", "--filter", "none", "-o", "yaml", url=hub.url, token=TOKEN).out) == []


# ---- terminals ----

class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, command, env, rows=10, columns=60):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(command[0], [str(word) for word in command], {**env, "TERM": "xterm"})
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def until(self, pattern):
        """Reads until the pattern is there."""
        end = time.monotonic() + hubs.PATIENCE
        while not re.search(pattern, self.seen):
            left = end - time.monotonic()
            assert left > 0, f"no {pattern!r} in {self.seen!r}"
            if select.select([self.fd], [], [], left)[0]:
                try:
                    self.seen += os.read(self.fd, 65536).decode(errors="replace")
                except OSError:
                    assert re.search(pattern, self.seen), f"no {pattern!r} in {self.seen!r}"
        return self.seen

    def wait(self):
        with contextlib.suppress(OSError):
            while select.select([self.fd], [], [], hubs.PATIENCE)[0]:
                more = os.read(self.fd, 65536)
                if not more:
                    break
                self.seen += more.decode(errors="replace")
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal(environment):
    made = []

    def terminal(*words, url, program=None, **more):
        env = {**environment, "HUBGATE_HUB_URL": url, "HUBGATE_HUB_TOKEN": TOKEN, **more}
        made.append(Terminal(program or [str(HUBCTL), *words], env))
        return made[-1]

    yield terminal
    for each in made:
        with contextlib.suppress(OSError):
            os.kill(each.pid, signal.SIGKILL)
            os.waitpid(each.pid, 0)


def test_delete_asks_on_a_terminal(terminal, stub_hub):
    hub = stub_hub(answers={"DELETE /users/ada": (204, b""), "DELETE /users/grace": (204, b"")})
    no = terminal("delete", "ada", "grace", url=hub.url)
    no.until(r"Delete ada, grace\? Servers that run are stopped first\. \[y/N\] ")
    no.type("n\n")
    assert no.wait() == 1 and "nothing was deleted" in no.seen
    assert hub.asked == []
    yes = terminal("delete", "ada", "grace", url=hub.url)
    yes.until(r"\[y/N\] ")
    yes.type("y\n")
    assert yes.wait() == 0
    assert [path for _, path, _ in hub.asked] == ["/users/ada", "/users/grace"]


def test_colours_are_a_terminals(terminal, stub_hub, run):
    hub = stub_hub(users=[stub.user("ada", servers={"": stub.server()})])
    shown = terminal("get", "servers", url=hub.url)
    assert shown.wait() == 0 and "\x1b[32mready\x1b[0m" in shown.seen
    plain = terminal("get", "servers", url=hub.url, NO_COLOR="1")
    assert plain.wait() == 0 and "\x1b" not in plain.seen
    assert "\x1b" not in run("get", "servers", url=hub.url, token=TOKEN).out


def test_progress_is_one_line_of_a_terminal(terminal, stub_hub):
    hub = stub_hub(answers={
        "POST /users/ada/server": (202, b""),
        "GET /users/ada/server/progress": (200, events(
            {"progress": 5, "message": "a" * 200}, {"progress": 50, "message": "half"},
            {"progress": 100, "ready": True, "url": "/user/ada/"}))})
    shown = terminal("start", "ada", "-w", url=hub.url)
    assert shown.wait() == 0
    assert re.search(r"\r\x1b\[Kada:  50% half", shown.seen)
    assert shown.seen.endswith("\r\x1b[Kada is ready at /user/ada/\r\n")
    assert "a" * 100 not in shown.seen, "a line longer than the terminal would not be written over"


def test_top_is_drawn_again(terminal, stub_hub):
    hub = stub_hub(users=[stub.user(f"user{n:02}", servers={"": measured(cpu=n / 10, memory_bytes=n << 20)})
                          for n in range(40)])
    shown = terminal("top", "--every", "1", url=hub.url)
    shown.until(r"(?s)Ctrl-C ends.*user39.*Ctrl-C ends.*user39.*Ctrl-C ends")
    first = shown.seen.split("\x1b[H")[1]
    lines = re.sub(r"\x1b\[\d*[A-Zm]", "", first).splitlines()
    assert len(lines) < 10 and all(len(line) <= 60 for line in lines), lines
    assert re.search(r"40 servers: 40 ready", lines[1])
    hub.answers["GET /users"] = (503, {"message": "restarting"})
    shown.until(r"the hub failed with 503: restarting")
    del hub.answers["GET /users"]
    shown.until(r"(?s)restarting.*user39")
    shown.type("\x03")
    assert shown.wait() == -signal.SIGINT


# ---- completion ----

@pytest.fixture
def complete(environment, stub_hub):
    """complete("get", "us"): what bash offers for the last word."""
    hub = stub_hub(users=[
        stub.user("ada", servers={"": stub.server(), "gpu": stub.server("gpu")}), stub.user("adam smith"),
        stub.user("grace")])

    def complete(*words, env=None):
        script = ('source <(hubctl completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; '
                  'COMP_POINT=${#COMP_LINE}; _hubctl; printf "%s\\n" "${COMPREPLY[@]}"')
        ended = subprocess.run(
            ["bash", "-c", script, "bash", "hubctl", *words], capture_output=True, text=True, env={
                **environment, "PATH": f"{HUBCTL.parent}:{environment['PATH']}",
                "HUBGATE_HUB_URL": hub.url, "HUBGATE_HUB_TOKEN": TOKEN, **(env or {})})
        assert ended.returncode == 0 and not ended.stderr, ended.stderr
        return ended.stdout.split("\n")[:-1] if ended.stdout.strip() else []

    return complete


@pytest.mark.parametrize("words, offers", [
    (["de"], ["describe", "delete"]), (["get", ""], ["users", "servers", "routes", "tokens", "groups", "pods"]),
    (["get", "users", "-o", ""], ["json", "yaml", "wide", "name"]),
    (["get", "users", "--st"], ["--state"]), (["get", "--state", "p"], ["pending"]),
    (["start", "--w"], ["--wait"]), (["describe", "s"], ["server"]), (["completion", ""], ["bash"]),
    (["describe", "user", "ad"], ["ada", r"adam\ smith"]), (["get", "users", ""], []),
    (["stop", ""], ["ada", "ada/gpu"]), (["stop", "ada/"], ["ada/gpu"]), (["logs", "-f", "ad"], ["ada", "ada/gpu"]),
    (["start", "gr"], ["grace"]), (["get", "tokens", "gr"], ["grace"]), (["top", "x"], []),
    (["--timeout", "3", "sto"], ["stop"]), (["token", "ada", "--note", ""], []),
], ids=str)
def test_completion(complete, words, offers):
    assert complete(*words) == offers


@pytest.mark.parametrize("typed, becomes", [
    ("hubctl des", "hubctl describe "), ("hubctl stop has@", "hubctl stop has@sp:x=1 "),
    ("hubctl stop has@sp:", "hubctl stop has@sp:x=1 "), ("hubctl stop has@sp:x", "hubctl stop has@sp:x=1 "),
    ("hubctl stop has@sp:x=", "hubctl stop has@sp:x=1 "), ("hubctl stop ha", "hubctl stop has@sp:x=1 "),
    ("hubctl stop ad", r"hubctl stop adam\ smith "), (r"hubctl stop adam\ ", r"hubctl stop adam\ smith "),
    (r"hubctl stop adam\ s", r"hubctl stop adam\ smith "), ("hubctl logs 秀", "hubctl logs 秀樹/"),
    ("hubctl --url {url} stop ha", "hubctl --url {url} stop has@sp:x=1 "),
    ("hubctl --url={url} stop ha", "hubctl --url={url} stop has@sp:x=1 "),
], ids=str)
def test_completion_as_it_is_typed(terminal, stub_hub, typed, becomes):
    """Through readline, which has words of its own: they end at : = @."""
    hub = stub_hub(users=[stub.user(name, servers={"": stub.server()})
                          for name in ("has@sp:x=1", "adam smith")] + [
        stub.user("秀樹", servers={name: stub.server(name) for name in ("a", "b")})])
    url = hub.url if "{url}" not in typed else "http://127.0.0.1:1/hub/api"
    shell = terminal(program=["/bin/bash", "--norc", "--noprofile", "-i"], url=url, PS1="> ",
                     PATH=f"{HUBCTL.parent}:{os.environ['PATH']}", LC_ALL="C.UTF-8", HISTFILE="")
    shell.type("bind 'set enable-bracketed-paste off'; source <(hubctl completion bash); echo ready\n")
    shell.until(r"[\r\n]ready\r\n> ")
    shell.seen = ""
    shell.type(typed.format(url=hub.url) + "\t")
    shell.type("\x01echo '\x05'\n")
    shell.until(r"\n> $")
    assert shell.seen.split("\r\n")[-2] == becomes.format(url=hub.url)


def test_completion_without_a_hub_is_silent(complete):
    assert complete("stop", "a", env={"HUBGATE_HUB_URL": "http://127.0.0.1:1"}) == []


def test_the_script_is_registered(environment):
    ended = subprocess.run(["bash", "-c", "source <(hubctl completion bash) && complete -p hubctl"],
                           capture_output=True, text=True,
                           env={**environment, "PATH": f"{HUBCTL.parent}:{environment['PATH']}"})
    assert ended.stdout == "complete -F _hubctl hubctl\n", ended.stderr


def test_what_is_installed_is_what_is_printed(run):
    root = pathlib.Path(hubs.ROOT)
    for file, words in (("docs/reference/hubctl.md", ["--print-reference", "markdown"]),
                        ("docs/hubctl.1", ["--print-reference", "man"]),
                        ("deploy/completion/hubctl.bash", ["completion", "bash"])):
        assert (root / file).read_text() == run(*words, status=0).out, f"{file}: make docs"
