"""pyarrow, which is an extra: whoever needs it takes it from here, and is told what to install.

Knows the extra's name. Must not know what pyarrow is needed for.
"""

from __future__ import annotations

try:
    import pyarrow as pa
except ImportError as missing:
    raise ImportError("Arrow needs pyarrow: pip install 'dynamodb-wrapper[arrow]'") from missing

__all__ = ["pa"]
