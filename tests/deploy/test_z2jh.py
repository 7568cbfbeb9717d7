"""The proxy's image in the pod that the official chart (Zero to JupyterHub) makes for its proxy: its command,
arguments, environment, user, probes and signals, for release 4.4.0 and for what becomes 5.0."""

import json
import re
import shutil
import ssl

import pytest
import yaml

import peers
import pods
import programs
from conftest import ROOT, TAG

VALUES = ROOT / "deploy/z2jh/values.yaml"
TOKEN = "s3cret"
NOBODY = (65534, 65534)
PUBLIC, API, HTTPS = 8000, 8001, 8443
PLAIN = ["--port=8000"]
TLS = ["--port=8443", "--redirect-port=8000", "--redirect-to=443",
       "--ssl-key=/etc/chp/tls/tls.key", "--ssl-cert=/etc/chp/tls/tls.crt"]


def flags(mode=tuple(PLAIN), more=()):
    """What the chart's template gives, joined with "=", empty values included."""
    return ["--ip=", "--api-ip=", "--api-port=8001", "--default-target=http://hub:8081",
            "--error-target=http://hub:8081/hub/error", *mode, *more]


def of_4_4(mode=PLAIN, more=()):
    """4.4.0: everything is the command."""
    return {"command": ["configurable-http-proxy", *flags(mode, more)]}


def of_main(mode=PLAIN, more=()):
    """What becomes 5.0: the command is a value of the chart, the flags are args."""
    return {"command": ["configurable-http-proxy"], "args": flags(mode, more)}


charts = pytest.mark.parametrize("chart", [of_4_4, of_main], ids=["4.4.0", "main"])


def environment():
    """The token, and what the kubelet says of each Service of the namespace (Pod API: enableServiceLinks)."""
    env = {"CONFIGPROXY_AUTH_TOKEN": TOKEN, "KUBERNETES_SERVICE_HOST": "10.96.0.1", "HOSTNAME": "proxy-0"}
    # hubgate: somebody's Service may be called what the program is.
    for service, address, port in (("HUB", pods.HUB, 8081), ("PROXY_API", "10.96.0.82", 8001),
                                   ("PROXY_PUBLIC", "10.96.0.83", 80), ("HUBGATE", "10.96.0.84", 80)):
        url = f"tcp://{address}:{port}"
        env |= {f"{service}_SERVICE_HOST": address, f"{service}_SERVICE_PORT": str(port),
                f"{service}_PORT": url, f"{service}_PORT_{port}_TCP": url,
                f"{service}_PORT_{port}_TCP_PROTO": "tcp", f"{service}_PORT_{port}_TCP_PORT": str(port),
                f"{service}_PORT_{port}_TCP_ADDR": address}
    return env


def probe(address, port, timeout, tls=False):
    """The status that the kubelet's probe gets, or None: httpGet, HTTPS without verification."""
    try:
        peer = peers.connect((address, port))
        peer.sock.settimeout(timeout)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            peer = peers.Peer(context.wrap_socket(peer.sock))
            peer.sock.settimeout(timeout)
        host = f"[{address}]" if ":" in address else address
        with peer:
            peer.send(peers.request("GET", "/_chp_healthz", host=f"{host}:{port}", fields=[
                ("User-Agent", "kube-probe/1.34"), ("Accept", "*/*"), ("Connection", "close")]))
            answer = peer.read_response("GET")
            return answer.status if json.loads(answer.body) == {"status": "OK"} else None
    except OSError:
        return None


class Proxy:
    """The chart's proxy pod, ready."""

    def __init__(self, container, image, pod, spec, tls=False, ready=True, **more):
        self.pod = pod
        self.container = container(image, pod, user=NOBODY, env=environment(), **spec, **more)
        if ready:
            port = HTTPS if tls else PUBLIC
            self.wait(lambda: probe(pods.POD, port, 1, tls) == 200, "the readiness probe succeeds")

    def wait(self, condition, what):
        def held():
            assert self.container.running(), self.container.log
            with self.pod.inside():
                return condition()
        peers.wait_until(held, what)

    def get(self, path, port=PUBLIC, address=pods.POD, host="hub.example.org", fields=()):
        with self.pod.inside(), peers.connect((address, port)) as peer:
            peer.send(peers.request("GET", path, fields, host=host))
            return peer.read_response("GET")

    def add(self, route, target):
        with self.pod.inside():
            programs.Api((pods.POD, API), TOKEN).add(route, target)


@pytest.fixture
def proxy(images, sandbox, container):
    """proxy(spec, …): the chart's proxy in a network of its own."""
    def make(spec, ipv6=True, **more):
        return Proxy(container, images["proxy"], sandbox(ipv6=ipv6), spec, **more)
    return make


@pytest.fixture
def hub(upstream):
    """hub(pod): what listens at http://hub:8081 there, and says what it was asked."""
    def make(pod):
        with pod.inside():
            return upstream(peers.answering(peers.report), host=pods.HUB, port=8081)
    return make


@charts
def test_the_pods_container_is_confined_and_becomes_ready(proxy, chart):
    one = proxy(chart())
    status = one.container.status()
    assert status["Uid"] == ["65534"] * 4 and status["Gid"] == ["65534"] * 4
    assert [int(word, 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb") for word in status[name]] == [0] * 4
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2" if pods.SECCOMP.exists() else "0"]
    assert status["NSpid"][-1] == "1"
    assert one.pod.listening() == [PUBLIC, API]
    assert "rror" not in one.container.log, one.container.log


@charts
def test_both_probes_are_answered_in_both_families_without_a_hub(proxy, chart):
    one = proxy(chart())
    with one.pod.inside():
        for address in (pods.POD, pods.POD6):
            for timeout in (1, 3):  # the readiness probe's, the liveness probe's
                assert probe(address, PUBLIC, timeout) == 200


@charts
def test_the_hub_and_users_pods_are_reached(proxy, hub, upstream, chart):
    one = proxy(chart())
    hub(one.pod)
    with one.pod.inside():
        user = upstream(host=pods.USER, port=8888)
    one.add("/user/ada", user.url)
    assert one.get("/user/ada/lab").body == b"ok"
    assert json.loads(one.get("/hub/login").body)["target"] == "/hub/login"
    user.stop()
    refused = one.get("/user/ada/lab")  # the error page is the hub's
    assert refused.status == 503
    assert json.loads(refused.body)["target"].startswith("/hub/error/503?url=")


def test_the_api_wants_the_charts_token(proxy):
    one = proxy(of_main())
    assert one.get("/api/routes", port=API).status == 403
    assert one.get("/api/routes", port=API, fields=[("Authorization", f"token {TOKEN}")]).status == 200


@charts
def test_host_routing_finds_each_users_name(proxy, hub, upstream, chart):
    one = proxy(chart(more=["--host-routing"]))
    hub(one.pod)
    with one.pod.inside():
        user = upstream(host=pods.USER, port=8888)
    one.add("/ada.hub.example.org/user/ada", user.url)
    assert one.get("/user/ada/lab", host="ada.hub.example.org").body == b"ok"
    assert json.loads(one.get("/user/ada/lab", host="hub.example.org").body)["target"] == "/user/ada/lab"


@pytest.fixture
def secret(certs, tmp_path):
    """A Secret as the kubelet mounts it: files behind a link that it moves when they change."""
    held = tmp_path / "tls/..2026_12_01"
    held.mkdir(parents=True)
    shutil.copy(certs["server.key"], held / "tls.key")
    shutil.copy(certs["server.pem"], held / "tls.crt")
    (tmp_path / "tls/..data").symlink_to(held.name)
    for name in ("tls.key", "tls.crt"):
        (held / name).chmod(0o644)
        (tmp_path / "tls" / name).symlink_to(f"..data/{name}")
    return tmp_path / "tls"


@charts
def test_manual_tls_serves_https_and_redirects_http(proxy, hub, chart, secret, certs):
    one = proxy(chart(TLS), tls=True, files={"/etc/chp/tls": secret})
    assert one.pod.listening() == [PUBLIC, API, HTTPS]
    hub(one.pod)
    redirect = one.get("/hub/home?next=1")
    assert redirect.status in (301, 302, 307, 308)
    assert redirect.get("location") == "https://hub.example.org/hub/home?next=1"
    context = ssl.create_default_context(cafile=str(certs["ca.pem"]))
    with one.pod.inside(), peers.connect((pods.POD, HTTPS)) as peer:
        peer = peers.Peer(context.wrap_socket(peer.sock, server_hostname="localhost"))
        peer.send(peers.request("GET", "/hub/home"))
        assert json.loads(peer.read_response("GET").body)["target"] == "/hub/home"


@pytest.mark.parametrize("how", [{}, {"without_ipv6": True}], ids=["off", "not in the kernel"])
def test_a_node_without_ipv6_is_no_error(proxy, how):
    one = proxy(of_main(), ipv6=False, **how)
    with one.pod.inside():
        assert probe(pods.POD, PUBLIC, 1) == 200
    assert one.get("/api/routes", port=API, fields=[("Authorization", f"token {TOKEN}")]).status == 200
    assert "rror" not in one.container.log, one.container.log


@charts
def test_sigterm_lets_what_was_begun_end_and_exits_with_0(proxy, upstream, chart):
    def slow(peer):
        peer.read_request()
        peer.send(peers.response(body=b"0123456789")[:-5])
        peer.upstream.begun = True
        peers.wait_until(lambda: peer.upstream.go_on, "the test lets it go on")
        peer.send(b"56789")

    one = proxy(chart())
    with one.pod.inside():
        user = upstream(slow, host=pods.USER, port=8888)
        user.begun = user.go_on = False
    one.add("/user/ada", user.url)
    with one.pod.inside(), peers.connect((pods.POD, PUBLIC)) as peer:
        peer.send(peers.request("GET", "/user/ada/file"))
        peers.wait_until(lambda: user.begun, "the download has begun")
        one.container.signal("TERM")
        peers.wait_until(lambda: PUBLIC not in one.pod.listening(), "no new client is taken")
        user.go_on = True
        assert peer.read_response("GET").body == b"0123456789"
    assert one.container.wait() == 0, one.container.log


def test_sigint_ends_the_first_process_with_chps_status(proxy):
    one = proxy(of_main())
    one.container.signal("INT")
    assert one.container.wait() == 2, one.container.log


def test_a_port_below_1024_is_refused_in_one_line_that_names_it(proxy):
    one = proxy(of_main(["--port=80"]), ready=False)
    assert one.container.wait() == 1
    assert len(one.container.log.splitlines()) <= 2 and "80" in one.container.log


def test_an_unknown_extra_flag_ends_the_start(proxy):
    one = proxy(of_4_4(more=["--no-such-flag"]), ready=False)
    assert one.container.wait() == 1
    assert "--no-such-flag" in one.container.log


# --- deploy/z2jh/values.yaml ---

def values():
    return yaml.safe_load(VALUES.read_text(encoding="utf-8"))


def extra_flags():
    """The flags of our values, and the examples commented out among them."""
    given = values()["proxy"]["chp"]["extraCommandLineFlags"]
    return given, re.findall(r"(?m)^\s*# - (--\S+)$", VALUES.read_text(encoding="utf-8"))


def test_our_values_are_what_the_chart_expects():
    chp = values()["proxy"]["chp"]
    assert chp["image"]["name"].endswith("/hubgate") and TAG.fullmatch(chp["image"]["tag"])
    # Of proxy.chp in both releases; the chart's schema refuses others.
    assert set(chp) <= {"image", "extraCommandLineFlags", "extraEnv", "resources", "containerSecurityContext",
                        "livenessProbe", "readinessProbe", "networkPolicy", "pdb", "extraPodSpec"}


@charts
def test_every_flag_of_our_values_is_a_good_one(proxy, chart):
    given, examples = extra_flags()
    assert given and examples
    one = proxy(chart(more=[*given, *examples]))
    assert "arning" not in one.container.log, one.container.log


# What people have in extraCommandLineFlags, and so bring along.
COMMON = ["--auto-rewrite", "--timeout=60000", "--proxy-timeout=60000", "--keep-alive-timeout=5500",
          "--metrics-port=8002", "--metrics-ip=", "--custom-header=x-frame-options:DENY", "--no-x-forward",
          "--no-include-prefix", "--log-level=debug", "--protocol-rewrite=https", "--change-origin", "--insecure"]


@charts
def test_flags_that_people_bring_along_are_taken(proxy, chart):
    one = proxy(chart(more=COMMON))
    assert one.pod.listening() == [PUBLIC, API, 8002]


def test_the_last_of_a_repeated_flag_wins(proxy):
    one = proxy(of_main(more=["--port=8080"]), ready=False)
    one.wait(lambda: probe(pods.POD, 8080, 1) == 200, "the other port is served")
    assert one.pod.listening() == [API, 8080]
