"""Have the staging environment serve a bundle."""

from components.deploy_staging.component import deploy_staging

__all__ = ["deploy_staging"]
