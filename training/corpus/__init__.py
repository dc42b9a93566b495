"""Seeded text for the Task API assistant: training data and held-out questions.

Pure Python: nothing here loads a model, so it also serves as a source of requests.
"""

from training.corpus.draw import GENERAL_KINDS, KINDS, mixture, samples
from training.corpus.held_out import is_held_out
from training.corpus.sample import SPLITS, Message, Sample, Split, ToolCall
from training.corpus.task_turns import tool_result
from training.corpus.tools import TOOL_NAMES, TOOLS, parameters_schema
from training.corpus.unseen import unseen_samples

__all__ = [
    "GENERAL_KINDS",
    "KINDS",
    "SPLITS",
    "TOOLS",
    "TOOL_NAMES",
    "Message",
    "Sample",
    "Split",
    "ToolCall",
    "is_held_out",
    "mixture",
    "parameters_schema",
    "samples",
    "tool_result",
    "unseen_samples",
]
