"""What is written into every record by hand: moments and ids."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from serving.router.ids import new_id
from serving.router.moment import moment


@given(st.lists(st.integers(0, 4_000_000_000_000_000), min_size=1))
def test_a_moment_is_the_time_to_the_microsecond(times: list[int]) -> None:
    for at_us in times:
        read = datetime.fromisoformat(moment(at_us).decode())
        assert read - datetime(1970, 1, 1, tzinfo=UTC) == timedelta(microseconds=at_us)


def test_it_has_the_form_that_records_always_had() -> None:
    assert moment(1_763_736_511_000_250) == b"2025-11-21T14:48:31.000250+00:00"
    assert moment(0) == b"1970-01-01T00:00:00.000000+00:00"


def test_ids_are_distinct_and_in_order() -> None:
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert {len(name) for name in made} == {32}
    assert set("".join(made)) <= set("0123456789abcdef")
