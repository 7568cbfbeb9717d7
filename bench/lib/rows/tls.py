"""TLS: requests and bodies on a connection that stands, and what a handshake costs."""

from .. import rig
from ..load import LATENCIES, TRANSFERS, curls, per_unit, steady, wrk_row
from ..row import CPU, Bound, Row, Scenario

HANDSHAKE = "µs of CPU / handshake"


def handshakes(key, *options):
    """All of them resumed, or none: anything else is another measurement."""
    def measure(bench, running):
        meter, got = steady(bench, running, 32, "tlsload", "--port", running.https,
                            "--seconds", bench.seconds, *options)
        wanted = got["handshakes"] if "--resume" in options else 0
        if got["resumed"] != wanted or not got["handshakes"]:
            raise rig.BenchError(f"{got['resumed']} of {got['handshakes']} handshakes were resumed")
        return {key: per_unit(meter, got["handshakes"], got["handshakes"] / got["seconds"],
                              resumed=got["resumed"],
                              tickets=got["tickets"] / got["handshakes"],
                              **{name: got[name] for name in (*LATENCIES, "failed")})}
    return measure


def download(bench, running):
    each = 1 if bench.quick else 2
    url = f"https://127.0.0.1:{running.https}/size/64m?[1-{each}]"
    return {"tls-download": curls(bench, running, ["-k", url], TRANSFERS * each * 64)}


SCENARIOS = [
    Scenario([Row("tls-keepalive", "TLS keep-alive requests, 1 KiB", CPU, "requests/s",
                  "TLS 1.3, ECDSA P-256")], wrk_row("tls-keepalive", "plain", tls=True),
             variant="tls", floor=False),
    Scenario([Row("tls-handshake", "TLS full handshakes", HANDSHAKE, "handshakes/s",
                  "one request each, no resumption")], handshakes("tls-handshake"), variant="tls",
             floor=False),
    Scenario([Row("tls-resumed", "TLS resumed handshakes", HANDSHAKE, "handshakes/s",
                  "one request each, by session ticket, each one counted",
                  besides=(("tickets", "{} new tickets a connection, each of which a client uses once"),))],
             handshakes("tls-resumed", "--resume"), variant="tls", floor=False),
    Scenario([Row("tls-download", "TLS 64 MiB downloads", "µs of CPU / MiB", "MiB/s",
                  f"{TRANSFERS} at a time; p50 is a whole transfer")], download, variant="tls",
             floor=False, tools=("wrk", "curl")),
]

BOUNDS = [
    Bound("tls-keepalive", "nginx", 0.85),
    Bound("tls-handshake", "nginx", 0.95),
    Bound("tls-resumed", "nginx", 0.8),
]
