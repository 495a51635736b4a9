"""pyspark, which is an extra: whoever loads it does so within `pyspark_needed`, and is told what to install.

Knows the extra's name. Must not know what pyspark is needed for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pyspark_needed() -> Iterator[None]:
    """Load pyspark, or what loads it.

    Raises:
        ModuleNotFoundError: it is missing; the message says what to install.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] != "pyspark":
            raise
        raise ModuleNotFoundError(
            "Spark needs pyspark: pip install 'dynamodb-wrapper[spark]'", name=error.name
        ) from error
