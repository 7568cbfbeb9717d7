"""The rows of the table, a file a noun, and the order they stand in."""

from . import (beside, bodies, page, process, requests, routes, scaling, tls, websockets)

# A new noun is a file with SCENARIOS, and BOUNDS where something is aimed at.
NOUNS = (requests, page, bodies, websockets, tls, process, scaling, beside, routes)

SCENARIOS = [scenario for noun in NOUNS for scenario in noun.SCENARIOS]
BOUNDS = [bound for noun in NOUNS for bound in getattr(noun, "BOUNDS", ())]
ROWS = {row.key: row for scenario in SCENARIOS for row in scenario.rows}
