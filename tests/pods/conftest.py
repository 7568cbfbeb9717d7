import program
import pytest


@pytest.fixture(scope="module")
def ours():
    it = program.Program()
    yield it
    it.end()
