"""The benchmark's arithmetic: what it says of samples, in tables and in charts."""

import itertools
import pathlib
import sys
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

from lib import chart, pictures, report, row, rows  # noqa: E402
from lib.peers import PEERS  # noqa: E402
from lib.rounds import Progress, peers_of  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"


def results(**values_of_peers):
    samples = {peer: [value if value is None else {"value": value} for value in values]
               for peer, values in values_of_peers.items()}
    return report.Results({"keepalive": samples}, list(values_of_peers))


def test_a_ratio_is_the_median_of_the_rounds_own_ratios():
    drifting = results(hubgate=[10, 100, 1000], nginx=[20, 200, 2000])
    assert drifting.ratio("keepalive", "hubgate", "nginx") == 0.5
    failed_once = results(hubgate=[10, None, 30], nginx=[20, 5, 40])
    assert failed_once.ratio("keepalive", "hubgate", "nginx") == pytest.approx(0.625)
    assert results(hubgate=[10], nginx=[None]).ratio("keepalive", "hubgate", "nginx") is None


@pytest.mark.parametrize(("ours", "met"), [
    ([7.9], "yes"), ([8.0], "yes"), ([8.1], "NO"), ([None], "not measured")])
def test_a_bound_that_is_not_met_says_so(ours, met):
    line = report.bound_line(row.Bound("keepalive", "nginx", 0.8), results(hubgate=ours, nginx=[10]))
    assert line[1] == "at most 0.8 × nginx" and line[3] == met
    line = report.bound_line(row.Bound("keepalive", limit=8, unit="bytes"), results(hubgate=ours))
    assert line[1] == "at most 8 bytes" and line[3] == met


def test_a_limit_of_nothing_is_met_by_nothing_alone():
    bound = row.Bound("keepalive", limit=0)
    assert report.bound_line(bound, results(hubgate=[0.0]))[3] == "yes"
    assert report.bound_line(bound, results(hubgate=[0.1]))[3] == "NO"


def test_fractions_read_as_they_were_meant():
    assert [report.fraction(value) for value in (1 / 15, 0.1, 0.25, 0.4, 1.15)] == [
        "1/15", "1/10", "1/4", "0.4", "1.15"]


def test_what_is_aimed_at_names_rows_and_peers_there_are():
    for bound in rows.BOUNDS:
        assert bound.row in rows.ROWS
        assert not bound.against or bound.against in PEERS
    keys = [each.key for scenario in rows.SCENARIOS for each in scenario.rows]
    assert len(keys) == len(set(keys))


def test_a_peer_is_asked_for_what_it_can_do():
    tls = next(scenario for scenario in rows.SCENARIOS if scenario.variant == "tls")
    assert not [name for name in peers_of(tls, list(PEERS)) if PEERS[name].floor]


def test_the_time_left_follows_what_the_same_took_before():
    progress = Progress(["a", "b", "a", "b"])
    assert progress.seconds_left() == 0
    progress.took, progress.todo["a"] = {"a": 4.0}, 1
    assert progress.seconds_left() == 4 + 2 * 4  # b is taken for the mean
    progress.took["b"] = 1.0
    assert progress.seconds_left() == 4 + 2 * 1


def test_marks_on_one_line_do_not_hide_each_other():
    places = [100, 104, 108, 300, 96]
    lanes = chart.lanes(places)
    assert lanes[0] == 0
    for (x, lane), (other, other_lane) in itertools.combinations(zip(places, lanes), 2):
        assert abs(x - other) >= 11 or lane != other_lane


def test_steps_hold_every_value():
    assert chart.steps_of_two([0.3, 7]) == [0.25, 0.5, 1, 2, 4, 8]
    assert chart.steps_of_two([1, 1]) == [1, 2]
    for most in (0.7, 1, 24.6, 999):
        steps = chart.round_steps(most)
        assert steps[0] == 0 and steps[-1] >= most and 3 <= len(steps) <= 8


def sample(scale):
    return {"value": 1000.0 * scale, "p50_us": 100.0 * scale, "p99_us": 300.0 * scale,
            "p999_us": 900.0 * scale}


def test_charts_are_svg_with_a_title_and_what_they_show(tmp_path):
    peers = list(PEERS)
    everything = report.Results(
        {key: {peer: [sample(at + 1)] for at, peer in enumerate(peers)} for key in rows.ROWS}, peers)
    drawn = pictures.write(everything, tmp_path / "charts")
    assert [path.stem for path, _ in drawn] == ["cpu", "idle", "latency"]
    for path, title in drawn:
        svg = ElementTree.parse(path).getroot()
        assert svg.find(f"{SVG}title").text == title
        assert svg.find(f"{SVG}desc").text
        assert svg.get("role") == "img"
        words = {text.text for text in svg.iter(f"{SVG}text")}
        for peer in peers:
            assert words & {peer, f"{peer} (floor)", PEERS[peer].title}, (path, peer)


def test_a_chart_without_figures_is_not_drawn(tmp_path):
    assert pictures.write(results(hubgate=[None], nginx=[None]), tmp_path / "charts") == []


def luminance(colour):
    parts = [int(colour[at:at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_stand_out_from_their_ground(theme):
    for colours in (*chart.PALETTE, chart.INK, chart.FAINT):
        darker, lighter = sorted((luminance(colours[theme]), luminance(chart.GROUND[theme])))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, colours
