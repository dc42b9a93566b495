"""The port: one asynchronous function over many items."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Job(Protocol[Item_contra, Result_co]):
    """What is done to each item. It is a value: it may be sent to another process."""

    def open(
        self, workers: int
    ) -> AbstractAsyncContextManager[Callable[[Item_contra], Awaitable[Result_co]]]:
        """Connections and budgets of one of so many workers, for as long as the context lasts."""
        ...


class Executor(Protocol):
    """`workers`: over how many processes the items are spread."""

    workers: int

    def map(
        self, job: Job[Item, Result], items: Sequence[Item], at_once: int
    ) -> AsyncGenerator[Result, None]:
        """Each item's result as it comes, in any order, with about `at_once` items begun and not yet ended.

        Items are begun in their order. An exception of the job's ends it; leaving early cancels what is under way.
        """
        ...
