from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from dynamodb_wrapper.wire import tls


def test_certificates_and_host_names_are_verified() -> None:
    context = tls.context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_context_is_made_once() -> None:
    assert tls.context() is tls.context()


def test_the_bundle_named_by_the_environment_replaces_the_system(
    monkeypatch: pytest.MonkeyPatch, own_authority: tuple[Path, Path]
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(own_authority[0]))
    (authority,) = tls.context().get_ca_certs()
    assert (("commonName", "localhost"),) in authority["subject"]


def test_a_bundle_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / name))
        with pytest.raises(ssl.SSLError, match=name):
            tls.context()


def test_a_system_without_authorities_uses_those_of_botocore(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing = ssl.DefaultVerifyPaths("", str(tmp_path), "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nothing)
    assert len(tls.context().get_ca_certs()) > 50
