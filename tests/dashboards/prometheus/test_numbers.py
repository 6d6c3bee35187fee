"""Numbers as Prometheus writes them: quickly, and the same as slowly."""

import math
import struct
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dashboards.prometheus.numbers import number_text, number_texts, time_text

BITS = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])

SMALL, LARGE = st.floats(-1e-4, 1e-4), st.floats(1e14, 1e22)
"""Where what orjson writes has to be mended."""


def exact(number):
    """Write a number by the rules alone, digit by digit."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    exponent += len(digits) - len(text)
    prefix = "-" if sign else ""
    size = abs(number)
    if not size:
        return f"{prefix}0"
    if size < 1e-6 or size >= 1e21:
        scientific = exponent + len(text) - 1
        mantissa = text[0] + (f".{text[1:]}" if len(text) > 1 else "")
        return f"{prefix}{mantissa}e{'-' if scientific < 0 else '+'}{abs(scientific):02d}"
    if exponent >= 0:
        return prefix + text + "0" * exponent
    text = text.rjust(1 - exponent, "0")
    return f"{prefix}{text[:exponent]}.{text[exponent:]}"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (1e-06, "0.000001"),
        (1e-07, "1e-07"),
        (9.999e-07, "9.999e-07"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (-1.5e300, "-1.5e+300"),
        (123456789.125, "123456789.125"),
        (2.0**53, "9007199254740992"),
        (5e-324, "5e-324"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
    ],
)
def test_go_s_format_is_written(number, text):
    assert number_text(number) == exact(number) == text


@given(st.lists(BITS | st.floats() | SMALL | LARGE | st.integers(-(2**60), 2**60).map(float)))
@example([1e-7, 1e-9, 1e-10, 2.5e-6, 1e-5, 9.9e-6, 1e-6, 1e15, 1e16, 1.5e17, 0.0, -0.0, 1e21, 1e-4])
def test_many_at_once_are_each_as_the_rules_say(numbers):
    texts = number_texts(np.array(numbers, np.float64))

    assert [text.decode() for text in texts] == [exact(number) for number in numbers]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_text_reads_back_as_the_same_number(number):
    assert float(number_text(number)) == number


def test_a_column_of_a_table_is_written_too():
    assert number_texts(np.arange(6.0).reshape(2, 3)[:, 1]) == [b"1", b"4"]


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [(4000, "4"), (4500, "4.500"), (1_760_076_749_172, "1760076749.172"), (0, "0"), (-1, "-0.001")],
)
def test_times_have_milliseconds_only_when_there_are_some(at_ms, text):
    assert time_text(at_ms) == text
