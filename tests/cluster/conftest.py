"""The harness's own tests use it as others do; beside it, hubs with servers that are pods."""

import pytest
from fixtures import *  # noqa: F401,F403
from pod_hub import PodHub


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes half a minute or more; `make cluster` runs it, ./test does not")


@pytest.fixture
def start_hub(namespace, tmp_path):
    """start_hub(**settings): a PodHub that is ready; what its servers run on is a fixture of its own."""
    made = []

    def start(**more):
        made.append(PodHub(namespace, tmp_path, **more))
        return made[-1].start().wait_ready()

    yield start
    for one in made:
        one.close()
