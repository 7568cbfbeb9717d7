"""What the table is made of.

A scenario measures one or more rows against one peer and returns {row key: result}. A result has
`value` (the row's own measure, in the row's unit) and what else is known: rate, p50_us, p99_us,
rss, others (what the rest of the machine did on the proxy's core, in cores), failed, and so on."""

from dataclasses import dataclass


CPU = "µs of CPU / request"


@dataclass
class Row:
    key: str
    title: str
    unit: str  # of `value`
    rate: str = ""  # unit of `rate`
    note: str = ""
    besides: tuple = ()  # (field of its results, text with {} for it): what else is told of a peer


@dataclass
class Scenario:
    rows: list
    measure: object  # (bench, running) -> {key: result}, or (bench, peer) when variant is None
    variant: str = "plain"  # of the peers in lib/peers.py; None: the scenario starts its own
    peers: tuple = ()  # names; empty: all that can do the variant
    floor: bool = True  # whether those that only copy bytes can do it
    tools: tuple = ("wrk",)  # programs it needs
    rounds: int = 0  # at most so many, for what is exact or takes long; 0: all


@dataclass
class Bound:
    """What is aimed at, of hubgate's `field` of the row: at most `factor` × that of the peer
    `against`, each round for itself, or else at most `limit`."""

    row: str
    against: str = ""
    factor: float = 1.0
    limit: float = 0.0
    field: str = "value"
    unit: str = ""  # of that field, where it is not the row's
