"""The tables of values, traits and members in C, beside those of the real programs."""

import json

import oracle
import program
import pytest
from kubernetes_asyncio.client import models
from kubespawner import KubeSpawner

TABLES = json.loads(program.printed("tables"))
TRAITS = {row["name"]: row for row in TABLES["traits"]}
STANDINGS = SAME, DIFFERENT, IDLE, OUT = range(4)


def test_every_trait_of_kubespawner_has_a_row():
    ours = {"hide_gpus"}
    assert set(KubeSpawner.class_traits(config=True)) - set(TRAITS) == set()
    assert set(TRAITS) - set(KubeSpawner.class_traits(config=True)) == ours


def test_defaults_are_kubespawners_unless_the_row_says_otherwise():
    empty = (None, [], {}, "", False)
    for name, trait in KubeSpawner.class_traits(config=True).items():
        if TRAITS[name]["standing"] in (IDLE, OUT) or name == "port":  # 0 there, which means 8888
            continue
        theirs, mine = trait.default(), TABLES["trait_defaults"].get(name)
        if TRAITS[name]["standing"] == DIFFERENT:
            continue
        assert mine == theirs or (mine in empty and theirs in empty), name


def test_what_differs_or_is_refused_says_why():
    for row in TRAITS.values():
        assert row["standing"] in STANDINGS
        assert bool(row["says"]) == (row["standing"] != SAME), row["name"]


def test_defaults_of_values_are_z2jhs():
    mine, theirs = TABLES["value_defaults"], json.loads(json.dumps(oracle.DEFAULTS))
    assert mine.pop("hideGpus") is True and mine.pop("extraFilesSecret") == "singleuser"
    assert mine["cloudMetadata"].pop("blockWithIptables") is False
    assert theirs["cloudMetadata"].pop("blockWithIptables") is True
    assert mine == theirs


def test_values_set_the_traits_that_z2jh_sets():
    mine = {row["path"]: row["trait"] for row in TABLES["values"] if row["trait"]}
    own = {"cmd": "cmd", "allowPrivilegeEscalation": "allow_privilege_escalation", "hideGpus": "hide_gpus"}
    assert mine == oracle.PLAIN | own


@pytest.mark.parametrize("kind", TABLES["models"])
def test_objects_have_the_members_of_the_api(kind):
    names = getattr(models, f"V1{kind}").attribute_map
    assert TABLES["models"][kind].split() == sorted(names.values(), key=TABLES["models"][kind].split().index)
    assert set(TABLES["models"][kind].split()) == set(names.values())


def test_the_page_is_printed_from_these_tables():
    assert (program.TOP / "docs/reference/pods.md").read_text() == program.printed("reference"), "make docs"
