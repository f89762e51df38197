import ast
import subprocess
import sys
from pathlib import Path

import modelpick_simulators

SOURCES = sorted(Path(modelpick_simulators.__file__).parent.rglob("*.py"))


def test_nothing_of_the_product_is_imported():
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith("modelpick_") or name.startswith("modelpick_simulators")


def test_importing_needs_no_environment():
    modules = ["stripe.main", "openrouter.main", "mail.main"]
    code = "; ".join(f"import modelpick_simulators.{module}" for module in modules)
    subprocess.run([sys.executable, "-c", code], env={}, check=True)
