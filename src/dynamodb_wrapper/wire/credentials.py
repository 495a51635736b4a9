"""Who signs: credentials given in the configuration, else those of botocore's chain, refreshed in time.

Knows where credentials come from. Must not know HTTP or signing. botocore is imported only when the
configuration (which has read the environment already) holds no keys. Secrets never reach a message or a repr.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from dynamodb_wrapper.exceptions import AuthenticationError

if TYPE_CHECKING:
    from dynamodb_wrapper.config import DynamoDBConfig

_LOOKED_IN: Final = (
    "the configuration, the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), the shared files of AWS, "
    "single sign-on, web identity, the container and the instance's role"
)
_MEND: Final = (
    "give aws_access_key_id and aws_secret_access_key, or profile_name, or run where a role provides them; "
    "a local engine takes any keys: DynamoDBConfig.for_local_development() sets some"
)


class Credentials:
    """One frozen set of keys; its repr shows the access key only.

    Parameters:
        access_key: the access key id.
        secret_key: the secret access key.
        token: the session token of temporary credentials.
    """

    __slots__ = ("access_key", "secret_key", "token")

    def __init__(self, access_key: str, secret_key: str, token: str | None = None) -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token

    def __repr__(self) -> str:
        return f"Credentials(access_key={self.access_key!r})"


class CredentialSource:
    """Gives valid credentials; `current` never blocks, `load` may (it refreshes through botocore).

    Parameters:
        config: the keys, or the profile to look up.
    """

    def __init__(self, config: DynamoDBConfig) -> None:
        self._profile = config.profile_name
        self._lock = threading.Lock()
        self._chain: Any = None
        self._loaded: Credentials | None = None
        self._static = _given(config)

    def current(self) -> Credentials | None:
        """The credentials, if they are at hand and need no refresh yet; else None, and `load` must run."""
        if self._static is not None:
            return self._static
        chain = self._chain
        if chain is None:
            return None
        needs_refresh = getattr(chain, "refresh_needed", None)
        return None if needs_refresh is not None and needs_refresh() else self._freeze(chain)

    def load(self) -> Credentials:
        """Valid credentials, found or refreshed now if need be.

        Raises:
            AuthenticationError: there are none, or they could not be refreshed.
        """
        if self._static is not None:
            return self._static
        with self._lock:
            if self._chain is None:
                self._chain = _find(self._profile)
        return self._freeze(self._chain)

    def _freeze(self, chain: Any) -> Credentials:
        try:
            frozen = chain.get_frozen_credentials()
        except Exception as error:  # whatever the provider, an external process or the network raised
            raise AuthenticationError(
                f"The credentials could not be refreshed ({type(error).__name__}): sign in again, or check "
                "the role or the process that gives them",
                error,
            ) from error
        held = self._loaded
        given = (frozen.access_key, frozen.secret_key, frozen.token)
        if held is None or (held.access_key, held.secret_key, held.token) != given:
            held = self._loaded = Credentials(*given)
        return held


def _given(config: DynamoDBConfig) -> Credentials | None:
    access_key, secret = config.aws_access_key_id, config.aws_secret_access_key
    if not access_key and secret is None:
        return None
    if not access_key or secret is None or not secret.get_secret_value():
        missing = "aws_secret_access_key" if access_key else "aws_access_key_id"
        raise AuthenticationError(f"{missing} is missing: the access key and its secret go together")
    token = config.aws_session_token
    given = Credentials(access_key, secret.get_secret_value(), token.get_secret_value() if token else None)
    for name, value in (
        ("aws_access_key_id", given.access_key),
        ("aws_secret_access_key", given.secret_key),
        ("aws_session_token", given.token or ""),
    ):
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise AuthenticationError(f"{name} holds a space, a line break or a character that no key has")
    return given


def _find(profile: str | None) -> Any:
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    try:
        found = Session(profile=profile).get_credentials()
    except BotoCoreError as error:
        raise AuthenticationError(f"The credentials could not be read: {error}", error) from error
    if found is None:
        raise AuthenticationError(
            f"No AWS credentials were found; looked in {_LOOKED_IN}. To mend it, {_MEND}"
        )
    return found
