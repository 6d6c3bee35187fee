"""Certificates and trust bundles over SDS, and the TLS contexts that use them.

Both ends are pinned to TLS 1.3 (Envoy's upstream default stops at 1.2), and sessions are not
resumed: a resumed session skips verification, and rotation must be seen to work.
"""

from proxy.identity import Svid
from proxy.resources import Json

LEAF = "default"
ROOT = "ROOTCA"

_TLS_1_3: Json = {
    "tls_minimum_protocol_version": "TLSv1_3",
    "tls_maximum_protocol_version": "TLSv1_3",
}


def leaf_secret(svid: Svid) -> Json:
    """Return the SDS secret with a workload's certificate and key."""
    return {
        "name": LEAF,
        "tls_certificate": {
            "certificate_chain": {"inline_string": svid.certificate_pem.decode()},
            "private_key": {"inline_string": svid.key_pem.decode()},
        },
    }


def root_secret(bundle_pem: bytes) -> Json:
    """Return the SDS secret with the roots a workload trusts."""
    return {
        "name": ROOT,
        "validation_context": {"trusted_ca": {"inline_string": bundle_pem.decode()}},
    }


def upstream_tls(peer_spiffe_id: str) -> Json:
    """Return the transport socket towards a service: mTLS, and exactly that identity."""
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
            ".UpstreamTlsContext",
            "max_session_keys": 0,
            "common_tls_context": _common(
                {
                    "match_typed_subject_alt_names": [
                        {"san_type": "URI", "matcher": {"exact": peer_spiffe_id}}
                    ]
                }
            ),
        },
    }


def downstream_tls() -> Json:
    """Return the transport socket of an inbound listener: a client certificate is required."""
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
            ".DownstreamTlsContext",
            "require_client_certificate": True,
            "disable_stateless_session_resumption": True,
            "disable_stateful_session_resumption": True,
            "common_tls_context": _common({}),
        },
    }


def _common(validation: Json) -> Json:
    over_ads = {"ads": {}, "resource_api_version": "V3"}
    return {
        "alpn_protocols": ["h2"],
        "tls_params": _TLS_1_3,
        "tls_certificate_sds_secret_configs": [{"name": LEAF, "sds_config": over_ads}],
        "combined_validation_context": {
            "default_validation_context": validation,
            "validation_context_sds_secret_config": {"name": ROOT, "sds_config": over_ads},
        },
    }
