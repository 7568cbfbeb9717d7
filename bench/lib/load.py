"""The programs that make the load, and a result from what they say."""

import contextlib
import json
import shlex
import statistics
import subprocess

from . import rig
from .bench import Load
from .peers import HERE

CONNECTIONS = 64
TRANSFERS = 4  # of large bodies at a time
LATENCIES = ("p50_us", "p99_us", "p999_us")


def wrk_command(url, mode, seconds, connections=CONNECTIONS):
    return ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s",
            "-s", HERE / "wrk.lua", url, "--", *shlex.split(mode)]


def wrk_once(bench, url, mode, seconds):
    out = rig.run(wrk_command(url, mode, seconds), bench.cores.load, timeout=seconds + 30)
    return json.loads(out.strip().splitlines()[-1])


@contextlib.contextmanager
def wrk_beside(bench, url, seconds):
    """It runs while the `with` block does, which has to end before it."""
    process = rig.Process(wrk_command(url, "plain", seconds), bench.cores.load,
                          bench.log_path("wrk"))
    try:
        yield
        if process.popen.poll() is not None:
            raise rig.BenchError("wrk ended before what it runs beside")
    finally:
        process.stop()


def per_unit(meter, units, rate=None, **more):
    return {"value": meter.cpu * 1e6 / units if units else None,
            "rate": units / meter.seconds if rate is None else rate, "cpu_s": meter.cpu,
            "cores": meter.cpu / meter.seconds, "others": meter.others, "units": units, **more}


def wrk(bench, running, url, mode, seconds=None):
    with rig.Meter(running.process, bench.cores) as meter:
        got = wrk_once(bench, url, mode, seconds or bench.seconds)
    return per_unit(meter, got["requests"], got["requests"] / got["seconds"],
                    **{name: got[name] for name in (*LATENCIES, "failed")})


def wrk_row(key, mode, path="/", tls=False):
    def measure(bench, running):
        base = f"https://127.0.0.1:{running.https}" if tls else f"http://127.0.0.1:{running.http}"
        return {key: wrk(bench, running, base + path, mode)}
    return measure


def steady(bench, running, count, program, *options):
    """What a load program of ours measures on `count` connections that stand, and the meter."""
    with Load(bench, program, "--connections", count, *options) as load:
        load.wait_ready(count)
        with rig.Meter(running.process, bench.cores) as meter:
            load.tell("go")
            got = load.answer()
    return meter, got



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
