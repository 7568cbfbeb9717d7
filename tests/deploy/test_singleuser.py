"""The users' images: what their Dockerfiles, lists and profiles say, and the base run as a pod runs it, with an empty
volume over its home. `deploy/images/build singleuser/base` makes that one, in minutes; what runs it is skipped
without."""

import json
import os
import re
import zipfile

import pytest
import yaml

import peers
import pods
from conftest import ROOT, TAG, VERSION

IMAGES = ROOT / "deploy/images/singleuser"
NAMES = ["base", "science", "pytorch-cuda"]
TITLES = {"base": "hubgate-singleuser", **{n: f"hubgate-singleuser-{n}" for n in NAMES[1:]}}
ARCHIVE = ROOT / "build/images/singleuser-base.tar"
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+")


def dockerfile(name):
    return (IMAGES / name / "Dockerfile").read_text(encoding="utf-8")


def pins(path):
    lines = [re.sub("#.*", "", line).strip() for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(PIN.fullmatch(line) for line in lines if line), path
    return {re.sub("[-_.]+", "-", n).lower(): v for n, v in (line.split("==") for line in lines if line)}


# --- what they say ---

@pytest.mark.parametrize("name", NAMES)
def test_an_image_runs_as_its_user_under_its_title(name):
    text = dockerfile(name)
    assert f'image.title="{TITLES[name]}"' in text
    assert re.findall(r"(?m)^USER (.*)$", text)[-1] == "1000:100"


@pytest.mark.parametrize("name", NAMES[1:])
def test_an_image_that_stands_on_the_base_keeps_its_entry_point_and_its_pins(name):
    text = dockerfile(name)
    assert f"ARG BASE=registry.example.org/hubgate-singleuser:{VERSION}\nFROM ${{BASE}}" in text
    assert not re.search("(?m)^(ENTRYPOINT|CMD|WORKDIR)", text)
    base, more = pins(ROOT / "scripts/requirements/run.txt"), pins(IMAGES / name / "requirements.txt")
    assert more and not set(base) & set(more), "pip would install another version beside the base's"


def test_the_gpu_image_does_not_show_gpus_to_who_asked_for_none():
    assert "NVIDIA_VISIBLE_DEVICES=" not in re.sub("(?m)^#.*", "", dockerfile("pytorch-cuda"))


@pytest.fixture(scope="module")
def profiles():
    return yaml.safe_load((IMAGES / "profiles.yaml").read_text(encoding="utf-8"))["singleuser"]


def test_each_image_has_a_profile(profiles):
    images = [entry["kubespawner_override"]["image"] for entry in profiles["profileList"]]
    assert [image.split("/")[-1].split(":")[0] for image in images] == [TITLES[name] for name in NAMES]
    assert all(TAG.fullmatch(image.rpartition(":")[2]) for image in images)
    assert "{name}:{tag}".format(**profiles["image"]) == images[0]
    assert [entry.get("default", False) for entry in profiles["profileList"]] == [True, False, False]
    assert len({entry["slug"] for entry in profiles["profileList"]}) == len(NAMES)


def test_profiles_without_a_gpu_hide_them_and_the_one_with_asks_for_it(profiles):
    for entry in profiles["profileList"]:
        override = entry["kubespawner_override"]
        if entry["slug"] == "pytorch-cuda":
            assert override["extra_resource_limits"] == {"nvidia.com/gpu": "1"}
            assert override["tolerations"][0]["key"] == "nvidia.com/gpu"
        else:
            assert override["environment"] == {"NVIDIA_VISIBLE_DEVICES": "void"}


# --- the base, run ---

@pytest.fixture(scope="module")
def base(tmp_path_factory):
    if reason := pods.why_not() or (not ARCHIVE.exists() and f"no {ARCHIVE.name}: deploy/images/build makes it"):
        pytest.skip(reason)
    return pods.Image(ARCHIVE, tmp_path_factory.mktemp("base"))


@pytest.fixture
def home(tmp_path):
    """A new volume: empty, its group the pod's fsGroup."""
    made = tmp_path / "home"
    made.mkdir()
    os.chown(made, 0, 100)
    made.chmod(0o2775)
    return made


def run_in(container, base, sandbox, home, *args, **env):
    one = container(base, sandbox, args=list(args), env=env, volumes={"/home/jovyan": home, "/tmp": home})
    assert one.process.wait(120) == 0, one.log
    return one.log


def test_the_base_has_all_that_it_needs_outside_of_its_home(base, home, sandbox, container):
    said = run_in(container, base, sandbox(), home, "jupyterhub-singleuser", "--version")
    assert said.strip().splitlines()[-1] == pins(ROOT / "scripts/requirements/run.txt")["jupyterhub"]


def test_what_a_user_installs_stays_in_the_volume_and_cannot_break_the_server(base, home, sandbox, container):
    wheel = home / "greeter-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:  # the .pth: imported by every Python that sees it
        made.writestr("greeter.py", "print('the user is here')\n")
        made.writestr("greeter.pth", "import greeter\n")
        for name, text in (("METADATA", "Metadata-Version: 2.1\nName: greeter\nVersion: 1\n"), ("RECORD", ""),
                           ("WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")):
            made.writestr(f"greeter-1.dist-info/{name}", text)
    wheel.chmod(0o644)
    pod = sandbox()
    run_in(container, base, pod, home, "pip", "install", "--no-index", "/home/jovyan/" + wheel.name)
    assert list(home.glob(".local/lib/python3*/site-packages/greeter.py"))
    assert "the user is here" in run_in(container, base, pod, home, "python3", "-c", "")
    assert "the user is here" not in run_in(container, base, pod, home, "jupyterhub-singleuser", "--version")


# As spawner contract 5 has it, for one user of a hub at its Service's name.
SERVER = {
    "JUPYTERHUB_API_TOKEN": "server's", "JUPYTERHUB_USER": "ada", "JUPYTERHUB_SERVER_NAME": "",
    "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-ada", "JUPYTERHUB_SERVICE_PREFIX": "/user/ada/",
    "JUPYTERHUB_BASE_URL": "/", "JUPYTERHUB_HOST": "", "JUPYTERHUB_API_URL": "http://hub:8081/hub/api",
    "JUPYTERHUB_ACTIVITY_URL": "http://hub:8081/hub/api/users/ada/activity",
    "JUPYTERHUB_OAUTH_CALLBACK_URL": "/user/ada/oauth_callback",
    "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:8888/user/ada/",
    "JUPYTERHUB_OAUTH_ACCESS_SCOPES": '["access:servers!server=ada/"]',
    "JUPYTERHUB_OAUTH_SCOPES": '["access:servers!server=ada/"]', "JUPYTERHUB_OAUTH_CLIENT_ALLOWED_SCOPES": "[]",
}


def hub_answer(message):
    model = {"version": "5.5.4"}
    if message.target.split("?")[0] == "/hub/api/user":
        model = {"kind": "user", "name": "ada", "admin": False, "groups": [],
                 "scopes": ["access:servers!server=ada/", "read:users:name!user=ada"]}
    return peers.response(fields=[("Content-Type", "application/json"), ("X-JupyterHub-Version", "5.5.4")],
                          body=json.dumps(model).encode())


def ask(method, path, body=None):
    """(status, JSON) of one call to the server, as ada."""
    with peers.connect((pods.POD, 8888)) as peer:
        fields = [("Authorization", "token ada's"), ("Content-Type", "application/json"), ("Connection", "close")]
        peer.send(peers.request(method, path, fields, json.dumps(body).encode() if body else b""))
        answer = peer.read_response(method)
        return answer.status, json.loads(answer.body or b"null")


def test_the_base_serves_a_notebook_whose_file_stays_in_the_volume(base, home, sandbox, container, upstream):
    pod = sandbox()
    with pod.inside():
        upstream(peers.answering(hub_answer), host=pods.HUB, port=8081)
        one = container(base, pod, args=["jupyterhub-singleuser"], env=SERVER,
                        volumes={"/home/jovyan": home, "/tmp": home})

        def serves():
            assert one.running(), one.log
            try:
                return ask("GET", "/user/ada/api")[0] == 200
            except OSError:
                return False

        peers.wait_until(serves, "the server answers", 120)
        assert one.status()["Uid"] == ["1000"] * 4  # tini's
        status, kernel = ask("POST", "/user/ada/api/kernels", {"name": "python3"})
        assert status == 201, kernel
        path = f"/user/ada/api/kernels/{kernel['id']}"
        peers.wait_until(lambda: ask("GET", path)[1]["execution_state"] in ("starting", "idle"), "the kernel lives", 60)
        status, made = ask("PUT", "/user/ada/api/contents/a.txt", {"type": "file", "format": "text", "content": "kept"})
        assert status == 201, made
    assert (home / "a.txt").read_text(encoding="ascii") == "kept"
    assert (home / "a.txt").stat().st_uid == 1000
    one.signal("TERM")
    assert one.process.wait(60) in (0, 143), one.log
