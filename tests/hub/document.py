"""docs/openapi.yaml, and calls of the API whose answers are held against it."""

import functools
import json
import pathlib
import re
import urllib.parse

import jsonschema
import referencing
import referencing.jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
METHODS = ("get", "post", "put", "patch", "delete")
PAGED = {"Accept": "application/jupyterhub-pagination+json"}


class Document:
    def __init__(self):
        self.tree = yaml.safe_load((ROOT / "docs/openapi.yaml").read_text(encoding="utf-8"))
        resource = referencing.Resource.from_contents(
            self.tree, default_specification=referencing.jsonschema.DRAFT202012)
        self.registry = referencing.Registry().with_resource("urn:api", resource)
        self.paths = [(self.expression(path), path) for path in self.tree["paths"]]

    @staticmethod
    def expression(path):
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]*)", re.escape(path)) + "/?")

    def operations(self):
        """(method, path, operation) of all of them."""
        for path, item in self.tree["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method.upper(), path, item[method]

    def resolve(self, node):
        while "$ref" in node:
            found = self.tree
            for part in node["$ref"].removeprefix("#/").split("/"):
                found = found[part]
            node = found
        return node

    def schema(self, pointer):
        return jsonschema.Draft202012Validator({"$ref": f"urn:api#{pointer}"}, registry=self.registry)

    def find(self, path):
        found = [ours for expression, ours in self.paths if expression.fullmatch(path)]
        exact = [ours for ours in found if ours == path]
        assert found, f"{path} is not in the document"
        return (exact or found)[0]

    def check(self, answer, prefix):
        """An answer as the document says: status, type, form."""
        method = answer.request.method.lower()
        path = self.find(urllib.parse.urlsplit(answer.request.url).path.removeprefix(prefix))
        said = f"{method.upper()} {path} {answer.status_code}: {answer.text[:1000]}"
        assert method in self.tree["paths"][path] or answer.status_code == 405, said
        if answer.status_code in (405, 413):
            return
        responses = self.tree["paths"][path][method]["responses"]
        assert str(answer.status_code) in responses, f"not in the document: {said}"
        content = self.resolve(responses[str(answer.status_code)]).get("content")
        if not content:
            assert answer.content == b"", said
            return
        type_ = answer.headers["Content-Type"].partition(";")[0]
        assert type_ in content, f"{type_}: {said}"
        if type_ == "application/json":
            where = self.pointer(path, method, str(answer.status_code))
            errors = list(self.schema(where).iter_errors(answer.json()))
            assert not errors, f"{said}\n{errors[0]}"

    def pointer(self, path, method, status):
        node = self.tree["paths"][path][method]["responses"][status]
        where = f"/paths/{path.replace('/', '~1')}/{method}/responses/{status}"
        if "$ref" in node:
            where = node["$ref"].removeprefix("#")
        return urllib.parse.quote(f"{where}/content/application~1json/schema", safe="/~")


@functools.cache
def document():
    return Document()


class Api:
    """Calls as the admin service, or with another token; what comes is checked, and returned:
    JSON, or text."""

    def __init__(self, hub):
        self.hub = hub
        self.headers = {}  # of the last answer

    def answer(self, method, path, token=None, status=200, **more):
        answer = self.hub.api(method, path, token=token, **more)
        assert answer.status_code == status, \
            f"{method} {path}: {answer.status_code} {answer.text[:1000]}"
        assert re.match(r"\d+\.\d+\.\d+", answer.headers["X-JupyterHub-Version"])
        document().check(answer, urllib.parse.urlsplit(self.hub.hub_url).path.rstrip("/"))
        if answer.status_code >= 400:
            assert answer.json()["status"] == status and answer.json()["message"]
        return answer

    def __call__(self, method, path, token=None, status=200, **more):
        answer = self.answer(method, path, token, status, **more)
        self.headers = answer.headers
        type_ = answer.headers.get("Content-Type", "")
        return answer.json() if type_.startswith("application/json") else answer.text

    def add(self, *names, admin=False):
        """Users of a test's own."""
        self.hub.api("POST", "/users", json={"usernames": list(names), "admin": admin})
        return names[0]

    def token(self, name, *scopes, **more):
        """A new token of that user, with these scopes or with all that is theirs."""
        body = {**more, **({"scopes": list(scopes)} if scopes else {})}
        return self("POST", f"/users/{urllib.parse.quote(name)}/tokens", status=201, json=body)["token"]

    def scoped(self, *scopes):
        """A token with these scopes, of an admin."""
        return self.token(self.add("scoped-admin", admin=True), *scopes)


def events(answer):
    """The events of a stream of server-sent ones, checked."""
    schema = document().schema("/components/schemas/ProgressEvent")
    for line in answer.iter_lines(decode_unicode=True):
        if line:
            assert line.startswith("data: "), line
            event = json.loads(line.removeprefix("data: "))
            schema.validate(event)
            yield event
