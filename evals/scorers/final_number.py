"""The number that an answer ends in: as stated, and as the last one in the text.

The two are lm-evaluation-harness's strict and flexible readings of grade-school maths; runs of one model differ by tens of
points between them, so neither goes by the other's name.
"""

import re
from decimal import Decimal, InvalidOperation

from evals.scorers.scorer import Given, Scores, scorer
from evals.suite.metric import Metric
from evals.suite.sample import Sample
from evals.suite.scoring import FinalNumber

_NUMBER = r"[-−]?\$?\d[\d,]*(?:\.\d+)?"
_ANY = re.compile(_NUMBER)
_STATED = re.compile(
    rf"(?:####|\\boxed\s*\{{|answer\s*(?:is|:|=))[\s*:]*(?:\\boxed\s*\{{[\s*]*)?({_NUMBER})", re.IGNORECASE
)

METRICS = (
    Metric("last_number", "of all samples: the last number in the text is the right one"),
    Metric(
        "stated_number", "of all samples: the right number after ####, 'answer is', 'answer:' or in a box"
    ),
)


@scorer("final_number", version="2", kinds=("final_number",), metrics=METRICS)
def final_number(sample: Sample, given: Given) -> Scores:
    assert isinstance(sample.scoring, FinalNumber)
    said = given.answer.text
    wanted = {_read(answer) for answer in sample.scoring.answers}
    last, stated = _ANY.findall(said), _STATED.findall(said)
    return {
        "last_number": float(bool(last) and _read(last[-1]) in wanted),
        "stated_number": float(bool(stated) and _read(stated[-1]) in wanted),
    }


def _read(written: str) -> Decimal | None:
    """Without thousands separators and currency; 5 and 5.0 are one number. None is no number, and equal to none."""
    try:
        return Decimal(written.replace(",", "").replace("$", "").replace("−", "-").strip())
    except InvalidOperation:
        return None
