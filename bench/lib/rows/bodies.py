"""Large bodies, both ways: curl."""

import statistics
import subprocess

from .. import rig
from ..load import per_unit
from ..row import Bound, Row, Scenario

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


SCENARIOS = [
    Scenario([Row("download", "64 MiB downloads", "µs of CPU / MiB", "MiB/s",
                  f"{TRANSFERS} at a time; p50 is a whole transfer")], download,
             tools=("wrk", "curl")),
    Scenario([Row("upload", "256 MiB uploads", "µs of CPU / MiB", "MiB/s",
                  f"{TRANSFERS} at a time; p50 is a whole transfer")], upload,
             tools=("wrk", "curl")),
]

BOUNDS = [
    Bound("download", "splice", 1.2),
    Bound("download", "nginx", 0.4),
    Bound("upload", "splice", 1.2),
    Bound("upload", "nginx", 0.4),
]
