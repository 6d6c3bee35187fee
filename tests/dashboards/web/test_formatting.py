"""Numbers as people read them."""

import pytest

from dashboards.web import formatting
from dashboards.web.formatting import MISSING


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (None, MISSING),
        (0, "0 %"),
        (0.00013, "0.013 %"),
        (0.024, "2.40 %"),
        (0.128, "12.8 %"),
        (0.99996, "> 99.9 %"),
        (1, "100 %"),
        (-3.1, "-310.0 %"),
    ],
)
def test_a_percentage_shows_small_failures_and_never_rounds_up_to_all(ratio, words):
    assert formatting.percent(ratio) == words


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (None, MISSING),
        (0.999, "99.9 %"),
        (0.9995, "99.95 %"),
        (0.99999999, "99.99999 %"),
        (0.81437, "81.437 %"),
        (1.0, "100 %"),
    ],
)
def test_an_objective_is_exact_and_an_sli_is_cut_not_rounded(ratio, words):
    assert formatting.exact_percent(ratio) == words


@pytest.mark.parametrize(
    ("ratio", "word"), [(None, "idle"), (0, "ok"), (0.0099, "ok"), (0.01, "warn"), (0.05, "bad")]
)
def test_health_is_a_word_and_no_data_is_not_ok(ratio, word):
    assert formatting.health(ratio) == word


def test_rates_times_and_counts_are_short():
    assert [formatting.rate(n) for n in (0, 0.04, 12.34, 432.1, 1234)] == [
        "0",
        "0.04",
        "12.3",
        "432",
        "1.2k",
    ]
    assert [formatting.milliseconds(n) for n in (None, 0.84, 9.96, 51.2, 1300)] == [
        MISSING,
        "0.84 ms",
        "10.0 ms",
        "51 ms",
        "1.30 s",
    ]
    assert [formatting.duration(n) for n in (None, 42, 420, 11_520, 1_036_800)] == [
        MISSING,
        "42 s",
        "7 min",
        "3.2 h",
        "12 d",
    ]
    assert [formatting.burn(n) for n in (None, 0, 0.97, 14.4, 77.2)] == [
        MISSING,
        "0x",
        "0.97x",
        "14.4x",
        "77.2x",
    ]
    assert formatting.count(1_234_567) == "1\u2009234\u2009567"


def test_bytes_have_the_unit_that_keeps_them_short():
    sizes = [None, 0, 1023, 1536, 64 * 2**20, 5 * 2**40, 3 * 2**50]
    assert [formatting.bytes_(n) for n in sizes] == [
        "–", "0 B", "1023 B", "1.5 KiB", "64 MiB", "5.0 TiB", "3072 TiB",
    ]  # fmt: skip
