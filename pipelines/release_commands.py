"""What `silencio release …` does; `pipelines.release_places` finds the world that it does it in."""

from __future__ import annotations

import argparse
import getpass
import itertools
import secrets
import socket
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from pipelines.cli.release import EXIT_STATUSES
from pipelines.release_offer import hand_in, refuse_offer
from pipelines.release_places import Place, earlier_of, place_of
from pipelines.release_registry import NewChallengers, with_registered
from pipelines.release_tables import plan_table, status_table
from serving.canary.auto import Auto
from serving.canary.clock import iso
from serving.canary.commands import apply_request
from serving.canary.requests import Request
from serving.canary.route_actions import is_at
from serving.canary.world import World
from silencio.console import Console
from silencio.errors import ConfigError, LeaseHeldError, ReleaseError, ReleaseRefusedError, RouteError, SilencioError
from silencio.release.evidence import ClassChange
from silencio.release.policy import ReleasePolicy
from silencio.release.policy_check import read_policy
from silencio.release.record import BundleIdentity, ReleaseRecord
from silencio.release.states import supersede

_WATCH_S = 2.0
# MLflow is asked for a new challenger each half minute.
_REGISTRY_TURNS = 15
# So often, and so many times, is the route asked whether a rollback has arrived.
_CONFIRM_S, _MAX_CONFIRMATIONS = 0.5, 60
# After these, offering the same bundle once more is a decision of its own.
_FAILED_BEFORE = ("rolled_back", "refused")


def plan(options: argparse.Namespace) -> int:
    """How long a release would take."""
    from silencio.release.plan import Traffic
    from silencio.release.plan import plan as planned

    policy = policy_named(options.policy)
    if options.sessions_per_hour is not None:
        traffic = Traffic(units_per_hour=[options.sessions_per_hour])
    else:
        traffic = place_of(options).traffic()
    hour = datetime.now(UTC).hour
    Console().print(plan_table(planned(policy, traffic, began_hour=hour)))
    return 0


def start(options: argparse.Namespace) -> int:
    """Write the record of a new release; nothing is offered yet."""
    place = place_of(options)
    record = begin(place, with_registered(options, place) if options.from_registry else options)
    sys.stdout.write(
        f"release {record.release_id}: {record.challenger.version} is offered; `silencio release auto` takes it from "
        "there\n"
    )
    return 0


def begin(place: Place, options: argparse.Namespace) -> ReleaseRecord:
    """Write the record of a new release, once all that is known beforehand allows it.

    Raises:
        ReleaseRefusedError: One sentence with value and cure; nothing was changed.
    """
    champion, challenger = place.bundles(options)
    policy = policy_named(options.policy)
    is_aa = champion.manifest_sha256 == challenger.manifest_sha256
    if is_aa and not options.aa:
        raise ReleaseRefusedError(
            f"challenger and champion are the same bundle ({champion.version}, manifest_sha256 "
            f"{champion.manifest_sha256[:12]}): offer another one, or try the release path itself by --aa"
        )
    _refuse_again(place, challenger, again=options.again or is_aa)
    manifests = place.manifests(options, champion, challenger)
    by = options.by or getpass.getuser()
    now_s = time.time()
    record = ReleaseRecord(
        release_id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        champion=champion,
        challenger=challenger,
        policy=policy.model_dump(mode="json"),
        began_at=iso(now_s),
        by=by,
        why=f"started by {by}" + (f", licence: {options.accept_licence}" if options.accept_licence else ""),
        is_aa=is_aa,
    )
    refuse_offer(options, manifests, ClassChange())
    if (former := place.store.load()) is None or former.has_ended:
        place.route.check(record)  # before a comparison is made, which takes its time
    # Without the lease: another release that is on its way needs its judge meanwhile.
    refuse_offer(options, manifests, hand_in(options, record, place.folder(record.release_id), manifests))
    with place.store.lease(f"{by}, silencio release start") as token:
        _supersede(place, options, challenger, by, token)
        place.route.check(record)
        return place.store.save(record, fencing_token=token)


def status(options: argparse.Namespace) -> int:
    """Where it stands."""
    place, console = place_of(options), Console()
    while True:
        record = _record(place)
        if options.json:
            sys.stdout.write(record.model_dump_json() + "\n")
        else:
            console.print(status_table(record, console.width))
        if not options.watch or record.has_ended:
            return EXIT_STATUSES.get(record.state, 0)
        time.sleep(_WATCH_S)


def ask(options: argparse.Namespace) -> int:
    """A person's command: left for the judge where one is at work, else done here."""
    place = place_of(options)
    if getattr(options, "now", False):
        return _rollback_now(place, options)
    record = _record(place)
    request = _request(options, record)
    # What it does not allow is said now, and not by the judge to nobody.
    apply_request(record, request, at_s=time.time(), token=0, generation="")
    place.requests.put(request)
    return _done_or_left(place, request)


def auto(options: argparse.Namespace) -> int:
    """Judge."""
    from serving.canary.state_gauge import serve_gauge

    if options.from_registry and not options.forever:
        raise ConfigError(
            "--from-registry waits for new challengers: say --forever, too, or use `silencio release start`"
        )
    place, console = place_of(options), Console()
    show = serve_gauge(options.metrics_port, options.metrics_host) if options.metrics_port else lambda record: None

    def say(message: str) -> None:
        console.print(_at(message), soft_wrap=True)

    world = place.world(on_message=say, on_record=show)
    holder = options.holder or f"{getpass.getuser()}@{socket.gethostname()}"
    if options.forever:
        _stay(place, world, holder, options, say)
    record = Auto(world).run(holder, is_over=_is_over(options))
    if record is None:
        raise ReleaseError("there is no release: `silencio release start` begins one")
    console.print(status_table(record, console.width))
    return EXIT_STATUSES.get(record.state, 0)


def _stay(place: Place, world: World, holder: str, options: argparse.Namespace, say: Callable[[str], None]) -> NoReturn:
    """Judge one release after the other; wait for the next, for the lease of another judge, for a cluster to answer."""
    is_over, waits_for = _is_over(options), None
    challengers = NewChallengers(options, place, begin, say) if options.from_registry else None
    for turn in itertools.count():
        try:
            latest = world.store.load()
            if challengers is not None and turn % _REGISTRY_TURNS == 0 and (latest is None or latest.has_ended):
                latest = challengers.look(latest) or latest
            if latest is not None and not is_over(latest):
                Auto(world).run(holder, is_over=is_over)
            waits_for = None
        except (LeaseHeldError, RouteError) as error:
            if type(error) is not waits_for:
                say(str(error))
            waits_for = type(error)
        # Without the lease, under which nobody could begin the next one.
        world.clock.wait(_WATCH_S)
    raise AssertionError("it waits for ever")


def report(options: argparse.Namespace) -> int:
    """The page."""
    from serving.canary.page import write_page

    place = place_of(options)
    record = _record(place) if options.release is None else earlier_of(place, options.release)
    for path in write_page(record, place.folder(record.release_id), options.out, options.recordings):
        sys.stdout.write(f"{path}\n")
    return 0


def policy_named(name: str | None) -> ReleasePolicy:
    """The policy that ships, the one called `small`, or one in a file.

    Raises:
        ConfigError: It is no policy.
    """
    if name is None:
        return ReleasePolicy.shipped()
    if name == "small":
        from importlib.resources import as_file, files

        with as_file(files("silencio") / "presets" / "release" / "small.yaml") as path:
            return read_policy(path)
    return read_policy(Path(name))


def _is_over(options: argparse.Namespace) -> Callable[[ReleaseRecord | None], bool]:
    """When the judge ends: MLflow may be away for long, and what is outstanding there is caught up by the next one."""

    def is_over(record: ReleaseRecord | None) -> bool:
        if options.once:
            return True
        if record is None or (options.until_held and record.state == "held"):
            return True
        return record.has_ended and "retire" not in record.outstanding

    return is_over


def _record(place: Place) -> ReleaseRecord:
    record = place.store.load()
    if record is None:
        raise ReleaseError("there is no release here: `silencio release start` begins one")
    return record


def _request(options: argparse.Namespace, record: ReleaseRecord) -> Request:
    return Request(
        command=options.command,
        by=options.by or getpass.getuser(),
        reason=options.reason,
        release_id=record.release_id,
        written_at=iso(time.time()),
    )


def _done_or_left(place: Place, request: Request) -> int:
    """Carry a request out where no judge is at work; else the judge will."""
    messages: list[str] = []
    try:
        with place.store.lease(f"{request.by}, silencio release {request.command}") as token:
            record = Auto(place.world(on_message=messages.append)).look(token, evaluate=False)
    except LeaseHeldError as error:
        sys.stdout.write(f"left for the judge, which does it at its next look ({error})\n")
        return 0
    for message in messages:
        sys.stdout.write(f"{message}\n")
    if record is not None:
        on_way = f", on its way to {record.intention.target}" if record.intention else ""
        sys.stdout.write(f"release {record.release_id} is {record.state} at {record.share_percent:g} %{on_way}\n")
    return 0


def _rollback_now(place: Place, options: argparse.Namespace) -> int:
    """The route first. Neither record nor MLflow nor Prometheus nor the challenger need answer for that."""
    record, trouble = None, []
    try:
        record = place.store.load()
    except SilencioError as error:
        trouble.append(f"the record cannot be read: {error}")
    meant = record or place.record_of_route()
    place.route.roll_back(meant)
    sys.stdout.write(f"{_confirmed_back(place, meant)}\n")
    if record is not None and not record.has_ended:
        try:
            request = _request(options, record)
            place.requests.put(request)
            _done_or_left(place, request)
        except SilencioError as error:
            trouble.append(f"the record does not say so yet: {error}")
    for one in trouble:
        sys.stderr.write(f"note: {one}\n")
    return 0


def _confirmed_back(place: Place, record: ReleaseRecord) -> str:
    """What the route itself says of it, which controllers of a cluster need a moment for."""
    for _ in range(_MAX_CONFIRMATIONS):
        try:
            state = place.route.state()
        except RouteError as error:
            return f"0 % was taken, and the route cannot be read: {error}"
        is_back = is_at(record, state, 0.0) if record.route_identities else not state.share_percent
        if state.is_settled and is_back:
            return "the route sends everybody to the champion"
        time.sleep(_CONFIRM_S)
    return f"0 % was taken, and the route does not show it yet: {state.detail or 'look again'}"


def _refuse_again(place: Place, challenger: BundleIdentity, *, again: bool) -> None:
    for earlier in place.earlier_releases():
        is_same = earlier.challenger.manifest_sha256 == challenger.manifest_sha256
        if is_same and earlier.state in _FAILED_BEFORE and not again:
            raise ReleaseRefusedError(
                f"bundle {challenger.version} was {earlier.state.replace('_', ' ')} by release {earlier.release_id} "
                f"({earlier.why}): offer another one, or this one --again"
            )


def _supersede(place: Place, options: argparse.Namespace, challenger: BundleIdentity, by: str, token: int) -> None:
    """End a release that has not ended, where that is wished; its visitors go back first."""
    former = place.store.load()
    if former is None or former.has_ended:
        return
    if not options.supersede:
        raise ReleaseRefusedError(
            f"release {former.release_id} has not ended ({former.state} at {former.share_percent:g} %): end it by "
            "`silencio release abort`, or begin this one with --supersede"
        )
    decision = supersede(former, by=by, other=challenger.version)
    ended = Auto(place.world()).end(decision, token, by=by)
    if not ended.has_ended:
        raise RouteError("the route has not confirmed yet that everybody is back at the champion: try again")


def _at(message: str) -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {message}"
