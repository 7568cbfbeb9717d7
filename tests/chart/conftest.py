"""Fixtures: the API server of tests/cluster."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "cluster"))
from fixtures import *  # noqa: E402,F401,F403

import charts  # noqa: E402
import groups  # noqa: E402


@pytest.fixture(scope="session")
def rendered():
    """rendered(group): the objects of a group of values, made once."""
    made = {}

    def get(group):
        if group not in made:
            made[group] = charts.render(values=groups.GROUPS[group])
        return made[group]

    return get
