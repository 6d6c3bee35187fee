"""Ledgers add up, survive their file, and differ from a measurement exactly where counts differ."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.shop.ledger import (
    Exchange,
    InvalidLedger,
    Ledger,
    Mismatch,
    difference,
    from_json,
    load,
    merge,
    save,
    to_json,
)

CHARGE = Exchange("checkout", "payments", "charge", 201)
DECLINED = Exchange("checkout", "payments", "charge", 402)
LOST = Exchange("checkout", "payments", "charge", 0)

NAMES = st.sampled_from(["external", "gateway", "cart", 'a\n"é'])
EXCHANGES = st.builds(Exchange, NAMES, NAMES, NAMES, st.sampled_from([0, 200, 404, 503]))
COUNTS = st.dictionaries(EXCHANGES, st.integers(1, 10**12), max_size=12)
LEDGERS = st.builds(Ledger, COUNTS, st.integers(0, 99), st.booleans())


@pytest.mark.parametrize(
    ("recorded", "measured", "expected"),
    [
        ({}, {}, []),
        ({CHARGE: 3}, {CHARGE: 3}, []),
        ({CHARGE: 3}, {tuple(CHARGE): 3}, []),
        ({CHARGE: 3}, {CHARGE: 3, DECLINED: 0}, []),
        ({CHARGE: 3}, {CHARGE: 4}, [Mismatch(CHARGE, 3, 4)]),
        ({CHARGE: 3}, {}, [Mismatch(CHARGE, 3, 0)]),
        ({}, {LOST: 1}, [Mismatch(LOST, 0, 1)]),
        ({CHARGE: 1}, {DECLINED: 1}, [Mismatch(CHARGE, 1, 0), Mismatch(DECLINED, 0, 1)]),
    ],
)
def test_difference_lists_every_count_that_is_not_the_same(recorded, measured, expected):
    assert difference(Ledger(recorded), measured) == expected


@given(ledger=LEDGERS)
def test_a_ledger_does_not_differ_from_itself(ledger):
    assert difference(ledger, ledger.counts) == []


@given(ledger=LEDGERS, measured=COUNTS)
def test_differences_sum_to_the_difference_of_the_totals_and_mend_the_ledger(ledger, measured):
    found = difference(ledger, measured)
    assert sum(m.measured - m.recorded for m in found) == sum(measured.values()) - ledger.total
    mended = dict(ledger.counts) | {m.exchange: m.measured for m in found}
    assert {e: n for e, n in mended.items() if n} == measured
    assert [m.exchange for m in found] == sorted({m.exchange for m in found})


@given(ledgers=st.lists(LEDGERS, max_size=4))
def test_merging_adds_every_count_in_any_order(ledgers):
    whole = merge(ledgers)
    assert whole == merge(reversed(ledgers)) == merge([merge(ledgers[:1]), *ledgers[1:]])
    assert whole.counts == sum((Counter(x.counts) for x in ledgers), Counter())
    assert whole.is_final == all(x.is_final for x in ledgers)


@given(ledger=LEDGERS)
def test_a_ledger_survives_its_text(ledger):
    assert from_json(to_json(ledger), file="x") == ledger


def test_the_format_is_this(tmp_path):
    path = tmp_path / "ledger.json"
    save(Ledger({DECLINED: 1, CHARGE: 7}, not_sent=2, is_final=False), path)
    assert path.read_text() == (
        '{"format":"meshscope.shop.ledger","version":1,"is_final":false,"not_sent":2,'
        '"columns":["source","destination","route","status","requests"],'
        '"counts":[["checkout","payments","charge",201,7],["checkout","payments","charge",402,1]]}'
    )
    assert load(path).counts == {CHARGE: 7, DECLINED: 1}
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.json"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not JSON"),
        ("[]", "not a ledger"),
        ('{"format":"other"}', "not a ledger"),
        ('{"format":"meshscope.shop.ledger","version":2}', "version 2"),
        ('{"format":"meshscope.shop.ledger","version":1}', "damaged"),
        (to_json(Ledger({CHARGE: 1})).replace("201,1]", "201,0]"), "at least 1"),
        (to_json(Ledger({CHARGE: 1})).replace("201,1]", "201]"), "damaged"),
        (
            to_json(Ledger({CHARGE: 1, DECLINED: 1})).replace("402", "201"),
            "listed twice",
        ),
    ],
)
def test_a_file_that_is_no_ledger_says_which_and_why(text, reason):
    with pytest.raises(InvalidLedger, match=reason) as caught:
        from_json(text, file="checkout.json")
    assert caught.value.file == "checkout.json"
    assert str(caught.value).startswith("checkout.json: ")


def test_a_count_of_zero_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        Ledger({CHARGE: 0})
