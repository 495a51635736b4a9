"""The TLS settings of every transport: certificates are always verified.

Knows where the trusted certificate authorities are. Must not know connections. `ssl` is imported here only,
and this module is imported only for an https endpoint.
"""

from __future__ import annotations

import importlib.util
import os
import ssl
from functools import lru_cache
from pathlib import Path


def context() -> ssl.SSLContext:
    """The verifying context; `AWS_CA_BUNDLE` names a file of authorities to trust instead of the system's.

    Raises:
        ssl.SSLError: that file is missing, or holds no certificates.
    """
    return _context(os.environ.get("AWS_CA_BUNDLE") or _fallback_bundle())


@lru_cache(maxsize=4)
def _context(bundle: str | None) -> ssl.SSLContext:
    try:
        made = ssl.create_default_context(cafile=bundle)
    except OSError as error:
        raise ssl.SSLError(f"{bundle} holds no certificates that can be read: {error}") from error
    made.set_alpn_protocols(["http/1.1"])
    return made


def _fallback_bundle() -> str | None:
    """botocore's own bundle, on a system that has none (such as a slim container)."""
    paths = ssl.get_default_verify_paths()
    if paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())):
        return None
    botocore = importlib.util.find_spec("botocore")
    return str(Path(botocore.origin).with_name("cacert.pem")) if botocore and botocore.origin else None
