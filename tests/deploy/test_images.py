"""The images of proxy and hub: what the archives hold, that the tools of others take them, and that the
programs run in them as their own users."""

import contextlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

import peers
import pods
import programs
from conftest import ROOT, VERSION

IMAGES = ROOT / "deploy/images"
MIB = 1 << 20
PROGRAMS = {"proxy": {"hubgate", "configurable-http-proxy"}, "hub": {"hubgate-hub", "hubctl"}}
USERS = {"proxy": 65534, "hub": 1000}
LIMITS = {"proxy": 15 * MIB, "hub": 40 * MIB}

both = pytest.mark.parametrize("name", ["proxy", "hub"])


def last_stage(name):
    text = (IMAGES / name / "Dockerfile").read_text(encoding="utf-8")
    return re.split(r"(?m)^FROM ", text)[-1]


@both
def test_the_dockerfile_makes_its_root_with_the_script_that_makes_the_archives(name):
    text = (IMAGES / name / "Dockerfile").read_text(encoding="utf-8")
    assert f"deploy/images/root {name} /build /rootfs" in text
    last = last_stage(name)
    assert last.startswith("scratch\n") and "RUN" not in last
    assert f"USER {USERS[name]}:{USERS[name]}" in last


@pytest.mark.parametrize("path", sorted(IMAGES.glob("**/Dockerfile")), ids=lambda p: str(p.parent.relative_to(IMAGES)))
def test_hadolint_has_nothing_to_say(path):
    pods.run("hadolint", "--config", IMAGES / ".hadolint.yaml", path)


@both
def test_the_image_is_small(images, name):
    """Unpacked, as a node holds it; what is pulled is less than half."""
    files = [p for p in images[name].root.rglob("*") if p.is_file() and not p.is_symlink()]
    size = sum(p.stat().st_size for p in files)
    pulled = sum(layer["size"] for layer in images[name].manifest["layers"])
    print(f"{name}: {size} bytes unpacked, {pulled} pulled")
    assert size < LIMITS[name]
    assert pulled < size / 2


@both
def test_the_image_holds_nothing_that_is_not_needed(images, name):
    root = images[name].root
    assert {p.name for p in root.rglob("*bin/*")} == PROGRAMS[name]
    for path in root.rglob("*"):
        mode = path.lstat().st_mode
        assert not mode & (stat.S_ISUID | stat.S_ISGID), path
        if not path.is_symlink() and path != root / "tmp":
            assert mode & 0o022 == 0, f"{path} can be changed by others"


@both
def test_a_scanner_finds_the_packages_that_the_libraries_come_from(images, name):
    records = images[name].root / "var/lib/dpkg/status.d"
    if not records.exists():
        pytest.skip("the libraries here are not of Debian's packages")
    for wanted in {"proxy": ["libc6", "libssl3"], "hub": ["libc6", "libssl3", "libcurl4"]}[name]:
        assert re.search("(?m)^Version: ", (records / wanted).read_text(encoding="utf-8"))
        assert (images[name].root / "usr/share/doc" / wanted / "copyright").stat().st_size


@both
def test_the_image_says_what_its_dockerfile_says(images, name):
    config, last = images[name].config, last_stage(name)
    assert config["User"] == f"{USERS[name]}:{USERS[name]}"
    assert config["Entrypoint"] == json.loads(re.search(r"(?m)^ENTRYPOINT (.*)$", last)[1])
    assert [f"{p}/tcp" for p in re.search(r"(?m)^EXPOSE (.*)$", last)[1].split()] == list(config["ExposedPorts"])
    assert config["Labels"]["org.opencontainers.image.version"] == VERSION
    assert config["Labels"]["org.opencontainers.image.title"] == {"proxy": "hubgate", "hub": "hubgate-hub"}[name]
    assert "PATH=/usr/local/bin" in config["Env"]


def test_the_same_root_makes_the_same_archive(tmp_path, archives):
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/b").write_text("b", encoding="ascii")
    (root / "a").symlink_to("etc/b")
    command = [IMAGES / "pack", "--registry", "registry.example.org", IMAGES / "hub/Dockerfile", root]
    pods.run(*command, tmp_path / "one")
    (root / "etc/b").touch()
    pods.run(*command, tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("line", ["RUN true", "COPY a b", "VOLUME /srv"])
def test_a_dockerfile_that_needs_an_engine_is_refused(tmp_path, line):
    (tmp_path / "root").mkdir()
    (tmp_path / "Dockerfile").write_text(f"FROM scratch\nCOPY --from=build /rootfs/ /\n{line}\n", encoding="ascii")
    with pytest.raises(AssertionError, match=f"{line}: that needs an engine"):
        pods.run(IMAGES / "pack", "--registry", "r.test", tmp_path / "Dockerfile", tmp_path / "root", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- run ---

@both
def test_the_programs_run_in_the_image(images, sandbox, container, name):
    pod = sandbox()
    for program in PROGRAMS[name]:
        one = container(images[name], pod, [program, "--version"])
        assert one.wait() == 0, one.log
        assert VERSION in one.log


def healthy(pod, running, port, path, address=pods.POD):
    def answer():
        assert running.running(), running.log
        try:
            with pod.inside(), peers.connect((address, port)).send(peers.request("GET", path)) as client:
                return client.read_response("GET").status == 200
        except OSError:
            return False

    peers.wait_until(answer, f"{path} on port {port} is answered\n{running.log}")


def test_a_plain_container_of_the_proxy_opens_its_api_with_the_token(images, sandbox, container):
    pod = sandbox()
    one = container(images["proxy"], pod, env={"CONFIGPROXY_AUTH_TOKEN": "s3cret"})
    healthy(pod, one, 8000, "/_chp_healthz")
    with pod.inside():  # CHP point 15: from outside the container too
        assert peers.connect((pods.POD, 8001)).send(
            peers.request("GET", "/api/routes", [("Authorization", "token s3cret")])
        ).read_response("GET").status == 200


def test_a_plain_container_of_the_proxy_wants_a_token(images, sandbox, container):
    one = container(images["proxy"], sandbox())
    assert one.wait() == 1
    assert "CONFIGPROXY_AUTH_TOKEN" in one.log


def test_the_hub_reads_its_settings_in_the_image(images, sandbox, container, tmp_path):
    (tmp_path / "hub.yaml").write_text(
        "state_dir: /srv/hubgate\nhub_ip: ''\nauthenticator: dummy\nproxy_api_url: http://proxy-api:8001\n",
        encoding="ascii")
    (tmp_path / "volume").mkdir()
    os.chown(tmp_path / "volume", 1000, 1000)
    one = container(images["hub"], sandbox(), args=["--config", "/etc/hubgate/hub.yaml", "--check"],
                    files={"/etc/hubgate/hub.yaml": tmp_path / "hub.yaml"},
                    volumes={"/srv/hubgate": tmp_path / "volume"},
                    env={"CONFIGPROXY_AUTH_TOKEN": "s3cret", "HUBGATE_HUB_DUMMY_PASSWORD": "open sesame"})
    assert one.wait() == 0, one.log


def test_the_hub_finds_its_cluster_as_a_pod_does_with_nothing_to_write_but_its_volume(
        images, container, namespace, tmp_path):
    port = programs.free_port()
    (tmp_path / "hub.yaml").write_text(
        f"spawner: kubernetes\nstate_dir: /srv/hubgate\nhub_ip: 127.0.0.1\nhub_port: {port}\n"
        "hub_connect_url: http://hub:8081\nproxy_api_url: http://127.0.0.1:1\nauthenticator: dummy\n",
        encoding="ascii")
    (tmp_path / "volume").mkdir()
    os.chown(tmp_path / "volume", 1000, 1000)
    account = namespace.account()
    account.mount(tmp_path / "account")
    for path in (tmp_path / "account").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)  # as fsGroup has it
    host, api = namespace.plane.url.removeprefix("https://").split(":")
    one = container(
        images["hub"], pods.Host(), files={
            "/etc/hubgate/hub.yaml": tmp_path / "hub.yaml",
            "/var/run/secrets/kubernetes.io/serviceaccount": tmp_path / "account"},
        volumes={"/srv/hubgate": tmp_path / "volume"},
        env={"CONFIGPROXY_AUTH_TOKEN": "s3cret", "HUBGATE_HUB_DUMMY_PASSWORD": "open sesame",
             "KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": api})
    healthy(pods.Host(), one, port, "/hub/health", "127.0.0.1")
    assert one.status()["Uid"] == ["1000"] * 4
    user = f"system:serviceaccount:{namespace.name}:hub"
    peers.wait_until(lambda: namespace.plane.audit(user), f"the API server is asked\n{one.log}")
    one.signal("TERM")
    assert one.wait() == 0, one.log
    assert (tmp_path / "volume/hub.sqlite").stat().st_uid == 1000


# --- air-gapped: the archive into a node's containerd ---

@pytest.fixture(scope="module")
def containerd(tmp_path_factory):
    """ctr(*words): speaks to a containerd of this file's own, whose mounts and processes end with it."""
    reason = pods.why_not() or (None if shutil.which("containerd") else "containerd is not installed")
    if reason:
        pytest.skip(reason)
    home = tmp_path_factory.mktemp("containerd")
    (home / "config.toml").write_text(
        f'version = 2\nroot = "{home}/root"\nstate = "{home}/state"\n'
        f'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "{home}/sock"\n'
        '[plugins."io.containerd.internal.v1.opt"]\n'
        f'path = "{home}/opt"\n', encoding="ascii")
    script = ("mkdir -p /run/containerd && mount -t tmpfs none /run/containerd && "
              f"exec containerd --config {home}/config.toml")
    with open(home / "log", "wb") as log:
        process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "--pid", "--mount-proc", "--fork", "--kill-child",
             "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def first():
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
        return children[0] if children else None

    pid = peers.wait_until(first, "containerd is started")

    def ctr(*words):
        return pods.run("nsenter", "--target", pid, "--mount", "--pid", "ctr", "--address", f"{home}/sock",
                        "--namespace", "k8s.io", *words)

    def serving():
        assert process.poll() is None, (home / "log").read_text(encoding="utf-8")
        try:
            return ctr("version")
        except AssertionError:
            return None

    peers.wait_until(serving, "containerd serves")
    yield ctr
    os.kill(int(pid), signal.SIGTERM)
    process.wait(peers.PATIENCE)
    for group in Path("/sys/fs/cgroup").glob("**/k8s.io"):
        with contextlib.suppress(OSError):  # somebody else's too
            group.rmdir()


@both
def test_a_nodes_containerd_imports_and_runs_the_archive(archives, containerd, name):
    with tarfile.open(archives[name]) as archive:
        index = json.load(archive.extractfile("index.json"))
    full = index["manifests"][0]["annotations"]["io.containerd.image.name"]
    containerd("images", "import", str(archives[name]))
    assert full in containerd("images", "list", "--quiet").split()
    entry = {"proxy": "configurable-http-proxy", "hub": "hubgate-hub"}[name]
    said = containerd("run", "--rm", "--read-only", full, f"{name}-once", f"/usr/local/bin/{entry}", "--version")
    assert VERSION in said
