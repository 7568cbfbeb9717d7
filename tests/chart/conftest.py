"""Fixtures: the API server of tests/cluster."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cluster"))
from fixtures import *  # noqa: E402,F401,F403
