"""ragas' judge metrics of answers from passages, through our own judges. A failure, and its NaN, is unmeasured.

ragas is loaded by the first answer: importing this module loads neither it nor a model. Its prompts have no marker
lines around the answer, so its numbers are for answers that nobody wrote to deceive a judge.
"""

import asyncio
import hashlib
import os
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import Any, NamedTuple

import rfc8785

from aftertune.errors import Unavailable
from aftertune.values.evaluation import Answer, Judgement
from evals.judging.bench import Bench, JudgeModel, Seat
from evals.judging.prompt import Asked
from evals.suite.sample import Sample
from evals.suite.scoring import RetrievalAnswer

JUDGE = "ragas "
"""Begins the judge's name of these judgements; the model's name follows."""

LONGEST_REASON = 200
MOST_TOKENS = 1024


class RagasMetric(NamedTuple):
    """`takes` are the arguments of its `ascore`; `embeds` says whether it needs the encoder."""

    kind: str
    meaning: str
    takes: tuple[str, ...]
    embeds: bool = False
    low: float = 0.0


METRICS: Mapping[str, RagasMetric] = MappingProxyType(
    {
        "faithfulness": RagasMetric(
            "Faithfulness",
            "share of an answer's statements that follow from the passages",
            ("user_input", "response", "retrieved_contexts"),
        ),
        "answer_relevancy": RagasMetric(
            "AnswerRelevancy",
            "likeness of the question to those that the answer would answer",
            ("user_input", "response"),
            embeds=True,
            low=-1.0,
        ),
        "context_precision": RagasMetric(
            "ContextPrecisionWithReference",
            "whether useful passages stand before useless ones",
            ("user_input", "reference", "retrieved_contexts"),
        ),
        "context_recall": RagasMetric(
            "ContextRecall",
            "share of the reference's statements that the passages hold",
            ("user_input", "retrieved_contexts", "reference"),
        ),
    }
)
"""By our name. The third and fourth measure the passages, not the answer."""


def installed() -> str:
    """The version of ragas, for a signature."""
    try:
        return version("ragas")
    except PackageNotFoundError:
        return "not installed"


async def judged(
    names: Sequence[str], sample: Sample, answer: Answer, index: int, bench: Bench
) -> list[Judgement]:
    """One judgement for each metric. Raises nothing but a cancellation."""
    seat = bench.seats[0] if bench.seats else None
    return [await _judged(name, sample, answer, index, seat, bench.encoder) for name in names]


async def _judged(
    name: str, sample: Sample, answer: Answer, index: int, seat: Seat | None, encoder: JudgeModel | None
) -> Judgement:
    metric = METRICS[name]
    blank = Judgement(
        question=name,
        judge=f"{JUDGE}{seat.judge.name if seat else ''}".strip(),
        prompt=hashlib.sha256(rfc8785.dumps([installed(), metric.kind])).hexdigest(),
        answer=index,
        value=None,
    )
    scoring = sample.scoring
    reason = _missing(metric, scoring, answer, seat, encoder)
    if reason or seat is None or not isinstance(scoring, RetrievalAnswer):
        return blank.model_copy(update={"reason": reason})
    try:
        ragas = await asyncio.to_thread(_load)
        scorer = ragas.metric(metric, seat, encoder)
        given = _given(sample, scoring, answer)
        result = await scorer.ascore(**{name: given[name] for name in metric.takes})
        value = float(result.value)
    except ImportError as error:
        reason = f"ragas cannot be loaded ({_short(error)}): pip install 'aftertune[judge]'"
    except Exception as error:  # noqa: BLE001  (whatever a judge or its library does, nothing was measured)
        reason = f"the judge gave no verdict: {_short(error)}"
    else:
        if metric.low <= value <= 1.0:  # NaN is not
            return blank.model_copy(update={"value": value})
        reason = f"ragas returned {value}, which is no score"
    return blank.model_copy(update={"reason": reason})


def _missing(
    metric: RagasMetric, scoring: object, answer: Answer, seat: Seat | None, encoder: JudgeModel | None
) -> str:
    if not isinstance(scoring, RetrievalAnswer):
        return "the sample has no passages"
    if seat is None:
        return "no judge is configured: set AFTERTUNE_EVALS__JUDGES"
    if metric.embeds and encoder is None:
        return "no encoder is configured"
    if not answer.text.strip():
        return "the answer is empty"
    return "the sample has no reference" if "reference" in metric.takes and not scoring.reference else ""


def _given(sample: Sample, scoring: RetrievalAnswer, answer: Answer) -> dict[str, Any]:
    return {
        "user_input": sample.question,
        "response": answer.text,
        "retrieved_contexts": list(scoring.contexts),
        "reference": scoring.reference,
    }


class _Ragas:
    """The classes of ragas, and its two ports on our engines."""

    def __init__(self) -> None:
        os.environ["RAGAS_DO_NOT_TRACK"] = "true"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from ragas._analytics import get_userid  # noqa: PLC0415
            from ragas.embeddings.base import BaseRagasEmbedding  # noqa: PLC0415
            from ragas.llms.base import InstructorBaseRagasLLM  # noqa: PLC0415
            from ragas.metrics import collections  # noqa: PLC0415

            # It reads the id of its tracking even when told not to track, and leaves the file open.
            get_userid()
        self._collections = collections
        self._llm = type("JudgeLLM", (_JudgeLLM, InstructorBaseRagasLLM), {})
        self._embedding = type("EncoderEmbedding", (_EncoderEmbedding, BaseRagasEmbedding), {})

    def metric(self, metric: RagasMetric, seat: Seat, encoder: JudgeModel | None) -> Any:
        ports: dict[str, Any] = {"llm": self._llm(seat)}
        if metric.embeds:
            ports["embeddings"] = self._embedding(encoder)
        return getattr(self._collections, metric.kind)(**ports)


@lru_cache(maxsize=1)
def _load() -> _Ragas:
    return _Ragas()


class _JudgeLLM:
    """ragas' port to a model. `response_model` is a pydantic model that the reply has to fit exactly."""

    def __init__(self, seat: Seat) -> None:
        self._seat = seat

    def generate(self, prompt: str, response_model: Any) -> Any:
        raise NotImplementedError("the judge is asked on an event loop")

    async def agenerate(self, prompt: str, response_model: Any) -> Any:
        schema = {
            "type": "json_schema",
            "json_schema": {"name": response_model.__name__, "schema": response_model.model_json_schema()},
        }
        messages = ({"role": "user", "content": f"{prompt}\nReply with one JSON object and nothing else."},)
        reply = await self._seat.ask(Asked(messages, schema, "", "", None, MOST_TOKENS), seed=0)
        if reply.said is None:
            raise Unavailable(reply.reason)
        return response_model.model_validate_json(reply.said)


class _EncoderEmbedding:
    """ragas' port to an encoder."""

    def __init__(self, encoder: JudgeModel) -> None:
        self._encoder = encoder
        self.cache = None

    def embed_text(self, text: str, **_: Any) -> list[float]:
        raise NotImplementedError("the encoder is asked on an event loop")

    async def aembed_text(self, text: str, **_: Any) -> list[float]:
        (vector,) = await self._encoder.engine.embed([text])
        return vector

    async def aembed_texts(self, texts: Sequence[str], **_: Any) -> list[list[float]]:
        return await self._encoder.engine.embed(list(texts))


def _short(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= LONGEST_REASON else f"{said[:LONGEST_REASON]}…"
