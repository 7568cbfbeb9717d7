"""Fixtures: the images as archives, and containers of them."""

import pathlib
import re
import sys

import pytest

import pods
from peer_fixtures import *  # noqa: F403

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cluster"))
from fixtures import control_plane, make_namespace, namespace  # noqa: E402,F401
VERSION = (ROOT / "VERSION").read_text(encoding="utf-8").strip()
# What an image's tag in the values may be: this version, or one that a workflow proposed since (deploy/ci/plan).
TAG = re.compile(rf"{re.escape(VERSION)}(-r\d{{8}})?|sha-[0-9a-f]{{12}}")


@pytest.fixture(scope="session")
def archives():
    """archives[name]: an image as `make images` makes it."""
    return {name: ROOT / f"build/images/{name}.tar" for name in ("proxy", "hub")}


@pytest.fixture(scope="session")
def images(archives, tmp_path_factory):
    """images[name]: the same, unpacked as a container runtime does it."""
    if reason := pods.why_not():
        pytest.skip(reason)
    directory = tmp_path_factory.mktemp("images")
    return {name: pods.Image(archive, directory / name) for name, archive in archives.items()}


@pytest.fixture
def sandbox():
    """sandbox(**how): a pod's network."""
    made = []

    def make(**how):
        made.append(pods.Sandbox(**how))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def container():
    """container(image, sandbox, …): a running container; its log is shown if the test fails."""
    made = []

    def make(*what, **how):
        made.append(pods.Container(*what, **how))
        return made[-1]

    yield make
    for one in made:
        print(one.log)
        one.close()
