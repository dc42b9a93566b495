"""How likely a fixed text is to the engine: nothing is generated."""

from aftertune.engine import AsyncEngine
from aftertune.errors import BadInput
from aftertune.values.evaluation import Answer
from evals.asking.question import Question
from evals.suite.scoring import Passage


async def loss(question: Question, engine: AsyncEngine) -> Answer:
    """Raises BadInput when the engine cannot tell, or the sample holds no passage."""
    if not isinstance(question.sample.scoring, Passage):
        raise BadInput(f"The sample {question.sample.id} holds no passage.", "Ask it in another way.")
    return Answer(loss=await engine.loss(question.sample.scoring.text))
