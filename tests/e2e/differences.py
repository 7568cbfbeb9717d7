#!/usr/bin/env python3
"""Every deliberate difference from configurable-http-proxy 5.3.0, by name. Tests name the row that
allows them to expect something else of hubgate; docs/reference/chp-differences.md is printed from
here (`tests/e2e/differences.py --write`)."""

import dataclasses
import pathlib
import sys

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/reference/chp-differences.md"


@dataclasses.dataclass(frozen=True)
class Difference:
    name: str
    chp: str
    hubgate: str
    why: str


ROWS = [
    # paths and routing
    Difference(
        "strip-by-segments",
        "`--no-include-prefix` cuts as many characters as the decoded prefix has, so it cuts wrong "
        "for escaped prefixes and with `--host-routing`",
        "cuts the prefix's segments off the path as the client wrote it",
        "user names such as `秀樹` or `two words` reach their server under the right path",
    ),
    Difference(
        "member-names",
        "where no route is, a path segment named like a member of JavaScript objects (`toString`) "
        "is answered 500",
        "404, as for any other name",
        "a file or user may be called so",
    ),
    Difference(
        "host-case",
        "`--host-routing` compares the case of `Host`",
        "ignores the case of host names",
        "host names have no case (RFC 9110 section 4.2.3)",
    ),
    Difference(
        "target-checked",
        "any string is taken as a target; requests to it fail with 500",
        "adding a target that is no URL of a supported scheme is answered 400",
        "the mistake is seen by whoever made it",
    ),
    Difference(
        "malformed-escape",
        "a path with a broken percent escape (`/%`) is answered 500",
        "400",
        "the fault is the request's",
    ),
    # the API
    Difference(
        "api-token-first",
        "reads and parses the whole body of a POST before it looks at the token",
        "looks at the token first",
        "who has no token learns nothing and costs nothing",
    ),
    Difference(
        "api-echo",
        "parses a route's members and writes them anew: `1.0` becomes `1`, long integers lose digits",
        "keeps each member as it was written, but for the space around it",
        "what a hub stores in a route comes back as it was",
    ),
    Difference(
        "api-duplicate-members",
        "of two members of one name in a POST the last one counts",
        "400",
        "what reads the table next may take the other one",
    ),
    Difference(
        "api-bounds",
        "a body may have any length and depth",
        "1 MiB (413) and 64 levels (400)",
        "the API's memory is not the caller's to use up",
    ),
    Difference(
        "api-malformed-escape",
        "a broken percent escape in an API path is never answered",
        "400",
        "the caller need not wait for its own time-out",
    ),
    Difference(
        "api-delete-table",
        "`DELETE /api/routes` is never answered",
        "404; `DELETE /api/routes/` deletes the route `/`, as in CHP",
        "the caller need not wait for its own time-out",
    ),
    Difference(
        "api-unknown-method",
        "methods that Node.js does not know are answered 400",
        "405, as for any other method",
        "it is the same mistake",
    ),
    Difference(
        "api-dates",
        "`inactiveSince` may be whatever JavaScript takes for a date (`1` is one in 2001)",
        "ISO 8601 in the forms JavaScript reads, else CHP's 400",
        "the error text promises ISO 8601",
    ),
    Difference(
        "api-paths",
        "`//name/api/routes` and `/api\\routes` are the API too",
        "404",
        "a path means what it says",
    ),
    Difference(
        "path-untouched",
        "escapes some characters of the path and query (`\"<>` and others) and drops a lone `?`",
        "forwards the bytes the client wrote",
        "a server sees the URL that was asked for",
    ),
    Difference(
        "slashes",
        "a path of slashes alone (`//`) is answered 500",
        "looked up and forwarded as it is",
        "it is an ordinary path",
    ),
    # fields
    Difference(
        "plain-ipv4",
        "on a dual-stack listener IPv4 clients are `::ffff:a.b.c.d` in `X-Forwarded-For`",
        "`a.b.c.d`",
        "it is the same client and the form programs expect",
    ),
    Difference(
        "hop-by-hop",
        "forwards `TE`, `Keep-Alive`, `Proxy-Connection` and the fields `Connection` names, both ways",
        "removes them",
        "they concern one connection only (RFC 9110 section 7.6.1)",
    ),
    Difference(
        "ipv6-port",
        "takes `X-Forwarded-Port` from inside an IPv6 address in `Host`",
        "takes the port after the brackets",
        "that is the port",
    ),
    Difference(
        "no-host",
        "a request without `Host` is forwarded with an empty `X-Forwarded-Host`",
        "without one",
        "there is nothing to say",
    ),
    Difference(
        "repeated-fields",
        "joins repeated response fields into one line",
        "leaves them as they came",
        "both mean the same (RFC 9110 section 5.3)",
    ),
    # messages
    Difference(
        "length-as-sent",
        "adds `Content-Length: 0` to requests without a body other than GET and HEAD",
        "frames a request as its client did",
        "no length and no coding means no body (RFC 9112 section 6.3)",
    ),
    Difference(
        "body-of-every-method",
        "loses the framing of chunked DELETE and OPTIONS bodies: they become the next request",
        "frames the bodies of all methods alike",
        "request smuggling (CVE-2026-29057)",
    ),
    Difference(
        "reason",
        "fills in a missing reason phrase",
        "leaves it empty",
        "the phrase is optional (RFC 9112 section 4)",
    ),
    Difference(
        "client-kept",
        "closes the client's connection when the upstream closes its own",
        "keeps it: each connection has its own life",
        "`Connection` concerns one connection only (RFC 9110 section 7.6.1)",
    ),
    Difference(
        "trailers",
        "drops trailers and the `Trailer` field of requests",
        "relays trailers both ways",
        "they are part of the message (RFC 9110 section 6.5)",
    ),
    Difference(
        "interim",
        "drops interim answers (103 Early Hints)",
        "relays them to HTTP/1.1 clients",
        "RFC 9110 section 15.2 asks a proxy to forward them",
    ),
    Difference(
        "expect",
        "answers `Expect: 100-continue` itself, before it has asked the upstream",
        "passes it on and relays the upstream's 100 or final answer",
        "a refused upload is refused before it is sent",
    ),
    Difference(
        "head-at-once",
        "holds the head of an answer back until its body begins",
        "relays it at once",
        "event streams and long polls open when the server says so",
    ),
    Difference(
        "empty-chunked",
        "turns an empty chunked answer into `Content-Length: 0`",
        "relays it as the chunked body it is",
        "the proxy does not wait to see whether a body follows",
    ),
    Difference(
        "truncation",
        "leaves a client waiting when the upstream dies in the middle of a reply",
        "ends the connection at once, without a clean end of the body",
        "a client must see that the reply is cut",
    ),
    # upgrades
    Difference(
        "failed-upgrade",
        "an upgrade without a route is answered without a reason phrase and the connection stays open",
        "a complete response with `Connection: close`, and the close",
        "a client must not wait on a connection that nobody reads",
    ),
    Difference(
        "early-bytes",
        "loses what a client sends together with its upgrade request",
        "sends it to the upstream once the upgrade went through",
        "no byte of a peer may be lost",
    ),
    Difference(
        "other-upgrades",
        "an upgrade by another method than GET or to another protocol than WebSocket is cut off",
        "served as a plain request, without its upgrade",
        "a server may ignore an upgrade (RFC 9110 section 7.8)",
    ),
    # the process
    Difference(
        "exit-status",
        "SIGTERM cuts every connection and exits with status 2",
        "stops listening, lets exchanges finish for `--drain-seconds`, exits with status 0",
        "a restart loses nothing and is no failure to whoever supervises it",
    ),
    Difference(
        "start-up-lines",
        "start-up lines show addresses as `port:address`",
        "`address:port`",
        "as everybody writes them",
    ),
    Difference(
        "sampled-summaries",
        "the summaries `find_target_for_req` and `last_activity_updating` time every request",
        "one request in sixteen",
        "what they time takes less than reading the clock",
    ),
    Difference(
        "repeated-numbers",
        "of a repeated option with a number none counts, as a rule",
        "the last counts, as for other options",
        "a chart's extra flags come after its own",
    ),
    Difference(
        "stale-socket",
        "leaves its unix sockets behind, and a socket left behind stops the next start",
        "replaces a stale one at the start, after asking whether anybody listens there",
        "a crash must not stop the next start",
    ),
    # errors
    Difference(
        "error-url",
        "with `--no-include-prefix` the error page's `url` is the stripped path",
        "the path the client asked for",
        "the page offers it as a link",
    ),
    # TLS
    Difference(
        "insecure",
        "`--insecure` has no effect on https targets: a certificate that does not verify is a 503",
        "`--insecure` takes any certificate of a target",
        "the flag does what it says",
    ),
    Difference(
        "target-name",
        "a target's certificate is checked for the name in the client's `Host`, which is sent as "
        "the server name too",
        "for the host of the target; an address is not sent as a server name",
        "otherwise the client decides which server is the right one",
    ),
    Difference(
        "redirect-443",
        "`--redirect-to=443` redirects to `https://host:443/`",
        "`https://host/`",
        "443 is what https means, and the z2jh chart passes it",
    ),
    Difference(
        "redirect-ipv6",
        "the redirect listener cuts IPv6 hosts at their first colon",
        "keeps the address in its brackets",
        "the redirect leads to the host that was asked for",
    ),
    # what users' servers send
    Difference(
        "service-worker",
        "passes `Service-Worker-Allowed` on as it is",
        "below a route, its value becomes the route's own path; of the root route it stays",
        "else one user's server becomes, with `/`, the service worker of the whole origin in the browsers "
        "of its visitors: it then sees and answers their requests to the hub, passwords too",
    ),
]
DIFFERENCES = {row.name: row for row in ROWS}


def differs(kind, name, chp, hubgate):
    """What `kind` is expected to do where the two differ on purpose."""
    assert name in DIFFERENCES, f"{name} is not a row of DIFFERENCES"
    return {"chp": chp, "hubgate": hubgate}[kind]


def document():
    lines = [
        "# Differences from configurable-http-proxy",
        "",
        "<!-- Printed by tests/e2e/differences.py --write; the end-to-end tests check each row. -->",
        "",
        "`hubgate` takes the place of configurable-http-proxy (CHP) 5.3.0 without a change of flags,",
        "environment or API. Where it answers or forwards something else, that is on purpose, and is",
        "here. The tests run the same exchanges through both programs and fail on any difference",
        "without a row in this table. They compare everything the client and the upstream saw except",
        "the case and the order of header names, `Date`, and the fields that concern one connection",
        "only (`Connection`, `Keep-Alive`).",
        "",
        "| | CHP 5.3.0 | hubgate | why |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{r.name}` | {r.chp} | {r.hubgate} | {r.why} |" for r in ROWS]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
        DOCUMENT.write_text(document(), encoding="utf-8")
    else:
        print(document(), end="")
