"""From results to a page: medians over the rounds, ratios taken within each round."""

import statistics

from .rows import BOUNDS, ROWS

OURS = "hubgate"


def median(values):
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def number(value):
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 \
        else f"{value:.2f}"


def fraction(value):
    return f"{value:g}" if value > 0.3 else f"1/{1 / value:g}"


def spread(values):
    values = [value for value in values if value is not None]
    if len(values) < 2 or not median(values):
        return ""
    return f"±{(max(values) - min(values)) / 2 / abs(median(values)) * 100:.0f} %"


class Results:
    """samples[row][peer] = one result a round (None where it failed)."""

    def __init__(self, samples, peers):
        self.samples, self.peers = samples, peers

    def rows(self):
        return [key for key in ROWS if key in self.samples]

    def values(self, row, peer, name="value"):
        return [sample.get(name) if sample else None
                for sample in self.samples.get(row, {}).get(peer, [])]

    def median(self, row, peer, name="value"):
        return median(self.values(row, peer, name))

    def ratio(self, row, peer, against, name="value"):
        """The median of each round's own ratio: what drifts between rounds cancels out."""
        pairs = zip(self.values(row, peer, name), self.values(row, against, name))
        return median([a / b for a, b in pairs if a is not None and b])


def table(head, rows):
    rows = [head] + rows
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for at, row in enumerate(rows):
        cells = [cell.ljust(width) if i == 0 else cell.rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        lines.append("| " + " | ".join(cells) + " |")
        if at == 0:
            lines.append("|" + "|".join("-" * (width + 2) if i == 0 else "-" * (width + 1) + ":"
                                        for i, width in enumerate(widths)) + "|")
    return "\n".join(lines)


def main_table(results):
    peers = results.peers
    others = [peer for peer in peers if peer != OURS] if OURS in peers else []
    head = ["row", "unit", *peers, *[f"{OURS} / {peer}" for peer in others]]
    rows = []
    for key in results.rows():
        cells = [ROWS[key].title, ROWS[key].unit]
        cells += [number(results.median(key, peer)) for peer in peers]
        for peer in others:
            ratio = results.ratio(key, OURS, peer)
            cells.append("–" if ratio is None else f"{ratio:.2f}")
        rows.append(cells)
    return table(head, rows)


def detail_table(results):
    head = ["row", "peer", "rate", "p50 ms", "p99 ms", "p99.9 ms", "cores used",
            "spread of value", "failed"]
    rows = []
    for key in results.rows():
        if not ROWS[key].rate:
            continue
        for peer in results.peers:
            if results.median(key, peer) is None:
                continue
            latencies = [results.median(key, peer, name)
                         for name in ("p50_us", "p99_us", "p999_us")]
            failed = sum(value or 0 for value in results.values(key, peer, "failed"))
            rows.append([ROWS[key].title, peer,
                         f"{number(results.median(key, peer, 'rate'))} {ROWS[key].rate}",
                         *[number(us / 1000) if us else "–" for us in latencies],
                         number(results.median(key, peer, "cores")),
                         spread(results.values(key, peer)), str(int(failed))])
    return table(head, rows) if rows else ""


def bound_line(bound, results):
    row = ROWS[bound.row]
    if bound.against:
        got = results.ratio(bound.row, OURS, bound.against, bound.field)
        aim, limit = f"{fraction(bound.factor)} × {bound.against}", bound.factor
        shown = f"{got:.3g} ×" if got else ""
    else:
        got = results.median(bound.row, OURS, bound.field)
        aim, limit = f"{bound.limit:g} {bound.unit or row.unit}", bound.limit
        shown = number(got)
    if got is None:
        return [row.title, f"at most {aim}", "–", "not measured"]
    return [row.title, f"at most {aim}", shown, "yes" if got <= limit else "NO"]


def bound_lines(results):
    """Of the rows and peers that took part."""
    return [bound_line(bound, results) for bound in BOUNDS
            if bound.row in results.samples and OURS in results.peers
            and (not bound.against or bound.against in results.peers)]


def disturbed(results):
    """Rows where the rest of the machine took more than a tenth of the proxy's core."""
    keys = [key for key in results.rows()
            if any((value or 0) > 0.1 for peer in results.peers
                   for value in results.values(key, peer, "others"))]
    return ", ".join(ROWS[key].title for key in keys)


def page(results, facts, pictures=()):
    """`pictures`: (path from the page, title)."""
    parts = ["# Results of the benchmark", "",
             "Written by `make bench`; how to read it is in [README.md](README.md).", "",
             *[f"- {name}: {text}" for name, text in facts], "",
             *[f"![{title}]({path})\n" for path, title in pictures],
             "## What one unit costs", "",
             "The proxy's CPU time (all its processes and threads), its memory, or the client's time, "
             "for one unit; medians over the rounds, ratios taken within each round. Less is better.", "",
             main_table(results), ""]
    bounds = bound_lines(results)
    if bounds:
        parts += ["## What is aimed at", "", table(["row", "aim", OURS, "met"], bounds), ""]
    details = detail_table(results)
    if details:
        parts += ["## Rates and latencies", "",
                  "The load runs as fast as its core allows, so a rate is bounded by load and "
                  "origin where the proxy uses less than one core.", "", details, ""]
    extra = extras(results)
    if extra:
        parts += ["## Besides", "", *extra, ""]
    return "\n".join(parts)


def extras(results):
    lines = []
    for key in results.rows():
        for peer in results.peers:
            told = [(results.median(key, peer, field), text) for field, text in ROWS[key].besides]
            told = [text.format(number(value)) for value, text in told if value is not None]
            if told:
                lines.append(f"- {ROWS[key].title}, {peer}: {'; '.join(told)}.")
    rows = disturbed(results)
    if rows:
        lines.append(f"- The machine was busy with other work on the proxy's core during: {rows}.")
    return lines
