"""Fixtures for tests that need a cluster. A folder of tests takes them by its conftest.py:
    sys.path.insert(0, …"tests/cluster"); from fixtures import *
README.md tells how each is used."""

import os

import pytest

import control_plane as planes
import fault_proxy as faults
import kubelet as kubelets
import namespaces

__all__ = ["control_plane", "own_control_plane", "make_namespace", "namespace", "make_kubelet", "kubelet",
           "fault_proxy"]


def built(make):
    """What make() makes, or a test that is skipped or fails because a program was never built."""
    try:
        return make()
    except planes.Missing as missing:
        if os.environ.get("HUBGATE_CLUSTER") == "if-built":
            pytest.skip(str(missing))
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory):
    """etcd and kube-apiserver, one pair for all workers of the run. Tests share it: namespaces of
    your own, and never stop it."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    plane = built(lambda: planes.shared(base / "control-plane"))
    yield plane
    plane.close()


@pytest.fixture
def own_control_plane(tmp_path):
    """own_control_plane("--flag=of-the-api-server", …): one that this test may stop and kill."""
    made = []

    def start(*flags):
        made.append(built(lambda: planes.ControlPlane(tmp_path / f"control-plane-{len(made)}", flags)))
        return made[-1].start()

    yield start
    for plane in made:
        plane.close()


@pytest.fixture
def make_namespace(control_plane):
    """make_namespace(labels=…): a namespace of this test's own, emptied after it."""
    made = []

    def make(**more):
        made.append(namespaces.Namespace(control_plane, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def namespace(make_namespace):
    return make_namespace()


@pytest.fixture
def make_kubelet():
    """make_kubelet(namespace, labels={…}, capacity={…}): a node for the pods of that namespace."""
    made = []

    def make(*arguments, **more):
        made.append(kubelets.Kubelet(*arguments, **more))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def kubelet(make_kubelet, namespace):
    return make_kubelet(namespace)


@pytest.fixture
def fault_proxy(control_plane, tmp_path):
    """Passes all on to the shared API server, but what the test says."""
    made = faults.FaultProxy(control_plane, tmp_path)
    yield made
    made.close()
