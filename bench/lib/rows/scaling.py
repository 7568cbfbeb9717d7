"""A second worker: what it brings and what it costs, where the load shares the cores with it."""

import contextlib
import os

from .. import rig
from ..load import LATENCIES, wrk, wrk_once
from ..row import CPU, Row, Scenario


@contextlib.contextmanager
def everywhere(bench):
    """Nobody is pinned: proxy, load and origins are wherever the kernel puts them."""
    pinned = bench.cores
    bench.cores = rig.Cores(shared=True)
    try:
        for process in bench.processes:
            os.sched_setaffinity(process.pid, bench.cores.load)
        yield
    finally:
        bench.cores = pinned
        for process in bench.processes:
            os.sched_setaffinity(process.pid, pinned.load)


def with_workers(bench, peer, workers):
    with bench.with_workers(workers):
        running = peer.start(bench, "plain")
    try:
        url = f"http://127.0.0.1:{running.http}/"
        wrk_once(bench, url, "plain", 1)
        return wrk(bench, running, url, "plain")
    finally:
        running.stop()


def scaling(bench, peer):
    with everywhere(bench):
        one, two = (with_workers(bench, peer, workers) for workers in (1, 2))
    return {"two-workers": {**two, "cost": two["value"] / one["value"],
                            "gain": two["rate"] / one["rate"]}}


SCENARIOS = [
    Scenario([Row("two-workers", "keep-alive requests, two workers", CPU, "requests/s",
                  "on all cores, with the load",
                  besides=(("cost", "{} × the CPU a request of one worker"),
                           ("gain", "{} × its rate")))],
             scaling, variant=None, rounds=3, peers=("hubgate", "nginx")),
]
