"""TLS: requests on a connection that stands, and what a handshake costs."""

import time

from .. import rig
from ..load import per_unit, wrk_row
from ..row import CPU, Bound, Row, Scenario


def tls_handshakes(bench, running):
    """h2load makes a full handshake on every connection (wrk would resume its sessions)."""
    url = f"https://127.0.0.1:{running.https}/"
    count, failed, batch = 0, 0, 200
    with rig.Meter(running.process, bench.cores) as meter:
        while time.monotonic() < meter.start + bench.seconds:
            out = rig.run(["h2load", "--h1", "-t1", f"-n{batch}", f"-c{batch}", url],
                          bench.cores.load)
            line = next(line for line in out.splitlines() if line.startswith("requests:"))
            words = line.replace(",", "").split()
            count += int(words[words.index("succeeded") - 1])
            failed += batch - int(words[words.index("succeeded") - 1])
    return {"tls-handshake": per_unit(meter, count, failed=failed)}


SCENARIOS = [
    Scenario([Row("tls-keepalive", "TLS keep-alive requests, 1 KiB", CPU, "requests/s",
                  "TLS 1.3, ECDSA P-256")], wrk_row("tls-keepalive", "plain", tls=True),
             variant="tls", floor=False),
    Scenario([Row("tls-handshake", "TLS full handshakes", "µs of CPU / handshake", "handshakes/s",
                  "one request each, no resumption")], tls_handshakes, variant="tls", floor=False,
             tools=("wrk", "h2load")),
    Scenario([Row("tls-resumed", "TLS resumed handshakes", "µs of CPU / handshake", "handshakes/s",
                  "one request each, by session ticket")],
             wrk_row("tls-resumed", "close", tls=True), variant="tls", floor=False),
]

BOUNDS = [
    Bound("tls-keepalive", "nginx", 0.85),
    Bound("tls-handshake", "nginx", 0.95),
    Bound("tls-resumed", "nginx", 0.8),
]
