"""Routes: adding, listing, removing, what they take, and finding one among many."""

import random
import statistics
import time

from .. import rig
from ..bench import OUT
from ..load import LATENCIES, per_unit, wrk, wrk_once
from ..replay import api_request, replay, written
from ..row import CPU, Bound, Row, Scenario

WARM = 100  # routes that are there before anything is measured
LONGEST = 60  # seconds that adding or removing them all may take; a peer that is slower has a dash
FILLING = 8  # connections, where nobody counts the time
LISTS = 5


def shuffled(first, end, seed):
    users = list(range(first, end))
    random.Random(seed).shuffle(users)
    return users


def add_request(user, target):
    return api_request("POST", f"/user/u{user}", f'{{"target": "{target}", "user": "u{user}", '
                       '"server_name": "", "jupyterhub": true}')


def additions(bench, first, end, own_targets=False):
    """The users' routes in a random order: to the one origin, or to an address for each user."""
    def target(user):
        return (f"http://10.{user >> 16 & 255}.{user >> 8 & 255}.{user & 255}:8888" if own_targets
                else f"http://127.0.0.1:{bench.origin_port}")
    return written(bench, f"add-{first}-{end}{'-own' if own_targets else ''}",
                   lambda: (add_request(user, target(user)) for user in shuffled(first, end, 1)))


def removals(bench, first, end):
    return written(bench, f"remove-{first}-{end}", lambda: (
        api_request("DELETE", f"/user/u{user}") for user in shuffled(first, end, 2)))


def change(bench, running, requests, count, at_once=1):
    """A result for adding or removing them; None when it took too long."""
    with rig.Meter(running.process, bench.cores) as meter:
        got = replay(bench, running.api, requests, "--seconds", LONGEST, "--connections", at_once)
    if got["done"] < count:
        return None
    return per_unit(meter, count, count / got["seconds"], failed=got["failed"],
                    client_s=got["seconds"], **{name: got["each"][name] for name in LATENCIES})


def bare_answer(bench, requests, count):
    """What the same requests cost a program on the proxy's core that only reads and answers them,
    in µs: the origin. No API on one core is below it."""
    [port] = rig.free_ports(1)
    process = rig.Process([OUT / "origin", port], bench.cores.proxy, bench.log_path("origin"))
    try:
        process.wait_port(port)
        with rig.Meter(process, bench.cores) as meter:
            replay(bench, port, requests)
        return meter.cpu * 1e6 / count
    finally:
        process.stop()


def memory_of(bench, peer, count, workers=1, own_targets=False, at_once=1):
    """A process with so many routes, a result for adding them, and what one took."""
    with bench.with_workers(workers):
        running = peer.start(bench, "plain")
    try:
        replay(bench, running.api, additions(bench, 0, WARM, own_targets))
        before = running.process.memory()["pss"]
        added = change(bench, running,
                       additions(bench, WARM, count, own_targets), count - WARM,
                       at_once)
        time.sleep(0.5)
        each = (running.process.memory()["pss"] - before) / (count - WARM)
    except BaseException:
        running.stop()
        raise
    return running, added, each


def memory_result(bench, peer, count, one_worker, own_targets=False):
    result = {"value": one_worker}
    if peer.name == "hubgate":
        running, _, two_workers = memory_of(bench, peer, count, 2, own_targets, FILLING)
        running.stop()
        result["per_worker"] = two_workers - one_worker
    return result


def listed(bench, running, times=LISTS):
    requests = written(bench, "list", lambda: [api_request("GET")])
    with rig.Meter(running.process, bench.cores) as meter:
        got = replay(bench, running.api, requests, "--rounds", times)
    return {"value": got["round"]["p50_us"] / 1000, "cpu_ms": meter.cpu * 1000 / times,
            "bytes": got["bytes"] / times, "failed": got["failed"], "others": meter.others}


def found(bench, one, many, count):
    """Requests for a random user among many beside those for the only one, by turns."""
    url = {process: f"http://127.0.0.1:{process.http}" for process in (one, many)}
    modes = {one: "users 1", many: f"users {count}"}
    for process in (one, many):
        wrk_once(bench, url[process], modes[process], process.peer.warm_up)
    results = {one: [], many: []}
    for _ in range(1 if bench.quick else 3):
        for process in (one, many):
            results[process].append(wrk(bench, process, url[process], modes[process], 1))
    median = {process: statistics.median(result["value"] for result in results[process])
              for process in (one, many)}
    return {**results[many][-1], "value": median[many], "one_route_us": median[one],
            "over_one": median[many] / median[one],
            "failed": sum(result["failed"] for result in results[one] + results[many])}


def table_of(size, suffix=""):
    def measure(bench, peer):
        count = size // 10 if bench.quick else size
        many, added, each = memory_of(bench, peer, count)
        one = None
        try:
            if added is None:
                return {}
            if peer.name == "hubgate" and not suffix:
                added["bare_us"] = bare_answer(bench, additions(bench, WARM, count), count - WARM)
            one = peer.start(bench, "plain")
            replay(bench, one.api, additions(bench, 0, 1))
            results = {"route-add": added, "route-list": listed(bench, many),
                       "route-lookup": found(bench, one, many, count)}
            results["route-delete"] = change(bench, many, removals(bench, WARM, count),
                                             count - WARM)
        finally:
            many.stop()
            if one:
                one.stop()
        results["route-memory"] = memory_result(bench, peer, count, each)
        return {key + suffix: result for key, result in results.items()}
    return measure


def own_targets(bench, peer):
    count = 2000 if bench.quick else 20000
    running, _, each = memory_of(bench, peer, count, own_targets=True, at_once=FILLING)
    running.stop()
    return {"route-memory-own": memory_result(bench, peer, count, each, own_targets=True)}


def rows_of(size, suffix=""):
    worker = ("per_worker", "{} bytes of it are one worker's, the rest the table of the REST API")
    return [
        Row("route-add" + suffix, f"route add, {size} one by one", "µs of CPU / route", "routes/s",
            besides=(("client_s", "{} s for all"),
                     ("bare_us", "{} µs for a program that only reads and answers the request"))),
        Row("route-delete" + suffix, f"route delete, {size} one by one", "µs of CPU / route",
            "routes/s", besides=(("client_s", "{} s for all"),)),
        Row("route-list" + suffix, f"list of {size} routes", "ms of the client's time",
            besides=(("cpu_ms", "{} ms of CPU"), ("bytes", "{} bytes"))),
        Row("route-lookup" + suffix, f"request over {size} routes", CPU, "requests/s",
            besides=(("over_one", "{} × one over a single route"),)),
        Row("route-memory" + suffix, f"route, {size} to one target", "bytes (PSS)",
            besides=(worker,))]


API = {"variant": None, "peers": ("hubgate", "chp"), "floor": False}

SCENARIOS = [
    Scenario(rows_of("20 000"), table_of(20000), **API),
    Scenario([Row("route-memory-own", "route, 20 000 to targets of their own", "bytes (PSS)",
                  besides=(("per_worker", "{} bytes of it are one worker's"),))],
             own_targets, rounds=2, **API),
    Scenario(rows_of("200 000", "-200k"), table_of(200000, "-200k"), rounds=2, **API),
]

BOUNDS = [
    Bound("route-add", "chp", 0.1),
    Bound("route-add", limit=2, field="client_s", unit="s for all"),
    Bound("route-list", "chp", 0.25),
    Bound("route-lookup-200k", limit=1.1, field="over_one", unit="× one route"),
    Bound("route-memory", limit=250, field="per_worker", unit="bytes a worker"),
    Bound("route-memory-200k", limit=250, field="per_worker", unit="bytes a worker"),
]
