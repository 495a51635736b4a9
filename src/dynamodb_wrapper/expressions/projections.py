"""Projections: which attributes are read, as text that is encoded once for all requests that read the same.

Knows paths and placeholders. Must not know models or views.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from dynamodb_wrapper.expressions.params import Params
from dynamodb_wrapper.expressions.paths import Path


def project(paths: Sequence[Path], params: Params) -> str:
    """The projection of these paths, its names put into `params`; to be encoded before all else."""
    text, names = _projected(tuple(paths))
    params.begin_with(names)
    return text


@lru_cache(maxsize=1024)
def _projected(paths: tuple[Path, ...]) -> tuple[str, Mapping[str, str]]:
    params = Params()
    return ", ".join(path.encode(params) for path in paths), params.names
