"""A ChatEngine by the client that OpenAI publishes."""

from collections.abc import Mapping, Sequence
from typing import Any

import openai
from openai.types.chat import ChatCompletion

from aftertune.engine import ChatAnswer
from aftertune.errors import Unavailable
from aftertune.headers import GENERATION, RELEASE, REQUEST_ID
from aftertune.values.exchange import ToolCall, Usage


class OpenAIEngine:
    """A ChatEngine over HTTP. `url` has no `/v1`; answers are greedy (temperature 0)."""

    def __init__(self, url: str, model: str, api_key: str = "none", timeout_s: float = 30.0) -> None:
        self._model = model
        self._client = openai.OpenAI(base_url=f"{url}/v1", api_key=api_key, timeout=timeout_s, max_retries=0)

    def chat(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        tools: Sequence[Mapping[str, Any]] = (),
        max_tokens: int = 256,
        headers: Mapping[str, str] | None = None,
    ) -> ChatAnswer:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": list(messages),
            "temperature": 0,
            "max_tokens": max_tokens,
        }
        if tools:
            body["tools"] = list(tools)
        try:
            raw = self._client.chat.completions.with_raw_response.create(**body, extra_headers=headers)
            return _read(raw.parse(), raw.headers)
        except openai.OpenAIError as error:
            raise Unavailable(f"{self._client.base_url} gave no answer: {error}.") from error
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            # The client checks no types: what is no completion shows only where it is read.
            raise Unavailable(f"{self._client.base_url} gave no chat completion: {error}.") from error

    def close(self) -> None:
        self._client.close()


def _read(completion: ChatCompletion, headers: Mapping[str, str]) -> ChatAnswer:
    choice, usage = completion.choices[0], completion.usage
    generation = headers.get(GENERATION)
    return ChatAnswer(
        text=choice.message.content or "",
        tool_calls=tuple(
            ToolCall(name=call.function.name, arguments=call.function.arguments)
            for call in choice.message.tool_calls or ()
            if call.type == "function"
        ),
        finish=choice.finish_reason,
        usage=Usage(prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)
        if usage
        else None,
        release=headers.get(RELEASE),
        generation=int(generation) if generation else None,
        request_id=headers.get(REQUEST_ID),
    )
