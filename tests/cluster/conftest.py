"""The harness's own tests use it as others do."""

from fixtures import *  # noqa: F401,F403


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes half a minute or more; `make cluster` runs it, ./test does not")
