"""Try a bundle behind the servers."""

from components.integration_test.component import integration_test

__all__ = ["integration_test"]
