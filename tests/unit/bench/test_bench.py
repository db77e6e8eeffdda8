# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The targets, page and plot of a benchmark."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

import pytest

import bench.__main__
from bench.__main__ import ALL, SIZES
from bench.candidates import Candidate, Job
from bench.measure import USAGE, CommandError, Measurement, rate
from bench.page import NOT_PLOTTED, PLOT_TITLE, figures, page, plot
from bench.plot import COLOURS, apart
from bench.results import CREATE, MEBIBYTE, NOTHING, RENEW, REPLAY, Results, Row, slope, targets, typical

TITLES = {
    "PullSecretModule": "**module**",
    "Limit": "the limit",
    "ServerSideApply": "``kubectl``",
    "K8sLoop": "a loop",
    "OneTask": "a task",
    "RoleRun": "the role",
    "RefresherJob": "a job",
    "RefresherProgram": "the program",
    "BareLoop": "a bare loop",
    "PullReplay": "a replay",
}


def measurement(seconds: float = 1, rate: float | None = None, writes: int = 0, memory: int = 0) -> Measurement:
    return Measurement(seconds, writes, rate, {"list": 22, "patch": writes}, cpu_seconds=0.5, memory=memory)


def results(times: float = 1) -> Results:
    """Return figures that just reach all targets. times: how much longer the module, the role and the Job take."""

    def own(seconds: float, rate: float = 0, writes: int = 0, memory: int = 0) -> Measurement:
        return measurement(seconds * times, rate / times, writes, memory)

    in_pod = Measurement(5, 1000, 900 / times, {"get": 1000, "patch": 1000}, cpu_seconds=None, memory=None)
    rows = [
        Row("PullSecretModule", CREATE, 1, own(1.6)),
        Row("PullSecretModule", RENEW, 1, own(1.6)),
        Row("PullSecretModule", RENEW, 1000, own(10, 1500, 1000)),
        Row("PullSecretModule", RENEW, 5000, own(50, 1500, 5000)),
        Row("PullSecretModule", NOTHING, 5000, own(1.5, memory=78 * MEBIBYTE)),
        Row("Limit", RENEW, 1000, measurement(1, 1000, 1000)),
        Row("Limit", NOTHING, 1000, measurement(0.25)),
        Row("ServerSideApply", RENEW, 1000, measurement(13.1, 120, 1000)),
        Row("ServerSideApply", RENEW, 5000, measurement(100, 120, 5000)),
        Row("K8sLoop", CREATE, 1, measurement(2)),
        Row("K8sLoop", RENEW, 1, measurement(2)),
        Row("K8sLoop", RENEW, 20, measurement(20, 6, 20)),
        Row("OneTask", NOTHING, 3, measurement(1)),
        Row("RoleRun", NOTHING, 3, own(3)),
        Row("RefresherJob", RENEW, 1000, in_pod),
        Row("RefresherJob", RENEW, 20000, in_pod),
        Row("RefresherProgram", NOTHING, 1, dataclasses.replace(measurement(), first_request=0.3 * times)),
        *processor("RefresherProgram", RENEW, 1.98 * times),
        *processor("RefresherProgram", NOTHING, 0.99 * times),
        *processor("BareLoop", RENEW, 0.99),
        *processor("BareLoop", NOTHING, 0.495),
        Row("PullReplay", REPLAY, 1000, measurement(1, memory=MEBIBYTE)),
        Row("PullReplay", REPLAY, 5000, measurement(5.8 * times**4, memory=MEBIBYTE)),
    ]
    return Results({"Machine": "2 processors"}, TITLES, rows)


def processor(candidate: str, operation: str, seconds: float) -> list[Row]:
    """Return rows that differ by this processor time."""
    few, many = (dataclasses.replace(measurement(), cpu_seconds=start) for start in (0.5, 0.5 + seconds))
    return [Row(candidate, operation, 10, few), Row(candidate, operation, 1000, many)]


def test_targets_that_are_just_reached() -> None:
    found = targets(results())
    assert len(found) == 14
    assert [target.what for target in found if not target.reached] == []
    assert found[3].found == "250 times (1500 and 6.0, measured over 20)"
    assert (
        found[9].found == "90% (900 and 1000.0, measured over 1,000); with a read before each write, h2load reaches 800"
    )
    assert [target.found for target in found[10:]] == [
        "0.30 s",
        "2.0 times (2.00 ms and 1.00 ms)",
        "2.0 times (1.00 ms and 0.50 ms)",
        "5,000 namespaces in 5.8 s with 22 requests and 1 MiB; power 1.09",
    ]


def test_targets_that_are_just_missed() -> None:
    """The rate has more room against the limit, since that of the loop decides."""
    found = targets(results(times=1.01))
    assert [target.what for target in found if target.reached] == [found[0].what, found[9].what]
    assert found[1].found == "0.77 times (10.10 s and 13.10 s)"
    assert [target.reached for target in targets(results(times=1.7))] == [False] * 14


def test_the_role_is_compared_with_the_module_at_the_same_size() -> None:
    measured = results()
    rows = [*measured.rows, Row("RoleRun", NOTHING, 5000, measurement(3.1))]
    (target,) = [each for each in targets(Results({}, TITLES, rows)) if "the role, nothing to do, 5,000" in each.what]
    assert (target.found, target.reached) == ("2.07 times (3.10 s and 1.50 s)", False)


def test_the_figures_of_a_pod_are_empty_where_they_are_not_known() -> None:
    assert '\na job,renew,1000,5.00,1000,900.0,"1000 get, 1000 patch",,\n' in figures(results())


@pytest.mark.parametrize(("figure", "expected"), [("seconds", 1), ("requests", 0.98), ("memory", None)])
def test_growth_is_a_power_of_the_namespaces(figure: str, expected: float | None) -> None:
    found = slope(results(), "PullSecretModule", RENEW, figure)
    assert found == (expected and pytest.approx(expected, abs=0.02))
    assert slope(results(), "PullSecretModule", NOTHING, figure) is None


def test_every_line_has_a_colour() -> None:
    plotted = [each for each in ALL if RENEW in each.operations and each.__name__ not in NOT_PLOTTED]
    assert len(COLOURS) == len(set(COLOURS)) == len(plotted)


def test_all_sizes_are_measured_by_default() -> None:
    assert set(SIZES) == {size for candidate in ALL for size in candidate.sizes}
    assert {3, 5000, 20000} <= set(SIZES)


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


def test_the_page_has_the_targets_first_and_fits_two_screens() -> None:
    text = page(results(times=1.01))
    assert text.index("* - Target\n") < text.index(".. figure:: ../benchmarks.svg\n") < text.index("2 processors")
    assert "**no**" in text
    assert len(text.splitlines()) < 200
    assert "**module**, renew\n     - 1.00\n" in text


def test_what_failed_is_on_the_page() -> None:
    failed = dataclasses.replace(results(), failures=["the role, remove, 5,000 namespaces"])
    assert "* - the role, remove, 5,000 namespaces\n     - failed\n     - **no**\n" in page(failed)
    assert "failed" not in page(results())


@pytest.mark.parametrize(
    "error",
    [CommandError("kubectl ended with 1"), AssertionError("role"), subprocess.CalledProcessError(1, "kubectl")],
)
def test_a_method_that_fails_costs_its_own_figures(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Method(Candidate):
        title = "a method"
        sizes = (10,)
        fails_at = ""

        def prepare(self, job: Job, directory: Path) -> Sequence[str]:
            if job.operation == self.fails_at:
                raise error
            return ["tee", str(directory)]

        def environment(self) -> Mapping[str, str]:
            return {}

    class Failing(Method):
        title = "a failing one"
        fails_at = RENEW

    monkeypatch.setattr(bench.__main__, "measure", lambda _command, _audit: measurement())
    cluster = mock.Mock(namespaces=["a"], directory=tmp_path)
    found = Results({}, {}, [])
    bench.__main__.measure_size(cluster, [Failing(cluster), Method(cluster)], 10, mock.Mock(), found)
    rows = [(row.candidate, row.operation, row.namespaces) for row in found.rows]
    assert rows == [("Failing", CREATE, 10), ("Method", CREATE, 10), ("Method", RENEW, 10)]
    assert found.failures == ["a failing one, renew, 10 namespaces"]
    assert str(error) in capsys.readouterr().err


def test_the_plot_is_svg_with_all_that_renew() -> None:
    drawn = ElementTree.fromstring(plot(results()))
    space = "{http://www.w3.org/2000/svg}"
    groups = [group for group in drawn.iter(f"{space}g") if group.get("id", "").startswith("line-")]
    markers = [len(list(group.iter(f"{space}use"))) for group in groups]
    assert markers == [3, 1, 2, 2, 2]
    texts = [text.text for text in drawn.iter(f"{space}text")]
    assert {"module", "the limit", "kubectl", "a loop", "a job", "namespaces", "seconds", "1,000"} <= set(texts)
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
