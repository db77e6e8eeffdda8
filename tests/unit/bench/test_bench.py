# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The targets, page and plot of a benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench.candidates import ALL
from bench.measure import USAGE, Measurement, rate
from bench.page import PLOT_TITLE, page, plot
from bench.plot import COLOURS, apart
from bench.results import CREATE, MEBIBYTE, NOTHING, RENEW, Results, Row, targets, typical

TITLES = {"PullSecretModule": "**module**", "Limit": "the limit", "ServerSideApply": "``kubectl``", "K8sLoop": "a loop"}


def measurement(seconds: float = 1, rate: float | None = None, writes: int = 0, memory: int = 0) -> Measurement:
    return Measurement(seconds, writes, rate, {"list": 30, "patch": writes}, cpu_seconds=0.5, memory=memory)


def results(rate: float = 600, one: float = 2, memory: int = 150) -> Results:
    rows = [
        Row("PullSecretModule", CREATE, 1, measurement(one)),
        Row("PullSecretModule", RENEW, 1, measurement(one)),
        Row("PullSecretModule", RENEW, 1000, measurement(4, rate, 1000)),
        Row("PullSecretModule", NOTHING, 5000, measurement(memory=memory * MEBIBYTE)),
        Row("Limit", RENEW, 1000, measurement(1, 1000, 1000)),
        Row("ServerSideApply", RENEW, 1000, measurement(10, 120, 1000)),
        Row("K8sLoop", CREATE, 1, measurement(2)),
        Row("K8sLoop", RENEW, 1, measurement(2)),
        Row("K8sLoop", RENEW, 20, measurement(20, 6, 20)),
    ]
    return Results({"Machine": "2 processors"}, TITLES, rows)


def test_targets_that_are_just_reached() -> None:
    found = targets(results())
    assert len(found) == 6
    assert all(target.reached for target in found)
    assert found[0].found == "60% (600 and 1000.0 writes a second)"
    assert found[2].found == "100.0 times (600 and 6.0 writes a second, which was measured over 20)"


def test_targets_that_are_just_missed() -> None:
    found = targets(results(rate=599, one=2.01, memory=151))
    assert [target.reached for target in found] == [False] * 6
    words = "5.0 times (599 and 120.0 writes a second). The API server itself can take 8.3 times as many here"
    assert found[1].found == words


@pytest.mark.parametrize(("rate", "reached"), [(600, True), (599, False)])
def test_a_job_has_a_target_where_it_was_measured(rate: float, reached: bool) -> None:
    """Its processor time and memory are not known: it runs in a pod."""
    in_pod = Measurement(5, 1000, rate, {"get": 1000, "patch": 1000}, cpu_seconds=None, memory=None)
    measured = results()
    rows = [*measured.rows, Row("RefresherJob", RENEW, 1000, in_pod)]
    both = Results(measured.machine, {**TITLES, "RefresherJob": "a job"}, rows)
    (target,) = [target for target in targets(both) if "by one Job" in target.what]
    assert target.reached == reached
    assert f"     - a job\n     - 5.00\n     - {rate:.1f}\n     - 1000 get, 1000 patch\n     -\n     -\n" in page(both)


def test_every_candidate_has_a_colour() -> None:
    assert len(COLOURS) == len(set(COLOURS)) == len(ALL)


def test_what_was_not_measured_is_no_target() -> None:
    assert targets(Results({}, TITLES, [Row("PullSecretModule", RENEW, 10, measurement())])) == []


def test_the_rate_is_by_the_server_s_stamps() -> None:
    stamps = [("05.5", "06.0"), ("05.0", "05.2"), ("06.9", "07.0")]
    events = [
        {"requestReceivedTimestamp": f"2026-01-01T00:00:{start}Z", "stageTimestamp": f"2026-01-01T00:00:{end}Z"}
        for start, end in stamps
    ]
    assert rate(events) == pytest.approx(1.5)
    assert rate(events[:1]) is None


@pytest.mark.parametrize(("seconds", "middle"), [([3], 3), ([3, 1, 2], 2), ([4, 1], 1)])
def test_the_run_in_the_middle_is_typical(seconds: list[float], middle: float) -> None:
    assert typical(measurement(value) for value in seconds).seconds == middle


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    results().save(tmp_path / "kept" / "results.json")
    assert Results.load(tmp_path / "kept" / "results.json") == results()


def test_the_page_has_the_targets_first_and_every_figure() -> None:
    text = page(results(rate=599))
    assert text.index("* - Target\n") < text.index(".. figure:: ../benchmarks.svg\n") < text.index("2 processors")
    assert "**no**" in text
    assert "   * - 1,000\n     - **module**\n     - 4.00\n     - 599.0\n     - 30 list, 1000 patch\n" in text


def test_the_plot_is_svg_with_all_that_renew() -> None:
    drawn = ElementTree.fromstring(plot(results()))
    space = "{http://www.w3.org/2000/svg}"
    groups = [group for group in drawn.iter(f"{space}g") if group.get("id", "").startswith("line-")]
    markers = [len(list(group.iter(f"{space}use"))) for group in groups]
    assert markers == [2, 1, 1, 2]
    texts = [text.text for text in drawn.iter(f"{space}text")]
    assert {"module", "the limit", "kubectl", "a loop", "namespaces", "seconds", "1,000"} <= set(texts)
    title = drawn.find(f"{space}title")
    assert title is not None
    assert title.text == PLOT_TITLE
    assert PLOT_TITLE in texts


def test_the_same_results_give_the_same_plot() -> None:
    assert plot(results()) == plot(results())
    assert not any(changing in plot(results()) for changing in ("<dc:date>", "Matplotlib v"))


def test_labels_of_lines_with_near_ends_do_not_overlap() -> None:
    heights = {"a": 0.50, "b": 0.10, "c": 0.51, "d": 0.52, "e": 0.90}
    assert apart(heights, 0.05) == pytest.approx({"a": 0.50, "b": 0.10, "c": 0.55, "d": 0.60, "e": 0.90})


def test_what_a_command_uses_is_its_own(tmp_path: Path) -> None:
    """The memory of this process must not be counted for the command that it starts."""
    kept = b"x" * (150 * MEBIBYTE)
    out = tmp_path / "usage.json"
    command = [sys.executable, "-I", "-S", str(USAGE), str(out), "sh", "-c", "exit 3"]
    assert subprocess.run(command, check=False).returncode == 3
    used = json.loads(out.read_text())
    assert len(kept) > 3 * used["memory"] > 0
    assert 0 < used["seconds"] < 60
