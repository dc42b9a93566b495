import pytest
import torch

from training.optimise import optimise, rate
from training.spec import Schedule

SCHEDULE = Schedule(steps=100, batch=1, peak_rate=1.0, warm_up=10)


def test_the_rate_rises_in_a_line_and_falls_to_a_tenth() -> None:
    rates = [rate(step, 100, SCHEDULE) for step in range(100)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10] == pytest.approx(1.0)
    assert rates[55] == pytest.approx(0.55)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rate(100, 100, SCHEDULE) == pytest.approx(0.1)


def test_there_is_one_batch_for_each_step() -> None:
    with pytest.raises(ValueError, match="0 batches for 100 steps"):
        optimise(torch.nn.Linear(1, 1), [], SCHEDULE, 0, print)
