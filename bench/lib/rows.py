"""The rows of the table, and the scenarios that measure them.

A scenario measures one or more rows against one peer and returns {row key: result}. A result has
`value` (the row's own measure, in the row's unit) and what else is known: rate, p50_us, p99_us,
rss, others (what the rest of the machine did on the proxy's core, in cores), failed, and so on."""

import json
import random
import shlex
import socket
import statistics
import subprocess
import time
from dataclasses import dataclass

from . import rig
from .bench import OUT, Load
from .peers import HERE, TOKEN


@dataclass
class Row:
    key: str
    title: str
    unit: str  # of `value`
    rate: str = ""  # unit of `rate`
    note: str = ""


@dataclass
class Scenario:
    rows: list
    measure: object  # (bench, running) -> {key: result}, or (bench, peer) when variant is None
    variant: str = "plain"  # of the peers in lib/peers.py; None: the scenario starts its own
    peers: tuple = ()  # names; empty: all that can do the variant
    floor: bool = True  # whether the relay can do it
    tools: tuple = ("wrk",)  # programs it needs


@dataclass
class Bound:
    """What is aimed at: the row's value at most `factor` × that of `against`, or at most `limit`."""

    row: str
    against: str = ""
    factor: float = 1.0
    limit: float = 0.0
    field: str = "value"
    unit: str = ""  # of that field


# --- HTTP requests: wrk --------------------------------------------------------------------------

CONNECTIONS = 64


def wrk_once(bench, url, mode, seconds, connections=CONNECTIONS):
    out = rig.run(["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout",
                   "10s", "-s", HERE / "wrk.lua", url, "--", *shlex.split(mode)],
                  bench.cores.load, timeout=seconds + 30)
    return json.loads(out.strip().splitlines()[-1])


def per_unit(meter, units, rate=None, **more):
    return {"value": meter.cpu * 1e6 / units if units else None,
            "rate": units / meter.seconds if rate is None else rate, "cpu_s": meter.cpu,
            "cores": meter.cpu / meter.seconds, "others": meter.others, "units": units, **more}


def wrk(bench, running, url, mode):
    with rig.Meter(running.process, bench.cores) as meter:
        got = wrk_once(bench, url, mode, bench.seconds)
    return per_unit(meter, got["requests"], got["requests"] / got["seconds"],
                    **{name: got[name] for name in ("p50_us", "p99_us", "p999_us", "failed")})


def wrk_row(key, mode, path="/", tls=False):
    def measure(bench, running):
        base = f"https://127.0.0.1:{running.https}" if tls else f"http://127.0.0.1:{running.http}"
        return {key: wrk(bench, running, base + path, mode)}
    return measure


# --- bodies: curl --------------------------------------------------------------------------------

TRANSFERS = 4  # at a time


def curls(bench, running, argv, total_mib):
    """Runs the same curl TRANSFERS times at once; each writes a line 'status seconds' a transfer."""
    argv = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{time_total}\\n", *argv]
    with rig.Meter(running.process, bench.cores) as meter:
        started = [rig.Process(argv, bench.cores.load, bench.log_path("curl"),
                               stdout=subprocess.PIPE) for _ in range(TRANSFERS)]
        try:
            lines = []
            for process in started:
                out, _ = process.popen.communicate(timeout=120)
                lines += out.decode().split("\n")[:-1]
        finally:
            for process in started:
                process.stop()
    times = sorted(float(line.split()[1]) for line in lines if line.startswith("200"))
    return per_unit(meter, total_mib, p50_us=statistics.median(times) * 1e6 if times else None,
                    failed=len(lines) - len(times))


def download(bench, running):
    each = 2 if bench.quick else 4
    url = f"http://127.0.0.1:{running.http}/size/64m?[1-{each}]"
    return {"download": curls(bench, running, [url], TRANSFERS * each * 64)}


def upload(bench, running):
    mib = 64 if bench.quick else 256
    # without -H Expect: curl would wait for a 100 that not every peer relays
    argv = ["-H", "Expect:", "-T", bench.upload_file(mib), f"http://127.0.0.1:{running.http}/up"]
    return {"upload": curls(bench, running, argv, TRANSFERS * mib)}


# --- WebSockets: libwebsockets -------------------------------------------------------------------


def wsload(bench, running, *options):
    return Load(bench, [OUT / "wsload", "--port", running.ws, "--path", "/ws/bench", *options])


def ws_ready(load, count):
    ready = load.answer()
    if ready["ready"] < count:
        raise rig.BenchError(f"only {ready['ready']} of {count} WebSockets opened")


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


# --- TLS -----------------------------------------------------------------------------------------


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


# --- routes: the REST API ------------------------------------------------------------------------


class Api:
    """One keep-alive connection to the REST API, with as little client as possible."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.auth = f"Host: 127.0.0.1\r\nAuthorization: token {TOKEN}\r\n"

    def ask(self, method, path, body=""):
        self.socket.sendall(f"{method} /api/routes{path} HTTP/1.1\r\n{self.auth}"
                            f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = self.socket.recv(65536)
        while not answer.endswith((b"\r\n\r\n", b"\r\n0\r\n\r\n", b"}")):
            more = self.socket.recv(1 << 20)
            if not more:
                break
            answer += more
        return int(answer[9:12] or 0)

    def close(self):
        self.socket.close()


def add_users(port, target, users):
    api, wrong = Api(port), 0
    for user in users:
        body = json.dumps({"target": target, "user": f"u{user}", "server_name": "",
                           "jupyterhub": True})
        wrong += api.ask("POST", f"/user/u{user}", body) != 201
    api.close()
    return wrong


def route_memory(process, api, target, users):
    """Adds the users' routes and returns what one added to the process's memory."""
    before = process.memory()
    wrong = add_users(api, target, users)
    time.sleep(0.5)
    after = process.memory()
    return {"value": (after["pss"] - before["pss"]) / len(users),
            "rss": (after["rss"] - before["rss"]) / len(users), "failed": wrong}


def second_worker(bench, peer, target, users):
    """What a route takes in a process with two workers."""
    bench.workers = 2
    try:
        running = peer.start(bench, "plain")
    finally:
        bench.workers = 1
    try:
        add_users(running.api, target, range(100))
        return route_memory(running.process, running.api, target, users)["value"]
    finally:
        running.stop()


def routes(bench, peer):
    """Two processes of the peer: one with a single user's route, one with all of them."""
    count = 2000 if bench.quick else 20000
    target = f"http://127.0.0.1:{bench.origin_port}"
    running = []
    try:
        one, many = [running.append(peer.start(bench, "plain")) or running[-1] for _ in range(2)]
        add_users(one.api, target, [0])
        add_users(many.api, target, range(100))  # warm
        users = list(range(100, count))
        random.Random(1).shuffle(users)
        with rig.Meter(many.process, bench.cores) as meter:
            memory = route_memory(many.process, many.api, target, users)
        seconds = meter.seconds - 0.5  # it waits that long before it looks
        rounds = 1 if bench.quick else 2
        for instance in (one, many):
            wrk_once(bench, f"http://127.0.0.1:{instance.http}", "users 1", 1)
        lookups = {one: [], many: []}
        for _ in range(rounds):
            for instance, users_n in ((one, 1), (many, count)):
                lookups[instance].append(wrk(bench, instance, f"http://127.0.0.1:{instance.http}",
                                             f"users {users_n}"))
    finally:
        for instance in running:
            instance.stop()
    one_us, many_us = [statistics.median(result["value"] for result in lookups[instance])
                       for instance in (one, many)]
    failed = sum(result["failed"] for results in lookups.values() for result in results)
    if peer.name == "hubgate":
        memory["per_worker"] = second_worker(bench, peer, target, users) - memory["value"]
    return {"route-add": per_unit(meter, len(users), len(users) / seconds,
                                  failed=memory.pop("failed")),
            "route-memory": memory,
            "route-lookup": {"value": many_us, "one_route_us": one_us,
                             "over_one": many_us / one_us, "failed": failed,
                             "rate": lookups[many][-1]["rate"]}}


# --- system calls --------------------------------------------------------------------------------


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


# --- the table -----------------------------------------------------------------------------------

CPU = "µs of CPU / request"

SCENARIOS = [
    Scenario([Row("keepalive", "keep-alive requests, 1 KiB", CPU, "requests/s",
                  f"{CONNECTIONS} connections")], wrk_row("keepalive", "plain")),
    Scenario([Row("browser", "browser-sized requests, 8 KiB", CPU, "requests/s",
                  "request head of 900 bytes with cookies")],
             wrk_row("browser", "browser", "/size/8k")),
    Scenario([Row("newconn", "new connection per request", CPU, "requests/s",
                  "Connection: close from the client")], wrk_row("newconn", "close")),
    Scenario([Row("download", "64 MiB downloads", "µs of CPU / MiB", "MiB/s",
                  f"{TRANSFERS} at a time; p50 is a whole transfer")], download,
             tools=("wrk", "curl")),
    Scenario([Row("upload", "256 MiB uploads", "µs of CPU / MiB", "MiB/s",
                  f"{TRANSFERS} at a time; p50 is a whole transfer")], upload,
             tools=("wrk", "curl")),
    Scenario([Row("ws", "WebSocket round trips, 256 B", "µs of CPU / round trip", "round trips/s",
                  "32 connections, one message under way on each")],
             websocket_round_trips("ws", 32, 256, 1000)),
    Scenario([Row("ws-32k", "WebSocket round trips, 32 KiB", "µs of CPU / round trip",
                  "round trips/s", "8 connections")],
             websocket_round_trips("ws-32k", 8, 32768, 500)),
    Scenario([Row("tls-keepalive", "TLS keep-alive requests, 1 KiB", CPU, "requests/s",
                  "TLS 1.3, ECDSA P-256")], wrk_row("tls-keepalive", "plain", tls=True),
             variant="tls", floor=False),
    Scenario([Row("tls-handshake", "TLS full handshakes", "µs of CPU / handshake", "handshakes/s",
                  "one request each, no resumption")], tls_handshakes, variant="tls", floor=False,
             tools=("wrk", "h2load")),
    Scenario([Row("tls-resumed", "TLS resumed handshakes", "µs of CPU / handshake", "handshakes/s",
                  "one request each, by session ticket")],
             wrk_row("tls-resumed", "close", tls=True), variant="tls", floor=False),
    Scenario([Row("access-log", "keep-alive requests with an access log", CPU, "requests/s",
                  "a line a request to a file")], wrk_row("access-log", "plain"), variant="log",
             peers=("hubgate", "nginx", "haproxy"), floor=False),
    Scenario([Row("syscalls", "system calls per keep-alive request", "calls / request", "",
                  "the load of the first row")], system_calls,
             tools=("wrk", "perf", "strace", "taskset")),
    Scenario([Row("instructions", "instructions per keep-alive request",
                  "user-space instructions / request", "", "callgrind, 16 connections")],
             instructions, variant=None, peers=("hubgate", "nginx", "haproxy", "relay"),
             tools=("h2load", "valgrind")),
    Scenario([Row("rest", "process at rest", "MiB (PSS)", "", "before any connection"),
              Row("ws-idle", "idle WebSocket", "bytes (PSS)", "",
                  "both its sockets in the proxy; kernel buffers not counted")],
             websocket_idle, variant=None),
    Scenario([Row("route-add", "route add (REST, one by one)", "µs of CPU / route", "routes/s",
                  "one keep-alive connection, 20 000 routes"),
              Row("route-memory", "route", "bytes (PSS)", "", "20 000 routes"),
              Row("route-lookup", "request over 20 000 routes", CPU, "requests/s",
                  "a random user each time")],
             routes, variant=None, peers=("hubgate", "chp"), floor=False),
]

ROWS = {row.key: row for scenario in SCENARIOS for row in scenario.rows}

_ALL = ("keepalive", "browser", "newconn", "download", "upload", "ws", "tls-keepalive",
        "tls-handshake", "tls-resumed", "ws-idle")
BOUNDS = [Bound(key, "nginx", 1.0) for key in _ALL] + [
    Bound("keepalive", "chp", 0.1),
    Bound("browser", "chp", 0.1),
    Bound("newconn", "chp", 0.1),
    Bound("tls-keepalive", "chp", 0.1),
    Bound("ws-idle", limit=2048),
    Bound("route-memory", limit=400, field="per_worker", unit="bytes a worker"),
    Bound("route-lookup", limit=1.05, field="over_one", unit="× one route"),
]
