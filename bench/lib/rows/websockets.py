"""WebSockets, busy and idle: libwebsockets."""

import time

from .. import rig
from ..load import per_unit, ws_ready, wsload
from ..row import Bound, Row, Scenario


def websocket_round_trips(key, connections, size, trips):
    def measure(bench, running):
        count = max(1, trips // 5) if bench.quick else trips
        with wsload(bench, running, "--connections", connections, "--size", size,
                    "--round-trips", count) as load:
            ws_ready(load, connections)
            with rig.Meter(running.process, bench.cores) as meter:
                load.tell("go")
                got = load.answer()
        return {key: per_unit(meter, got["messages"], got["messages"] / got["seconds"],
                              **{name: got[name]
                                 for name in ("p50_us", "p99_us", "p999_us", "failed")})}
    return measure


def websocket_idle(bench, peer):
    """Memory by the slope: what the second lot of connections adds to a warm process."""
    first, second = (50, 500) if bench.quick else (200, 2000)
    settle = 0.5 if bench.quick else 1.5
    running = peer.start(bench, "plain")
    try:
        time.sleep(0.5)
        rest = running.process.memory()
        with wsload(bench, running, "--connections", first) as load:
            ws_ready(load, first)
            time.sleep(settle)
            before = running.process.memory()
            with wsload(bench, running, "--connections", second) as more:
                ws_ready(more, second)
                time.sleep(settle)
                after = running.process.memory()
                with rig.Meter(running.process, bench.cores) as meter:
                    time.sleep(1.0)
    finally:
        running.stop()
    return {"rest": {"value": rest["pss"] / 2**20, "rss": rest["rss"]},
            "ws-idle": {"value": (after["pss"] - before["pss"]) / second,
                        "rss": (after["rss"] - before["rss"]) / second,
                        "cpu_idle_us_per_s": meter.cpu * 1e6 / meter.seconds}}


SCENARIOS = [
    Scenario([Row("ws", "WebSocket round trips, 256 B", "µs of CPU / round trip", "round trips/s",
                  "32 connections, one message under way on each")],
             websocket_round_trips("ws", 32, 256, 1000)),
    Scenario([Row("ws-32k", "WebSocket round trips, 32 KiB", "µs of CPU / round trip",
                  "round trips/s", "8 connections")],
             websocket_round_trips("ws-32k", 8, 32768, 500)),
    Scenario([Row("rest", "process at rest", "MiB (PSS)", "", "before any connection"),
              Row("ws-idle", "idle WebSocket", "bytes (PSS)", "",
                  "both its sockets in the proxy; kernel buffers not counted")],
             websocket_idle, variant=None),
]

BOUNDS = [
    Bound("ws", "relay", 1.0),
    Bound("ws", "nginx", 1.0),
    Bound("ws", "haproxy", 1.0),
    Bound("ws-32k", "relay", 1.1),
    Bound("ws-idle", limit=1024),
]
