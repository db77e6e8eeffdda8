# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects whose parts are missing or of another type: no function raises."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import shapes

ANYTHING: list[Any] = [None, 1, "text", [], ["text", None], {}, {"metadata": None}, {"metadata": []}, {"status": "x"}]


@pytest.mark.parametrize("value", ANYTHING, ids=repr)
def test_anything_is_read(value: Any) -> None:
    assert isinstance(shapes.as_dict(value), dict)
    assert [each for each in shapes.items(value) if not isinstance(each, dict)] == []
    assert shapes.text_at(value, "metadata", "name") == ""
    assert shapes.name_of(value) == "(no name)"
    assert shapes.condition(value, "Failed") == {}
    assert shapes.event_time(value) == ""
    assert shapes.words(value).endswith(".")


def test_texts_are_cut_and_can_be_encoded() -> None:
    assert shapes.capped("x" * 5000) == "x" * (shapes.LONGEST_TEXT - 1) + "…"
    assert shapes.capped("\ud800 ") == "?"
    assert shapes.text_at({"a": {"b": "  text "}}, "a", "b") == "text"


def test_a_condition_has_the_type_and_the_status() -> None:
    conditions = [{"type": "Failed", "status": "False"}, {"type": "Failed", "status": "True", "reason": "x"}]
    found = {"status": {"conditions": conditions}}
    assert shapes.condition(found, "Failed")["reason"] == "x"
    assert shapes.condition(found, "Failed", "False") == conditions[0]
    assert shapes.condition(found, "Complete") == {}


SENTENCES = {"": "(no message).", "a": "a.", "a.": "a.", "a!": "a!", "a…": "a…"}


@pytest.mark.parametrize("text", SENTENCES)
def test_a_sentence_has_a_full_stop(text: str) -> None:
    assert shapes.sentence(text) == SENTENCES[text]


def test_reason_and_message_are_a_sentence() -> None:
    assert shapes.words({"reason": "OOMKilled", "message": "too much"}) == "OOMKilled: too much."
    assert shapes.words({"message": "too much"}) == "too much."


def test_the_last_time_of_an_event() -> None:
    event = {"series": {"lastObservedTime": "3"}, "lastTimestamp": "2", "eventTime": "1"}
    assert shapes.event_time(event) == "3"
    assert shapes.event_time({"lastTimestamp": None, "eventTime": "1"}) == "1"


def test_the_name_of_an_object() -> None:
    assert shapes.name_of({"metadata": {"namespace": "a", "name": "b"}}) == "a/b"
    assert shapes.name_of({"metadata": {"name": "b"}}) == "b"
