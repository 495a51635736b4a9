"""Secrets in texts and values: how they are known, and what stands in their place.

Knows how secrets look in URLs, connection strings, headers, JSON and printed maps, and which names are those
of secrets. Must not know who stores or writes the text. What cannot be known is a secret that stands in a
text by itself, without a name before it and not where secrets have their place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel

HIDDEN: Final = "***"
REDACTED: Final = "(redacted)"
"""In place of a whole value whose name says that it is secret."""

_PLAIN_USERS: Final = frozenset(["abfs", "abfss", "wasb", "wasbs", "ssh", "sftp", "git+ssh", "hdfs"])
"""Schemes of which the part before the @ is a container or a user; any other may have a token there."""

_USER = re.compile(
    # What RFC 3986 takes for the user, or else a password with a slash in it, as S3's secrets have them. A
    # port is no password: "http://host:80/a@b".
    r"""([a-z][a-z0-9+.-]{0,30})://(?:([^\s/?#;"'`<>]*)"""
    r"""|[^\s/:@?#;\[]*:(?!\d+(?:[^\w@]|$))(?:(?!://)[^\s@"'`<>])*)@""",
    re.IGNORECASE,
)
_ORACLE_USER = re.compile(r"""(jdbc:oracle:\w+:)[^\s/@:]+/(?:\\?"[^"\s]*"|[^\s@"']*)(?=@)""", re.IGNORECASE)

_NAMES = (
    r"passwo?r?d|passphrase|(?<![a-z])pwd|(?<=[?&;])pass|token|credentials|signature|(?<![a-z])sig"
    r"|secret(?:[_.-]?access)?(?:[_.-]?key)?"
    r"|(?:account|access|api|private|encryption|shared|subscription|master|signing)[_.-]?key(?:\.[\w.-]{1,100})?"
)
_QUOTED = r"""(["'])(?:\\.|(?!\2)[^\\\n])+\2|(\\+["'])(?:(?!\3)[^\n])+\3"""
_PLAIN = (
    # A mark belongs to the value unless the value ends there: another name follows, or nothing does.
    r"""(?:[^\s&;,"'<>(){}\[\]\\]|[&;,"'<>(){}\[\]\\]"""
    r"""(?![&;,"'<>(){}\[\]\\]{0,8}+(?:\s|$|/|[\w.%-]+\s*(?:=|->|\\?["']\s*:|:\s))))+"""
)
_NAMED = re.compile(
    rf"""((?:{_NAMES})\\?["']?\s*(?:->|=>|[:=])\s*b?)(?:{_QUOTED}|(\\?["']?){_PLAIN})""", re.IGNORECASE
)
_ELEMENT = re.compile(rf"(<[\w:.-]{{0,60}}(?:{_NAMES})>)[^<]+", re.IGNORECASE)
_BEARER = re.compile(
    r"""(\bBearer\s+|authorization["']?\s*[:=]\s*b?["']?Basic\s+)[\w.~+/=-]+""", re.IGNORECASE
)
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?=-----END|$)", re.DOTALL)

_SECRET_NAME = re.compile(
    r"passw|passphrase|(?<![a-z])pwd|secret|token|credential|private|signature|(?<![a-z])sas(?![a-z])"
    r"|(?:access|account|api|encryption|shared|subscription|master|signing).?key",
    re.IGNORECASE,
)
_FIGURE_NAME = re.compile(
    r"tokens?[_.-]?(?:count|limit|size|length|ttl|per)|(?:max|min|num|total)[_.-]?tokens?|tokeniz",
    re.IGNORECASE,
)


def redact(text: str, hidden: str = HIDDEN) -> str:
    """The text with what is secret in it replaced, and the rest as it is.

    Replaced are: user and password (or token) of a URL, what stands after a name such as `password`, `sig` or
    `AccountKey` in queries, connection strings, JSON and printed maps, bearer tokens and private keys.
    """
    if "://" in text:
        text = _USER.sub(lambda found: _without_user(found, hidden), text)
    text = _ORACLE_USER.sub(lambda found: found[1] + hidden, text)
    text = _NAMED.sub(lambda found: found[1] + _requoted(found, hidden), text)
    text = _ELEMENT.sub(lambda found: found[1] + hidden, text)
    text = _BEARER.sub(lambda found: found[1] + hidden, text)
    return _PRIVATE_KEY.sub(lambda found: found[1] + hidden, text)


def redacted(value: Any) -> Any:
    """The value with each text in it redacted, and without the values of secret names."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        named = str(value.get("name") or value.get("key") or "")
        return {
            redacted(name): REDACTED
            if _is_secret(str(name), inner) or (name == "value" and _is_secret(named, inner))
            else redacted(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return {redacted(inner) for inner in value}
    if isinstance(value, BaseModel):
        return value.model_copy(
            update=redacted({name: getattr(value, name) for name in value.model_fields_set})
        )
    return value


def _without_user(found: re.Match[str], hidden: str) -> str:
    scheme, user = found[1], found[2]
    if user is not None and ":" not in user and scheme.lower() in _PLAIN_USERS:
        return found[0]
    return f"{scheme}://{hidden}@"


def _requoted(found: re.Match[str], hidden: str) -> str:
    quote = found[2] or found[3]
    return f"{quote}{hidden}{quote}" if quote else f"{found[4] or ''}{hidden}"


def _is_secret(name: str, value: object) -> bool:
    if value is None or isinstance(value, bool):
        return False
    name = _FIGURE_NAME.sub("", name)
    if isinstance(value, int | float | Decimal):  # how many tokens, and not which one
        name = re.sub("tokens?", "", name, flags=re.IGNORECASE)
    return _SECRET_NAME.search(name) is not None
