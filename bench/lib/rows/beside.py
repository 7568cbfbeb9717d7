"""Small requests beside other work: what one kind of load does to the latency of another.

The requests come at a steady rate, each at its time, whatever became of the last (bench/replay.c);
with and without the other load by turns, so that a machine that drifts drifts for both."""

import statistics
import time

from .. import rig
from ..load import CONNECTIONS, LATENCIES, wrk_beside
from ..replay import Replay, api_request, get_request, replay, written
from ..row import Bound, Row, Scenario
from .routes import API, additions, add_request

RATE, CLIENTS = 2000, 16  # requests a second, on so many connections
CHANGES = 500  # a second
DOWNLOADS = 8
WARM_UP = 0.2  # seconds
ROUTES = 20000


def small_requests(bench, port, seconds, rate=RATE):
    requests = written(bench, "small", lambda: [get_request("/")])
    return replay(bench, port, requests, "--first", "--again", "--rate", rate, "--connections",
                  CLIENTS, "--warm-up", WARM_UP, "--seconds", WARM_UP + seconds)


def beside(bench, running, other):
    """Pairs of latencies, without and with the other load, which `other` starts."""
    pairs = []
    for _ in range(1 if bench.quick else 2):
        alone = small_requests(bench, running.http, 1)
        with other() as load:
            time.sleep(WARM_UP)
            with_other = small_requests(bench, running.http, 1)
            if load.process.popen.poll() is not None:
                raise rig.BenchError("the load beside ended too early")
        pairs.append((alone, with_other))
    return pairs


def median_of(pairs, figure):
    return statistics.median(figure(alone["each"], other["each"]) for alone, other in pairs)


def failures(pairs):
    return sum(got["failed"] for pair in pairs for got in pair)


def beside_lists(bench, running):
    requests = written(bench, "list", lambda: [api_request("GET")])
    pairs = beside(bench, running, lambda: Replay(bench, running.api, requests, "--last",
                                                  "--again", "--seconds", 60))
    return {"value": median_of(pairs, lambda a, b: (b["max_us"] - a["max_us"]) / 1000),
            "p99_more_ms": median_of(pairs, lambda a, b: (b["p99_us"] - a["p99_us"]) / 1000),
            "p99_us": median_of(pairs, lambda a, b: b["p99_us"]),
            "p50_us": median_of(pairs, lambda a, b: b["p50_us"]),
            "failed": failures(pairs)}


def beside_changes(bench, running, count):
    target = f"http://127.0.0.1:{bench.origin_port}"

    def changes():
        for user in range(count, count + 1000):
            yield add_request(user, target)
            yield api_request("DELETE", f"/user/u{user}")

    requests = written(bench, "changes", changes)
    pairs = beside(bench, running, lambda: Replay(bench, running.api, requests, "--again",
                                                  "--rate", CHANGES, "--seconds", 60))
    return {"value": median_of(pairs, lambda a, b: b["p99_us"] / 1000),
            "alone_ms": median_of(pairs, lambda a, b: a["p99_us"] / 1000),
            "over_alone": median_of(pairs, lambda a, b: b["p99_us"] / a["p99_us"]),
            "p99_us": median_of(pairs, lambda a, b: b["p99_us"]),
            "p50_us": median_of(pairs, lambda a, b: b["p50_us"]),
            "failed": failures(pairs)}


def additions_beside_requests(bench, running, count):
    """wrk takes all that the proxy's core gives; the routes are added meanwhile."""
    requests = additions(bench, count, 3 * count)
    with wrk_beside(bench, f"http://127.0.0.1:{running.http}/", bench.seconds + 2):
        time.sleep(0.5)
        got = replay(bench, running.api, requests, "--first", "--seconds", bench.seconds)
    return {"value": got["each"]["p99_us"] / 1000, "rate": got["done"] / got["seconds"],
            "failed": got["failed"], **{name: got["each"][name] for name in LATENCIES}}


def api_and_requests(bench, peer):
    count = ROUTES // 10 if bench.quick else ROUTES
    running = peer.start(bench, "plain")
    try:
        replay(bench, running.api, additions(bench, 0, count))
        small_requests(bench, running.http, 1)  # warm
        return {"beside-list": beside_lists(bench, running),
                "beside-change": beside_changes(bench, running, count),
                "add-beside": additions_beside_requests(bench, running, count)}
    finally:
        running.stop()


def fairness(bench, running):
    """The downloads give way on their core to the small requests' client and to the origin: what
    is left is what the proxy does with who waits."""
    requests = written(bench, "download", lambda: [get_request("/size/64m")])
    with Replay(bench, running.http, requests, "--last", "--again", "--connections", DOWNLOADS,
                "--seconds", 60) as load:
        time.sleep(WARM_UP)
        with rig.Meter(running.process, bench.cores) as meter:
            got = small_requests(bench, running.http, bench.seconds, RATE // 4)
        load.process.popen.terminate()
    return {"beside-download": {
        "value": got["each"]["p99_us"] / 1000, "failed": got["failed"],
        "rate": got["done"] / got["seconds"], "cores": meter.cpu / meter.seconds,
        **{name: got["each"][name] for name in LATENCIES}}}


SCENARIOS = [
    Scenario([Row("beside-list", "longest request beside lists of 20 000 routes",
                  "ms more than alone", besides=(("p99_more_ms", "p99 {} ms more than alone"),)),
              Row("beside-change", f"p99 beside {CHANGES} route changes a second", "ms",
                  besides=(("over_alone", "{} × alone"), ("alone_ms", "alone {} ms"))),
              Row("add-beside", "p99 of a route add beside saturating requests", "ms", "routes/s",
                  f"{CONNECTIONS} connections of wrk")],
             api_and_requests, rounds=3, **API),
    Scenario([Row("beside-download", f"p99 beside {DOWNLOADS} downloads", "ms", "requests/s")],
             fairness, tools=()),
]

BOUNDS = [
    Bound("beside-list", limit=2),
    Bound("beside-change", limit=1.2, field="over_alone", unit="× alone"),
]
