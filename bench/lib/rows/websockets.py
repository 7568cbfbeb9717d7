"""WebSockets, busy and idle: libwebsockets."""

import time

from .. import rig
from ..bench import Load
from ..load import LATENCIES, per_unit, steady
from ..row import Bound, Row, Scenario

TRIP = "µs of CPU / round trip"


def at(running):
    return "--port", running.ws, "--path", "/ws/bench"


def round_trips(key, connections, size, *options, longer=1):
    def measure(bench, running):
        seconds = bench.seconds * (1 if bench.quick else longer)
        meter, got = steady(bench, running, connections, "wsload", *at(running), "--size", size,
                            "--seconds", seconds, *options)
        return {key: per_unit(meter, got["messages"], got["messages"] / got["seconds"],
                              **{name: got[name] for name in (*LATENCIES, "failed")})}
    return measure


def idle(bench, peer):
    """Memory by the slope: what the second lot of connections adds to a warm process."""
    first, second = (50, 500) if bench.quick else (200, 4000)
    settle, watch = (0.5, 1.0) if bench.quick else (2.0, 3.0)
    running = peer.start(bench, "plain")
    try:
        with Load(bench, "wsload", *at(running), "--connections", first) as load:
            load.wait_ready(first)
            time.sleep(settle / 2)
            before = running.process.memory()
            with Load(bench, "wsload", *at(running), "--connections", second) as more:
                more.wait_ready(second)
                time.sleep(settle)
                after = running.process.memory()
                with rig.Meter(running.process, bench.cores) as meter:
                    time.sleep(watch)
    finally:
        running.stop()
    return {"ws-idle": {"value": (after["pss"] - before["pss"]) / second,
                        "rss": (after["rss"] - before["rss"]) / second,
                        "cpu_idle_us_per_s": meter.cpu * 1e6 / meter.seconds}}


SCENARIOS = [
    Scenario([Row("ws", "WebSocket round trips, 256 B", TRIP, "round trips/s",
                  "200 connections, one message under way on each")], round_trips("ws", 200, 256)),
    Scenario([Row("ws-32k", "WebSocket round trips, 32 KiB", TRIP, "round trips/s",
                  "8 connections")], round_trips("ws-32k", 8, 32768)),
    Scenario([Row("kernels", "500 kernels, 10 messages a second each", TRIP, "round trips/s",
                  "512 B, sent when they are due; latency counts from then")],
             round_trips("kernels", 500, 512, "--rate", 10, longer=2)),
    Scenario([Row("ws-idle", "idle WebSocket", "bytes (PSS)", "",
                  "4 000 of them; both its sockets in the proxy; kernel buffers not counted",
                  (("cpu_idle_us_per_s", "{} µs of CPU a second while they are idle"),
                   ("rss", "RSS {} bytes each")))],
             idle, variant=None, rounds=3),
]

BOUNDS = [
    Bound("ws", "relay", 1.0),
    Bound("ws", "nginx", 1.0),
    Bound("ws", "haproxy", 1.0),
    Bound("ws-32k", "relay", 1.1),
    Bound("ws-idle", limit=1024),
    Bound("ws-idle", limit=0, field="cpu_idle_us_per_s", unit="µs of CPU a second while idle"),
]
