"""Numbers as Go writes them with format 'f' and the fewest digits: labels of bounds and quantiles.

Never an exponent, as ``strconv.FormatFloat(x, 'f', -1, 64)``; infinities have their sign.
"""

import math


def positional(number: float) -> str:
    """Return the shortest digits that read back: 1, 0.005, 1000000, +Inf, NaN."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "+Inf" if number > 0 else "-Inf"
    mantissa, _, exponent = repr(number).partition("e")
    if not exponent:
        return mantissa.removesuffix(".0")
    sign, digits = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, fraction = digits.partition(".")
    point = len(whole) + int(exponent)
    digits = whole + fraction
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[:point].ljust(point, '0')}.{digits[point:]}".rstrip(".")
