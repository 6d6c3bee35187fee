"""TLS contexts: 1.3 on both ends, a certificate required, no session resumed, secrets over ADS."""

import pytest

from proxy.resources import Json
from proxy.resources.secrets import downstream_tls, root_secret, upstream_tls

CONTEXTS = {
    "upstream": upstream_tls("spiffe://mesh.local/ns/default/sa/payments")["typed_config"],
    "downstream": downstream_tls()["typed_config"],
}


@pytest.mark.parametrize("end", CONTEXTS)
def test_both_ends_speak_tls_1_3_and_nothing_else(end: str) -> None:
    assert set(CONTEXTS[end]["common_tls_context"]["tls_params"].values()) == {"TLSv1_3"}


@pytest.mark.parametrize("end", CONTEXTS)
def test_certificate_and_roots_come_over_ads_so_that_they_can_be_renewed(end: str) -> None:
    common = CONTEXTS[end]["common_tls_context"]
    over_ads: Json = {"ads": {}, "resource_api_version": "V3"}
    (leaf,) = common["tls_certificate_sds_secret_configs"]
    assert leaf == {"name": "default", "sds_config": over_ads}
    roots = common["combined_validation_context"]["validation_context_sds_secret_config"]
    assert roots == {"name": "ROOTCA", "sds_config": over_ads}


def test_no_session_is_resumed_because_that_would_skip_verification() -> None:
    assert CONTEXTS["upstream"]["max_session_keys"] == 0
    assert CONTEXTS["downstream"]["disable_stateless_session_resumption"] is True
    assert CONTEXTS["downstream"]["disable_stateful_session_resumption"] is True


def test_the_bundle_is_all_that_a_workload_trusts() -> None:
    assert root_secret(b"PEM") == {
        "name": "ROOTCA",
        "validation_context": {"trusted_ca": {"inline_string": "PEM"}},
    }
