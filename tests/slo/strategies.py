"""Values of the slo package for laws."""

from decimal import Decimal

from hypothesis import strategies as st

from slo.budget import Counts
from slo.codes import EVERY, Codes
from slo.model import (
    AvailabilitySli,
    CodeSli,
    EdgeSelector,
    LatencySli,
    Objective,
    Slo,
    TimeWindow,
)
from slo.sources.fixed import FixedRow

NOW_S = 1_800_000_000
MONTH_S = 30 * 86_400

TARGETS = st.decimals(min_value=0, max_value=Decimal("0.99999"), places=5)
COUNTS = st.integers(0, 10**9).flatmap(
    lambda total: st.builds(Counts, good=st.integers(0, total), total=st.just(total))
)
NAMES = st.sampled_from(["cart", "checkout", "payments"])
ROUTES = st.sampled_from(["", "read", "write"])
VERSIONS = st.sampled_from(["v1", "v2"])
SELECTORS = st.builds(
    EdgeSelector,
    destination=NAMES,
    source=st.none() | st.just("external") | NAMES,
    route=st.none() | ROUTES,
    version=st.none() | VERSIONS,
    consumers=st.sampled_from([(), ("external", "cart")]),
)
SLIS = st.one_of(
    st.builds(AvailabilitySli, SELECTORS),
    st.builds(LatencySli, SELECTORS, st.floats(0.01, 100_000)),
    st.builds(
        CodeSli,
        SELECTORS,
        bad=st.sampled_from([Codes.of(("5xx",)), Codes.of(("404", "none"))]),
        counted=st.sampled_from([EVERY, Codes.of(("4xx",)).rest()]),
    ),
)
ROWS = st.lists(
    st.builds(
        FixedRow,
        bucket_s=st.integers(0, 900).map(lambda n: NOW_S - NOW_S % 3600 - 5000 + n * 10),
        destination=NAMES,
        requests=st.integers(1, 1000),
        code=st.sampled_from([200, 404, 503, 0]),
        latency_ms=st.sampled_from([None, 0.01, 10.0, 250.0, 480.0, 90_000.0]),
        source=st.sampled_from(["external", "cart", "checkout"]),
        route=ROUTES,
        version=VERSIONS,
    ),
    max_size=12,
)
"""Around 2.5 hours of rows before and after a whole hour, so that every rollup tier answers."""


def slo(
    name="cart-availability",
    *,
    target="0.999",
    window_s=MONTH_S,
    threshold_ms=None,
    destination="cart",
    labels=None,
):
    """Return an objective on all requests of one service."""
    edges = EdgeSelector(destination)
    sli = AvailabilitySli(edges) if threshold_ms is None else LatencySli(edges, threshold_ms)
    return Slo(
        name=name,
        service=destination,
        sli=sli,
        objective=Objective(Decimal(target)),
        window=TimeWindow(window_s),
        labels=labels or {},
    )
