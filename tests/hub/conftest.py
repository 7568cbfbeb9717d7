"""Fixtures: hubs of a file's or a test's own, with the real proxy in front."""

import pytest

import document
import hubs


@pytest.fixture(scope="module")
def hub():
    """A hub with stub servers, shared by the tests of one file: use names of your own."""
    made = hubs.Hub(servers_per_user_max=3)
    try:
        yield made.start().wait_ready()
    finally:
        made.close()


@pytest.fixture
def api(hub):
    """Calls of the shared hub's API, held against its description."""
    return document.Api(hub)


@pytest.fixture
def start_hub(request):
    """start_hub(command=…, flags=…, key=value …): a ready hub of this test's own."""
    made = []

    def start(**more):
        made.append(hubs.Hub(**more))
        request.node.hubs = made
        return made[-1].start().wait_ready()

    yield start
    failures = []
    for one in made:
        try:
            one.close()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture(autouse=True)
def noted(request):
    """Which part of a shared hub's log is this test's."""
    one = request.getfixturevalue("hub") if "hub" in request.fixturenames else None
    request.node.shared_hub = (one, len(one.log)) if one else None


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its hubs logged meanwhile."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    shared = getattr(item, "shared_hub", None)
    if shared and (shared[0].path / "log").exists():
        report.sections.append(("log of the hub", shared[0].log[shared[1]:][-8000:]))
    for one in getattr(item, "hubs", []):
        if (one.path / "log").exists():
            report.sections.append(("log of a hub", one.log[-8000:]))
