"""Readings to sum up."""

from benchmarks.router.reading import Capacity, Pace, Reading, Record, Streams, Trouble


def reading(
    peer: str,
    number: int = 1,
    *,
    cpu_us: float = 100.0,
    added: float | None = 150.0,
    errors: int = 0,
    trouble: Trouble | None = None,
    copied: float | None = None,
    record: Record | None = None,
) -> Reading:
    return Reading(
        peer=peer,
        round=number,
        capacity=Capacity(cpu_us, 1000.0, 900.0, errors, copied, 0.01, 0.1),
        pace=Pace(100.0, added, 300.0, 70.0, 0),
        streams=Streams(200.0, 50.0, 25.0, 1.0, 0),
        slow=trouble,
        dead=trouble,
        peak_mb=45.0,
        record=record,
    )
