"""One cluster for all tests of this folder, which `tests/cluster/run-whole` alone can give."""

import os

import pytest

import control_plane
from whole.node import Node

collect_ignore_glob = [] if "HUBGATE_WHOLE" in os.environ else ["test_*.py"]
IMAGES = ("proxy", "hub", "singleuser-base")


@pytest.fixture(scope="session")
def node():
    made = Node(os.environ["HUBGATE_WHOLE"])
    try:
        made.start()
        for name in IMAGES:
            made.load(control_plane.ROOT / f"build/images/{name}.tar")
        yield made
    finally:
        made.close()
