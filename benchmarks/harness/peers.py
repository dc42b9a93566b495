"""The peers' own runners on the same requests: one chat request a sample, greedy, exact match, logs written."""

import os
from pathlib import Path

from benchmarks.router.places import PEERS

LM_EVAL_TASK = """
task: sums
dataset_path: json
dataset_kwargs: {{data_files: {{test: {samples}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{messages[0].content}}}}"
doc_to_target: "{{{{scoring.answers[0]}}}}"
generation_kwargs: {{until: [], max_gen_toks: 8, do_sample: false}}
metric_list: [{{metric: exact_match}}]
"""

INSPECT_TASK = """
from inspect_ai import Task, task
from inspect_ai.dataset import Sample, json_dataset
from inspect_ai.scorer import exact
from inspect_ai.solver import generate

def sample(row):
    return Sample(id=row["id"], input=row["messages"][0]["content"], target=row["scoring"]["answers"][0])

@task
def sums():
    return Task(dataset=json_dataset({samples!r}, sample), solver=generate(), scorer=exact())
"""


def installed() -> tuple[str, ...]:
    return tuple(name for name in COMMANDS if (PEERS / name / "bin/python").exists())


def lm_eval(folder: Path, samples: Path, url: str, concurrency: int) -> tuple[str, ...]:
    (folder / "sums.yaml").write_text(LM_EVAL_TASK.format(samples=samples))
    model = f"model=v1,base_url={url}/v1/chat/completions,num_concurrent={concurrency},max_retries=1,tokenized_requests=False"
    return (
        str(PEERS / "lm-eval/bin/lm_eval"),
        *("--model", "local-chat-completions", "--model_args", model),
        *("--tasks", "sums", "--include_path", str(folder), "--apply_chat_template"),
        *("--log_samples", "--output_path", str(folder / "lm-eval")),
    )


def inspect(folder: Path, samples: Path, url: str, concurrency: int) -> tuple[str, ...]:
    (folder / "sums_task.py").write_text(INSPECT_TASK.format(samples=str(samples)))
    return (
        str(PEERS / "inspect/bin/inspect"),
        *("eval", "sums_task.py", "--model", "openai-api/fake/v1"),
        *("--model-base-url", f"{url}/v1", "--max-connections", str(concurrency)),
        *("--max-samples", str(concurrency), "--max-tokens", "8", "--temperature", "0"),
        *("--log-dir", str(folder / "inspect"), "--display", "none"),
    )


COMMANDS = {"lm-eval": lm_eval, "inspect": inspect}


def environment() -> dict[str, str]:
    """Nothing is looked up outside."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "INSPECT_LOG_LEVEL": "error"}
    return os.environ | offline | {"OPENAI_API_KEY": "none", "FAKE_API_KEY": "none"}
