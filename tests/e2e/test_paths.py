"""Which target a path goes to and what request target it sees (CHP points 24-29, 43-48, 98)."""

import pytest

import peers

PREPEND = {
    (): {"/bar": "/foo/bar", "/bar/rest": "/foo/bar/rest", "/bar?query=foo": "/foo/bar?query=foo"},
    ("--no-prepend-path",): {"/bar": "/bar", "/bar/rest": "/bar/rest", "/bar?q=1": "/bar?q=1"},
    ("--no-include-prefix",): {"/bar/rest": "/foo/rest", "/bar": "/foo", "/bar?q=1": "/foo?q=1"},
    ("--no-prepend-path", "--no-include-prefix"): {"/bar": "/", "/bar/rest": "/rest", "/bar?q": "/?q"},
}


@pytest.mark.parametrize(
    "flags, sent, seen",
    [(flags, sent, seen) for flags, row in PREPEND.items() for sent, seen in row.items()],
)
def test_path_prepend_and_strip(launch, echo, flags, sent, seen):
    proxy = launch(*flags)
    proxy.api.add("/bar", echo.url + "/foo")
    assert proxy.echo("GET", sent)["target"] == seen


def test_no_route_is_404(proxy):
    answer = proxy.get("/nowhere")
    assert answer.status == 404
    assert b"404:" in answer.body
