"""Whom a request is from and which conversation it belongs to: what its sender says, else what can be told of it."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import orjson

from aftertune.headers import CONVERSATION, TENANT, USER
from aftertune.values.exchange import Endpoint, Source

DEFAULT_TENANT: Final = "default"
MAX_NAME: Final = 256

_CONVERSATION: Final = CONVERSATION.encode()
_USER: Final = USER.encode()
_TENANT: Final = TENANT.encode()
# A member of an enumeration costs a call each time it is named.
_CHAT: Final = Endpoint.CHAT
_RESPONSES: Final = Endpoint.RESPONSES
_HEADER: Final = Source.HEADER.value
_BODY: Final = Source.BODY.value
_FALLBACK: Final = Source.FALLBACK.value


class Attribution:
    """Each name with where it was read: the text of a Source."""

    __slots__ = ("conversation", "conversation_source", "tenant", "tenant_source", "user", "user_source")

    def __init__(
        self, endpoint: Endpoint, fields: Mapping[str, Any], named: Mapping[bytes, bytes], key: str
    ) -> None:
        """Of the body's `fields` and the headers `named`, presented by the credential's holder `key`."""
        metadata = fields.get("metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        self.conversation_source = self.user_source = self.tenant_source = _HEADER

        self.conversation = usable_header(named.get(_CONVERSATION))
        if not self.conversation:
            self.conversation, self.conversation_source = usable(metadata.get("conversation_id")), _BODY
        if not self.conversation:
            self.conversation, self.conversation_source = _opening(endpoint, fields, key), _FALLBACK

        self.user = usable_header(named.get(_USER))
        if not self.user:
            said = fields.get("user") or fields.get("safety_identifier")
            self.user, self.user_source = usable(said), _BODY
        if not self.user:
            self.user, self.user_source = key, _FALLBACK

        self.tenant = usable_header(named.get(_TENANT))
        if not self.tenant:
            self.tenant, self.tenant_source = usable(metadata.get("tenant")), _BODY
        if not self.tenant:
            self.tenant, self.tenant_source = DEFAULT_TENANT, _FALLBACK

    def members(self, *, kept: bool) -> dict[str, str]:
        """As a record's header has them; blank where nothing of them is kept."""
        if not kept:
            blank = dict.fromkeys(("conversation", "end_user", "tenant"), "")
            return blank | dict.fromkeys((f"{name}_source" for name in blank), _FALLBACK)
        return {
            "conversation": self.conversation,
            "conversation_source": self.conversation_source,
            "end_user": self.user,
            "end_user_source": self.user_source,
            "tenant": self.tenant,
            "tenant_source": self.tenant_source,
        }


def usable_header(header: bytes | None) -> str:
    """As `usable`."""
    if not header:
        return ""
    try:
        return usable(header.decode())
    except UnicodeDecodeError:
        return ""


def usable(name: Any) -> str:
    """The name when it is printable and of a sane length, else nothing: it goes into headers, logs and rows."""
    return name if isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable() else ""


def _opening(endpoint: Endpoint, fields: Mapping[str, Any], key: str) -> str:
    """A name for a conversation that has none: the same for all its turns, which begin alike."""
    if endpoint is _CHAT:
        said: Any = _first_of_user(fields["messages"])
    elif endpoint is _RESPONSES and isinstance(fields.get("input"), list):
        said = _first_of_user(fields["input"])
    else:
        said = fields.get("input") or fields.get("prompt")
    return sha256(key.encode() + b"\0" + orjson.dumps(said)).hexdigest()[:32]


def _first_of_user(messages: list[Any]) -> Any:
    for message in messages:
        if isinstance(message, dict) and message.get("role") == "user":
            return message.get("content")
    return None
