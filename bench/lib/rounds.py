"""The rounds: in each, every peer is measured on a row before the next row begins."""

import subprocess
import sys
import time
from collections import Counter

from . import rig, rows
from .load import wrk_once
from .peers import PEERS
from .report import number

VARIANTS = ("plain", "tls", "log")  # None, the scenarios that start their peers, comes after them


def say(text):
    print(text, file=sys.stderr, flush=True)


def peers_of(scenario, names):
    """Those of the names that can do it."""
    return [name for name in names
            if (not scenario.peers or name in scenario.peers)
            and (scenario.floor or not PEERS[name].floor)
            and (not PEERS[name].rows or scenario.rows[0].key in PEERS[name].rows)]


class Progress:
    """How long it will take yet, by how long the same took in the rounds before. What was not yet
    done is taken for as long as the mean of what was."""

    def __init__(self, steps):
        self.todo = Counter(steps)
        self.took = {}
        self.since = time.monotonic()

    def done(self, step):
        """The time since the last one was done is this one's, with what it took to prepare it."""
        now = time.monotonic()
        self.took[step] = now - self.since
        self.since = now
        self.todo[step] -= 1

    def seconds(self):
        """What each took in its last round."""
        return {" ".join(step): round(took, 2) for step, took in self.took.items()}

    def seconds_left(self):
        mean = sum(self.took.values()) / len(self.took) if self.took else 0.0
        return sum(count * self.took.get(step, mean) for step, count in self.todo.items())

    def __str__(self):
        minutes, seconds = divmod(round(self.seconds_left()), 60)
        return f"{minutes}:{seconds:02} left"


class Rounds:
    """All chosen rows of all chosen peers; samples[row][peer] has a result a round, None where the
    peer can but failed."""

    def __init__(self, bench, row_keys, peers, rounds):
        self.bench, self.peers, self.rounds = bench, peers, rounds
        self.samples = {row: {peer: [] for peer in peers} for row in row_keys}
        self.problems = []
        self.chosen = [scenario for scenario in rows.SCENARIOS
                       if any(row.key in self.samples for row in scenario.rows)]
        self.progress = Progress(self.step(scenario, name) for at in range(rounds)
                                 for scenario in self.scenarios(at)
                                 for name in peers_of(scenario, peers))

    def run(self):
        for at in range(self.rounds):
            say(f"round {at + 1} of {self.rounds}")
            for variant in VARIANTS:
                self.with_running_peers(variant, at)
            for scenario in self.scenarios(at, None):
                for name in self.in_turn(scenario, at):
                    self.record(scenario, name, lambda: scenario.measure(self.bench, PEERS[name]))

    def scenarios(self, at, *variants):
        return [scenario for scenario in self.chosen
                if (not scenario.rounds or at < scenario.rounds)
                and (not variants or scenario.variant in variants)]

    def in_turn(self, scenario, at):
        """Nobody is always first."""
        names = peers_of(scenario, self.peers)
        at %= max(1, len(names))
        return names[at:] + names[:at]

    def with_running_peers(self, variant, at):
        scenarios = self.scenarios(at, variant)
        names = {name for scenario in scenarios for name in peers_of(scenario, self.peers)}
        running = {}
        try:
            for name in sorted(names):
                self.start(name, variant, running)
            for scenario in scenarios:
                for name in self.in_turn(scenario, at):
                    if name in running:
                        self.record(scenario, name,
                                    lambda: scenario.measure(self.bench, running[name]))
                    else:
                        self.keep(scenario, name, {})
        finally:
            for one in running.values():
                one.stop()

    def start(self, name, variant, running):
        try:
            running[name] = PEERS[name].start(self.bench, variant)
            if not self.bench.quick:
                self.warm_up(running[name])
        except rig.BenchError as error:
            self.problems.append(f"{variant}, {name}: {error}")
            say(f"  {variant:14} {name:8} FAILED: {error}")

    def warm_up(self, running):
        """Load before anything counts: compilers, caches and pools are warm then."""
        base = (f"http://127.0.0.1:{running.http}/" if running.http
                else f"https://127.0.0.1:{running.https}/")
        wrk_once(self.bench, base, "plain", running.peer.warm_up)

    def record(self, scenario, name, measure):
        try:
            results = measure()
        except (rig.BenchError, subprocess.TimeoutExpired, OSError, ValueError, LookupError,
                ArithmeticError) as error:  # a load that got no answer has no figures to count with
            results = {}
            text = str(error) if isinstance(error, rig.BenchError) else repr(error)
            self.problems.append(f"{scenario.rows[0].key}, {name}: {text}")
            say(f"  {scenario.rows[0].key:14} {name:8} FAILED: {text}")
        self.keep(scenario, name, results)

    def keep(self, scenario, name, results):
        self.progress.done(self.step(scenario, name))
        for row in scenario.rows:
            if row.key not in self.samples:
                continue
            result = results.get(row.key)
            self.samples[row.key][name].append(result)
            if result:
                failed = f"  {result['failed']:.0f} FAILED" if result.get("failed") else ""
                say(f"  {row.key:14} {name:8} {number(result['value']):>9} {row.unit + failed:34} "
                    f"{self.progress}")

    @staticmethod
    def step(scenario, name):
        return scenario.rows[0].key, name
