"""Judge on the test part."""

from components.judge.component import judge

__all__ = ["judge"]
