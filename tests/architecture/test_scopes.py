"""A name that one comprehension binds and another of the same function finds outside the function.

Python 3.12.0 to 3.12.3 takes it for an unbound local (github.com/python/cpython/issues/118513), and where it is an
enclosing function's, later versions do so too (issues/156664).
"""

import ast
from collections.abc import Iterator

from tests.architecture.test_files import SOURCES, TESTS, name, nodes

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = Function | ast.Lambda | ast.ClassDef
Inlined = ast.ListComp | ast.SetComp | ast.DictComp


class Names(ast.NodeVisitor):
    """Of one function: what its comprehensions bind, what they read from around them, and what is its own."""

    def __init__(self, function: Function) -> None:
        self.bound, self.read = set[str](), set[str]()
        self.own = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
        self._around = frozenset[str]()
        for statement in function.body:
            self.visit(statement)

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, Scope):
            return
        if isinstance(node, Inlined | ast.GeneratorExp):
            self._comprehension(node)
        elif not isinstance(node, ast.Name):
            self.generic_visit(node)
        elif node.id not in self._around:
            if isinstance(node.ctx, ast.Store):
                self.own.add(node.id)
            elif self._around:
                self.read.add(node.id)

    def _comprehension(self, node: Inlined | ast.GeneratorExp) -> None:
        targets = {
            each.id for of in node.generators for each in ast.walk(of.target) if isinstance(each, ast.Name)
        }
        if isinstance(node, Inlined):
            self.bound |= targets
        around, self._around = self._around, self._around | targets
        self.generic_visit(node)
        self._around = around


def lost(tree: Iterator[ast.AST]) -> list[str]:
    found = []
    for function in tree:
        if isinstance(function, Function):
            names = Names(function)
            found += [f"{function.name}: {each}" for each in sorted((names.bound & names.read) - names.own)]
    return found


def test_no_comprehension_hides_a_name_from_another() -> None:
    assert [f"{name(file)}: {each}" for file in (*SOURCES, *TESTS) for each in lost(nodes(file))] == []


def test_one_that_does_is_found() -> None:
    source = """
def grade(subject): ...
def loses(truth):
    bad = [grade for subject, grade in truth]
    return [grade(subject) for subject in bad]
def keeps(truth):
    bad = [[each for each in row] for row in truth]
    return [grade(subject) for subject in bad]
"""
    assert lost(ast.walk(ast.parse(source))) == ["loses: grade"]
