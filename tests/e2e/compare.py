"""One exchange through both proxies, and what client and upstream saw of it as flat facts."""

import contextlib
import dataclasses
import re

import peers
import wire
from differences import DIFFERENCES

# Facts about one connection, not about the message, and the clock's: compared by tests of their own.
UNCOMPARED = {"connection", "keep-alive", "date"}


@dataclasses.dataclass
class Case:
    """What the client sends and what the upstream answers. `differs` maps each fact that differs on
    purpose to (name of the row in DIFFERENCES, hubgate's value)."""

    name: str
    sent: bytes
    answer: bytes = peers.response(body=b"ok")
    route: str = "/"
    path: str = ""  # of the target
    flags: tuple = ()
    method: str = ""  # the client's, taken from `sent`
    differs: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        return self.name


def fields_of(side, message, replace):
    facts = {}
    for name, value in message.fields:
        if name.lower() not in UNCOMPARED:
            facts.setdefault(f"{side} {name.lower()}", []).append(replace(value))
    return {name: values[0] if len(values) == 1 else values for name, values in facts.items()}


def message_facts(side, message, replace):
    return {
        f"{side} start": replace(message.start),
        f"{side} framing": message.framing,
        f"{side} body": message.body,
        f"{side} complete": message.complete,
        f"{side} trailers": sorted((n.lower(), v) for n, v in message.trailers),
        **fields_of(side, message, replace),
    }


def observe(case, proxy, upstream):
    """The facts of one case through one proxy."""
    server = upstream(peers.answering(case.answer))
    proxy.api.add(case.route, server.url + case.path)

    def replace(text):
        text = text.replace(server.authority, "UPSTREAM").replace(str(proxy.port), "PORT")
        return re.sub(r"::ffff:", "::ffff:", text)

    facts = {}
    method = case.method or case.sent.split(b" ")[0].decode("latin-1")
    with proxy.send(case.sent) as client:
        try:
            answer = client.read_response(method)
            facts.update(message_facts("response", answer, replace))
            facts["response interim"] = [interim.status for interim in answer.interim]
        except wire.Truncated as end:
            facts["response start"] = "none"
            if end.message:
                facts.update(message_facts("response", end.message, replace))
        # does the connection live on? ask with a health check
        facts["response persistent"] = False
        if client.ending is None:
            client.send(peers.request("GET", "/_chp_healthz"))
            with contextlib.suppress(wire.Truncated, OSError, ValueError):
                facts["response persistent"] = client.read_response().status == 200
    facts["upstream requests"] = len(server.requests)
    if server.requests:
        facts.update(message_facts("request", server.requests[0], replace))
    return facts


def check(case, chp, hubgate):
    """Fails on a difference without a reason, and on a reason without a difference."""
    for key in sorted(set(chp) | set(hubgate)):
        ours, theirs = hubgate.get(key), chp.get(key)
        if key in case.differs:
            name, expected = case.differs[key]
            assert name in DIFFERENCES, f"{name} is not a row of DIFFERENCES"
            assert ours == expected, f"{key}: expected {expected!r} by {name}, got {ours!r}"
            assert ours != theirs, f"{key}: no difference any more, {name} is not needed"
        else:
            assert ours == theirs, f"{key}: CHP {theirs!r}, hubgate {ours!r}"
    unknown = set(case.differs) - set(chp) - set(hubgate)
    assert not unknown, f"no such facts: {unknown}"
