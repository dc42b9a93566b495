"""The page: goals, peers, what a bad shadow does, what was compared and how."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import inf

from benchmarks.router import figures
from benchmarks.router.figures import Figure, Quantity
from benchmarks.router.goals import PRODUCTION_STACK_CPU, Goal, estimate, goals
from benchmarks.router.ours import NAME
from benchmarks.router.peer import Peer
from benchmarks.router.peers import NGINX_MIRROR, PRODUCTION_STACK
from benchmarks.router.reading import Reading, Trouble


@dataclass(frozen=True)
class Run:
    """What was measured, with what, and what could not be."""

    command: str
    machine: str
    date: str
    peers: tuple[Peer, ...]
    versions: dict[str, str]
    missing: dict[str, str]
    failures: tuple[str, ...]
    readings: tuple[Reading, ...]


def page(run: Run) -> Iterator[str]:
    """Line by line."""
    rounds = len({reading.round for reading in run.readings})
    yield from (
        "# The router beside its peers",
        "",
        f"Made by `{run.command}` on {run.date}: {run.machine}. Medians of {rounds} rounds [least to greatest]. In each round",
        "every peer runs alone on core 0, with the same engine, shadow and load on core 1.",
        "",
    )
    if any(reading.peer == NAME for reading in run.readings):
        yield from _goals(run)
    yield from _peers(run)
    yield from _bad_shadow(run)
    yield from _records(run)
    yield from _method(run)


def _goals(run: Run) -> Iterator[str]:
    yield from (
        "## Goals",
        "",
        "| goal | value | n | floor | met | target | met |",
        "|---|---|---|---|---|---|---|",
    )
    yield from (_goal(goal) for goal in goals(run.readings))
    yield ""
    guess = estimate(run.readings)
    if PRODUCTION_STACK in run.missing and guess is not None:
        yield (
            f"production-stack could not be measured: {run.missing[PRODUCTION_STACK]} Earlier, on 2 cores of AMD EPYC, its router"
            f" took {PRODUCTION_STACK_CPU:g} × nginx mirror's CPU; by that, ours carries about {guess:.1f} × its requests a"
            " second a core. That is an estimate, not a measurement."
        )
        yield ""


def _goal(goal: Goal) -> str:
    bound = "≤" if goal.most else "≥"
    target = "<" if goal.strict else bound
    value = "not measured" if goal.value is None else f"{number(goal.value)} {goal.unit}".strip()
    floor = "–" if goal.floor == inf else f"{bound} {goal.floor:,g}"
    return (
        f"| {goal.what} | {value} | {goal.value.n if goal.value else 0} | {floor} | "
        f"{'–' if goal.floor == inf else _said(goal.floor_met)} | {target} {goal.target:,g} | {_said(goal.target_met)} |"
    )


def _said(met: bool | None) -> str:
    return {True: "yes", False: "**no**", None: "not measured"}[met]


def _peers(run: Run) -> Iterator[str]:
    heads = (
        "peer | mirrors | CPU a request, µs | of nginx mirror's | requests/s a core | added p50, µs | added p10–p90 | at 5 × the rate, µs | "
        "first chunk, µs | chunk, µs | CPU a chunk, µs | chunks/s a core | copies | connections a request | errors | peak MB"
    )
    yield from ("## Peers", "", f"| {heads} |", f"|{'---|' * (heads.count('|') + 1)}")
    for peer in run.peers:
        if peer.name in run.missing:
            yield f"| {peer.name} | not measured: {run.missing[peer.name]} |{' |' * heads.count('|')}"[:-2]
        else:
            yield _peer(run, peer)
    yield ""
    shown = {peer.name: peer.rate for peer in run.peers if peer.rate != 200 and peer.name not in run.missing}
    slower = ", ".join(f"{name} at {rate:g}" for name, rate in shown.items())
    yield (
        "Added: at 200 requests a second"
        f"{f' ({slower})' if slower else ''}, the difference to direct of the same seconds; at 5 × that rate a core hardly sleeps"
        " between two requests. Of direct, the CPU is the engine's own."
    )
    yield ""


def _peer(run: Run, peer: Peer) -> str:
    def cell(quantity: Quantity) -> str:
        return number(figures.over_rounds(run.readings, peer.name, quantity))

    ratio = number(figures.ratio(run.readings, peer.name, NGINX_MIRROR, figures.cpu_us))
    p10, p90 = (
        figures.over_rounds(run.readings, peer.name, quantity)
        for quantity in (lambda reading: reading.pace.p10, lambda reading: reading.pace.p90)
    )
    between = f"{p10.value:z,.0f} to {p90.value:z,.0f}" if p10 is not None and p90 is not None else "–"
    cells = (
        peer.name,
        "yes" if peer.mirrors else "no",
        cell(figures.cpu_us),
        ratio,
        cell(figures.per_core),
        cell(figures.added_p50),
        between,
        cell(figures.brisk_p50),
        cell(lambda reading: reading.streams.first_p50),
        cell(figures.chunk_p50),
        cell(lambda reading: reading.streams.cpu_us),
        cell(figures.chunks_per_core),
        _copies(run, peer),
        cell(lambda reading: reading.capacity.connected),
        f"{sum(figures.errors(reading) for reading in run.readings if reading.peer == peer.name)}",
        cell(figures.peak_mb),
    )
    return f"| {' | '.join(cells)} |"


def _copies(run: Run, peer: Peer) -> str:
    copied = (figures.copied_percent(reading) for reading in run.readings if reading.peer == peer.name)
    least = figures.worst(copied, most=False)
    return "–" if least is None else f"{least.value:.1f} %"


def _bad_shadow(run: Run) -> Iterator[str]:
    if all(reading.slow is None for reading in run.readings):
        return
    yield from (
        "## A shadow that is not well",
        "",
        "Change of the p50 that clients see, in µs, against the same round with a shadow that is well; errors of all rounds.",
        "",
        "| peer | slow (500 ms): at 200/s | at capacity | errors | dead: at 200/s | at capacity | errors |",
        "|---|---|---|---|---|---|---|",
    )
    for peer in run.peers:
        mine = [reading for reading in run.readings if reading.peer == peer.name]
        if not peer.mirrors or not mine:
            continue
        cells = [peer.name]
        cells += _trouble(reading.slow for reading in mine)
        cells += _trouble(reading.dead for reading in mine)
        yield f"| {' | '.join(cells)} |"
    yield ""


def _trouble(troubles: Iterable[Trouble | None]) -> list[str]:
    known = [trouble for trouble in troubles if trouble is not None]
    return [
        number(figures.figure(trouble.paced_p50 for trouble in known)),
        number(figures.figure(trouble.full_p50 for trouble in known)),
        str(sum(trouble.errors for trouble in known)),
    ]


def _records(run: Run) -> Iterator[str]:
    records = [reading.record for reading in run.readings if reading.record is not None]
    if not records:
        return
    asked = sum(record.stable_expected for record in records)
    answered = sum(record.stable_found for record in records)
    shown = sum(record.shadow_expected for record in records)
    kept = sum(record.shadow_found for record in records)
    gaps = sum(record.gaps for record in records)
    exact = sum(record.exact for record in records)
    yield from (
        "## The record",
        "",
        f"After each round our spool was read as ingest reads it. It held {answered:,} exchanges of the {asked:,} requests that",
        f"clients sent and {kept:,} of the {shown:,} answers that the shadow gave; {gaps} gaps.",
        f"Exact in {exact} of {len(records)} rounds.",
        "",
    )


def number(figure: Figure | None) -> str:
    """Three figures are enough; the range follows when there are several rounds."""
    if figure is None:
        return "–"
    shown = _rounded(max(abs(figure.least), abs(figure.greatest)))
    text = shown(figure.value)
    return text if figure.n == 1 else f"{text} [{shown(figure.least)} to {shown(figure.greatest)}]"


def _rounded(size: float) -> Callable[[float], str]:
    digits = 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2
    return lambda value: f"{value:z,.{digits}f}"


def _method(run: Run) -> Iterator[str]:
    others = figures.figure(reading.capacity.others for reading in run.readings)
    yield from (
        "## How it is measured",
        "",
        "- The engine and the shadow are one C program (`benchmarks/router/c`): a fixed JSON completion of about 600 bytes, or a",
        "  stream of 40 events of about 230 bytes, each written alone and stamped with its time.",
        "- CPU a request: user and system time of the proxy's processes, copies included, by requests answered, with 64 busy",
        "  connections. Requests a second a core is its inverse. Copies: those that reached the shadow meanwhile, least round.",
        "- Added: an open loop at a constant rate, requests direct and through the proxy in turn, timed from when each was due.",
        "- Chunks: delay from writing to reading, four streams direct and four through the proxy, 20 ms between chunks. CPU a",
        "  chunk: 64 streams whose chunks come together every 10 ms, as an engine's steps do; LiteLLM 4 streams, 100 ms. The",
        "  shadow streams as much as the engine; the CPU covers both.",
        "- Ours, compiled as its wheel is: every request mirrored, both answers in the spool, fsync of groups every 50 ms,",
        "  metrics, credential checked. No other peer records anything.",
        f"- Programs that are not part of this took {number(others)} of core 0 while capacity was measured.",
        "",
        "Compared: "
        + "; ".join(dict.fromkeys(version for version in run.versions.values() if version))
        + ".",
        "",
    )
    if run.missing:
        yield "Not measured: " + "; ".join(f"{name} ({why})" for name, why in run.missing.items()) + "."
        yield ""
    if run.failures:
        yield "Failed: " + "; ".join(run.failures) + "."
        yield ""
    yield from (
        "Where ours spends its time: `PROFILE=1 scripts/bench-peers`, then `python -m benchmarks.router.profile`, or",
        "`python -m benchmarks.router.profile stream`.",
    )
