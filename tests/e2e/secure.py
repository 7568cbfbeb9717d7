"""TLS around the plain peers: the same clients and scripted upstreams, behind Python's ssl. An end
without close_notify is the ending "truncated"."""

import contextlib
import socket
import ssl

import peers


class TlsPeer(peers.Peer):
    def fill(self):
        try:
            return super().fill()
        except ssl.SSLEOFError:
            self.ending = "truncated"
            return False

    def close(self):
        """Says close_notify, does not wait for the other's."""
        with contextlib.suppress(OSError, ValueError):
            self.sock.settimeout(0)
            self.sock.unwrap()
        self.sock.close()

    def cut(self):
        """Ends the connection without close_notify."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def connect(address, context, name="localhost", session=None):
    """A client whose handshake is done."""
    plain = peers.connect(address).sock
    return TlsPeer(context.wrap_socket(plain, server_hostname=name, session=session,
                                       suppress_ragged_eofs=False))


def refused(address, context, name="localhost"):
    """Whether the server turns this client away: in the handshake, or, as TLS 1.3 lets clients
    finish first, at once after it."""
    try:
        with connect(address, context, name) as client:
            client.send(peers.request("GET", "/refused"))
            client.read_response()
            return False
    except (OSError, peers.wire.Truncated):
        return True


class TlsUpstream(peers.Upstream):
    """peers.Upstream over TLS. `names` are the server names clients asked for, `sessions` one
    ssl.SSLSocket a finished handshake, `refusals` what failed handshakes said."""

    def __init__(self, context, script=None):
        self.context = context
        self.names, self.handshakes, self.refusals = [], [], []
        context.sni_callback = lambda sock, name, _: self.names.append(name)
        super().__init__(script)
        self.url = "https://" + self.authority
        self.named_url = "https://localhost:%d" % self.address[1]

    def serve(self, peer):
        try:
            sock = self.context.wrap_socket(peer.sock, server_side=True, suppress_ragged_eofs=False)
        except OSError as failure:
            self.refusals.append(failure)
            peer.close()
            return
        self.handshakes.append(sock)
        secure = TlsPeer(sock)
        self.connections[self.connections.index(peer)] = secure
        super().serve(secure)
