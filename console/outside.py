"""Exchanges from outside: logs of teams whose traffic does not pass a router. Ingest reads them like a router's."""

from pydantic import Field

from aftertune.deposit import deposit
from aftertune.errors import BadInput, UnknownName
from aftertune.identity import Permission
from aftertune.outside import ROUTER, OutsideExchange, Placed, exchange_id, record
from aftertune.store import Transaction
from aftertune.values.value import Value
from console.access import guarded_router, needs
from console.acting import ActingOf
from console.names import NewName

router = guarded_router("exchanges")

MOST_LINES = 500


class OutsideExchanges(Value):
    """`deployment` and `release` hold for the lines that name none of their own."""

    lines: tuple[OutsideExchange, ...] = Field(min_length=1, max_length=MOST_LINES)
    deployment: NewName | None = None
    release: NewName | None = None


class Taken(Value):
    """`accepted` lines wait for ingest; `known` ones are stored already."""

    accepted: int
    known: int


@router.post("/v1/exchanges", status_code=202, dependencies=[needs(Permission.RUN_ROLLOUT)])
def add_exchanges(body: OutsideExchanges, acting: ActingOf) -> Taken:
    """All lines or none. A line that is stored already, or comes twice, is stored once."""
    with acting.transaction() as tx:
        places = _places(tx)
        new = {}
        for number, line in enumerate(body.lines, start=1):
            placed = _placed(places, line, body, number)
            unique = exchange_id(line, placed)
            if tx.exchanges.get(unique) is None:
                new[unique] = record(line, placed, acting.actor, acting.at)
        if new:
            evidence = {"accepted": len(new), "known": len(body.lines) - len(new)}
            subject = ", ".join(sorted({each.header.deployment for each in new.values()}))
            tx.audit.append(acting.at, acting.actor, "add_exchanges", subject, evidence)
            deposit(acting.context.settings.spool_folder / ROUTER, new.values(), acting.at)
    return Taken(accepted=len(new), known=len(body.lines) - len(new))


class _Places(Value):
    """What is registered: deployments with what they capture, and releases."""

    deployments: dict[str, Placed]
    releases: frozenset[str]


def _places(tx: Transaction) -> _Places:
    return _Places(
        deployments={d.name: Placed(d.name, d.stable, d.capture) for d in tx.deployments.all()},
        releases=frozenset(release.id for release in tx.releases.all()),
    )


def _placed(places: _Places, line: OutsideExchange, body: OutsideExchanges, number: int) -> Placed:
    deployment, release = line.deployment or body.deployment, line.release or body.release
    if deployment is None or release is None:
        raise BadInput(
            f"Line {number} of the batch names no {'deployment' if deployment is None else 'release'}.",
            "Name it in the line, or for all lines.",
        )
    if deployment not in places.deployments:
        raise UnknownName("deployment", deployment, places.deployments)
    if release not in places.releases:
        raise UnknownName("release", release, places.releases)
    return places.deployments[deployment]._replace(release=release)
