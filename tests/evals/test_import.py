"""The harness starts light: no judge, no torch, no cloud client, no executor that is not asked for."""

import json
import subprocess
import sys

HEAVY = {"torch", "transformers", "ragas", "langchain_core", "openai", "ray", "pandas", "boto3", "sklearn"}


def test_the_harness_loads_nothing_heavy() -> None:
    code = "import evals.suite.suite, evals.conclusion.conclude, evals.harness.harness, evals.judges, sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert HEAVY & set(json.loads(done.stdout)) == set()
