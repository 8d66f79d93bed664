"""Certificates for tests of signing: an authority, a signer that it knows, and a key of somebody else, all made here."""

import datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def write_certificates(folder: Path) -> Path:
    """The folder, with chain.pem (the signer and its authority), key.pem, and other.pem, a key that does not go with them."""
    authority, key, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root = (
        _builder("authority", "authority", authority)
        .add_extension(x509.BasicConstraints(True, None), True)
        .add_extension(_usage(True), True)
        .sign(authority, hashes.SHA256())
    )
    signer = (
        _builder("signer", "authority", key)
        .add_extension(x509.BasicConstraints(False, None), True)
        .add_extension(_usage(False), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), False)
        .sign(authority, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    (folder / "chain.pem").write_bytes(signer.public_bytes(form) + root.public_bytes(form))
    for name, one in (("key", key), ("other", other)):
        text = one.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / f"{name}.pem").write_bytes(text)
    return folder


def _builder(subject: str, issuer: str, key: Any) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [
        [x509.NameAttribute(NameOID.COMMON_NAME, n), x509.NameAttribute(NameOID.ORGANIZATION_NAME, n)] for n in (subject, issuer)
    ]
    return (
        x509.CertificateBuilder(issuer_name=x509.Name(names[1]), subject_name=x509.Name(names[0]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(True, False, False, False, False, signs_certificates, signs_certificates, False, False)
