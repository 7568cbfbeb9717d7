"""Routes: the REST API, what a route takes, and finding one among many."""

import json
import random
import socket
import statistics
import time

from .. import rig
from ..load import per_unit, wrk, wrk_once
from ..peers import TOKEN
from ..row import CPU, Bound, Row, Scenario


class Api:
    """One keep-alive connection to the REST API, with as little client as possible."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.auth = f"Host: 127.0.0.1\r\nAuthorization: token {TOKEN}\r\n"

    def ask(self, method, path, body=""):
        self.socket.sendall(f"{method} /api/routes{path} HTTP/1.1\r\n{self.auth}"
                            f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = self.socket.recv(65536)
        while not answer.endswith((b"\r\n\r\n", b"\r\n0\r\n\r\n", b"}")):
            more = self.socket.recv(1 << 20)
            if not more:
                break
            answer += more
        return int(answer[9:12] or 0)

    def close(self):
        self.socket.close()


def add_users(port, target, users):
    api, wrong = Api(port), 0
    for user in users:
        body = json.dumps({"target": target, "user": f"u{user}", "server_name": "",
                           "jupyterhub": True})
        wrong += api.ask("POST", f"/user/u{user}", body) != 201
    api.close()
    return wrong


def route_memory(process, api, target, users):
    """Adds the users' routes and returns what one added to the process's memory."""
    before = process.memory()
    wrong = add_users(api, target, users)
    time.sleep(0.5)
    after = process.memory()
    return {"value": (after["pss"] - before["pss"]) / len(users),
            "rss": (after["rss"] - before["rss"]) / len(users), "failed": wrong}


def second_worker(bench, peer, target, users):
    """What a route takes in a process with two workers."""
    with bench.with_workers(2):
        running = peer.start(bench, "plain")
    try:
        add_users(running.api, target, range(100))
        return route_memory(running.process, running.api, target, users)["value"]
    finally:
        running.stop()


def routes(bench, peer):
    """Two processes of the peer: one with a single user's route, one with all of them."""
    count = 2000 if bench.quick else 20000
    target = f"http://127.0.0.1:{bench.origin_port}"
    running = []
    try:
        one, many = [running.append(peer.start(bench, "plain")) or running[-1] for _ in range(2)]
        add_users(one.api, target, [0])
        add_users(many.api, target, range(100))  # warm
        users = list(range(100, count))
        random.Random(1).shuffle(users)
        with rig.Meter(many.process, bench.cores) as meter:
            memory = route_memory(many.process, many.api, target, users)
        seconds = meter.seconds - 0.5  # it waits that long before it looks
        rounds = 1 if bench.quick else 2
        for instance in (one, many):
            wrk_once(bench, f"http://127.0.0.1:{instance.http}", "users 1", 1)
        lookups = {one: [], many: []}
        for _ in range(rounds):
            for instance, users_n in ((one, 1), (many, count)):
                lookups[instance].append(wrk(bench, instance, f"http://127.0.0.1:{instance.http}",
                                             f"users {users_n}"))
    finally:
        for instance in running:
            instance.stop()
    one_us, many_us = [statistics.median(result["value"] for result in lookups[instance])
                       for instance in (one, many)]
    failed = sum(result["failed"] for results in lookups.values() for result in results)
    if peer.name == "hubgate":
        memory["per_worker"] = second_worker(bench, peer, target, users) - memory["value"]
    return {"route-add": per_unit(meter, len(users), len(users) / seconds,
                                  failed=memory.pop("failed")),
            "route-memory": memory,
            "route-lookup": {"value": many_us, "one_route_us": one_us,
                             "over_one": many_us / one_us, "failed": failed,
                             "rate": lookups[many][-1]["rate"]}}


SCENARIOS = [
    Scenario([Row("route-add", "route add (REST, one by one)", "µs of CPU / route", "routes/s",
                  "one keep-alive connection, 20 000 routes"),
              Row("route-memory", "route", "bytes (PSS)", "", "20 000 routes",
                  (("per_worker", "{} bytes of it are one worker's, the rest the API's table"),)),
              Row("route-lookup", "request over 20 000 routes", CPU, "requests/s",
                  "a random user each time",
                  (("over_one", "{} × one over a single route"),))],
             routes, variant=None, peers=("hubgate", "chp"), floor=False),
]

BOUNDS = [
    Bound("route-memory", limit=400, field="per_worker", unit="bytes a worker"),
    Bound("route-lookup", limit=1.05, field="over_one", unit="× one route"),
]
