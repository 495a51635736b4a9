"""What the tests of the wire share: configurations for a loopback server, and both transports as one face."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from dynamodb_wrapper.config import DynamoDBConfig
from dynamodb_wrapper.engine.flow import Call
from dynamodb_wrapper.wire.asyncio import AsyncioTransport
from dynamodb_wrapper.wire.blocking import BlockingTransport

sys.path.insert(0, str(Path(__file__).parents[3]))  # so that `tests.support` can be imported


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, no profile and no trusted authorities of the machine that runs the tests."""
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "PROFILE", "REGION", "CA_BUNDLE"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    monkeypatch.delenv("DYNAMODB_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings() -> Callable[..., DynamoDBConfig]:
    """`settings(endpoint_url=...)` is a configuration with keys."""

    def make(**given: Any) -> DynamoDBConfig:
        keys = {"aws_access_key_id": "AKID", "aws_secret_access_key": "SECRET", "region_name": "us-east-1"}
        return DynamoDBConfig(**{**keys, **given})

    return make


@pytest.fixture
def soon() -> Callable[..., float]:
    """`soon()` is a deadline far enough away for a slow machine; `soon(0.2)` one at hand."""
    return lambda seconds=20.0: time.monotonic() + seconds


class WireFace:
    """One of the two transports, awaited alike: the blocking one runs in a thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._made: list[BlockingTransport | AsyncioTransport] = []

    def __call__(self, config: DynamoDBConfig) -> Callable[[Call, float], Awaitable[bytes]]:
        if self.name == "asyncio":
            awaiting = AsyncioTransport(config)
            self._made.append(awaiting)
            return awaiting
        blocking = BlockingTransport(config)
        self._made.append(blocking)
        return lambda call, deadline: asyncio.get_running_loop().run_in_executor(
            self._threads, blocking, call, deadline
        )

    async def __aenter__(self) -> WireFace:
        self._threads = ThreadPoolExecutor(64)
        return self

    async def __aexit__(self, *error: object) -> None:
        for transport in self._made:
            transport.close()
        self._threads.shutdown()
        await asyncio.sleep(0)

    def close(self) -> None:
        for transport in self._made:
            transport.close()


@pytest.fixture(params=["blocking", "asyncio"])
async def face(request: pytest.FixtureRequest) -> AsyncIterator[WireFace]:
    """`face(config)` is a transport whose calls can be awaited."""
    async with WireFace(request.param) as made:
        yield made


@pytest.fixture(scope="session")
def own_authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for the loopback addresses, and its key, as PEM files."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    addresses = x509.SubjectAlternativeName(
        [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(addresses, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"
