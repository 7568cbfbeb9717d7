"""The benchmark still runs: a second of each kind of load through the proxy, figures at the end."""

import json
import pathlib
import subprocess

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
ROWS = ["keepalive", "page", "download", "ws", "kernels", "ws-idle", "tls-resumed",
        "beside-download", "route-add", "route-delete", "route-list", "route-memory", "route-lookup"]


def test_bench_measures_its_rows_without_a_failed_request(tmp_path):
    page = tmp_path / "results.md"
    done = subprocess.run(
        [PROJECT / "bench/run", "--quick", "--peers", "hubgate", "--rows", ",".join(ROWS),
         "--results", page],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=300,
        text=True)
    assert done.returncode == 0, done.stderr
    samples = json.loads(pathlib.Path(done.stderr.split()[-1]).read_text())["samples"]
    for row in ROWS:
        [sample] = samples[row]["hubgate"]
        assert sample["value"] > 0, row
        assert not sample.get("failed"), row
    text = page.read_text()
    assert "| hubgate |" in text
    for chart in ("idle", "latency"):
        assert f"(charts/{chart}.svg)" in text
        assert (tmp_path / f"charts/{chart}.svg").exists()


@pytest.mark.parametrize("flags", [("--rounds", "-1"), ("--seconds", "0"), ("--rows", ""),
                                   ("--results", "/nowhere/results.md")])
def test_bench_refuses_what_it_could_not_finish(flags):
    before = (PROJECT / "bench/results.md").read_bytes()
    done = subprocess.run([PROJECT / "bench/run", "--no-install", *flags], timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2
    assert flags[0] in done.stderr.splitlines()[-1]
    assert (PROJECT / "bench/results.md").read_bytes() == before
