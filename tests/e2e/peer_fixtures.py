"""Fixtures of what stands around a proxy, for each folder that takes them by its conftest.py:
    from peer_fixtures import *"""

import pytest

import certs as certificates
import peers

__all__ = ["certs", "upstream"]


@pytest.fixture
def upstream():
    """upstream(script): a scripted server; what its scripts raised fails the test."""
    made = []

    def make(script=None, server=peers.Upstream, **more):
        made.append(server(script=script, **more))
        return made[-1]

    yield make
    for server in made:
        server.stop()
    for server in made:
        for failure in server.failures:
            raise failure


@pytest.fixture(scope="session")
def certs():
    """Keys and certificates: certs["server.pem"], certs.client(...), certs.flags(...)."""
    made = certificates.Certs()
    yield made
    made.close()
