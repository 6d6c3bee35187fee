"""Telemetry: the collector's names, bounded tags, whole traces."""

import re

import pytest

from collector import semconv
from proxy.mesh import Telemetry
from proxy.resources.telemetry import failure_logger, resource_attributes, sli_logger, tracing
from tests.proxy.meshes import shop

UNBOUNDED = re.compile(
    r"%(REQ|PATH|DOWNSTREAM_REMOTE_ADDRESS|START_TIME|STREAM_ID|RESPONSE_CODE_DETAILS)"
)
ATTRIBUTES = {semconv.SERVICE_NAME: "payments"}


@pytest.mark.parametrize("direction", [semconv.OUTBOUND, semconv.INBOUND])
def test_sli_counters_bear_the_names_and_tags_that_the_collector_reads(direction: str) -> None:
    config = sli_logger(direction)["typed_config"]
    stats = [each["stat"] for each in (*config["counters"], *config["histograms"])]
    names = [f"{config['stats_scope']['prefix']}.{stat['name']}" for stat in stats]
    assert names == [semconv.SLI_REQUESTS, semconv.SLI_ATTEMPTS, semconv.SLI_DURATION]
    for stat in stats:
        tags = {tag["name"]: tag["value_format"] for tag in stat["tags"]}
        assert tags[semconv.TAG_DIRECTION] == direction
        assert set(tags) == {
            semconv.TAG_DIRECTION,
            semconv.TAG_ROUTE,
            semconv.TAG_UPSTREAM_CLUSTER,
            semconv.TAG_CODE,
            semconv.TAG_FLAGS,
            semconv.TAG_SOURCE,
            semconv.TAG_DESTINATION,
        }


def test_no_sli_tag_is_a_value_that_a_client_can_choose() -> None:
    config = sli_logger(semconv.OUTBOUND)["typed_config"]
    for each in (*config["counters"], *config["histograms"]):
        for tag in each["stat"]["tags"]:
            assert not UNBOUNDED.search(tag["value_format"])


def test_a_resource_says_service_namespace_version_and_instance() -> None:
    mesh = shop()
    payments = mesh.service("payments")
    assert resource_attributes(mesh, payments, payments.workloads[1]) == {
        "service.name": "payments",
        "service.namespace": "default",
        "service.version": "v2",
        "service.instance.id": "payments-2",
    }


@pytest.mark.parametrize(("percent", "numerator"), [(100, 1_000_000), (0.1, 1_000), (0, 0)])
def test_the_ratio_decides_for_new_traces_only(percent: float, numerator: int) -> None:
    mesh = shop().model_copy(update={"telemetry": Telemetry(trace_sampling_percent=percent)})
    config = tracing(semconv.INBOUND, mesh, ATTRIBUTES)
    sampler = config["provider"]["typed_config"]["sampler"]
    assert sampler["name"].endswith("parent_based")
    ratio = sampler["typed_config"]["wrapped_sampler"]["typed_config"]["sampling_percentage"]
    assert ratio == {"numerator": numerator, "denominator": "MILLION"}
    assert config["random_sampling"] == {"value": 100}


def test_one_span_per_request_and_proxy() -> None:
    assert tracing(semconv.INBOUND, shop(), ATTRIBUTES)["spawn_upstream_span"] is False


def test_only_failures_are_logged_and_never_with_the_query() -> None:
    logger = failure_logger(semconv.INBOUND, ATTRIBUTES)
    assert len(logger["filter"]["or_filter"]["filters"]) == 2
    values = {
        each["key"]: each["value"]["string_value"]
        for each in logger["typed_config"]["attributes"]["values"]
    }
    assert values["url.path"] == "%PATH(NQ:ORIG_OR_PATH)%"
