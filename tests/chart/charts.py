"""The chart, rendered by the real helm."""

import base64
import functools
import json
import os
import pathlib
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/chart"
HUB = os.environ.get("HUBGATE_HUB", str(ROOT / "build/hubgate-hub"))
PROXY = os.environ.get("HUBGATE", str(ROOT / "build/hubgate"))

# As OAuth 2's examples would have it; what the values need whose secrets are given.
TOKEN = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"


@functools.cache
def helm_program():
    """Built once and kept outside the tree (tests/cluster/tool); HELM names another."""
    if os.environ.get("HELM"):
        return os.environ["HELM"]
    said = subprocess.run([ROOT / "tests/cluster/tool", "helm"], stdout=subprocess.PIPE, text=True, check=True)
    return said.stdout.strip()


def helm(*arguments, env=None):
    with tempfile.TemporaryDirectory() as home:
        return subprocess.run(
            [helm_program(), *map(str, arguments)], capture_output=True, text=True, timeout=120,
            env={"PATH": os.environ["PATH"], "HOME": home, **(env or {})})


def template(*files, values=None, release="jhub", namespace="lab", flags=()):
    """What `helm template` says, with these files of values and this map laid over them."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as own:
        json.dump(values or {}, own)  # which is YAML, and keeps a text like 1e3 one
        own.flush()
        given = [word for file in [*files, own.name] for word in ("-f", file)]
        return helm("template", release, CHART, "-n", namespace, *given, *flags)


class Objects(list):
    """The objects of a release."""

    def of(self, kind):
        return {one["metadata"]["name"]: one for one in self if one["kind"] == kind}

    def one(self, kind, name):
        return self.of(kind)[name]

    def container(self, kind, name, container=None):
        pod = self.one(kind, name)["spec"]["template"]["spec"]
        return next(one for one in pod["containers"] if container in (None, one["name"]))

    def secret(self, name="hub"):
        return {key: base64.b64decode(value).decode(errors="replace") for key, value in self.one("Secret", name)["data"].items()}

    @property
    def settings(self):
        """hub.yaml."""
        return yaml.safe_load(self.secret()["hub.yaml"])


def render(*files, values=None, **more):
    said = template(*files, values=values, **more)
    assert said.returncode == 0, said.stderr
    return Objects(one for one in yaml.safe_load_all(said.stdout) if one)


def refused(values):
    """What helm says about values that it must not take."""
    said = template(values=values)
    assert said.returncode != 0, "helm took these values"
    return said.stderr


def nested(path, value):
    """{"a": {"b": value}} of "a.b"."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def merged(*maps):
    """Maps laid over each other, as helm does it."""
    result = {}
    for one in maps:
        for key, value in one.items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if both else value
    return result
