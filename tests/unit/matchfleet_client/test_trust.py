import pytest

from matchfleet_client import errors, trust


def test_without_a_file_the_systems_authorities_count():
    assert trust.context(None).get_ca_certs() != []


@pytest.mark.parametrize("text", [None, "", "no certificate"], ids=["absent", "empty", "other"])
def test_a_file_without_certificates_is_refused_by_name(tmp_path, text):
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(errors.AuthorityUnreadable, match=r"ca\.pem"):
        trust.context(path)
