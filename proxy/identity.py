"""The mesh's certificate authority: short-lived X.509 SVIDs with SPIFFE ids.

Values in, values out: the clock is passed in and nothing is written. Keys stay in memory and in the
SDS answers to the proxy they belong to; ``repr`` of a key-holding value never shows the key.
Follows the SPIFFE X.509-SVID specification: one URI SAN, empty subject, leaf never a CA.
https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLOCK_SKEW = timedelta(seconds=60)
"""Certificates are valid this long before they are issued, for proxies whose clock is behind."""
ROOT_LIFE = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Svid:
    """A workload's identity document and the key that proves it."""

    spiffe_id: str
    certificate_pem: bytes
    key_pem: bytes = field(repr=False)
    not_before: datetime
    not_after: datetime

    def due(self, now: datetime) -> bool:
        """Return True from half of the life on: time left to notice that renewal fails."""
        issued = self.not_before + CLOCK_SKEW
        return now >= issued + (self.not_after - issued) / 2


@dataclass(frozen=True, slots=True)
class Authority:
    """A root of trust."""

    trust_domain: str
    certificate_pem: bytes
    _certificate: x509.Certificate = field(repr=False)
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    def issue(self, spiffe_id: str, *, ttl: timedelta, now: datetime) -> Svid:
        """Return a new identity for a workload; ValueError outside of our trust domain."""
        if not spiffe_id.startswith(f"spiffe://{self.trust_domain}/"):
            raise ValueError(f"{spiffe_id} is outside of the trust domain {self.trust_domain}")
        key = ec.generate_private_key(ec.SECP256R1())
        # A certificate holds whole seconds; what we say about it must be what it says.
        not_before = (now - CLOCK_SKEW).replace(microsecond=0)
        not_after = (now + ttl).replace(microsecond=0)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(not_before)
            .not_valid_after(not_after)
            .add_extension(
                x509.SubjectAlternativeName([x509.UniformResourceIdentifier(spiffe_id)]),
                critical=True,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
                ),
                critical=False,
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        return Svid(
            spiffe_id=spiffe_id,
            certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
            key_pem=key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
            not_before=not_before,
            not_after=not_after,
        )


def new_authority(trust_domain: str, *, now: datetime | None = None) -> Authority:
    """Return a new self-signed root for a trust domain."""
    start = (now or datetime.now(UTC)) - CLOCK_SKEW
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, trust_domain)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + ROOT_LIFE)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.UniformResourceIdentifier(f"spiffe://{trust_domain}")]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(
        trust_domain, certificate.public_bytes(serialization.Encoding.PEM), certificate, key
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
