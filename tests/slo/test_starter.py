"""Objectives to start with are OpenSLO that reads back strictly, with the usual targets."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from slo.codes import ERRORS, Codes
from slo.metadata import is_name
from slo.model import AvailabilitySli, CodeSli, EdgeSelector, LatencySli
from slo.openslo import parse_openslo
from slo.starter import starter_text


def test_a_service_gets_availability_latency_and_failures():
    catalog = parse_openslo([("a.yaml", starter_text(["cart"]))])
    cart = EdgeSelector("cart")
    assert [(slo.name, slo.sli, slo.objective.target) for slo in catalog.slos] == [
        ("cart-availability", AvailabilitySli(cart), Decimal("0.999")),
        ("cart-latency", LatencySli(cart, 500), Decimal("0.95")),
        ("cart-errors", CodeSli(cart, ERRORS, Codes.of(["!4xx"])), Decimal("0.995")),
    ]
    assert {slo.window.seconds for slo in catalog.slos} == {30 * 86_400}
    assert [service.name for service in catalog.services] == ["cart"]
    assert catalog.warnings == ()


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=70) | st.sampled_from(["a", "b-1"]), max_size=5))
def test_any_names_make_a_file_that_reads_back(names):
    catalog = parse_openslo([("a.yaml", starter_text(names))])
    good = sorted({name for name in names if is_name(name)})
    assert [service.name for service in catalog.services] == good
    assert len(catalog.slos) == 3 * len(good)


def test_a_name_that_openslo_does_not_allow_is_told():
    text = starter_text(["cart", "Old_Service"])
    assert '# Left out, for OpenSLO allows no such name: "Old_Service"' in text
