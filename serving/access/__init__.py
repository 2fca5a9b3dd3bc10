"""API keys, their roles and quotas, and TLS certificates. Nothing here needs KServe."""

from serving.access.authenticator import AccessError, Authenticator
from serving.access.keys import ApiKey, Role, read_keys
from serving.access.quota import TokenBucket

__all__ = ["AccessError", "ApiKey", "Authenticator", "Role", "TokenBucket", "read_keys"]
