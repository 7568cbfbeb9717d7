"""What deploy/ holds: the image's root file system, run as a container would run it, and the values
for the official chart."""

import os
import re
import shutil
import subprocess

import pytest
import yaml

import peers
import programs

DEPLOY = programs.ROOT / "deploy"
DOCKERFILE = (DEPLOY / "images/proxy/Dockerfile").read_text(encoding="utf-8")


def own_mounts():
    """May we have mounts of our own? Not without root, nor in a chroot."""
    command = ["unshare", "--mount", "--propagation", "private", "true"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


as_root = pytest.mark.skipif(not own_mounts(), reason="a root of its own needs mounts of its own")


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory):
    """The image's root, made by the script that the Dockerfile runs."""
    root = tmp_path_factory.mktemp("image") / "root"
    subprocess.run(
        [DEPLOY / "images/proxy/rootfs", programs.HUBGATE, root],
        cwd=programs.ROOT, check=True, timeout=60,
    )
    return root


def image_environment():
    """The variables that the Dockerfile's last stage sets."""
    last = DOCKERFILE.split("FROM scratch")[1]
    block = re.search(r"(?m)^ENV ((?:.*\\\n)*.*)$", last)[1]
    return dict(re.findall(r"(\w+)=(\S+)", block))


def in_image(root, *arguments, env=None):
    """Runs configurable-http-proxy, found on the image's PATH, as the image's user in a read-only
    root without anything of the machine but its network and processes."""
    script = (
        'mount --bind "$1" "$1" && mount --rbind /proc "$1/proc" && mount -o remount,bind,ro "$1" && '
        'root=$1 && shift && exec chroot --userspec=65534:65534 --groups= "$root" "$@"'
    )
    name = shutil.which("configurable-http-proxy", path=str(root / image_environment()["PATH"][1:]))
    return subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "-", str(root),
         "/" + os.path.relpath(name, root), *arguments],
        env={"PATH": os.environ["PATH"], **{k: v for k, v in image_environment().items()
                                            if k != "PATH"}, **(env or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )


def test_the_dockerfile_makes_its_root_with_the_script_that_is_tested_here():
    assert "deploy/images/proxy/rootfs /build/hubgate /rootfs" in DOCKERFILE
    last = DOCKERFILE.split("FROM scratch")[1]
    assert "RUN" not in last and "USER 65534:65534" in last and "EXPOSE 8000 8001" in last
    assert 'ENTRYPOINT ["/usr/local/bin/configurable-http-proxy"]' in last


def test_the_image_holds_nothing_that_is_not_needed(rootfs):
    programs_there = {p.name for p in rootfs.rglob("*bin/*")}
    assert programs_there == {"hubgate", "configurable-http-proxy"}
    for path in rootfs.rglob("*"):
        if not path.is_symlink() and path != rootfs / "tmp":
            assert path.stat().st_mode & 0o022 == 0, f"{path} can be changed by others"


@as_root
def test_the_image_runs_the_program_by_its_old_name(rootfs):
    process = in_image(rootfs, "--version")
    output = process.communicate(timeout=peers.PATIENCE)[0]
    assert process.returncode == 0, output
    assert output.strip() == (programs.ROOT / "VERSION").read_text(encoding="utf-8").strip()


@as_root
def test_the_image_serves_its_ports_as_nobody_in_a_read_only_root(rootfs):
    port, api_port = programs.free_port(), programs.free_port()
    process = in_image(
        rootfs, f"--port={port}", f"--api-port={api_port}", env={"CONFIGPROXY_AUTH_TOKEN": "s3cret"}
    )

    def health():
        assert process.poll() is None, process.communicate()[0]
        try:
            with peers.connect(("127.0.0.1", port)).send(
                peers.request("GET", "/_chp_healthz")
            ) as client:
                return client.read_response("GET").status == 200
        except ConnectionRefusedError:
            return False

    try:
        peers.wait_until(health, "the image is healthy")
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            assert "Uid:\t65534\t65534\t65534\t65534" in status.read()
        # The image's environment opens the API to all addresses (CHP point 15).
        assert programs.Api(("127.0.0.1", api_port), "s3cret").call("GET", "/api/routes")[0] == 200
    finally:
        process.terminate()
        output = process.communicate(timeout=peers.PATIENCE)[0]
    assert process.returncode == 0, output


@as_root
def test_the_image_wants_a_token(rootfs):
    process = in_image(rootfs, "--check")
    output = process.communicate(timeout=peers.PATIENCE)[0]
    assert process.returncode == 1
    assert "CONFIGPROXY_AUTH_TOKEN" in output


def chart_flags():
    """The flags of our values, and of the examples commented out among them."""
    text = (DEPLOY / "z2jh/values.yaml").read_text(encoding="utf-8")
    given = yaml.safe_load(text)["proxy"]["chp"]["extraCommandLineFlags"]
    return given, re.findall(r"(?m)^\s*# - (--\S+)$", text)


def test_the_charts_values_are_what_the_chart_expects():
    chp = yaml.safe_load((DEPLOY / "z2jh/values.yaml").read_text(encoding="utf-8"))["proxy"]["chp"]
    version = (programs.ROOT / "VERSION").read_text(encoding="utf-8").strip()
    assert isinstance(chp["image"]["name"], str) and chp["image"]["tag"] == version
    assert set(chp) <= {"image", "extraCommandLineFlags", "resources", "containerSecurityContext"}


def test_every_flag_of_the_charts_values_is_a_good_one(run_program):
    given, examples = chart_flags()
    assert given and examples
    program = run_program(
        "hubgate", "--check", "--ip=", "--api-ip=", f"--api-port={programs.free_port()}",
        "--default-target=http://hub:8081", "--error-target=http://hub:8081/hub/error",
        f"--port={programs.free_port()}", *given, *examples,
        env={"CONFIGPROXY_AUTH_TOKEN": "s3cret"},
    )
    assert program.process.returncode == 0, program.output
    assert "warning" not in program.output
