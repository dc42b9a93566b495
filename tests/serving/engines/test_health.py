"""What engines say to the probe prompts, one or several."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import ThreadingHTTPServer
from threading import Thread

import pytest

from aftertune.errors import Unavailable
from serving.engines.health import healthy, shared_fingerprint, take_fingerprint
from tests.serving.engines.fake_engine import Handler

NOWHERE = "http://127.0.0.1:9"


class Drowsy(Handler):
    """Other weights under the same name."""

    def _answer(self, body: object) -> None:
        if isinstance(body, dict) and "choices" in body:
            body["choices"][0]["message"]["content"] = "What?"
        super()._answer(body)


@contextmanager
def serving(kind: type[Handler]) -> Iterator[str]:
    handler = type("Serving", (kind,), {"model": "gpt"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_replicas_of_one_release_share_a_fingerprint() -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(serving(Handler)) for _ in range(2))
        assert healthy(f"{first}/health")
        assert shared_fingerprint((NOWHERE, first, second), "gpt") == take_fingerprint(second, "gpt")


def test_replicas_that_answer_differently_are_refused() -> None:
    with ExitStack() as stack:
        first, other = stack.enter_context(serving(Handler)), stack.enter_context(serving(Drowsy))
        with pytest.raises(Unavailable, match=f"{other} and {first} answer the probe prompts differently"):
            shared_fingerprint((first, other), "gpt")


def test_no_fingerprint_where_nobody_answers() -> None:
    assert not healthy(f"{NOWHERE}/health")
    with pytest.raises(Unavailable):
        shared_fingerprint((NOWHERE,), "gpt")
