"""docs/openapi.yaml is sound, and describes the rows of the hub, all of them and no others."""

import re

import jsonschema

from document import ROOT, document

ROW = re.compile(r'\{CALL_([A-Z]+), "([^"]+)",')


def rows():
    """The API's rows as they stand in the hub's sources: the pages' are left out."""
    for source in sorted((ROOT / "hub").glob("*.c")):
        for method, path in ROW.findall(source.read_text(encoding="utf-8")):
            if path.startswith("/api") or path in ("/health", "/metrics"):
                yield method, re.sub(r":(\w+)", r"{\1}", path)


def test_every_row_is_described_and_nothing_else():
    described = {(method, path) for method, path, _ in document().operations()}
    assert described == set(rows())


def test_parameters_of_a_path_are_those_in_it():
    for path, item in document().tree["paths"].items():
        named = [document().resolve(one) for one in item.get("parameters", [])]
        assert [one["name"] for one in named if one["in"] == "path"] == re.findall(r"{(\w+)}", path)


def test_operations_have_names_of_their_own():
    names = [operation["operationId"] for _, _, operation in document().operations()]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere():
    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                assert document().resolve(node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)
    walk(document().tree)


def test_schemas_are_schemas():
    for schema in document().tree["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_scopes_are_the_hubs():
    known = set(re.findall(r'ROW\([A-Z_]+,\s*"([a-z:_-]+)"',
                           (ROOT / "hub/scope.h").read_text(encoding="utf-8")))
    for method, path, operation in document().operations():
        for way in operation.get("security", []):
            assert set(way["token"]) <= known, (method, path)
