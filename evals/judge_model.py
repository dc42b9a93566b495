"""One yes-or-no question about an answer, asked of a judge model. What cannot be judged is unmeasured, with the reason.

The ragas metric behind it is loaded by the first question: importing this module loads neither ragas nor a model.
"""

import asyncio
import hashlib
import logging
import os
import threading
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple, Protocol

import openai

from aftertune.errors import BadInput
from aftertune.settings import EvalsSettings
from evals.suite import JudgedMetric

NO_JUDGE = "no judge is configured: set AFTERTUNE_EVALS__JUDGE_URL and AFTERTUNE_EVALS__JUDGE_MODEL"
SCORER = "ragas.aspect_critic"

_LONGEST_REASON = 200


class Judged(NamedTuple):
    """1 yes, 0 no, None unmeasured: then `reason` says why."""

    value: float | None
    reason: str


class Judge(Protocol):
    """Never raises. `model` is empty when there is none."""

    @property
    def model(self) -> str: ...

    @property
    def version(self) -> str: ...

    def ask(self, metric: JudgedMetric, question: str, answer: str) -> Judged: ...


class NoJudge:
    model = ""
    version = ""

    def ask(self, metric: JudgedMetric, question: str, answer: str) -> Judged:
        return Judged(None, NO_JUDGE)


class RagasJudge:
    """ragas' AspectCritic on an OpenAI-compatible model. `url` has no /v1; `timeout_s` bounds a question with its retries."""

    def __init__(self, url: str, model: str, key: str, timeout_s: float) -> None:
        self.model = model
        self._url = url
        self._key = key
        self._timeout_s = timeout_s
        self._ragas: Any = None
        self._loading = threading.Lock()

    @property
    def version(self) -> str:
        try:
            return version("ragas")
        except PackageNotFoundError:
            return "not installed"

    def ask(self, metric: JudgedMetric, question: str, answer: str) -> Judged:
        try:
            critic, factory, turn = self._load()
            verdict = asyncio.run(
                self._ask(critic, factory, turn(user_input=question, response=answer), metric)
            )
        except ImportError as error:
            return Judged(None, f"ragas cannot be loaded ({_short(error)}): pip install 'aftertune[judge]'")
        except TimeoutError:
            return Judged(None, f"the judge gave no verdict in {self._timeout_s:g} s")
        except Exception as error:  # noqa: BLE001  (whatever a judge or its library does, nothing was measured)
            return Judged(None, f"the judge gave no verdict: {_short(error)}")
        if verdict not in (0, 1):  # NaN is neither
            return Judged(None, f"the judge's verdict was {verdict!r}, neither 0 nor 1")
        return Judged(float(verdict), "")

    async def _ask(self, critic: Any, factory: Any, turn: Any, metric: JudgedMetric) -> object:
        async with openai.AsyncOpenAI(
            base_url=f"{self._url}/v1", api_key=self._key, max_retries=0, timeout=self._timeout_s
        ) as client:
            llm = factory(self.model, client=client, temperature=0)
            asked = critic(name=metric.metric, definition=metric.definition, llm=llm)
            verdict: object = await asyncio.wait_for(asked.single_turn_ascore(turn), self._timeout_s)
            return verdict

    def _load(self) -> Any:
        """The metric, the factory of its model, and its sample type."""
        with self._loading:
            if self._ragas is None:
                os.environ["RAGAS_DO_NOT_TRACK"] = "true"
                # Its log repeats each failure with the judge's words; the reason is kept with the sample.
                logging.getLogger("instructor").setLevel(logging.CRITICAL)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    from ragas._analytics import get_userid  # noqa: PLC0415
                    from ragas.dataset_schema import SingleTurnSample  # noqa: PLC0415
                    from ragas.llms import llm_factory  # noqa: PLC0415
                    from ragas.metrics import AspectCritic  # noqa: PLC0415

                    # It reads the id of its tracking even when told not to track, and leaves the file open.
                    get_userid()
                self._ragas = (AspectCritic, llm_factory, SingleTurnSample)
            return self._ragas


def configured_judge(settings: EvalsSettings) -> Judge:
    """Raises BadInput when only half of it is set."""
    if bool(settings.judge_url) != bool(settings.judge_model):
        raise BadInput(
            "A judge needs an address and a model's name.",
            "Set AFTERTUNE_EVALS__JUDGE_URL and AFTERTUNE_EVALS__JUDGE_MODEL, or neither.",
        )
    if not settings.judge_url:
        return NoJudge()
    key = settings.judge_key.get_secret_value() if settings.judge_key else "none"
    return RagasJudge(settings.judge_url, settings.judge_model, key, settings.timeout_s)


def prompt_digest(metric: JudgedMetric) -> str:
    """SHA-256 of what the judge is asked, for the run's signature."""
    return hashlib.sha256(metric.definition.encode()).hexdigest()


def _short(error: BaseException) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"
