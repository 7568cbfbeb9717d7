"""The charts of a page of results: which figures each shows."""

from . import chart
from .peers import PEERS
from .report import OURS, number
from .rows import ROWS


def cpu(results, title):
    """CPU of every peer, as a multiple of ours, over all rows that are measured so."""
    others = [peer for peer in results.peers if peer != OURS]
    shown = {peer: f"{peer} (floor)" if PEERS[peer].floor else peer for peer in [OURS, *others]}
    lines = []
    for key in results.rows():
        ratios = {peer: results.ratio(key, peer, OURS) for peer in others}
        ratios = {peer: ratio for peer, ratio in ratios.items() if ratio}
        if ratios and "of CPU" in ROWS[key].unit:
            lines.append((ROWS[key].title, {shown[peer]: ratio for peer, ratio
                                            in {OURS: 1.0, **ratios}.items()}))
    if not lines:
        return None
    return chart.dots(title,
                      "CPU time of each proxy for one unit of each row, divided by hubgate's in the "
                      "same round; medians over the rounds. Further right costs more.",
                      list(shown.values()), lines, "times hubgate's CPU, by ratios: left is less")


def idle(results, title):
    """Memory of an idle WebSocket."""
    items = [(peer, results.median("ws-idle", peer)) for peer in results.peers]
    items = [(PEERS[peer].title, value / 1024) for peer, value in items if value and value > 0]
    if not items:
        return None
    return chart.bars(title,
                      "What one more adds to the proxy's own memory, both its sockets counted.", items,
                      "KiB (PSS) each", lambda value: f"{number(value)} KiB", OURS)


def latency(results, title):
    """How long a kernel's message takes when nobody is in a hurry."""
    fields = ("p50_us", "p99_us", "p999_us")
    items = []
    for peer in results.peers:
        values = [results.median("kernels", peer, field) for field in fields]
        if all(values):
            items.append((PEERS[peer].title, [value / 1000 for value in values]))
    if not items:
        return None
    return chart.spans(title,
                       "Median, 99th and 99.9th percentile of the round trip over a WebSocket through "
                       "each proxy, medians over the rounds. Further right is slower.",
                       ["median", "p99", "p99.9"], items,
                       "ms, by ratios", lambda value: f"{number(value)} ms")


PICTURES = (
    ("cpu", "CPU for the same work, hubgate = 1", cpu),
    ("idle", "Memory of an idle WebSocket", idle),
    ("latency", "Time of a message there and back, 500 kernels at 10 messages a second each", latency),
)


def write(results, folder):
    """Draws what the results suffice for; [(file, its title)]."""
    drawn = []
    for name, title, picture in PICTURES:
        svg = picture(results, title)
        if svg:
            folder.mkdir(exist_ok=True)
            (folder / f"{name}.svg").write_text(svg)
            drawn.append((folder / f"{name}.svg", title))
    return drawn
