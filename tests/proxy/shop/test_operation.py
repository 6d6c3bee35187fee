"""Service times stay in bounds and routes match as a proxy matches them."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.shop.operation import SLOWEST_P99S, Operation, Route, ServiceTime, first_match
from proxy.shop.shop import SHOP

ROUTES = [
    Route("show", "GET", "/products/"),
    Route("list", "GET", "/products"),
    Route("home", "GET", "/"),
]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", "/products/17", "show"),
        ("GET", "/products", "list"),
        ("GET", "/productsale", "list"),  # a prefix is not a segment: Envoy says so too
        ("GET", "/", "home"),
        ("GET", "/anything", "home"),
        ("POST", "/products", None),
    ],
)
def test_the_first_route_whose_prefix_begins_the_path_matches(method, path, name):
    route = first_match(ROUTES, method, path)
    assert (route and route.name) == name


@given(median=st.floats(0.1, 1000), factor=st.floats(1.01, 50), seed=st.integers(0, 2**32))
def test_a_service_time_is_positive_and_capped(median, factor, seed):
    time = ServiceTime(median, median * factor)
    drawn_s = time.draw_s(Random(seed))
    assert 0 < drawn_s <= SLOWEST_P99S * time.p99_ms / 1000 * 1.000001


def test_half_of_the_service_times_are_below_the_median_and_one_in_a_hundred_above_the_p99():
    rng, time = Random(3), ServiceTime(10, 40)
    drawn_ms = [time.draw_s(rng) * 1000 for _ in range(20_000)]
    assert sum(d < 10 for d in drawn_ms) / len(drawn_ms) == pytest.approx(0.5, abs=0.02)
    assert sum(d > 40 for d in drawn_ms) / len(drawn_ms) == pytest.approx(0.01, abs=0.004)


def test_the_item_of_a_path_is_what_the_path_was_made_from():
    show = Operation("show", "GET", "/products/{id}", ServiceTime(1, 2))
    assert show.url_path("17") == "/products/17"
    assert show.item_of("/products/17") == "17"


def test_a_fixed_path_has_no_item():
    home = Operation("home", "GET", "/", ServiceTime(1, 2))
    assert home.url_path("17") == "/"
    assert home.item_of("/") is None


def test_an_unknown_operation_is_named_in_the_error():
    with pytest.raises(KeyError, match="gateway has no operation 'fly'"):
        SHOP[0].operation("fly")
