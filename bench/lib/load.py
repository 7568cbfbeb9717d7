"""The programs that make the load, and a result from what they say."""

import json
import shlex

from . import rig
from .bench import OUT, Load
from .peers import HERE

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


def wsload(bench, running, *options):
    return Load(bench, [OUT / "wsload", "--port", running.ws, "--path", "/ws/bench", *options])


def ws_ready(load, count):
    ready = load.answer()
    if ready["ready"] < count:
        raise rig.BenchError(f"only {ready['ready']} of {count} WebSockets opened")
