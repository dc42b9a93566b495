"""One start of vLLM for every test beside this file: the engines take a minute."""

from collections.abc import Iterator

import openai
import pytest

from examples.task_api import people, stack
from examples.task_api.plans import DEPLOYMENT
from examples.task_api.story import Story
from examples.task_api.traffic import Traffic
from tests.flows.ports import free_port
from tests.flows.vllm.loop import Loop
from tests.flows.waiting import wait_for


@pytest.fixture(scope="package")
def without_encoder() -> Iterator[None]:
    """Nothing here is about drift: no encoder listens, and none is started."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AFTERTUNE_ENCODER__URL", f"http://127.0.0.1:{free_port()}")
        yield


@pytest.fixture(scope="package")
def loop(tmp_path_factory: pytest.TempPathFactory, without_encoder: None) -> Iterator[Loop]:
    home = tmp_path_factory.mktemp("vllm") / "home"
    with stack.running(home, "vllm", print) as running:
        assert running.admin_token is not None
        with people.welcomed(running.console_url, running.admin_token) as cast:
            traffic = Traffic(running.router_url, cast.application_key, DEPLOYMENT)
            story = Story(cast, traffic, print, suites=())
            for release in ("v1", "v2"):
                story.register(release, wait=False)
            for release in ("v1", "v2"):
                story.wait_until_ready(release)
            assert not story.surprises
            story.make_stable("v1")
            url = f"{running.router_url}/v1"
            with openai.OpenAI(base_url=url, api_key=cast.application_key, max_retries=0) as client:
                wait_for(lambda: bool(client.models.list().data), "the application's key at the router")
                yield Loop(running, cast, client)
