"""Pods and claims as KubeSpawner makes them, from the same settings: its own code is the other side."""

import json
import os
import re

import cases
import chance
import oracle
import pytest

pytestmark = pytest.mark.filterwarnings(r"ignore:\s*Passing KubeSpawner.image_pull_secrets:DeprecationWarning")

def whole(task):
    """The task with all that every start has. z2jh's container against the cloud's metadata, which is on
    there and off here, is off unless the task says otherwise."""
    task = {"user": "ada", "server": "", "user_id": 7, "space": "users", "hub_space": None, "hub": "h1"} | task
    task.setdefault("prefix", f"/user/{task['user'].replace('/', '')}/")
    metadata = {"blockWithIptables": False} | task.get("singleuser", {}).get("cloudMetadata", {})
    task["singleuser"] = task.get("singleuser", {}) | {"cloudMetadata": metadata}
    task["environment"] = oracle.hub_environment(task)
    return task


# ---- where we mean to differ ----


def objects(answer):
    return [thing for thing in (answer["pod"], answer["claim"]) if thing]


def variables(answer):
    return [v for c in answer["pod"]["spec"]["containers"] if c["name"] == "notebook" for v in [c.get("env")] if v]


def versions_of_who_made_it(mine, theirs, task):
    for thing in objects(mine):
        assert thing["metadata"]["annotations"].pop("hubgate.org/version")
    for thing in objects(theirs):
        for name in ("kubespawner", "jupyterhub"):
            del thing["metadata"]["annotations"][f"hub.jupyter.org/{name}-version"]


def the_label_of_the_hub(mine, theirs, task):
    for thing in objects(mine):
        assert thing["metadata"]["labels"].pop("hubgate.org/hub") == task["hub"]


def an_empty_lifecycle_is_left_out(mine, theirs, task):
    for container in theirs["pod"]["spec"]["containers"]:
        if container.get("lifecycle") == {}:
            del container["lifecycle"]


def gpus_are_hidden_from_those_who_asked_for_none(mine, theirs, task):
    for env in variables(mine):
        hidden = {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}
        if hidden in env and not any(hidden in other for other in variables(theirs)):
            env.remove(hidden)


def fractions_are_texts(mine, theirs, task):
    def settle(node):
        if isinstance(node, dict):
            return {name: settle(value) for name, value in node.items()}
        if isinstance(node, list):
            return [settle(value) for value in node]
        if isinstance(node, float):
            return int(node) if node.is_integer() else repr(node)
        return node

    theirs.update(settle(theirs))


DIFFERENCES = [
    versions_of_who_made_it,
    the_label_of_the_hub,
    an_empty_lifecycle_is_left_out,
    gpus_are_hidden_from_those_who_asked_for_none,
    fractions_are_texts,
]


# What KubeSpawner sends and the API server then refuses; here it is told before.
SOONER = {
    "a claim without a capacity": "storage_capacity: a claim needs one",
    "a label or a name within a pod that a template made too long": "has more than 63 characters",
}


# What KubeSpawner trips over and we take, by its words.
KINDER = {
    "a map over a text of the same key replaces it": r"'\w+' object does not support item assignment|argument of type '\w+' is not iterable|list indices must be|object has no attribute 'pop'",
    "null among named objects is none of them": "Expected object of type 'dict' .* but got 'NoneType'",
}


def apart(mine, theirs, path=""):
    """Where the two are not the same, a line each."""
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for name in sorted({*mine, *theirs}):
            yield from apart(mine.get(name, "(none)"), theirs.get(name, "(none)"), f"{path}.{name}")
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs):
        for i, (one, other) in enumerate(zip(mine, theirs)):
            yield from apart(one, other, f"{path}[{i}]")
    elif mine != theirs or type(mine) is not type(theirs):
        yield f"{path}: ours {mine!r}, KubeSpawner's {theirs!r}"


def compare(ours, task):
    """Both make the same, or neither makes anything; returns what was made, or None."""
    task = whole(task)
    mine = ours(task)
    try:
        theirs = oracle.manifests(task)
    except oracle.Refused as error:
        is_kinder = any(re.search(words, str(error)) for words in KINDER.values())
        assert is_kinder or "error" in mine, f"KubeSpawner refuses this: {error}"
        return None
    if any(words in mine.get("error", "") for words in SOONER.values()):
        return None
    assert "error" not in mine, mine["error"]
    mine = {"pod": mine["pod"], "claim": mine["claim"]}
    for difference in DIFFERENCES:
        difference(mine, theirs, task)
    differing = list(apart(mine, theirs))
    assert not differing, "\n".join(differing)
    return mine


CATALOGUE = dict(cases.catalogue())


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_manifest_is_kubespawners(ours, name):
    made = compare(ours, CATALOGUE[name])
    assert made or name.startswith("old names")  # the old scheme has no bound


SEED = int(os.environ.get("PODS_SEED", "1"))
SHARES, EACH = 10, int(os.environ.get("PODS_EACH", "300"))


@pytest.mark.parametrize("share", range(SHARES))
def test_settings_made_by_chance_give_the_same(ours, share):
    made = 0
    for number in range(EACH):
        seed = f"{SEED} {share} {number}"
        task = chance.Chance(seed).task()
        try:
            made += compare(ours, task) is not None
        except AssertionError as error:
            raise AssertionError(f"{error}\nby Chance({seed!r}): {json.dumps(task)}") from None
    assert made > EACH / 4
