import datetime
import ipaddress

import pytest
from cryptography import x509

from matchfleet_api.commands import certificates

NOW = datetime.datetime(2026, 5, 4, 12, tzinfo=datetime.UTC)


def test_a_certificate_is_for_its_names_and_addresses_and_signed_by_its_authority():
    made = certificates.self_made(["play.example", "127.0.0.1"], now=NOW)
    certificate = x509.load_pem_x509_certificate(made["tls.crt"])
    authority = x509.load_pem_x509_certificate(made["ca.crt"])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["play.example"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    certificate.verify_directly_issued_by(authority)
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert life <= datetime.timedelta(days=certificates.VALID_DAYS)
    assert b"PRIVATE KEY" in made["tls.key"]
    assert b"PRIVATE" not in made["tls.crt"] + made["ca.crt"]


def test_no_two_installs_share_an_authority():
    first, second = (certificates.self_made(["a.example"], now=NOW) for _ in range(2))
    assert first["ca.crt"] != second["ca.crt"]


def test_a_certificate_for_nobody_is_refused():
    with pytest.raises(ValueError, match="at least one name"):
        certificates.self_made([], now=NOW)
