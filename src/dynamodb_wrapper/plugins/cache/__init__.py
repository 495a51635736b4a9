"""The cache: items and pages that need no call, with DAX's semantics; docs/cache.md."""

from dynamodb_wrapper.plugins.options import missing_extra

try:
    import cachetools as cachetools
except ModuleNotFoundError as error:
    raise missing_extra("CachePlugin", "cachetools", "cache", error) from error

from dynamodb_wrapper.plugins.cache.faces import AsyncCache, Cache
from dynamodb_wrapper.plugins.cache.plugin import CachePlugin
from dynamodb_wrapper.plugins.cache.stats import CacheRead, CacheStats

__all__ = ["AsyncCache", "Cache", "CachePlugin", "CacheRead", "CacheStats"]
