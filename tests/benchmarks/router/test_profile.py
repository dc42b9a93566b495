"""Samples of stacks, summed up."""

from benchmarks.router.profile import summary


def test_a_function_has_its_own_time_and_that_of_what_it_calls() -> None:
    lines = list(summary(["main;parse 3", "main;write 6", "main 1", "main;epoll_pwait (libc) 90"]))
    half = lines.index("with all it calls, of 10 samples:")
    assert lines[:half] == ["own time, of 10 samples:", "  60.0%  write", "  30.0%  parse", "  10.0%  main"]
    assert lines[half + 1] == " 100.0%  main"


def test_a_function_that_calls_itself_counts_once() -> None:
    assert " 100.0%  walk" in list(summary(["walk;walk;walk 5"]))


def test_without_samples_there_is_nothing_to_list() -> None:
    assert list(summary([])) == ["own time, of 1 samples:", "with all it calls, of 1 samples:"]
