"""Fixtures: hubs, and hubctl as a process. A test that takes `hub` runs against each kind there is."""

import os
import pathlib
import re
import subprocess

import pytest

import hubs
import stub

HUBCTL = pathlib.Path(os.environ.get("HUBCTL", hubs.BUILD / "hubctl")).absolute()
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:")


class Ran:
    """How a run of hubctl ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        assert not SANITIZER.search(err), err

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def error(self):
        """The one line that it complained with."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("hubctl: ")
        return lines[0]


@pytest.fixture
def environment(tmp_path):
    """What hubctl finds around itself: nothing of the person who runs the tests."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    kept.update({name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")})
    return {**kept, "HOME": str(tmp_path)}


@pytest.fixture
def run(environment):
    """run("get", "users", url=…, token=…, stdin=…): hubctl, once it has ended."""

    def run(*words, url=None, token=None, stdin=None, status=None, **more):
        env = {**environment, **more}
        if url:
            env["HUBGATE_HUB_URL"] = url
        if token:
            env["HUBGATE_HUB_TOKEN"] = token
        ended = subprocess.run(
            [HUBCTL, *words], env=env, input=stdin, capture_output=True, timeout=hubs.PATIENCE,
            stdin=subprocess.DEVNULL if stdin is None else None)
        ran = Ran(ended.returncode, ended.stdout.decode(), ended.stderr.decode())
        if status is not None:
            assert ran.status == status, f"{words}: {ran.status}\n{ran.out}{ran.err}"
        return ran

    return run


@pytest.fixture(scope="session", params=hubs.KINDS)
def hub(request):
    running = hubs.KINDS[request.param]().wait_ready()
    yield running
    running.stop()


@pytest.fixture
def ctl(hub, run):
    """ctl("get", "users"): hubctl as the operator of the hub; it is to succeed."""

    def ctl(*words, status=0, token=None, **more):
        return run(*words, url=hub.url, token=token or hub.token, status=status, **more)

    return ctl


@pytest.fixture(scope="session")
def names():
    """names("ada"): a name that no other test has."""
    given = {}

    def name(start="user"):
        given[start] = given.get(start, 0) + 1
        return f"{start}{given[start]}"

    return name


@pytest.fixture
def stub_hub():
    """stub_hub(users=…): a scripted hub, for what a real one is too slow or too good for."""
    made = []

    def make(**more):
        made.append(stub.Hub(**more))
        return made[-1]

    yield make
    for hub in made:
        hub.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its hub said last."""
    outcome = yield
    report = outcome.get_result()
    hub = getattr(item, "funcargs", {}).get("hub")
    if report.failed and hub:
        report.sections.append(("hub", hub.read_log()[-6000:]))
