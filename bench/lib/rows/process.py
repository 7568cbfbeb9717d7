"""The process: what one request takes, counted, and what it holds when nobody asks anything."""

import json
import time

from .. import rig
from ..load import CONNECTIONS, wrk_once
from ..peers import HERE
from ..row import Bound, Row, Scenario


def system_calls(bench, running):
    """Counted by the kernel's tracepoint while wrk makes the load of the first row; where perf
    may not, by strace, which slows the proxy so that each wait brings more."""
    pids = running.process.pids()
    url = f"http://127.0.0.1:{running.http}/"
    if rig.have("perf"):
        out = bench.files / "perf.txt"
        argv = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o", out,
                "-p", ",".join(map(str, pids)), "--",
                "taskset", "-c", ",".join(map(str, bench.cores.load)),
                "wrk", "-t1", f"-c{CONNECTIONS}", "-d1s", "-s", HERE / "wrk.lua", url]
        printed = rig.run(argv, check=False)
        counts = [line.split(",")[0] for line in out.read_text().splitlines() if "sys_enter" in line]
        if counts and counts[0].isdigit():
            requests = json.loads(printed.strip().splitlines()[-1])["requests"]
            return {"syscalls": {"value": int(counts[0]) / requests, "how": "perf"}}
    out = bench.files / "strace.txt"
    tracer = rig.Process(["strace", "-f", "-c", "-o", out, *[f"-p{pid}" for pid in pids]],
                         bench.cores.load, bench.log_path("strace"))
    try:
        rig.wait_for(lambda: "ttached" in tracer.log.read_text() or
                     tracer.popen.poll() is not None, "strace")
        requests = wrk_once(bench, url, "plain", 1)["requests"]
    finally:
        tracer.popen.send_signal(2)
        tracer.popen.wait(10)
        tracer.stop()
    total = [line.split() for line in out.read_text().splitlines() if line.endswith("total")]
    if not total:
        raise rig.BenchError("neither perf nor strace may count system calls here")
    return {"syscalls": {"value": int(total[0][3]) / requests, "how": "strace"}}


def instructions(bench, peer):
    """In user space, counted one by one by callgrind: the figure that no noise touches."""
    count = 1000 if bench.quick else 5000
    profile = bench.directory("callgrind")
    bench.under = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--trace-children=yes",
                   f"--callgrind-out-file={profile}/%p"]
    try:
        running = peer.start(bench, "plain")
    finally:
        bench.under = []
    try:
        def load(requests):
            rig.run(["h2load", "--h1", "-t1", f"-n{requests}", "-c16",
                     f"http://127.0.0.1:{running.http}/"], bench.cores.load)

        load(200)
        worker = running.process.pids()[-1]  # a master process only waits
        rig.run(["callgrind_control", "-i", "on", worker], timeout=20)
        load(count)
        rig.run(["callgrind_control", "-d", worker], timeout=20)
    finally:
        running.stop()
    total = 0
    for path in profile.glob("*.1"):
        summary = [line for line in path.read_text().splitlines() if line.startswith("summary:")]
        total += sum(int(line.split()[1]) for line in summary)
    return {"instructions": {"value": total / count if total else None}}


def at_rest(bench, peer):
    """Memory half a second after the start."""
    with bench.with_workers(2):
        running = peer.start(bench, "plain")
    try:
        time.sleep(0.5)
        rest = running.process.memory()
    finally:
        running.stop()
    return {"rest": {"value": rest["pss"] / 2**20, "rss": rest["rss"]}}


SCENARIOS = [
    Scenario([Row("syscalls", "system calls per keep-alive request", "calls / request", "",
                  "the load of the first row")], system_calls, rounds=2,
             tools=("wrk", "perf", "strace", "taskset")),
    Scenario([Row("instructions", "instructions per keep-alive request",
                  "user-space instructions / request", "", "callgrind, 16 connections")],
             instructions, variant=None, rounds=1, peers=("hubgate", "nginx", "haproxy", "relay"),
             tools=("h2load", "valgrind")),
    Scenario([Row("rest", "process at rest, two workers", "MiB (PSS)", "",
                  "before any connection; node and the relays know no workers")], at_rest,
             variant=None, rounds=3),
]

BOUNDS = [Bound("rest", limit=4)]
