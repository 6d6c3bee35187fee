from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.corrections import (
    Correction,
    Withdrawal,
    added_text,
    excluded,
    excluded_as_entered,
    next_id,
    parse_ledger,
    withdrawn_text,
)
from slo.errors import OpenSloError
from slo.ledger import Ledger, LedgerRefused
from tests.slo.strategies import NOW_S

LETTERS = st.characters(categories=["L", "N", "P", "S"], codec="utf-8")
WORDS = st.text(LETTERS | st.just(" "), max_size=20).map(lambda text: f"{text}.")
MINUTES = st.integers(0, 40).map(lambda n: NOW_S + 60 * n)
SPANS = st.tuples(MINUTES, MINUTES).map(sorted).filter(lambda pair: pair[0] < pair[1])


def _correction(span=(NOW_S, NOW_S + 60), *, name="a", number=1, withdrawn=None):
    return Correction(f"c-{number}", (name,), *span, "ann", "upgrade", NOW_S, withdrawn)


@settings(deadline=None)
@given(by=WORDS, why=WORDS, names=st.lists(WORDS, min_size=1, max_size=3), span=SPANS)
def test_what_is_written_is_read_again(by, why, names, span):
    one = Correction("2026-11-23-1", tuple(names), *span, by, why, NOW_S)
    taken = Withdrawal(why, by, NOW_S + 5)
    text = added_text(one)
    assert parse_ledger(text, "f") == (one,)
    both = parse_ledger(text + withdrawn_text(one.id, taken), "f")
    assert both == (replace(one, withdrawn=taken),)


@given(spans=st.lists(SPANS, max_size=6), taken=st.lists(SPANS, max_size=3))
def test_what_is_excluded_is_the_union_of_what_was_not_withdrawn(spans, taken):
    gone = Withdrawal("bob", "was fine", NOW_S)
    all_ = [_correction(span, number=n) for n, span in enumerate(spans)]
    all_ += [_correction(span, number=n + 10, withdrawn=gone) for n, span in enumerate(taken)]
    all_.append(_correction((NOW_S, NOW_S + 6000), name="other", number=99))
    found = excluded(all_, "a")
    assert {t for a, b in found for t in range(a, b, 60)} == {
        t for a, b in spans for t in range(a, b, 60)
    }
    marks = [mark for span in found for mark in span]
    assert marks == sorted(set(marks))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("- id: x", "f:1: [0]: objectives is required"),
        ("- {withdraw: x, by: a, why: b, at: 2026-01-01T00:00:00Z}", "no correction above has"),
        ("- idd: x", "unknown field"),
        ("nothing", "must be a mapping"),
        (added_text(_correction()).replace("Z", ""), "must be a time with a zone"),
        (added_text(_correction()) * 2, "a second correction with the id 'c-1'"),
        (added_text(_correction()).replace(":00Z", ":30Z", 1), "at whole minutes"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_place(text, complaint):
    with pytest.raises(OpenSloError) as caught:
        parse_ledger(text, "f")
    assert any(complaint in str(problem) for problem in caught.value.problems)


def test_ids_are_the_day_and_a_number():
    assert next_id([], NOW_S) == "2027-01-15-1"
    taken = [replace(_correction(), id="2027-01-15-1")]
    assert next_id(taken, NOW_S) == "2027-01-15-2"


def test_a_ledger_keeps_everything_and_sees_edits(tmp_path):
    ledger = Ledger(tmp_path / "corrections.yaml")
    assert ledger.corrections() == ()
    one = ledger.add(["a"], NOW_S, NOW_S + 60, by="ann", why="upgrade", now_s=NOW_S)
    two = ledger.add(["a", "b"], NOW_S, NOW_S + 60, by="ann", why="again", now_s=NOW_S)
    taken = ledger.withdraw(one.id, by="bob", why="traffic was fine", now_s=NOW_S + 9)
    assert taken.withdrawn == Withdrawal("bob", "traffic was fine", NOW_S + 9)
    assert Ledger(ledger.path).corrections() == ledger.corrections() == (taken, two)
    ledger.path.write_text(ledger.path.read_text().replace("again", "once more").rstrip("\n"))
    assert ledger.corrections()[1].why == "once more"
    ledger.add(["a"], NOW_S, NOW_S + 60, by="ann", why="third", now_s=NOW_S)
    assert len(ledger.corrections()) == 3


@pytest.mark.parametrize(
    "given_",
    [
        {"objectives": []},
        {"to_s": NOW_S},
        {"from_s": NOW_S - 7},
        {"by": " "},
        {"why": ""},
    ],
)
def test_an_entry_without_who_why_or_when_is_refused(tmp_path, given_):
    ledger = Ledger(tmp_path / "corrections.yaml")
    whole = {"objectives": ["a"], "from_s": NOW_S, "to_s": NOW_S + 60, "by": "ann", "why": "x"}
    with pytest.raises(LedgerRefused):
        ledger.add(**(whole | given_), now_s=NOW_S)
    assert not ledger.path.exists()


def test_nothing_is_withdrawn_twice_or_in_silence(tmp_path):
    ledger = Ledger(tmp_path / "corrections.yaml")
    one = ledger.add(["a"], NOW_S, NOW_S + 60, by="ann", why="upgrade", now_s=NOW_S)
    for id_, by in (("nope", "bob"), (one.id, "")):
        with pytest.raises(LedgerRefused):
            ledger.withdraw(id_, by=by, why="x", now_s=NOW_S)
    ledger.withdraw(one.id, by="bob", why="x", now_s=NOW_S)
    with pytest.raises(LedgerRefused, match="withdrawn by bob before"):
        ledger.withdraw(one.id, by="bob", why="x", now_s=NOW_S)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9), st.integers(0, 12),
                       st.none() | st.integers(0, 20)), max_size=4),
)  # fmt: skip
def test_a_counter_of_what_was_known_at_each_time_never_falls(made):
    """One event a second; the ledger grows as time goes, and the counter is read every 10 s."""
    entries = [
        Correction(str(number), ("a",), from_m * 60, (from_m + long_m) * 60, "me", "why", at_m * 47,
                   None if ended is None else Withdrawal("me", "why", at_m * 47 + ended * 31))
        for number, (from_m, long_m, at_m, ended) in enumerate(made)
    ]  # fmt: skip

    def known(now_s):
        return [
            replace(one, withdrawn=one.withdrawn if one.withdrawn and one.withdrawn.at_s <= now_s
                    else None)
            for one in entries if one.at_s <= now_s
        ]  # fmt: skip

    def counter(now_s):
        spans = excluded_as_entered(known(now_s), "a")
        return now_s - sum(max(min(to_s, now_s) - from_s, 0) for from_s, to_s in spans)

    values = [counter(now_s) for now_s in range(0, 1300, 10)]
    assert values == sorted(values)


def test_what_is_entered_beforehand_is_excluded_as_it_says():
    one = Correction("1", ("a",), 600, 1200, "me", "why", 30)
    assert excluded_as_entered([one], "a") == excluded([one], "a") == ((600, 1200),)
    assert excluded_as_entered([one], "b") == ()
    late = replace(one, at_s=905)
    assert excluded_as_entered([late], "a") == ((910, 1200),)
    assert excluded_as_entered([replace(one, at_s=1300)], "a") == ()
    taken_back = replace(one, withdrawn=Withdrawal("me", "why", 700))
    assert excluded_as_entered([taken_back], "a") == ((600, 700),)
    assert excluded([taken_back], "a") == ()
