"""A pytest plugin for JupyterHub's own test suite: where it runs, and which of its tests do not count."""

import os
import pathlib
import socket

import jupyterhub.spawner
import pytest

HERE = pathlib.Path(__file__).parent
LANES = pathlib.Path(os.environ["HUBGATE_LANES"])


def exceptions():
    """{file::test: (what to do, why)} from exceptions.txt."""
    lines = (HERE / "exceptions.txt").read_text().splitlines()
    rows = (line.split(None, 2) for line in lines if line.strip() and not line.startswith("#"))
    return {test: (what, why) for what, test, why in rows}


def pytest_configure(config):
    # The hub keeps its proxy's pid in a file in the working directory and ends whatever it finds
    # there, so hubs that run at once need a directory each. The servers' homes go there too.
    lane = LANES / os.environ.get("PYTEST_XDIST_WORKER", "main")
    lane.mkdir(parents=True, exist_ok=True)
    os.chdir(lane)
    homes = jupyterhub.spawner.SimpleLocalProcessSpawner.home_dir_template
    homes.default_value = str(lane / "homes" / "{username}")
    if os.environ.get("JUPYTERHUB_TEST_SUBDOMAIN_HOST"):
        resolve_subdomains()


def resolve_subdomains():
    """Every name below .test is this machine, as a wildcard DNS entry would have it."""
    ask = socket.getaddrinfo

    def getaddrinfo(host, *rest, **more):
        name = host.decode() if isinstance(host, bytes) else host
        return ask("127.0.0.1" if name and name.endswith(".test") else host, *rest, **more)

    socket.getaddrinfo = getaddrinfo


def pytest_collection_modifyitems(items):
    marks = {
        "skip": lambda why: pytest.mark.skip(reason=why),
        "rerun": lambda why: pytest.mark.flaky(reruns=2),
    }
    listed = exceptions()
    for item in items:
        name = f"{item.module.__name__.removeprefix('jupyterhub.tests.')}::{item.originalname}"
        if name in listed:
            what, why = listed[name]
            item.add_marker(marks[what](why))
