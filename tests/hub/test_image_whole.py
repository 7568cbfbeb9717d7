"""The image of the whole system: what its Dockerfile says, and the hub run in a root as the image has it, by the
image's user, as the first process of its own: Debian is this machine's, all else the image's."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import hubs

IMAGE = hubs.ROOT / "deploy/images/whole"
DOCKERFILE = (IMAGE / "Dockerfile").read_text(encoding="utf-8")
LAST = re.split(r"(?m)^FROM ", DOCKERFILE)[-1]
PACKAGES = hubs.ROOT / "scripts/requirements/apt-image-whole.txt"


def said_by(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **more)


def may_mount():
    """Not without root, nor in a chroot."""
    return said_by("unshare", "--mount", "--propagation", "private", "true").returncode == 0


as_root = pytest.mark.skipif(not may_mount(), reason="a root of its own needs mounts of its own")


def list_of(instruction):
    """The JSON list of an instruction of the last stage."""
    return json.loads(re.search(rf"(?m)^\s*{instruction} (\[.*\])$", LAST)[1])


def environment():
    block = re.search(r"(?m)^ENV ((?:.*\\\n)*.*)$", LAST)[1]
    return dict(re.findall(r"(\w+)=(\S+)", block))


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory):
    """What the image has beside Debian and Python, made by the script that the Dockerfile runs."""
    root = tmp_path_factory.mktemp("image") / "rootfs"
    said = said_by(str(IMAGE / "rootfs"), str(hubs.PROGRAM.parent), str(root), cwd=hubs.ROOT)
    assert said.returncode == 0, said.stderr
    return root


# --- what it says ---

def test_the_dockerfile_makes_its_files_with_the_script_that_is_tested_here():
    assert "deploy/images/whole/rootfs /build /rootfs" in DOCKERFILE
    assert "COPY --from=build /rootfs/ /" in LAST
    assert "STOPSIGNAL SIGINT" in LAST, "SIGTERM would leave the servers to be killed"
    for line in ("USER 1000:1000", "VOLUME /srv", "EXPOSE 8000"):
        assert line in LAST, line


def test_the_image_holds_the_programs_and_nothing_that_others_can_change(rootfs):
    programs = {path.name for path in (rootfs / "usr/local/bin").iterdir()}
    assert programs == {"hubgate", "configurable-http-proxy", "hubgate-hub", "hubctl"}
    assert os.access(rootfs / "usr/local/libexec/hubgate/hubgate-keeper", os.X_OK)
    assert list_of("ENTRYPOINT")[0] in programs
    for path in rootfs.rglob("*"):
        assert path.is_symlink() or path.stat().st_mode & 0o022 == 0, f"{path} can be changed"


@pytest.mark.skipif(not shutil.which("readelf"), reason="no readelf here")
def test_the_images_packages_have_every_library_that_the_programs_load(rootfs):
    listed = set(re.sub("#.*", "", PACKAGES.read_text(encoding="utf-8")).split()) | {"libc6"}
    for program in ("bin/hubgate", "bin/hubgate-hub", "bin/hubctl", "libexec/hubgate/hubgate-keeper"):
        path = str(rootfs / "usr/local" / program)
        wanted = set(re.findall(r"\(NEEDED\).*\[(.*)\]", said_by("readelf", "-d", path).stdout))
        for name, where in re.findall(r"(\S+) => (/\S+)", said_by("ldd", path).stdout):
            if name in wanted and not re.match("lib[aut]*san", name):
                found = said_by("dpkg", "-S", where, os.path.realpath(where)).stdout
                owners = {line.split(":")[0] for line in found.splitlines()}
                assert owners & listed, f"{program} loads {name} of {owners or 'nowhere'}"


# --- a container, as far as there is no engine ---

# In namespaces of its own: lo comes up, the mounts are made, and the entry point is the first process.
INSIDE = r"""
import fcntl, os, socket, struct, subprocess, sys
root, local, venv, *command = sys.argv[1:]
fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh14x", b"lo", 0x41))  # SIOCSIFFLAGS: up, running
def mount(source, target, *more):
    os.makedirs(root + target, exist_ok=True)
    subprocess.run(["mount", *(more or ["--bind"]), source, root + target], check=True)
mount("/usr", "/usr")
mount(local, "/usr/local")
mount("/dev", "/dev", "--rbind")
mount("proc", "/proc", "-t", "proc")
for part in "lib", "share", "etc":
    mount(f"{venv}/{part}", f"/opt/jupyter/{part}")
os.chroot(root)
os.chdir("/srv")
os.setgroups([])
os.setgid(1000)
os.setuid(1000)
os.execvpe(command[0], command, os.environ)
"""


class Container:
    def __init__(self, path, rootfs):
        self.path, self.rootfs = path / "root", rootfs
        self.log_file = path / "log"
        self.process = None
        self.env = {**environment(), "HUBGATE_HUB_SERVER_COMMAND":  # scripts name their old place
                    json.dumps(["/opt/jupyter/bin/python3", "-m", "jupyterhub.singleuser"])}
        shutil.copytree(rootfs / "etc", self.path / "etc")
        for name in ("bin", "lib", "lib64", "sbin"):
            (self.path / name).symlink_to(f"usr/{name}")
        (self.path / "tmp").mkdir()
        (self.path / "tmp").chmod(0o1777)
        for name in ("hub", "homes"):
            (self.path / "srv" / name).mkdir(mode=0o700, parents=True)
            os.chown(self.path / "srv" / name, 1000, 1000)
        self.write("etc/passwd", "root:x:0:0::/root:/bin/bash\nhub:x:1000:1000::/srv/homes:/bin/bash\n")
        self.write("etc/group", "root:x:0:\nhub:x:1000:\n")
        self.write("etc/hosts", "127.0.0.1 localhost\n")
        self.write("opt/jupyter/pyvenv.cfg", "home = /usr/bin\n")
        (self.path / "opt/jupyter/bin").mkdir()
        for name in ("python", "python3"):
            (self.path / "opt/jupyter/bin" / name).symlink_to("/usr/bin/python3")

    def write(self, name, text):
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text, encoding="ascii")

    def start(self, *more, **env):
        with open(self.log_file, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "--pid", "--net", "--fork",
                 "--kill-child", "/usr/bin/python3", "-c", INSIDE, str(self.path),
                 str(self.rootfs / "usr/local"), str((hubs.ROOT / "build/venv").resolve()),
                 *list_of("ENTRYPOINT"), *more],
                env={**self.env, **env}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def first(self):
        """The entry point's process, by its number out here."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text(encoding="ascii").split()[0])

    def run(self, *command):
        """Another process in the container, as `docker exec` has it."""
        enter = ["nsenter", "--target", str(self.first), "--mount", "--pid", "--net", "--root", "--wd",
                 "--setuid", "1000", "--setgid", "1000", "--"]
        return said_by(*enter, *command, env=self.env)

    def is_healthy(self):
        assert self.process.poll() is None, self.log
        try:
            return self.run(*list_of("CMD")).returncode == 0
        except (IndexError, ValueError):
            return False  # not there yet

    def wait(self):
        return self.process.wait(60)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()  # --kill-child: the first process goes with it, and all with that
            self.process.wait()


@pytest.fixture
def container(rootfs, tmp_path):
    made = Container(tmp_path, rootfs)
    yield made
    made.close()


@as_root
def test_the_image_wants_a_password(container):
    container.start()
    assert container.wait() == 1
    assert "HUBGATE_HUB_DUMMY_PASSWORD" in container.log, container.log


# A person's way in, by the means that the image has.
LOG_IN = """
import http.cookiejar, re, time, urllib.parse, urllib.request
browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

def look(path, form=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with browser.open("http://127.0.0.1:8000" + path, data) as answer:
            return answer.read().decode()
    except OSError:
        return ""

xsrf = re.search('name="_xsrf" value="([^"]*)"', look("/hub/login"))[1]
look("/hub/login", {"username": "ada", "password": "open sesame", "_xsrf": xsrf})
end = time.monotonic() + 60
while "<title>JupyterLab" not in look("/user/ada/lab"):
    assert time.monotonic() < end, "no JupyterLab"
    time.sleep(0.1)
"""


@as_root
@pytest.mark.skipif(not any((hubs.ROOT / "build/venv/lib").glob(
    said_by("/usr/bin/python3", "-c", "import sys; print('python%d.%d' % sys.version_info[:2])")
    .stdout.strip())), reason="build/venv is another Python's than Debian's")
def test_somebody_logs_in_and_has_a_jupyterlab_as_the_images_user(container):
    container.start(HUBGATE_HUB_DUMMY_PASSWORD="open sesame")
    hubs.wait_for(container.is_healthy, "the container is healthy")
    assert os.stat(f"/proc/{container.first}").st_uid == 1000
    said = container.run("python3", "-c", LOG_IN)
    assert said.returncode == 0, said.stderr + container.log
    assert (container.path / "srv/homes/ada").is_dir()
    assert (container.path / "srv/hub/hub.sqlite").exists()
    os.kill(container.first, signal.SIGINT)
    container.wait()
    assert "The server /user/ada/ has stopped" in container.log, container.log
