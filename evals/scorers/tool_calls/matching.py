"""Pairing what came with what was expected, when the order is free."""

from collections.abc import Sequence


def best(fits: Sequence[Sequence[int]], n: int) -> bool:
    """Whether each row can have a column of its own among those it fits; `n` rows and `n` columns.

    Kuhn's algorithm: Kuhn, "The Hungarian method for the assignment problem", 1955.
    """
    taken: dict[int, int] = {}

    def place(row: int, tried: set[int]) -> bool:
        for column in fits[row]:
            if column not in tried:
                tried.add(column)
                if column not in taken or place(taken[column], tried):
                    taken[column] = row
                    return True
        return False

    return all(place(row, set()) for row in range(n))


def greedy(fits: Sequence[Sequence[int]], n: int) -> bool:
    """Whether each row, in turn, finds a column that no row before it took: the first it fits is its own."""
    taken: set[int] = set()
    for row in range(n):
        column = next((each for each in fits[row] if each not in taken), None)
        if column is None:
            return False
        taken.add(column)
    return True
