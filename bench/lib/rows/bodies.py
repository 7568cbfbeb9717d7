"""Large bodies, both ways: curl."""

from ..load import TRANSFERS, curls
from ..row import Bound, Row, Scenario

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
