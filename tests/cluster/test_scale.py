"""make scale, in small: that what it says of the hub can be measured."""

import json
import os
import subprocess
import sys

import control_plane as planes
import pytest

PROGRAM = planes.ROOT / "tests/scale/run"


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="needs a network namespace, so root")
def test_the_scale_run_measures_starts_and_an_idle_hub(tmp_path):
    try:
        planes.tool("kube-scheduler", "kwok")
    except planes.Missing as missing:
        pytest.skip(str(missing))
    done = subprocess.run(
        [sys.executable, PROGRAM, "--users", "20", "--pods", "8", "--one-by-one", "2", "--idle", "2",
         "--json", tmp_path / "figures"], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures").read_text(encoding="ascii"))
    assert figures["idle"]["memory_mib"] > 0
    assert figures["idle"]["requests_per_second"] < figures["kubespawner"]["requests_per_second"] + 1
    assert len(figures["added_ms_first"]) == len(figures["added_ms_last"]) == 2
