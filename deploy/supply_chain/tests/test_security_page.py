"""Every test that docs/security.md names is there, and every risk has one."""

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
PAGE = CHECKOUT / "docs" / "security.md"


NAMED = re.compile(r"`([\w/.-]+\.py)::(\w+)`")


def rows():
    """Return the tests of each risk."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")][1:]
    return {line.split(" | ")[0].removeprefix("| "): NAMED.findall(line) for line in lines}


def functions_of(path):
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions)}


def test_every_risk_has_a_test():
    assert [risk for risk, tests in rows().items() if not tests] == []


def is_there(path, name):
    return (CHECKOUT / path).exists() and name in functions_of(CHECKOUT / path)


def test_every_test_that_is_named_is_there():
    named = {one for tests in rows().values() for one in tests}
    assert [f"{path}::{name}" for path, name in named if not is_there(path, name)] == []
