"""Fixtures: proxies under test and peers around them.

`proxy` and `launch` run a test against configurable-http-proxy and against hubgate; `hubgate` and
`launch_hubgate` against ours alone. Proxies with the same flags are shared within one file and get
an empty route table for each test; `start` gives one of its own."""

import pytest

import peers
import programs
import secure
from peer_fixtures import *  # noqa: F403


class Shared:
    """Running proxies of one file, by kind and flags."""

    def __init__(self):
        self.proxies = {}

    def get(self, kind, flags, env):
        key = (kind, tuple(flags), tuple(sorted(env.items())))
        if key not in self.proxies:
            self.proxies[key] = programs.start(kind, flags, env=env)
        return self.proxies[key]

    def drop(self, proxy):
        self.proxies = {k: p for k, p in self.proxies.items() if p is not proxy}


@pytest.fixture(scope="module")
def shared():
    held = Shared()
    yield held
    failures = []
    for proxy in held.proxies.values():
        try:
            proxy.stop()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture
def running(request, shared):
    """running(kind, *flags, **env): a shared proxy with an empty table."""
    used = request.node.proxies = []

    def get(kind, *flags, **env):
        proxy = shared.get(kind, flags, env)
        if all(proxy is not other for other, *_ in used):
            used.append((proxy, len(proxy.stdout), len(proxy.stderr)))
        return proxy

    yield get
    for proxy, *_ in used:
        try:
            proxy.check()
            proxy.clear()
        except Exception:
            shared.drop(proxy)
            proxy.process.kill()
            raise


@pytest.fixture(params=["chp", "hubgate"])
def kind(request):
    return request.param


@pytest.fixture
def launch(kind, running):
    """launch(*flags): the proxy of this round with these flags."""
    return lambda *flags, **env: running(kind, *flags, **env)


@pytest.fixture
def proxy(launch):
    return launch()


@pytest.fixture
def launch_hubgate(running):
    return lambda *flags, **env: running("hubgate", *flags, **env)


@pytest.fixture
def hubgate(launch_hubgate):
    return launch_hubgate()


@pytest.fixture
def start(request):
    """start(kind, flags, ...): a proxy of this test's own, ended after it if it still runs."""
    started = []

    def get(kind, flags=(), **more):
        proxy = programs.start(kind, flags, **more)
        started.append(proxy)
        request.node.proxies = getattr(request.node, "proxies", []) + [(proxy, 0, 0)]
        return proxy

    yield get
    for proxy in started:
        if proxy.running():
            proxy.stop()
        programs.Program.check(proxy)


@pytest.fixture
def run_program():
    """run_program(kind, *arguments): a process that is expected to end by itself, once it has."""
    ended = []

    def run(kind, *arguments, env=None):
        program = programs.Program(kind, arguments, env)
        ended.append(program)
        program.wait()
        return program

    yield run
    for program in ended:
        program.check()


@pytest.fixture
def tls_upstream(upstream):
    """tls_upstream(context, script): a scripted server over TLS."""
    return lambda context, script=None: upstream(script, server=secure.TlsUpstream, context=context)


@pytest.fixture
def echo(upstream):
    """An upstream that reports each request as JSON."""
    return upstream(peers.answering(peers.report))


@pytest.fixture
def ws_echo():
    server = peers.WebSocketEcho()
    yield server
    server.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A failed test shows what its proxies printed meanwhile."""
    outcome = yield
    report = outcome.get_result()
    if not report.failed:
        return
    for proxy, out, err in getattr(item, "proxies", []):
        name = f"{proxy.kind} {proxy.pid}"
        report.sections.append((f"{name} stdout", proxy.stdout[out:][-8000:]))
        report.sections.append((f"{name} stderr", proxy.stderr[err:][-8000:]))
