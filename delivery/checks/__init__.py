"""Every check of rendered objects by its name: what it holds is the docstring of its function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from delivery.checks.argocd import applied, kept, owned_fields, projects, waves
from delivery.checks.commands import arguments, files
from delivery.checks.containers import complete, images, security
from delivery.checks.disruption import disruption, drain
from delivery.checks.identity import kinds, namespaces, unique
from delivery.checks.inference_service import canary, modes
from delivery.checks.jobs import schedules
from delivery.checks.monitoring import arm_label, metric_names
from delivery.checks.network import addresses, policies
from delivery.checks.notifications import notifications
from delivery.checks.ports import ports, probes, services
from delivery.checks.quantities import claim_templates, quantities
from delivery.checks.queues import queues, quotas
from delivery.checks.references import accounts, bundles, references, runtimes
from delivery.rendered import Rendered

Check = Callable[[Rendered], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class Finding:
    """What a check has against an object.

    Attributes:
        check: Name of the check.
        place: The object.
        message: What is wrong, and which value it was.
    """

    check: str
    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message} [{self.check}]"


CHECKS: dict[str, Check] = {
    check.__name__.replace("_", "-"): check
    for check in (
        unique,
        namespaces,
        kinds,
        references,
        accounts,
        runtimes,
        bundles,
        complete,
        images,
        security,
        arguments,
        files,
        ports,
        probes,
        services,
        policies,
        addresses,
        notifications,
        modes,
        canary,
        disruption,
        drain,
        schedules,
        metric_names,
        arm_label,
        quantities,
        claim_templates,
        queues,
        quotas,
        kept,
        projects,
        waves,
        owned_fields,
        applied,
    )
}


def findings_of(rendered: Rendered) -> list[Finding]:
    """What all checks have against the objects; empty: nothing."""
    return [Finding(name, place, message) for name, check in CHECKS.items() for place, message in check(rendered)]
