"""Identify which version of everything that a run reads is there now."""

from components.inputs_version.component import inputs_version

__all__ = ["inputs_version"]
