"""Mappings that know their lines, and texts that are none."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.lined_yaml import NotAMapping, read_mapping


def test_places_have_lines_and_what_has_none_has_that_of_its_neighbourhood():
    found = read_mapping("# first\na: 1\nb:\n  - x\n  - {c: y}\n")

    assert found.values == {"a": 1, "b": ["x", {"c": "y"}]}
    assert [found.line("a"), found.line("b"), found.line("b", 1)] == [2, 3, 5]
    assert found.line("b", 7) == found.line("b")
    assert found.line("nowhere") == found.line() == 1


def test_an_empty_text_is_an_empty_mapping():
    assert read_mapping("# nothing\n").values == {}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [", 2),
        ("- a", 1),
        ("text", 1),
        ("a: 1\na: 2", 2),
        ("a: !!int x", 1),
        ("*x", 1),
        ("[" * 5000, 1),
    ],
)
def test_what_is_no_mapping_is_told_with_a_line(text, line):
    with pytest.raises(NotAMapping) as caught:
        read_mapping(text)
    assert caught.value.line == line
    assert caught.value.reason


@given(st.text(st.sampled_from("ab: -[]{}!&*?|>'\"%@#\n\t,0~<") | st.characters(), max_size=30))
def test_any_text_is_a_mapping_or_told(text):
    with contextlib.suppress(NotAMapping):
        assert isinstance(read_mapping(text).values, dict)
