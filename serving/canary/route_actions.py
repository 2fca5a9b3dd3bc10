"""One intention, carried out on the route: done where it is not done yet, and confirmed by what the route says."""

from __future__ import annotations

import math

from serving.canary.interfaces import Route, RouteState
from silencio.errors import RouteChangedError
from silencio.release.record import Intention, ReleaseRecord, State

# All of them end with every visitor at the champion.
BACK: frozenset[State] = frozenset({"rolled_back", "refused", "aborted", "superseded"})


def challenger_shares(record: ReleaseRecord, state: RouteState) -> tuple[float, ...]:
    """Percent of new units that reach the challenger's bundle, whichever arm it stands behind.

    Once it was made what serves, a route may have it behind the champion's arm, and the former champion behind the
    other. Where both arms are one bundle, nothing tells which way round they are: both shares are possible.
    """
    bundle = record.route_identities.get("challenger")
    behind = [state.share_percent] if state.challenger is not None and state.challenger == bundle else []
    if state.champion == bundle and (not behind or record.state in ("step", "baking", "promoted")):
        behind.append(100.0 - (state.share_percent if state.challenger is not None else 0.0))
    return tuple(behind) or (0.0,)


def is_at(record: ReleaseRecord, state: RouteState, share_percent: float) -> bool:
    """Whether the route gives the challenger this share."""
    return any(math.isclose(one, share_percent, abs_tol=0.005) for one in challenger_shares(record, state))


def foreign_edit(record: ReleaseRecord, state: RouteState) -> str:
    """What somebody else changed on the route; empty where it is as the record has it, or is still on its way."""
    if not record.route_identities:
        return ""
    ours = set(record.route_identities.values())
    strangers = [one for one in (state.champion, state.challenger) if one is not None and one not in ours]
    if strangers:
        # No change of ours brings one: it is seen while the route moves, before pods that were made anew fail a rule.
        return f"the route serves {strangers[0]}, which is neither champion nor challenger of this release"
    if not state.is_settled:
        return ""
    has_left = state.challenger is None and state.champion != record.route_identities["challenger"]
    if has_left and record.share_percent > 0:
        return "the challenger is gone from the route"
    if not is_at(record, state, record.share_percent):
        found = " or ".join(f"{share:g}" for share in challenger_shares(record, state))
        return f"the route gives the challenger {found} %, the release {record.share_percent:g} %"
    return ""


def carry_out(route: Route, record: ReleaseRecord, intention: Intention) -> RouteState | None:
    """Do what was intended where it is not done yet. May be called again after a kill at any point.

    Returns:
        The route's state that confirms it; None: not yet.

    Raises:
        RouteChangedError: Somebody else changed the route after the intention was written.
        RouteError: The route does not answer or refuses.
    """
    if intention.target in BACK:
        route.roll_back(record)
        return _confirmed(route, record, 0.0)
    if intention.target in ("staged", "dark"):
        route.offer(record)
        state = route.state()
        is_there = state.is_settled and state.challenger is not None and state.share_percent == 0
        return state if is_there else None
    if intention.target == "promoted":
        return _confirmed(route, record, 100.0)
    confirmed = _at_share(route, record, intention)
    if confirmed is None or intention.target != "baking":
        return confirmed
    route.promote(record)
    return _confirmed(route, record, intention.share_percent)


def _at_share(route: Route, record: ReleaseRecord, intention: Intention) -> RouteState | None:
    state = route.state()
    if not is_at(record, state, intention.share_percent):
        if not state.is_settled:
            return None  # perhaps it is the patch of a judge that was killed, on its way
        is_as_known = not foreign_edit(record, state)
        if state.generation != intention.route_generation and not is_as_known:
            raise RouteChangedError(f"{foreign_edit(record, state)} ({state.detail or state.generation})")
        route.set_share(intention.share_percent, expected_generation=state.generation)
        state = route.state()
    return state if state.is_settled and is_at(record, state, intention.share_percent) else None


def _confirmed(route: Route, record: ReleaseRecord, share_percent: float) -> RouteState | None:
    state = route.state()
    return state if state.is_settled and is_at(record, state, share_percent) else None
