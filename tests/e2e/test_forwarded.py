"""What the proxy tells an upstream about the client (CHP points 49-51)."""

import pytest

import peers
from differences import differs

FORWARDED = ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-forwarded-host")
SPOOFED = [
    ("X-Forwarded-For", "10.9.9.9"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Port", "444"),
    ("X-Forwarded-Host", "outer.test"),
]


def forwarded(proxy, echo, fields=(), **more):
    proxy.api.add("/", echo.url)
    headers = proxy.echo("GET", "/", fields, **more)["headers"]
    return tuple(headers[name] for name in FORWARDED)


def test_defaults(proxy, echo):
    assert forwarded(proxy, echo) == ("127.0.0.1", "80", "http", "hub.test")


def test_port_is_the_hosts(proxy, echo):
    assert forwarded(proxy, echo, host="hub.test:81") == (
        "127.0.0.1",
        "81",
        "http",
        "hub.test:81",
    )


def test_values_are_appended(proxy, echo):
    assert forwarded(proxy, echo, SPOOFED) == (
        "10.9.9.9,127.0.0.1",
        "444,80",
        "https,http",
        "outer.test",
    )


def test_none_when_switched_off(launch, echo):
    proxy = launch("--no-x-forward")
    assert forwarded(proxy, echo) == (None, None, None, None)
    assert forwarded(proxy, echo, SPOOFED) == ("10.9.9.9", "https", "444", "outer.test")[:1] + (
        "444",
        "https",
        "outer.test",
    )


def test_ipv4_client_of_a_dual_stack_listener(kind, start, echo):
    proxy = start(kind, listen=["--ip=", "--port={port}", "--api-ip=127.0.0.1",
                                "--api-port={api_port}"])
    client = differs(kind, "plain-ipv4", "::ffff:127.0.0.1", "127.0.0.1")
    assert forwarded(proxy, echo) == (client, "80", "http", "hub.test")


def test_host_passes_and_is_replaced_on_request(launch, echo):
    for flags, host in (((), "hub.test:82"), (("--change-origin",), echo.authority)):
        proxy = launch(*flags)
        proxy.api.add("/", echo.url)
        assert proxy.echo("GET", "/", host="hub.test:82")["headers"]["host"] == host


def test_custom_headers_win_over_the_clients(launch, echo):
    proxy = launch("--custom-header", "X-One: 1", "--custom-header", "x-two :a: b")
    proxy.api.add("/", echo.url)
    headers = proxy.echo("GET", "/", [("X-TWO", "mine"), ("X-Three", "3")])["headers"]
    assert (headers["x-one"], headers["x-two"], headers["x-three"]) == ("1", "a: b", "3")


def test_hop_by_hop_fields_end_here(kind, proxy, echo):
    """RFC 9110 section 7.6.1: nothing of this hop reaches the next."""
    proxy.api.add("/", echo.url)
    fields = [("Connection", "keep-alive, X-Named"), ("X-Named", "1"), ("Keep-Alive", "timeout=9"),
              ("TE", "trailers"), ("Proxy-Connection", "keep-alive"), ("X-Stays", "1")]
    headers = proxy.echo("GET", "/", fields)["headers"]
    assert headers["x-stays"] == "1"
    hop = {"x-named": "1", "keep-alive": "timeout=9", "te": "trailers",
           "proxy-connection": "keep-alive"}
    for name, value in hop.items():
        assert headers[name] == differs(kind, "hop-by-hop", value, None), name


def test_hop_by_hop_fields_of_the_upstream_end_here(kind, proxy, upstream):
    fields = [("Connection", "X-Named"), ("X-Named", "1"), ("Proxy-Connection", "keep-alive"),
              ("X-Stays", "1")]
    server = upstream(peers.answering(peers.response("200 OK", fields, b"ok")))
    proxy.api.add("/", server.url)
    answer = proxy.get("/")
    assert answer.get("x-stays") == "1"
    assert answer.get("x-named") == differs(kind, "hop-by-hop", "1", None)
    assert answer.get("proxy-connection") == differs(kind, "hop-by-hop", "keep-alive", None)


# --- trusted proxies: ours only ---

TRUST = "--trusted-proxies=192.0.2.0/24,127.0.0.0/8"
DISTRUST = "--trusted-proxies=192.0.2.0/24"


def test_a_trusted_proxy_is_believed(launch_hubgate, echo):
    proxy = launch_hubgate(TRUST)
    address, port, proto, host = forwarded(proxy, echo, SPOOFED)
    assert address.replace(" ", "") == "10.9.9.9,127.0.0.1"
    assert (port, proto, host) == ("444", "https", "outer.test")


def test_of_a_trusted_proxys_lists_the_first_entry_is_kept(launch_hubgate, echo):
    proxy = launch_hubgate(TRUST)
    fields = [("X-Forwarded-For", "10.9.9.9, 10.8.8.8"), ("X-Forwarded-Proto", "https,http"),
              ("X-Forwarded-Port", "444, 80")]
    address, port, proto, _ = forwarded(proxy, echo, fields)
    assert address.replace(" ", "") == "10.9.9.9,10.8.8.8,127.0.0.1"
    assert (port, proto) == ("444", "https")


def test_anyone_elses_claims_are_replaced(launch_hubgate, echo):
    proxy = launch_hubgate(DISTRUST)
    assert forwarded(proxy, echo, SPOOFED) == ("127.0.0.1", "80", "http", "hub.test")


@pytest.mark.parametrize("wrong", ["nonsense", "10.0.0.0/33", "10.0.0/8", "::/129"])
def test_trusted_proxies_are_checked_at_the_start(run_program, wrong):
    program = run_program("hubgate", f"--trusted-proxies={wrong}", "--check")
    assert program.process.returncode == 1
    assert "--trusted-proxies" in program.stderr
    assert len(program.stderr.strip().splitlines()) == 1
