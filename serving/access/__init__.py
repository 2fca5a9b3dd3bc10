"""Who may ask and how often: API keys and their quotas. Nothing here needs KServe."""

from serving.access.authenticator import Access, AccessError
from serving.access.keys import ApiKey, read_keys
from serving.access.quota import TokenBucket

__all__ = ["Access", "AccessError", "ApiKey", "TokenBucket", "read_keys"]
