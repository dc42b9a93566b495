"""`make demo`: tells the story on a real tuned model, then keeps everything up until Ctrl-C."""

import argparse
import signal
import sys
import time
from pathlib import Path

from aftertune.errors import AftertuneError
from aftertune.values.release import EngineKind
from examples.task_api import people, stack
from examples.task_api.narrator import Say
from examples.task_api.plans import DEPLOYMENT
from examples.task_api.story import Story
from examples.task_api.traffic import Traffic

HOME = Path(".aftertune/demo")
PAGES = {
    f"/deployments/{DEPLOYMENT}": "pairs and verdict",
    f"/deployments/{DEPLOYMENT}/rollback": "rollback, with confirmation",
    f"/deployments/{DEPLOYMENT}/drift": "drift, with its charts",
    "/evaluations": "suites and scores",
    "/reports": "the week's report",
}


def main() -> int:
    """Exit code 0 only if every expectation held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument(
        "--engine",
        choices=[EngineKind.TRANSFORMERS.value, EngineKind.VLLM.value],
        default=EngineKind.TRANSFORMERS.value,
    )
    parser.add_argument("--train", action="store_true", help="train v1 first, instead of taking its adapter")
    parser.add_argument("--home", type=Path, default=HOME, help="emptied at the start")
    options = parser.parse_args()
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.1f} s  {text}", flush=True)

    # SIGTERM ends as Ctrl-C does: through every `finally`.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with stack.running(options.home, options.engine, say) as running:
            surprises = _tell(running, options, say)
            if options.once:
                return 1 if surprises else 0
            _say_where(running, say)
            say("everything stays up until Ctrl-C")
            running.process.wait()
    except KeyboardInterrupt:
        say("ended")
        return 130
    except AftertuneError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _tell(running: stack.Stack, options: argparse.Namespace, say: Say) -> list[str]:
    if running.admin_token is None:
        raise AftertuneError("The home folder was not empty.")
    environment = {**running.ports, "AFTERTUNE_HOME": str(options.home.absolute())}
    with people.welcomed(running.console_url, running.admin_token, environment) as cast:
        traffic = Traffic(running.router_url, cast.application_key, DEPLOYMENT)
        story = Story(cast, traffic, say)
        try:
            story.tell(train=options.train)
            story.watch_drift()
            story.report(options.home / "downloads")
        finally:
            traffic.stop()
    say(f"unexpected: {story.surprises}" if story.surprises else "everything went as expected")
    if not options.once:
        say(f"sign in at {running.console_url} as olga (operator) with {cast.operator_token}")
        say(f"                              or as rita (reviewer) with {cast.reviewer_token}")
    return story.surprises


def _say_where(running: stack.Stack, say: Say) -> None:
    say(f"7. console: {running.console_url}  (fleet)")
    for page, what in PAGES.items():
        say(f"            {running.console_url}{page}  ({what})")


if __name__ == "__main__":
    sys.exit(main())
