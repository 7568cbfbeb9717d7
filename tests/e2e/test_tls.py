"""TLS on the public side, the API and towards targets (CHP points 91-97); versions, ciphers,
resumption, deadlines, and ends that must not look clean."""

import hashlib
import json
import os
import ssl
import subprocess
import threading
import time

import pytest

import certs as certificates
import peers
import programs
import secure
import wire
from differences import differs

TLS12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
TLS13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
BIG = os.urandom(1 << 20) * 20


def get(proxy, context, target="/", name="localhost", **more):
    with secure.connect(proxy.address, context, name) as client:
        client.send(peers.request("GET", target, **more))
        return client.read_response()


@pytest.fixture
def public(launch, certs):
    """The proxy of this round, serving TLS."""
    return launch(*certs.flags("ssl", "server"))


# --- the public side ---


def test_requests_over_tls(public, certs, echo):
    public.api.add("/", echo.url)
    seen = json.loads(get(public, certs.client(), "/a?b=c").body)
    fields = dict(seen["fields"])
    assert (seen["method"], seen["target"]) == ("GET", "/a?b=c")
    assert fields["x-forwarded-proto"] == "https"
    assert fields["x-forwarded-port"] == "443"


def test_health_over_tls(public, certs):
    assert get(public, certs.client(), "/_chp_healthz").status == 200


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_certificate_fits_its_names(public, certs, name):
    assert get(public, certs.client(), "/_chp_healthz", name=name).status == 200


def test_connection_is_kept_for_further_requests(public, certs, echo):
    public.api.add("/", echo.url)
    with secure.connect(public.address, certs.client()) as client:
        for target in ("/1", "/2", "/3"):
            client.send(peers.request("GET", target))
            assert json.loads(client.read_response().body)["target"] == target


def test_plain_http_on_the_tls_port_gets_no_answer(public):
    with public.send(peers.request("GET", "/")) as client:
        rest, _ = client.to_end()
        assert not rest.startswith(b"HTTP/1.1 2")


def test_key_opens_with_the_passphrase_from_the_environment(launch, certs):
    proxy = launch(
        *certs.flags("ssl", "server", key="locked.key"),
        CONFIGPROXY_SSL_KEY_PASSPHRASE=certificates.PASSPHRASE,
    )
    assert get(proxy, certs.client(), "/_chp_healthz").status == 200


@pytest.mark.parametrize(
    "passphrase, says",
    [({}, "encrypted"), ({"CONFIGPROXY_SSL_KEY_PASSPHRASE": "wrong"}, "does not open")],
)
def test_key_that_does_not_open_ends_the_start(run_program, certs, passphrase, says):
    program = run_program(
        "hubgate", *certs.flags("ssl", "server", key="locked.key"), env=passphrase
    )
    assert program.process.returncode == 1
    [line] = program.stderr.splitlines()[-1:]
    assert "--ssl-key" in line and "CONFIGPROXY_SSL_KEY_PASSPHRASE" in line and says in line


@pytest.mark.parametrize("check", [[], ["--check"]])
@pytest.mark.parametrize(
    "flags, says",
    [
        (["--ssl-key=/nowhere.key", "--ssl-cert={server.pem}"], "--ssl-key: cannot read"),
        (["--ssl-key={server.key}", "--ssl-cert=/nowhere.pem"], "--ssl-cert: cannot read"),
        (["--ssl-key={client.key}", "--ssl-cert={server.pem}"], "is not the key of"),
        (["--api-ssl-key={server.key}", "--api-ssl-cert=/nowhere"], "--api-ssl-cert: cannot read"),
        (["--client-ssl-ca={server.key}"], "--client-ssl-ca: "),
        (["--ssl-key={server.key}", "--ssl-cert={server.pem}", "--ssl-ciphers=ROT13"], "ROT13"),
        (["--ssl-key={server.key}", "--ssl-cert={server.pem}", "--ssl-protocol=TLSv1"], "TLSv1"),
        (["--ssl-key={server.key}", "--ssl-cert={server.pem}", "--ssl-dhparam={ca.pem}"], "dhparam"),
    ],
)
def test_unusable_files_end_the_start_with_one_line(run_program, certs, flags, says, check):
    def filled(flag):
        start, brace, rest = flag.partition("{")
        return start + (str(certs[rest[:-1]]) if brace else "")

    ports = [f"--port={programs.free_port()}", f"--api-port={programs.free_port()}"]
    program = run_program("hubgate", "--ip=127.0.0.1", *ports, *map(filled, flags), *check)
    assert program.process.returncode == 1
    errors = [line for line in program.stderr.splitlines() if says in line]
    assert len(errors) == 1, program.output


@pytest.mark.parametrize("versions", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_current_versions_with_forward_secrecy(public, certs, versions):
    with secure.connect(public.address, certs.client(versions=versions)) as client:
        name, version, _ = client.sock.cipher()
        assert version == {TLS12: "TLSv1.2", TLS13: "TLSv1.3"}[versions]
        assert name.startswith("TLS_") or name.startswith("ECDHE-ECDSA-")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_versions_are_refused(public, certs, version):
    old = certs.client(versions=(version, version), ciphers="DEFAULT@SECLEVEL=0")
    assert secure.refused(public.address, old)


def test_protocol_can_be_narrowed(launch, certs):
    proxy = launch(*certs.flags("ssl", "server"), "--ssl-protocol=TLSv1_2")
    assert get(proxy, certs.client(versions=TLS12), "/_chp_healthz").status == 200
    assert secure.refused(proxy.address, certs.client(versions=TLS13))


def test_ciphers_can_be_chosen(launch, certs):
    chosen, other = "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES256-GCM-SHA384"
    proxy = launch(*certs.flags("ssl", "server"), f"--ssl-ciphers={chosen}")
    with secure.connect(proxy.address, certs.client(versions=TLS12)) as client:
        assert client.sock.cipher()[0] == chosen
    assert secure.refused(proxy.address, certs.client(versions=TLS12, ciphers=other))


def test_suites_without_forward_secrecy_are_refused(launch_hubgate, certs):
    proxy = launch_hubgate(*certs.flags("ssl", "rsa"))
    for suite in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256"):
        assert secure.refused(proxy.address, certs.client(versions=TLS12, ciphers=suite))


def test_dh_parameters_make_dhe_suites_work(launch, certs):
    dhe = certs.client(versions=TLS12, ciphers="DHE-RSA-AES128-GCM-SHA256")
    without = launch(*certs.flags("ssl", "rsa"))
    assert secure.refused(without.address, dhe)
    proxy = launch(*certs.flags("ssl", "rsa"), f"--ssl-dhparam={certs['dh.pem']}")
    assert get(proxy, dhe, "/_chp_healthz").status == 200


def test_alpn_is_http1(public, certs):
    context = certs.client()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with secure.connect(public.address, context) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"
    context = certs.client()
    context.set_alpn_protocols(["h2"])
    assert secure.refused(public.address, context)


@pytest.mark.parametrize("flag", ["--ssl-request-cert", "--ssl-reject-unauthorized"])
def test_client_certificates(running, kind, certs, echo, flag):
    if kind == "chp" and flag == "--ssl-reject-unauthorized":
        pytest.skip("no effect in CHP (point 96)")
    proxy = running(kind, *certs.flags("ssl", "server", ca="ca"), flag)
    proxy.api.add("/", echo.url)
    assert secure.refused(proxy.address, certs.client())
    assert secure.refused(proxy.address, certs.client("stranger"))
    assert secure.refused(proxy.address, certs.client("self-signed"))
    assert echo.requests == []
    assert get(proxy, certs.client("client")).status == 200


@pytest.mark.parametrize("versions", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_sessions_resume_whichever_worker_answers(launch_hubgate, certs, versions):
    proxy = launch_hubgate(*certs.flags("ssl", "server"), "--workers=2")
    context, session, resumed = certs.client(versions=versions), None, []
    for _ in range(24):
        with secure.connect(proxy.address, context, session=session) as client:
            client.send(peers.request("GET", "/_chp_healthz"))
            assert client.read_response().status == 200
            resumed.append(client.sock.session_reused)
            session = client.sock.session
    assert resumed == [False] + [True] * 23


def test_renegotiation_is_refused(launch_hubgate, certs):
    """A client's renegotiation gets no handshake; openssl s_client asks for one on a line `R`."""
    proxy = launch_hubgate(*certs.flags("ssl", "server"))
    client = subprocess.run(
        ["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:%d" % proxy.port],
        input="R\n", capture_output=True, text=True, timeout=peers.PATIENCE, check=False,
    )
    _, asked, after = (client.stdout + client.stderr).partition("RENEGOTIATING")
    assert asked and "verify return" not in after


def test_silent_handshake_meets_its_deadline(launch_hubgate, certs):
    proxy = launch_hubgate(*certs.flags("ssl", "server"), "--tls-handshake-timeout=300")
    began = time.monotonic()
    with proxy.connect() as silent, proxy.send(b"\x16\x03\x01\x02\x00\x01") as slow:
        silent.ended()
        slow.to_end()
    assert 0.25 < time.monotonic() - began < peers.PATIENCE
    assert get(proxy, certs.client(), "/_chp_healthz").status == 200


def test_large_download(public, certs, upstream):
    server = upstream(peers.answering(peers.response(body=BIG)))
    public.api.add("/", server.url)
    with secure.connect(public.address, certs.client()) as client:
        client.keep = False
        client.send(peers.request("GET", "/"))
        assert client.read_response().body == BIG


@pytest.mark.parametrize("versions", [TLS12, TLS13], ids=["1.2", "1.3"])
def test_ktls_is_a_wish(launch_hubgate, certs, upstream, versions):
    """Where the kernel has no module tls, OpenSSL makes the records: the client cannot tell."""
    proxy = launch_hubgate(*certs.flags("ssl", "server"), "--ssl-ktls")

    def answer(message):
        return peers.response(body=hashlib.sha256(message.body).hexdigest().encode() + BIG)

    proxy.api.add("/", upstream(peers.answering(answer)).url)
    with secure.connect(proxy.address, certs.client(versions=versions)) as client:
        client.send(peers.request("POST", "/", body=BIG))
        assert client.read_response().body == hashlib.sha256(BIG).hexdigest().encode() + BIG


def test_large_upload(public, certs, upstream):
    def digest(message):
        return peers.response(body=hashlib.sha256(message.body).hexdigest().encode())

    public.api.add("/", upstream(peers.answering(digest)).url)
    with secure.connect(public.address, certs.client()) as client:
        client.keep = False
        client.send(peers.request("POST", "/", body=BIG))
        assert client.read_response().body == hashlib.sha256(BIG).hexdigest().encode()


def test_both_directions_at_once(public, certs, upstream):
    """A body that comes back while it is still being sent."""

    def mirror(peer):
        head = wire.read_head(peer)
        total = int(head.get("content-length"))
        peer.send(peers.response(fields=[("Content-Length", total)], length=False))
        peer.keep = False
        while total:
            if not peer.buffer:
                assert peer.fill()
            part, peer.buffer = peer.buffer, b""
            peer.send(part)
            total -= len(part)

    public.api.add("/", upstream(mirror).url)
    with secure.connect(public.address, certs.client()) as client:
        client.keep = False
        client.send(peers.request("POST", "/", [("Content-Length", len(BIG))]))
        body, step = b"", 1 << 20
        parts = []
        for at in range(0, len(BIG), step):
            client.send(BIG[at : at + step])
            if at == 0:
                wire.read_head(client)
            parts.append(client.exactly(step))
        body = b"".join(parts)
    assert body == BIG


def test_websocket_over_tls(public, certs, ws_echo):
    public.api.add("/", ws_echo.url)
    with peers.websocket(f"wss://localhost:{public.port}/ws", ssl=certs.client()) as client:
        for message in ("hello", b"\x00\xff" * 70000):
            client.send(message)
            assert client.recv(peers.PATIENCE) == message


# --- ends ---


def ends_unclean(client):
    """Reads on; whether the end can be told from a proper one."""
    try:
        answer = client.read_response()
        return not answer.complete
    except wire.Truncated:
        return True


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_broken_answer_does_not_end_cleanly(launch_hubgate, certs, upstream, framing):
    """The upstream resets mid-body; a clean close_notify would make a short body look whole."""
    fields = {
        "length": [("Content-Length", 1000)],
        "chunked": [("Transfer-Encoding", "chunked")],
        "close": [],
    }[framing]
    start = b"10\r\n0123456789abcdef\r\n" if framing == "chunked" else b"0123456789abcdef"

    def breaks(peer):
        peer.read_request()
        peer.send(peers.response(fields=fields, length=False) + start)
        time.sleep(0.1)  # so that the head is on its way before the reset overtakes it
        peer.reset()

    proxy = launch_hubgate(*certs.flags("ssl", "server"))
    proxy.api.add("/", upstream(breaks).url)
    with secure.connect(proxy.address, certs.client()) as client:
        client.send(peers.request("GET", "/"))
        assert ends_unclean(client)


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_truncated_upstream_tls_is_not_passed_on_as_an_end(
    launch_hubgate, certs, tls_upstream, framing
):
    """An https target that closes without close_notify has been cut (RFC 8446 6.1)."""
    fields = {
        "length": [("Content-Length", 1000)],
        "chunked": [("Transfer-Encoding", "chunked")],
        "close": [],
    }[framing]
    start = b"10\r\n0123456789abcdef\r\n" if framing == "chunked" else b"0123456789abcdef"

    def cuts(peer):
        peer.read_request()
        peer.send(peers.response(fields=fields, length=False) + start)
        peer.cut()

    proxy = launch_hubgate(*certs.flags("client-ssl", ca="ca"))
    proxy.api.add("/", tls_upstream(certs.server(), cuts).url)
    with proxy.send(peers.request("GET", "/")) as client:
        assert ends_unclean(client)


def test_client_cut_in_an_upload_is_no_end_for_the_upstream(public, certs, upstream):
    ends = []

    def listens(peer):
        wire.read_head(peer)
        while peer.fill():
            pass
        ends.append(peer.received.endswith(b"0\r\n\r\n"))

    public.api.add("/", upstream(listens).url)
    with secure.connect(public.address, certs.client()) as client:
        client.send(peers.request("POST", "/", [("Transfer-Encoding", "chunked")]))
        client.send(b"5\r\nhello\r\n")
        time.sleep(0.1)  # the head reaches the upstream first
        client.cut()
    peers.wait_until(lambda: ends, "the upstream saw the end")
    assert ends == [False]


def test_answer_ended_by_close_is_whole(public, certs, upstream):
    server = upstream(lambda peer: (peer.read_request(), peer.send(
        peers.response(fields=[("Connection", "close")], body=b"whole", length=False))))
    public.api.add("/", server.url)
    answer = get(public, certs.client())
    assert (answer.body, answer.complete) == (b"whole", True)


# --- the API ---


def test_api_over_tls(start, kind, certs, echo):
    proxy = start(kind, certs.flags("api-ssl", "server"), api_tls=certs.client())
    proxy.api.add("/", echo.url)
    assert proxy.api.routes()["/"]["target"] == echo.url
    assert proxy.get("/").status == 200  # the public side stays plain


def test_api_with_client_certificates(start, kind, certs):
    flags = certs.flags("api-ssl", "server", ca="bundle")
    proxy = start(
        kind,
        [*flags, "--api-ssl-request-cert", "--api-ssl-reject-unauthorized"],
        api_tls=certs.client("client"),
    )
    assert proxy.api.routes() == {}
    address = ("127.0.0.1", proxy.api_port)
    assert secure.refused(address, certs.client())
    assert secure.refused(address, certs.client("self-signed"))
    assert not secure.refused(address, certs.client("stranger"))  # of the bundle's other authority


def test_api_key_opens_with_its_own_passphrase(start, kind, certs):
    proxy = start(
        kind,
        certs.flags("api-ssl", "server", key="locked.key"),
        api_tls=certs.client(),
        env={"CONFIGPROXY_API_SSL_KEY_PASSPHRASE": certificates.PASSPHRASE},
    )
    assert proxy.api.routes() == {}


def test_public_session_does_not_open_the_api(start, certs):
    """Both sides seal tickets; the public one asks for no certificate."""
    api = [*certs.flags("api-ssl", "server", ca="ca"), "--api-ssl-request-cert"]
    proxy = start(
        "hubgate", [*certs.flags("ssl", "server"), *api], api_tls=certs.client("client")
    )
    for versions in (TLS12, TLS13):
        context = certs.client(versions=versions)
        with secure.connect(proxy.address, context) as client:
            client.send(peers.request("GET", "/_chp_healthz"))
            client.read_response()
            session = client.sock.session
        with pytest.raises((OSError, wire.Truncated)):
            with secure.connect(("127.0.0.1", proxy.api_port), context, session=session) as client:
                client.send(peers.request("GET", "/api/routes"))
                client.read_response()


# --- https targets ---


def local(proxy, target="/", **more):
    """CHP checks a target's certificate for the client's Host: here that fits too."""
    return proxy.get(target, host="localhost", **more)


def test_https_targets_are_verified_against_the_bundle(launch, kind, certs, tls_upstream):
    server = tls_upstream(certs.server(), peers.answering(peers.report))
    proxy = launch(*certs.flags("client-ssl", ca="bundle"))
    proxy.api.add("/address", server.url)
    proxy.api.add("/name", server.named_url)
    assert local(proxy, "/address").status == 200
    assert local(proxy, "/name").status == 200
    # An address is no server name (RFC 6066).
    first = differs(kind, "target-name", chp="localhost", hubgate=None)
    assert server.names == [first, "localhost"]


@pytest.mark.parametrize("name", ["stranger", "elsewhere", "self-signed", "expired"])
def test_https_targets_that_do_not_verify_are_503(launch, certs, tls_upstream, name):
    server = tls_upstream(certs.server(name))
    proxy = launch(*certs.flags("client-ssl", ca="ca"))
    proxy.api.add("/", server.url)
    assert local(proxy).status == 503
    assert server.requests == []


def test_targets_are_verified_for_their_own_name(launch, kind, certs, tls_upstream):
    proxy = launch(*certs.flags("client-ssl", ca="ca"))
    proxy.api.add("/right", tls_upstream(certs.server("server")).url)
    proxy.api.add("/wrong", tls_upstream(certs.server("elsewhere")).url)
    right = proxy.get("/right", host="elsewhere.test").status
    wrong = proxy.get("/wrong", host="elsewhere.test").status
    assert (right, wrong) == differs(kind, "target-name", chp=(503, 200), hubgate=(200, 503))


def test_without_a_bundle_the_systems_authorities_count(proxy, certs, tls_upstream):
    proxy.api.add("/", tls_upstream(certs.server()).url)
    assert local(proxy).status == 503


def test_insecure_takes_any_certificate(launch, kind, certs, tls_upstream):
    proxy = launch("--insecure")
    proxy.api.add("/", tls_upstream(certs.server("self-signed")).url)
    assert proxy.get("/").status == differs(kind, "insecure", chp=503, hubgate=200)


def test_client_certificate_is_shown_to_targets(launch, certs, tls_upstream):
    server = tls_upstream(certs.server(ca="ca"))
    shown = launch(*certs.flags("client-ssl", "client", ca="ca"))
    shown.api.add("/", server.url)
    assert local(shown).status == 200
    subject = dict(pair for [pair] in server.handshakes[0].getpeercert()["subject"])
    assert subject["commonName"] == "client"
    without = launch(*certs.flags("client-ssl", ca="ca"))
    without.api.add("/", server.url)
    assert local(without).status == 503
    assert len(server.requests) == 1


def test_https_connections_are_used_again(launch_hubgate, certs, tls_upstream):
    server = tls_upstream(certs.server())
    proxy = launch_hubgate(*certs.flags("client-ssl", ca="ca"), "--workers=1")
    proxy.api.add("/", server.url)
    for _ in range(5):
        assert proxy.get("/").status == 200
    assert len(server.handshakes) == 1


def test_websocket_to_an_https_target(launch, certs, upstream):
    """The far end is the websockets package over TLS, through a scripted TLS upgrade."""
    server = peers.WebSocketEcho(ssl=certs.server())
    try:
        proxy = launch(*certs.flags("client-ssl", ca="ca"))
        proxy.api.add("/", server.url)
        with peers.websocket(proxy.ws_url + "/ws") as client:
            client.send(b"x" * 200000)
            assert client.recv(peers.PATIENCE) == b"x" * 200000
    finally:
        server.stop()


def test_tunnel_whose_target_ends_tls_without_a_word_is_passed_on_whole(launch, certs, tls_upstream):
    """As tornado ends its WebSockets: what was sent arrives, then a plain end and no reset."""

    def speaks(peer):
        peer.read_request()
        peer.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\n\r\n" + b"x" * 300000 + b"last words")
        peer.cut()

    proxy = launch(*certs.flags("client-ssl", ca="ca"))
    proxy.api.add("/", tls_upstream(certs.server(), speaks).url)
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
               ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
    with proxy.send(peers.request("GET", "/", upgrade, host="localhost")) as client:
        assert client.read_response().status == 101
        rest, ending = client.to_end()
    assert (len(rest), rest[-10:], ending) == (300010, b"last words", "fin")


def test_large_bodies_with_an_https_target(launch, certs, tls_upstream):
    server = tls_upstream(certs.server(), peers.answering(
        lambda message: peers.response(body=message.body)))
    proxy = launch(*certs.flags("client-ssl", ca="ca"))
    proxy.api.add("/", server.url)
    with proxy.connect() as client:
        client.keep = False
        sending = threading.Thread(
            target=client.send, args=(peers.request("POST", "/", body=BIG, host="localhost"),), daemon=True)
        sending.start()
        assert client.read_response().body == BIG
        sending.join(peers.PATIENCE)


def test_plain_server_behind_an_https_target_is_503(launch, certs, upstream):
    plain = upstream(lambda peer: peer.fill() and peer.send(peers.response("400 Bad Request")))
    proxy = launch(*certs.flags("client-ssl", ca="ca"))
    proxy.api.add("/", plain.url.replace("http:", "https:"))
    assert proxy.get("/").status == 503


def test_target_that_never_finishes_its_handshake_meets_the_deadline(launch_hubgate, upstream):
    waiting = upstream(lambda peer: peer.to_end())
    proxy = launch_hubgate("--tls-handshake-timeout=300")
    proxy.api.add("/", waiting.url.replace("http:", "https:"))
    began = time.monotonic()
    assert proxy.get("/").status == 503
    assert 0.25 < time.monotonic() - began < peers.PATIENCE


def test_https_error_target(launch, certs, tls_upstream):
    server = tls_upstream(certs.server(ca="ca"), peers.answering(peers.response(body=b"sorry")))
    proxy = launch(*certs.flags("client-ssl", "client", ca="ca"), f"--error-target={server.url}")
    answer = proxy.get("/nowhere")
    assert (answer.status, answer.body) == (404, b"sorry")
    assert server.request().target.startswith("/404?url=")


def test_internal_tls_as_jupyterhub_sets_it_up(start, kind, certs, tls_upstream):
    """JupyterHub's internal_ssl: certificates both ways, on the API and on the targets."""
    hub = tls_upstream(certs.server(ca="ca"), peers.answering(peers.report))
    flags = [
        *certs.flags("api-ssl", "server", ca="bundle"),
        "--api-ssl-request-cert", "--api-ssl-reject-unauthorized",
        *certs.flags("client-ssl", "client", ca="bundle"),
        "--client-ssl-request-cert", "--client-ssl-reject-unauthorized",
        f"--default-target={hub.url}", f"--error-target={hub.url}/hub/error",
    ]
    proxy = start(kind, flags, api_tls=certs.client("client"))
    server = tls_upstream(certs.server(ca="ca"), peers.answering(peers.report))
    proxy.api.add("/user/alice", server.url)
    assert proxy.echo("GET", "/hub/", host="localhost")["target"] == "/hub/"
    assert proxy.echo("GET", "/user/alice/lab", host="localhost")["target"] == "/user/alice/lab"
    server.stop()
    assert b"/hub/error/503?url=%2Fuser%2Falice%2F" in local(proxy, "/user/alice/").body


# --- the redirect listener (CHP points 87-90) ---


@pytest.fixture
def redirect(start, kind, certs):
    """redirect(*flags): a TLS proxy and the address of its redirect port."""

    def make(*flags):
        port = programs.free_port()
        proxy = start(kind, [*certs.flags("ssl", "server"), f"--redirect-port={port}", *flags])
        address = ("127.0.0.1", port)
        peers.wait_until(lambda: accepts(address), "the redirect port is open")
        return proxy, address

    return make


def accepts(address):
    try:
        peers.connect(address).close()
        return True
    except OSError:
        return False


def ask(address, target="/a%20b?c=d", method="GET", **more):
    with peers.connect(address).send(peers.request(method, target, **more)) as client:
        return client.read_response(method)


def test_redirect_to_the_main_port(redirect):
    proxy, address = redirect()
    for method in ("GET", "HEAD", "POST", "DELETE"):
        answer = ask(address, method=method, host="hub.test:80")
        assert (answer.status, answer.body) == (301, b"")
        assert answer.get("location") == f"https://hub.test:{proxy.port}/a%20b?c=d"
    assert ask(address, "/_chp_healthz").status == 301


def test_redirect_to_another_port(redirect):
    _, address = redirect("--redirect-to=8443")
    assert ask(address).get("location") == "https://hub.test:8443/a%20b?c=d"


def test_redirect_to_443_shows_no_port(redirect, kind):
    _, address = redirect("--redirect-to=443")
    assert ask(address, "/x").get("location") == differs(
        kind, "redirect-443", chp="https://hub.test:443/x", hubgate="https://hub.test/x"
    )


def test_redirect_keeps_ipv6_hosts(redirect, kind):
    proxy, address = redirect()
    answer = ask(address, "/x", host="[::1]:80")
    assert answer.get("location") == differs(
        kind, "redirect-ipv6",
        chp=f"https://[:{proxy.port}/x", hubgate=f"https://[::1]:{proxy.port}/x"
    )


def test_redirect_without_a_host_is_400(redirect):
    proxy, address = redirect()
    answer = ask(address, host=None, version="1.0")
    assert answer.status == 400
    assert answer.body == (
        b"This server is HTTPS-only on port %d, but an HTTP request was made and the host could "
        b"not be determined from the request." % proxy.port
    )


def test_redirect_without_a_certificate_ends_the_start(run_program, kind):
    ports = [f"--port={programs.free_port()}", f"--redirect-port={programs.free_port()}"]
    program = run_program(kind, "--ip=127.0.0.1", *ports)
    assert program.process.returncode == 1
    assert "HTTPS redirection specified but certificates not provided" in program.output
