"""Real releases on this machine under the policy that ships, its times divided: who is promoted, who is taken back.

Each release is a unit: HAProxy, Prometheus, both arms' servers and the judge run as a release owner runs them, and
visitors come all the while, who count what they got. `SILENCIO_PROOF_RELEASES` names those to run, such as `b d-0`;
`SILENCIO_PROOF_LANES` how many go on at once (2). Those that have not been run yet are left out of the result.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from benchmarks.proofs.units import Units
from benchmarks.releases.scenarios import SCENARIOS, Scenario
from benchmarks.releases.sped_up import facts


def prove(units: Units) -> dict[str, Any]:
    """By scenario: how it ended and whether as it had to, by which rule, what visitors got, and its page's facts."""
    chosen = os.environ.get("SILENCIO_PROOF_RELEASES", "").split()
    wanted = [one for one in SCENARIOS if not chosen or one.name in chosen]
    with ThreadPoolExecutor(int(os.environ.get("SILENCIO_PROOF_LANES", "2"))) as lanes:
        under_way = {one.name: lanes.submit(_run, units, one) for one in wanted}
    # Of one that broke the others say nothing; it is run again the next time.
    for name, one in under_way.items():
        if error := one.exception():
            sys.stderr.write(f"{name}: not run: {type(error).__name__}: {error}\n")
    found = {one.name: units.do(one.name, dict) for one in SCENARIOS if (units.folder / f"{one.name}.json").is_file()}
    result = {"policy": facts(), "releases": found, "units_until_a_failing_one_is_found": _found_after(found)}
    return {**result, "page": page(result)}


def _run(units: Units, scenario: Scenario) -> None:
    # With all that bundles and MLflow need, which who reads a result does not.
    from benchmarks.releases.one_release import carry_out

    found = units.do(scenario.name, lambda: carry_out(scenario, units.folder.resolve() / "files"))
    sys.stderr.write(f"{scenario.name}: {found['state']} {found['rule']} as wanted: {found['is_as_wanted']}\n")


def _found_after(found: dict[str, Any]) -> dict[str, Any]:
    units = [one["challenger_units"] for name, one in found.items() if name.startswith("d-")]
    return {"n_releases": len(units), "median": median(units) if units else None}


def page(result: dict[str, Any]) -> list[str]:
    """The lines that stand in docs/benchmarks.md between `<!-- release -->` and its end."""
    head = [
        "release",
        "what happens",
        "ended",
        "rule",
        "at",
        "challenger's sessions",
        "requests",
        "failed by the bundle",
        "others failed",
    ]
    lines = [head, ["---"] * len(head)]
    for scenario in SCENARIOS:
        name, one = scenario.name, result["releases"].get(scenario.name)
        if one is None:
            lines.append([name, scenario.what, "not run yet", *["-"] * (len(head) - 3)])
            continue
        visitors = one["visitors"]
        lines.append(
            [
                name,
                one["what"],
                one["state"].replace("_", " "),
                one["rule"] or "-",
                f"{one['last_share_percent']:g} %",
                f"{one['challenger_units']:,}",
                f"{visitors['n_requests']:,}",
                f"{visitors['failed']['of_the_bundle']:,}",
                f"{visitors['failed']['of_others']:,}",
            ]
        )
    return [f"| {' | '.join(line)} |" for line in lines]
