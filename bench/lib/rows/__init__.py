"""The rows of the table, a file a noun, and the order they stand in."""

from . import bodies, process, requests, routes, tls, websockets

# A new noun is a file with SCENARIOS, and BOUNDS where something is aimed at.
NOUNS = (requests, bodies, websockets, tls, process, routes)

SCENARIOS = [scenario for noun in NOUNS for scenario in noun.SCENARIOS]
BOUNDS = [bound for noun in NOUNS for bound in getattr(noun, "BOUNDS", ())]
ROWS = {row.key: row for scenario in SCENARIOS for row in scenario.rows}
