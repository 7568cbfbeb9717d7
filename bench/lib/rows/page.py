"""A page: JupyterLab opens in a browser, from a recording (bench/record.mjs)."""

from .. import rig
from ..load import LATENCIES, per_unit
from ..peers import HERE
from ..replay import replay, written
from ..row import Row, Scenario

CONNECTIONS = 6  # what browsers open to one server
FIELDS = """\
Host: 127.0.0.1
Connection: keep-alive
sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0
Accept: */*
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: cors
Sec-Fetch-Dest: empty
Referer: http://hub.example.org/user/alice/lab
Accept-Encoding: gzip, deflate, br, zstd
Accept-Language: en-GB
"""


def request(line):
    """One of the recorded sizes; the origin answers with as many bytes as its path says."""
    method, *sizes = line.split()
    path_n, head_n, body_n, answer_n = map(int, sizes)
    path = f"/size/{answer_n}?".ljust(path_n, "x")
    fields = FIELDS.replace("\n", "\r\n")
    if body_n:
        fields += f"Content-Length: {body_n}\r\n"
    head = f"{method} {path} HTTP/1.1\r\n{fields}Cookie: s="
    return head.ljust(head_n - 4, "Q") + "\r\n\r\n" + "x" * body_n


RECORDED = [line for line in (HERE / "page.txt").read_text().splitlines()
            if not line.startswith("#")]
ANSWERS = sum(int(line.split()[-1]) for line in RECORDED)  # bytes of all bodies


def page(bench, running):
    pages = 5 if bench.quick else 40
    requests = written(bench, "page", lambda: map(request, RECORDED))
    with rig.Meter(running.process, bench.cores) as meter:
        got = replay(bench, running.http, requests, "--connections", CONNECTIONS, "--rounds", pages)
    if got["bytes"] < pages * ANSWERS:
        raise rig.BenchError(f"{got['bytes']} bytes instead of {pages * ANSWERS} and more")
    return {"page": per_unit(meter, pages, failed=got["failed"],
                             **{name: got["round"][name] for name in LATENCIES})}


SCENARIOS = [
    Scenario([Row("page", "JupyterLab page load", "µs of CPU / page", "pages/s",
                  f"{CONNECTIONS} connections")], page, tools=()),
]
