"""Redirects of the upstream: untouched, or rewritten on request (CHP point 55)."""

import pytest

import peers

REWRITTEN = [201, 301, 302, 307, 308]


def location(proxy, upstream, where, status=302, host="ext.test:444"):
    """The Location a client sees; {up} in `where` is the upstream's own address."""
    server = upstream(peers.answering(lambda _: peers.response(
        f"{status} Moved", [("Location", where.format(up=server.authority))], b"x")))
    proxy.api.add("/", server.url)
    seen = proxy.get("/x", host=host)
    assert seen.status == status
    return seen.get("location").replace(server.authority, "UPSTREAM")


@pytest.mark.parametrize("where, seen", [
    ("http://{up}/y?z", "http://UPSTREAM/y?z"),
    ("/y", "/y"),
    ("http://other.test/y", "http://other.test/y"),
])
def test_untouched_by_default(proxy, upstream, where, seen):
    assert location(proxy, upstream, where) == seen


@pytest.mark.parametrize("status", REWRITTEN)
def test_auto_rewrite_names_the_clients_host(launch, upstream, status):
    proxy = launch("--auto-rewrite")
    assert location(proxy, upstream, "http://{up}/y?z", status) == "http://ext.test:444/y?z"


@pytest.mark.parametrize("status", REWRITTEN)
def test_protocol_rewrite_changes_the_scheme(launch, upstream, status):
    proxy = launch("--protocol-rewrite=https")
    assert location(proxy, upstream, "http://{up}/y?z", status) == "https://UPSTREAM/y?z"


def test_both(launch, upstream):
    proxy = launch("--auto-rewrite", "--protocol-rewrite", "https")
    assert location(proxy, upstream, "http://{up}/y") == "https://ext.test:444/y"


@pytest.mark.parametrize("where", ["http://other.test/y", "https://other.test:1/y"])
def test_other_hosts_stay(launch, upstream, where):
    proxy = launch("--auto-rewrite", "--protocol-rewrite", "https")
    assert location(proxy, upstream, where) == where


@pytest.mark.parametrize("status", [200, 303, 304, 400])
def test_other_statuses_stay(launch, upstream, status):
    proxy = launch("--auto-rewrite")
    assert location(proxy, upstream, "http://{up}/y", status) == "http://UPSTREAM/y"


def test_the_proxys_own_flags_do_not_touch_relative_ones(launch, upstream):
    proxy = launch("--auto-rewrite")
    assert location(proxy, upstream, "/y?z") == "/y?z"
