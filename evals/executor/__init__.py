"""Where work is done: in this process, or spread over Ray's workers. The results are the same."""

from evals.executor.executor import Executor, Job
from evals.executor.local import LocalExecutor
from evals.executor.ray import RayExecutor

__all__ = ["Executor", "Job", "LocalExecutor", "RayExecutor"]
