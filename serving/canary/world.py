"""All that the judge touches, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from serving.canary.clock import Clock
from serving.canary.interfaces import CounterSource, ModelRegistry, RecordStore, Route
from serving.canary.judgement import Decide, Rules, Staging, apply_rules_with_memory
from serving.canary.requests import RequestBox
from silencio.release.decision import decide
from silencio.release.record import ReleaseRecord


def _ignore(message: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class World:
    """All that the judge touches.

    Attributes:
        route: The splitter.
        counts: Where counters come from.
        store: Keeps the record.
        registry: MLflow, or nothing.
        requests: What people ask for.
        staging: Looks at the challenger before visitors.
        clock: Time.
        rules: Verdicts of all rules: `silencio.release.rules.apply_rules`, by default.
        decide: What follows from them: `silencio.release.decision.decide`.
        on_message: Called with what went wrong in a look, and with each move.
        on_record: Called with every record that was written: gauges, pages.
    """

    route: Route
    counts: CounterSource
    store: RecordStore
    registry: ModelRegistry
    requests: RequestBox
    staging: Staging
    clock: Clock
    rules: Rules = field(default_factory=apply_rules_with_memory)
    decide: Decide = decide
    on_message: Callable[[str], None] = _ignore
    on_record: Callable[[ReleaseRecord], None] = lambda record: None
