"""docs/from-z2jh.md says of every value what the chart does with it."""

import itertools
import json
import pathlib
import re

import pytest

import charts
import test_refusals

PAGE = (charts.ROOT / "docs/from-z2jh.md").read_text(encoding="utf-8")
SCHEMA = json.loads((charts.CHART / "values.schema.json").read_text(encoding="utf-8"))


def expand(line):
    """The paths of a line like a.{b,c}.d."""
    parts = [part.split(",") for part in re.split(r"[{}]", line)]
    return ["".join(words) for words in itertools.product(*parts)]


Z2JH = [path for line in (pathlib.Path(__file__).parent / "z2jh/values.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#") for path in expand(line)]


def rows_of(title):
    """path → (here, words) of a section's table."""
    section = re.search(rf"(?ms)^## {title}\n(.*?)(?=^## |\Z)", PAGE)[1]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()
             if line.startswith("| `")]
    return {row[0].strip("`"): tuple(row[1:]) for row in cells}


VALUES = {path: row for title in ("The whole", "Hub", "Proxy", "Users' servers", "Scheduling and images",
                                  "Entries and culling") for path, row in rows_of(title).items()}
CONFIG = rows_of(r"hub\.config")
OWN = rows_of("Values of this chart's own")
WITHOUT_EFFECT = {path for path, (here, words) in VALUES.items() if here == "absent" and words.startswith("no effect")}
REFUSED = {path for path, (here, words) in VALUES.items() if here == "absent" and words.startswith("refused")}


def node(path):
    """The schema of a value; None: unknown."""
    at = SCHEMA
    for key in path.split("."):
        while "$ref" in at:
            at = SCHEMA["definitions"][at["$ref"].rpartition("/")[2]]
        if key not in at.get("properties", {}):
            return None
        at = at["properties"][key]
    while "$ref" in at:
        at = SCHEMA["definitions"][at["$ref"].rpartition("/")[2]]
    return at


def leaves(at, path=""):
    while "$ref" in at:
        at = SCHEMA["definitions"][at["$ref"].rpartition("/")[2]]
    if at.get("additionalProperties") is False and "properties" in at:
        for key, below in at["properties"].items():
            yield from leaves(below, f"{path}.{key}".lstrip("."))
    else:
        yield path


def covers(row, path):
    return path == row or (row.endswith(".*") and path.startswith(row[:-1]))


@pytest.mark.parametrize("path", Z2JH)
def test_every_value_of_z2jh_has_one_row(path):
    rows = [row for row in VALUES if covers(row, path)]
    assert len(rows) == 1, rows
    if VALUES[rows[0]][0] != "absent":
        assert node(path) is not None, "the page has it, the schema has not"


def test_no_row_speaks_of_a_value_that_is_none():
    assert not [row for row in VALUES if not any(covers(row, path) for path in Z2JH)]
    assert {here for here, _ in [*VALUES.values(), *CONFIG.values()]} == {"same", "different", "absent"}
    for path, (here, words) in [*VALUES.items(), *CONFIG.items()]:
        assert here == "same" or words, f"{path}: what is different?"
        assert here != "absent" or words.startswith(("refused", "no effect")), path


def test_every_value_of_the_chart_has_a_row():
    known = [path for path in leaves(SCHEMA) if not path.startswith("hub.config.") and path != "global"]
    rows = [*VALUES, *OWN, "proxy.https.letsencrypt"]
    extra = [path for path in known if not any(covers(row, path) or path.startswith(f"{row}.") for row in rows)]
    assert not extra
    assert all(node(path) for path in OWN)


def test_every_trait_of_hub_config_has_a_row():
    classes = {path.split(".")[0] for path in CONFIG}
    general = {path.split(".")[1] for path in CONFIG if "." in path}
    assert classes == set(node("hub.config")["properties"])
    for path in leaves(SCHEMA):
        if path.startswith("hub.config.") and path.count(".") == 3:
            assert path.rpartition(".")[2] in general, path
    assert not [path for path in CONFIG if node(f"hub.config.{path}") is None]


# What the values of a kind may be, to try them.
SAMPLES = {"boolean": True, "integer": 7, "number": 7, "string": "x", "object": {"enabled": True, "x": "y"}, "array": ["x"]}


def sample(path):
    kinds = node(path).get("type", "object")
    return SAMPLES[kinds[0] if isinstance(kinds, list) else kinds]


@pytest.fixture(scope="module")
def plain():
    return charts.render(values={"proxy": {"secretToken": charts.TOKEN}, "hub": {
        "cookieSecret": charts.TOKEN, "config": {"DummyAuthenticator": {"password": "x"}}}})


def without_effect():
    for path in sorted(WITHOUT_EFFECT):
        yield (path, {"contactEmail": "a@example.org"}) if path.endswith("letsencrypt.*") else \
            (path, None if path.startswith("global") else sample(path))
    for path, (here, words) in CONFIG.items():
        if here == "absent" and words.startswith("no effect"):
            yield f"hub.config.{path}", sample(f"hub.config.{path}")


@pytest.mark.parametrize("path, value", list(without_effect()), ids=lambda value: value if isinstance(value, str) else "")
def test_what_has_no_effect_is_taken_and_changes_nothing(plain, path, value):
    path = path.removesuffix(".*")
    values = charts.merged({"proxy": {"secretToken": charts.TOKEN}, "hub": {"cookieSecret": charts.TOKEN, "config": {
        "DummyAuthenticator": {"password": "x"}}}}, charts.nested(path, True if value is None else value))
    assert charts.render(values=values) == plain


@pytest.mark.parametrize("path", sorted(REFUSED))
def test_what_is_refused_is(path):
    instead = {**test_refusals.IMPOSSIBLE, "hub.extraConfig": ({"x": "y"}, "")}
    value = instead[path][0] if path in instead else test_refusals.UNKNOWN[path]
    assert path.rpartition(".")[2] in charts.refused(charts.nested(path, value))


@pytest.mark.parametrize("trait", sorted(path for path, (here, words) in CONFIG.items() if words.startswith("refused")))
def test_a_trait_that_is_refused_is(trait):
    assert f"hub.config.{trait}" in {**test_refusals.IMPOSSIBLE, **test_refusals.NEEDS_CLASS}, "and tried there"
