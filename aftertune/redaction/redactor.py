"""Redacts the bodies of requests and answers, whatever their form."""

import logging
import re
from collections.abc import Collection

from aftertune.redaction.document import Document, parsed, written
from aftertune.redaction.patterns import KINDS
from aftertune.redaction.stream import redacted_stream
from aftertune.redaction.text import TextRedaction

FAULT = b'"[could not be redacted]"'
"""Stands in place of a body in which the redaction met a fault; valid JSON."""

_BOM = b"\xef\xbb\xbf"
_STREAM = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:data|event|id|retry)?:")

log = logging.getLogger(__name__)


class Redactor:
    """Bytes in, bytes out; bytes in which nothing was found stay as they are, so redacting twice changes nothing."""

    def __init__(self, text: TextRedaction, kinds: Collection[str] = KINDS) -> None:
        self._document = Document(text, kinds)

    def redact(self, body: bytes) -> bytes:
        """JSON stays JSON of the same shape, a stream of events one; anything else is taken as text. Never raises.

        In JSON, string values change, also those of JSON inside a string; keys and structure stay.
        """
        try:
            return self._redacted(body)
        except Exception as error:  # noqa: BLE001  (a fault of any kind must not let the raw bytes through)
            # Neither the message nor the traceback is logged: they may quote the payload.
            log.error("A body of %d bytes could not be redacted: %s.", len(body), type(error).__name__)  # noqa: TRY400
            return FAULT

    def _redacted(self, body: bytes) -> bytes:
        document = self._document
        if _STREAM.match(body):
            stream = body.removeprefix(_BOM).decode(errors="surrogateescape")
            return redacted_stream(stream, document).encode(errors="surrogateescape")
        try:
            value, faithful = parsed(body.decode("utf-8-sig"))
        except ValueError:
            return self._as_text(body, document)
        found = document.redacted(value)
        if found is value and faithful:
            return body
        return written(found).encode()

    def _as_text(self, body: bytes, document: Document) -> bytes:
        if b"\0" in body:
            return FAULT  # compressed, or text in an encoding of wide characters: nothing can be seen in it
        return document.text(body.decode(errors="surrogateescape")).encode(errors="surrogateescape")
