"""The counts that the ledger is held against are read from the Prometheus text as it is."""

from dashboards.demo.measured import parse_requests

# ruff: noqa: E501  the samples are as long as they are


def test_samples_are_summed_over_version_and_flags() -> None:
    exposition = (
        "# HELP mesh_requests_total Requests.\n"
        "# TYPE mesh_requests_total counter\n"
        'mesh_requests_total{source="a",destination="b",version="v1",route="r",code="200",flags="-"} 3\n'
        'mesh_requests_total{source="a",destination="b",version="v2",route="r",code="200",flags="-"} 4\n'
        'mesh_requests_total{source="a",destination="b",version="v1",route="r",code="503",flags="UO"} 2\n'
        'mesh_retries_total{source="a",destination="b"} 9\n'
    )
    assert parse_requests(exposition) == {("a", "b", "r", 200): 7, ("a", "b", "r", 503): 2}


def test_a_series_at_zero_is_no_count() -> None:
    line = 'mesh_requests_total{source="a",destination="b",route="r",code="0"} 0'
    assert parse_requests(line) == {}


def test_an_escaped_quote_does_not_end_a_label() -> None:
    line = r'mesh_requests_total{source="a\"b",destination="c",route="r",code="0"} 1'
    assert parse_requests(line) == {(r"a\"b", "c", "r", 0): 1}
