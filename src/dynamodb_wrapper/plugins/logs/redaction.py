"""Secrets kept out of logs, also out of botocore's, which writes headers and credentials at debug level.

Knows loggers and the secrets that are given to it. Must not know how others look: `redaction` does.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from dynamodb_wrapper.plugins.options import Problem, names, refuse_wrong
from dynamodb_wrapper.redaction import redact

LIBRARIES: Final = ("botocore", "aiobotocore", "boto3")
HIDDEN: Final = "[redacted]"
SHORTEST_SECRET: Final = 8

_ENVIRONMENT: Final = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class RedactSecrets(logging.Filter):
    """Replaces secrets in records; for a handler, or for a logger's own records.

    Hidden are values that stand after a name such as SecretAccessKey, SessionToken, X-Amz-Security-Token or
    Signature, users and passwords of URLs, bearer tokens, and the secrets that are known: in messages, string
    fields of `extra`, and tracebacks. Every record passes.

    Parameters:
        secrets: further secrets, hidden wherever they stand; those of AWS in the environment are known.

    Raises:
        ValidationError: the secrets are one text, or not of texts.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        secrets = [*secrets] if not isinstance(secrets, str) else secrets
        refuse_wrong(type(self).__name__, secrets=_texts(secrets))
        known = {*secrets, *(os.environ.get(name, "") for name in _ENVIRONMENT)}
        longest_first = sorted(
            (text for text in known if len(text) >= SHORTEST_SECRET), key=len, reverse=True
        )
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def redacted(self, text: str) -> str:
        """The text with every secret replaced."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return redact(text, HIDDEN)

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record where it stands; true, so that it is written."""
        try:
            text = record.getMessage()
        except Exception:  # what cannot be formatted is reported by the handler
            return True
        if (clean := self.redacted(text)) != text:
            record.msg, record.args = clean, None
        for name, value in record.__dict__.items():
            if name not in _USUAL and isinstance(value, str):
                setattr(record, name, self.redacted(value))
        if record.exc_info:
            text = record.exc_text or logging.Formatter().formatException(record.exc_info)
            if (clean := self.redacted(text)) != text:
                record.exc_text, record.exc_info = clean, None
        return True


def _texts(secrets: object) -> Problem:
    return names(secrets) and "are no texts; give a list of them, such as ['the-secret']"


def redact_secrets(*targets: logging.Handler | logging.Logger, secrets: Iterable[str] = ()) -> RedactSecrets:
    """Hide secrets in what handlers and loggers write from now on.

    Parameters:
        targets: handlers and loggers; a logger's filter sees only what is written to that logger itself, a
            handler's all that comes to it. Where none are given: the handlers of the root logger, and every
            logger of botocore, boto3 and aiobotocore, also those that are not in use yet.
        secrets: as for `RedactSecrets`.

    Returns:
        The filter; `target.removeFilter` ends it.
    """
    redact = RedactSecrets(secrets)
    for target in targets or (*logging.getLogger().handlers, *_loggers()):
        target.addFilter(redact)
    return redact


def _loggers() -> Iterator[logging.Logger]:
    """One logger for each module of these libraries: that is how they name them. Imports none of them."""
    for library in LIBRARIES:
        spec = find_spec(library)
        for home in (spec.submodule_search_locations or ()) if spec else ():
            for path in sorted(Path(home).rglob("*.py")):
                parts = (library, *path.relative_to(home).with_suffix("").parts)
                yield logging.getLogger(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
