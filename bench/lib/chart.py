"""Charts as SVG: one file each that reads by itself, in light and in dark, without colours too."""

import math
from html import escape

WIDTH, MARGIN, LABEL, LINE = 880, 20, 290, 28  # LABEL: what the names of the lines take
TOP, FOOT = 96, 52  # over the lines: title, what it says, legend; under them: the axis

# A series has a colour and a shape of its own. The colours have at least 4.5:1 on their ground.
PALETTE = (("#0550ae", "#79c0ff"), ("#a40e26", "#ff9492"), ("#116329", "#56d364"),
           ("#7d4e00", "#e3b341"), ("#6639ba", "#d2a8ff"), ("#57606a", "#b1bac4"),
           ("#24292f", "#f0f6fc"))
SHAPES = ("circle", "cross", "square", "triangle", "diamond", "tick", "ring")
GROUND, INK, FAINT, GRID = (("#ffffff", "#0d1117"), ("#1f2328", "#e6edf3"), ("#57606a", "#9ea7b3"),
                            ("#d0d7de", "#30363d"))


def style():
    def rules(theme):
        yield f".ground{{fill:{GROUND[theme]};stroke:{GRID[theme]}}}"
        yield f"text{{fill:{INK[theme]}}}.faint{{fill:{FAINT[theme]}}}"
        yield f".grid{{stroke:{GRID[theme]}}}.one{{stroke:{FAINT[theme]}}}"
        for at, colours in enumerate(PALETTE):
            yield f".s{at}{{fill:{colours[theme]};stroke:{GROUND[theme]}}}"
            yield f".l{at}{{stroke:{colours[theme]};fill:none}}"
    return ("text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif}"
            ".title{font-size:17px;font-weight:600}.end{text-anchor:end}.middle{text-anchor:middle}"
            + "".join(rules(0)) + "@media (prefers-color-scheme:dark){" + "".join(rules(1)) + "}")


def text(x, y, words, classes=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}">{escape(words)}</text>'


def line(x1, y1, x2, y2, classes, width=1.0):
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{classes}" '
            f'stroke-width="{width}"/>')


def mark(series, x, y, says="", size=6.0):
    """The shape of a series at a place; `says` is what a pointer on it shows."""
    at, r = series % len(PALETTE), size
    shape = SHAPES[series % len(SHAPES)]
    if shape == "circle":
        drawn = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" class="s{at}"/>'
    elif shape == "ring":
        drawn = (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r - 1}" class="l{at}" stroke-width="2"/>')
    elif shape == "tick":
        drawn = line(x, y - r - 2, x, y + r + 2, f"l{at}", 3)
    elif shape == "cross":
        drawn = (line(x - r, y - r, x + r, y + r, f"l{at}", 2.5)
                 + line(x - r, y + r, x + r, y - r, f"l{at}", 2.5))
    else:
        corners = {"square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
                   "triangle": ((0, -1.2), (1.2, 1), (-1.2, 1)),
                   "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0))}[shape]
        points = " ".join(f"{x + dx * r:.1f},{y + dy * r:.1f}" for dx, dy in corners)
        drawn = f'<polygon points="{points}" class="s{at}"/>'
    return f"<g>{f'<title>{escape(says)}</title>' if says else ''}{drawn}</g>"


class Scale:
    """From values to places on the axis; by ratios when `log`."""

    def __init__(self, least, most, log=False):
        self.log = log
        self.least, self.most = (self.of(least), self.of(most))

    def of(self, value):
        return math.log2(value) if self.log else value

    def x(self, value):
        share = (self.of(value) - self.least) / ((self.most - self.least) or 1.0)
        return MARGIN + LABEL + share * (WIDTH - 2 * MARGIN - LABEL - 60)  # 60: a figure after it


def steps_of_two(values):
    """Powers of two around the values."""
    first = math.floor(math.log2(min(values)))
    last = max(math.ceil(math.log2(max(values))), first + 1)
    return [2.0 ** power for power in range(first, last + 1)]


def round_steps(most):
    """About five round numbers from 0 to past the value."""
    step = 10.0 ** math.floor(math.log10(most)) if most > 0 else 1.0
    step = next(step * part for part in (0.2, 0.25, 0.5, 1, 2) if most / (step * part) <= 6)
    return [step * count for count in range(math.ceil(most / step) + 1)]


def page(title, says, height, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>', f'<desc id="desc">{escape(says)}</desc>',
        f"<style>{style()}</style>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1:.0f}" rx="6" '
        'class="ground"/>',
        text(MARGIN, 32, title, "title"), *parts, "</svg>"]) + "\n"


def axis(scale, steps, bottom, unit, after=""):
    parts = []
    for step in steps:
        x = scale.x(step)
        parts += [line(x, TOP - 10, x, bottom, "grid"),
                  text(x, bottom + 18, f"{step:g}{after}", "faint middle")]
    parts.append(text(scale.x(steps[0]), bottom + 38, unit, "faint"))
    return parts


def legend(names):
    parts, x = [], MARGIN
    for series, name in enumerate(names):
        parts += [mark(series, x + 6, 63), text(x + 18, 67, name)]
        x += 18 + 8 * len(name) + 24
    return parts


def lanes(places, apart=11):
    """For places on one line: how far up or down each goes, in lanes, so that none hides another.
    The first stays where it is."""
    taken = []
    for x in places:
        free = [lane for lane in (0, -1, 1, -2, 2)
                if all(lane != other or abs(x - at) >= apart for at, other in taken)]
        taken.append((x, free[0] if free else 0))
    return [lane for _, lane in taken]


def dots(title, says, names, lines, unit):
    """lines: (what, {name: ratio}); a mark for each name on a line, by ratios, 1 drawn through."""
    values = [value for _, ratios in lines for value in ratios.values()] + [1.0]
    steps = steps_of_two(values)
    scale = Scale(steps[0], steps[-1], log=True)
    bottom = TOP + LINE * len(lines)
    parts = legend(names) + axis(scale, steps, bottom, unit, "×")
    parts.append(line(scale.x(1), TOP - 10, scale.x(1), bottom, "one", 2))
    for at, (what, ratios) in enumerate(lines):
        y = TOP + LINE * (at + 0.5)
        parts.append(text(MARGIN + LABEL - 14, y + 4, what, "end"))
        shown = [(names.index(name), value) for name, value in ratios.items()]
        for (series, value), lane in zip(shown, lanes([scale.x(value) for _, value in shown])):
            parts.append(mark(series, scale.x(value), y + lane * 7,
                              f"{what}, {names[series]}: {value:.2f}×", 5))
    return page(title, says, bottom + FOOT, parts)


def bars(title, says, items, unit, figure, ours):
    """items: (name, value); a bar each, from 0, with its figure; that of `ours` stands out."""
    steps = round_steps(max(value for _, value in items))
    scale = Scale(0, steps[-1])
    bottom = TOP + LINE * len(items)
    parts = [text(MARGIN, 58, says, "faint")] + axis(scale, steps, bottom, unit)
    for at, (name, value) in enumerate(items):
        y = TOP + LINE * at + 5
        parts += [text(MARGIN + LABEL - 14, y + 13, name, "end"),
                  f'<rect x="{scale.x(0):.1f}" y="{y:.1f}" '
                  f'width="{max(1.0, scale.x(value) - scale.x(0)):.1f}" height="{LINE - 10}" '
                  f'class="s{0 if name == ours else 5}"/>',
                  text(scale.x(value) + 7, y + 13, figure(value))]
    return page(title, says, bottom + FOOT, parts)


def spans(title, says, points, items, unit, figure):
    """items: (name, values by rising share); a line through the marks of `points` for each name."""
    steps = steps_of_two([value for _, values in items for value in values])
    scale = Scale(steps[0], steps[-1], log=True)
    bottom = TOP + LINE * len(items)
    parts = legend(points) + axis(scale, steps, bottom, unit)
    for at, (name, values) in enumerate(items):
        y = TOP + LINE * (at + 0.5)
        parts += [text(MARGIN + LABEL - 14, y + 4, name, "end"),
                  line(scale.x(values[0]), y, scale.x(values[-1]), y, "one", 2)]
        parts += [mark(series, scale.x(value), y, f"{name}, {points[series]}: {figure(value)}", 5)
                  for series, value in enumerate(values)]
        parts.append(text(scale.x(values[-1]) + 12, y + 4, figure(values[-1])))
    return page(title, says, bottom + FOOT, parts)
