"""Identities are real X.509-SVIDs: verified here by cryptography's own verifier, not by ours."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.identity import CLOCK_SKEW, Authority, Svid, new_authority

NOW = datetime(2026, 5, 17, 12, 0, 0, 654_321, tzinfo=UTC)
PAYMENTS = "spiffe://mesh.local/ns/default/sa/payments"
AUTHORITY = new_authority("mesh.local", now=NOW)
SVID = AUTHORITY.issue(PAYMENTS, ttl=timedelta(hours=1), now=NOW)
LEAF = x509.load_pem_x509_certificate(SVID.certificate_pem)


def test_a_leaf_is_verified_by_its_root_as_a_client_with_exactly_one_uri() -> None:
    subjects = verify(SVID, AUTHORITY, at=NOW)
    assert subjects == [x509.UniformResourceIdentifier(PAYMENTS)]


def test_another_authority_of_the_same_name_does_not_vouch_for_it() -> None:
    with pytest.raises(VerificationError):
        verify(SVID, new_authority("mesh.local", now=NOW), at=NOW)


@pytest.mark.parametrize(
    ("after", "valid"),
    [
        (-CLOCK_SKEW - timedelta(seconds=1), False),
        (-CLOCK_SKEW, True),
        (timedelta(minutes=59, seconds=59), True),
        (timedelta(hours=1, seconds=1), False),
    ],
)
def test_a_leaf_is_valid_from_the_skew_before_issue_to_the_end_of_its_life(
    after: timedelta, *, valid: bool
) -> None:
    if valid:
        assert verify(SVID, AUTHORITY, at=NOW + after)
    else:
        with pytest.raises(VerificationError):
            verify(SVID, AUTHORITY, at=NOW + after)


def test_a_leaf_serves_both_ends_of_mtls() -> None:
    usages = LEAF.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


def test_a_leaf_is_no_authority_and_signs_no_certificates() -> None:
    constraints = LEAF.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca
    usage = LEAF.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign


def test_a_leaf_has_no_subject_and_therefore_a_critical_name() -> None:
    assert not list(LEAF.subject)
    assert LEAF.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical


def test_the_root_signs_leaves_only_and_bears_the_trust_domain() -> None:
    root = x509.load_pem_x509_certificate(AUTHORITY.certificate_pem)
    root.verify_directly_issued_by(root)
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    names = root.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://mesh.local"]


def test_every_issue_has_a_key_and_a_serial_of_its_own() -> None:
    other = AUTHORITY.issue(PAYMENTS, ttl=timedelta(hours=1), now=NOW)
    assert other.key_pem != SVID.key_pem
    assert x509.load_pem_x509_certificate(other.certificate_pem).serial_number != LEAF.serial_number


def test_the_key_is_the_certificates() -> None:
    key = serialization.load_pem_private_key(SVID.key_pem, password=None)
    assert key.public_key() == LEAF.public_key()


def test_no_key_is_shown_by_repr() -> None:
    shown = repr(SVID) + repr(AUTHORITY)
    assert "PRIVATE KEY" not in shown
    assert "_key" not in shown
    assert "key_pem" not in shown


@pytest.mark.parametrize(
    "spiffe_id",
    [
        "spiffe://other.test/ns/default/sa/payments",
        "spiffe://mesh.local.evil.test/ns/default/sa/payments",
        "spiffe://mesh.local",
        "https://mesh.local/ns/default/sa/payments",
        "",
    ],
)
def test_an_identity_outside_of_the_trust_domain_is_refused(spiffe_id: str) -> None:
    with pytest.raises(ValueError, match=r"outside of the trust domain mesh\.local"):
        AUTHORITY.issue(spiffe_id, ttl=timedelta(hours=1), now=NOW)


@settings(deadline=None)
@given(
    st.floats(0, 2e9).map(lambda unix_s: datetime.fromtimestamp(unix_s, UTC)),
    st.floats(2, 86_400),
)
def test_an_svid_says_what_its_certificate_says_and_is_due_at_half_of_its_life(
    now: datetime, ttl_s: float
) -> None:
    svid = AUTHORITY.issue(PAYMENTS, ttl=timedelta(seconds=ttl_s), now=now)
    certificate = x509.load_pem_x509_certificate(svid.certificate_pem)
    assert svid.not_before == certificate.not_valid_before_utc
    assert svid.not_after == certificate.not_valid_after_utc

    issued = svid.not_before + CLOCK_SKEW
    half = issued + (svid.not_after - issued) / 2
    assert not svid.due(half - timedelta(microseconds=1))
    assert svid.due(half)
    assert half <= now + timedelta(seconds=ttl_s / 2)


def verify(svid: Svid, authority: Authority, *, at: datetime) -> list[x509.GeneralName]:
    """Return the names of a client that shows this SVID; VerificationError when it is refused."""
    root = x509.load_pem_x509_certificate(authority.certificate_pem)
    verifier = PolicyBuilder().store(Store([root])).time(at).build_client_verifier()
    leaf = x509.load_pem_x509_certificate(svid.certificate_pem)
    return verifier.verify(leaf, []).subjects or []
