"""The ways bytes can take through the proxy are one to those who send and receive: spliced, copied
into chunks, out of and into TLS, and as a tunnel. What arrives is a prefix of what was sent, all of
it where the exchange ends well, and whatever one side does, the other is told of an end.

E2E_BYTES=N tries N exchanges a way instead of a few; E2E_SEED=S repeats a run that failed."""

import os
import random
import threading
import time

import pytest

import peers
import secure
import wire
from test_websocket import SWITCH, upgrade

TRIES = int(os.environ.get("E2E_BYTES", "6"))
SEED = int(os.environ.get("E2E_SEED", random.randrange(1 << 32)))
NOISE = random.Random(SEED).randbytes(16 << 20)
WAYS = ["splice", "chunks", "tls client", "tls upstream"]
# how an exchange ends: well, or one side leaves after some bytes
ENDINGS = ["well", "well", "sender closes", "sender resets", "receiver closes", "receiver resets"]


class Flow:
    """One direction's bytes: what is sent in which pieces, where it stalls and where it ends."""

    def __init__(self, chance, ending, chunked, long=False):
        """long: more than all buffers on the way hold while its receiver stands still."""
        self.size = len(NOISE) if long else chance.choice([1, 1000, 70_000, 600_000, 3_000_000])
        start = chance.randrange(len(NOISE) - self.size + 1)
        self.data, self.chunked, self.chance = NOISE[start:start + self.size], chunked, chance
        self.ending = ending
        self.leaves_at = None if ending == "well" else chance.randrange(self.size)
        self.stalls_at = chance.choice([None, chance.randrange(self.size)])
        if long:
            self.stalls_at = chance.randrange(300_000)
            if ending.startswith("receiver"):
                self.leaves_at = self.stalls_at  # while all on the way is full
        self.full, self.pushed = threading.Event(), threading.Event()
        self.stuck = False

    def head(self):
        return ("Transfer-Encoding", "chunked") if self.chunked else ("Content-Length", self.size)

    def pieces(self, end):
        at, largest = 0, self.chance.choice([1000, 20_000, 300_000])
        while at < end:
            piece = self.data[at:min(end, at + self.chance.randint(1, largest))]
            at += len(piece)
            yield b"%x\r\n%s\r\n" % (len(piece), piece) if self.chunked else piece
        if self.chunked and end == self.size:
            yield b"0\r\n\r\n"

    def push(self, peer):
        """Sends until the end, its own early end or a refusal; says when nothing more is taken."""
        leaves = self.ending.startswith("sender")
        peer.sock.settimeout(0.05)
        try:
            for piece in self.pieces(self.leaves_at if leaves else self.size):
                self.push_piece(peer, memoryview(piece))
        except OSError:
            pass  # the other side is gone: what it has seen says whether it may be
        finally:
            self.pushed.set()
        peer.sock.settimeout(peers.PATIENCE)
        if leaves:
            leave(peer, self.ending)

    def push_piece(self, peer, rest):
        until = time.monotonic() + peers.PATIENCE
        while rest:
            try:
                rest = rest[peer.sock.send(rest):]
                until = time.monotonic() + peers.PATIENCE
            except TimeoutError:
                self.full.set()
                self.stuck = time.monotonic() > until
                assert not self.stuck, f"takes no more and tells no end, seed {SEED}"

    def pull(self, peer, whole=None):
        """Takes what comes until whole(bytes so far), or all to the end, stopping on the way until
        no more can be sent."""
        leaves = self.leaves_at if self.ending.startswith("receiver") else None
        got, peer.buffer, peer.keep = bytearray(peer.buffer), b"", False
        while not (whole and whole(got)):
            if self.stalls_at is not None and len(got) >= self.stalls_at:
                self.stalls_at = None
                peers.wait_until(lambda: self.full.is_set() or self.pushed.is_set(), "it is full")
            if leaves is not None and len(got) >= leaves:
                leave(peer, self.ending)
                break
            if not peer.fill():
                break
            got += peer.buffer
            peer.buffer = b""
        return bytes(got)

    def is_whole(self, got):
        return got.endswith(b"0\r\n\r\n") if self.chunked else len(got) >= self.size

    def check(self, got, framed):
        """framed: as the receiver saw it."""
        body, whole = unchunk(got) if framed == "chunked" else (got, len(got) == self.size)
        assert body == self.data[:len(body)], f"not what was sent, seed {SEED}"
        if self.ending == "well":
            assert whole and len(body) == self.size
        elif self.ending.startswith("sender"):
            assert not whole


def leave(peer, ending):
    peer.reset() if ending.endswith("resets") else peer.close()


def unchunk(raw):
    """The bytes of as many chunks as there are, and whether the last one is there."""
    parts, at = [], 0
    while (line := raw.find(b"\r\n", at)) >= 0:
        size = int(raw[at:line], 16)
        if size == 0:
            return b"".join(parts), raw[line:] == b"\r\n\r\n"
        parts.append(raw[line + 2:line + 2 + size])
        at = line + 2 + size + 2
    return b"".join(parts), False


def framing(head):
    return "chunked" if b"chunked" in head.lower() else "length"


class Stand:
    """A proxy, an upstream behind it that runs a function for each connection, and clients."""

    def __init__(self, way, start, upstream, certs):
        self.tls = way == "tls client"
        flags = certs.flags("ssl", "server") if self.tls else certs.flags("client-ssl", ca="ca")
        self.proxy = start("hubgate", ["--workers=1", *flags])
        self.context = certs.client() if self.tls else None
        self.proxy.wait_ready()
        self.before = self.descriptors()
        behind = ({"server": secure.TlsUpstream, "context": certs.server()}
                  if way == "tls upstream" else {})
        self.upstream = upstream(lambda peer: self.serve(peer), **behind)
        self.proxy.api.add("/", getattr(self.upstream, "named_url", self.upstream.url))

    def client(self):
        if self.tls:
            return secure.connect(self.proxy.address, self.context)
        return peers.connect(self.proxy.address, receive_buffer=65536)

    def serve(self, peer):
        self.began.set()
        try:
            self.outcome.append(self.script(peer))
        finally:
            self.served.set()

    def run(self, script, client):
        """Both sides to their ends; what they returned."""
        self.script, self.outcome = script, []
        self.began, self.served = threading.Event(), threading.Event()
        with self.client() as peer:
            ours = client(peer)
        assert self.served.wait(3 * peers.PATIENCE), f"the upstream sees no end, seed {SEED}"
        return ours, self.outcome[0] if self.outcome else None

    def descriptors(self):
        links = []
        for name in os.listdir(f"/proc/{self.proxy.pid}/fd"):
            try:
                links.append(os.readlink(f"/proc/{self.proxy.pid}/fd/{name}"))
            except OSError:
                pass  # closed meanwhile
        return links

    def nothing_left(self):
        """Sockets as at the start; of pipes the one that is kept for the next exchange."""
        self.upstream.stop()

        def counted(kind, links):
            return sum(link.startswith(kind) for link in links)

        def settled():
            now = self.descriptors()
            return (counted("socket", now) <= counted("socket", self.before)
                    and counted("pipe", now) <= counted("pipe", self.before) + 2)

        try:
            peers.wait_until(settled, f"descriptors are as before, seed {SEED}")
        except AssertionError as failure:
            raise AssertionError(f"{failure}: {self.before}, now {self.descriptors()}") from None


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


@pytest.fixture
def stand(way, start, upstream, certs):
    made = Stand(way, start, upstream, certs)
    yield made
    made.nothing_left()


def flows(way, direction):
    print(f"seed {SEED}")
    for number in range(TRIES):
        chance = random.Random(f"{SEED} {way} {direction} {number}")
        yield Flow(chance, ENDINGS[number % len(ENDINGS)], way == "chunks", long=number % 3 != 2)


def test_a_reply_arrives_as_it_was_sent(stand, way):
    for flow in flows(way, "down"):

        def script(peer, flow=flow):
            wire.read_head(peer)
            fields = [flow.head(), ("Connection", "close")]
            peer.send(peers.response(fields=fields, length=False))
            flow.push(peer)
            if not flow.ending.startswith("sender"):
                peer.to_end()  # the proxy ends it, whatever happened

        def client(peer, flow=flow):
            peer.send(peers.request("GET", "/", [("Connection", "close")]))
            try:
                head = peer.until(b"\r\n\r\n")
            except wire.Truncated:
                return b"", "length"
            if b" 200 " not in head.split(b"\r\n")[0]:  # it left before its head was there
                assert flow.ending.startswith("sender")
                return b"", "length"
            return flow.pull(peer), framing(head)

        (got, framed), _ = stand.run(script, client)
        flow.check(got, framed)


def test_a_request_arrives_as_it_was_sent(stand, way):
    for flow in flows(way, "up"):

        def script(peer, flow=flow):
            head = peer.until(b"\r\n\r\n")
            got = flow.pull(peer, flow.is_whole if flow.ending == "well" else None)
            if flow.ending == "well":
                peer.send(peers.response(fields=[("Connection", "close")], body=b"taken"))
            return got, framing(head)

        def client(peer, flow=flow):
            peer.send(peers.request("POST", "/", [flow.head(), ("Connection", "close")]))
            assert stand.began.wait(peers.PATIENCE)  # else nobody is told of an end
            flow.push(peer)
            if flow.ending == "well":
                assert peer.read_response().body == b"taken"
            elif flow.ending.startswith("receiver"):
                peer.to_end()  # with an answer or without

        _, seen = stand.run(script, client)
        if seen:  # else it was gone before a byte came up
            flow.check(*seen)


def both(flow_out, flow_in, peer):
    """Sends one way and takes the other at the same time. Who will leave does only the one, so
    that nothing waits on a socket that is closed."""
    if flow_out.ending.startswith("sender"):
        return flow_out.push(peer)
    if flow_in.ending.startswith("receiver"):
        return flow_in.pull(peer)
    with peers.Peer(peer.sock.dup()) as twin:  # with a timeout of its own
        sender = threading.Thread(target=flow_out.push, args=(twin,), daemon=True)
        sender.start()
        got = flow_in.pull(peer, flow_in.is_whole if flow_in.ending == "well" else None)
        sender.join(2 * peers.PATIENCE)
        assert not sender.is_alive() and not flow_out.stuck, f"told no end, seed {SEED}"
    return got


@pytest.mark.parametrize("way", ["splice"], indirect=True, ids=["plain"])
def test_a_tunnel_carries_both_ways(stand, way):
    for number, up in enumerate(flows(way, "tunnel up")):
        down = Flow(random.Random(f"{SEED} tunnel down {number}"), "well", False)
        if up.ending != "well":
            down.ending, down.stalls_at = "cut", None

        def script(peer, up=up, down=down):
            peer.until(b"\r\n\r\n")
            peer.send(SWITCH)
            got = both(down, up, peer)
            if up.ending == "well":
                peer.half_close()
                assert peer.ended() == "fin"
            return got

        def client(peer, up=up, down=down):
            peer.send(upgrade("/"))
            peer.until(b"\r\n\r\n")
            got = both(up, down, peer)
            if up.ending == "well":
                assert peer.ended() == "fin"
                peer.half_close()
            return got

        got, seen = stand.run(script, client)
        for flow, arrived in ((up, seen), (down, got)):
            if arrived is not None:
                flow.check(arrived, "length")
