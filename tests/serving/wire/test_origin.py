"""URLs of engines, read once."""

import pytest

from serving.wire.client import origin_of


@pytest.mark.parametrize(
    ("url", "host", "port", "prefix", "name"),
    [
        ("http://h", "h", 80, b"", b"h"),
        ("https://h/", "h", 443, b"", b"h"),
        ("http://h:8000/a/b/", "h", 8000, b"/a/b", b"h:8000"),
        ("http://[::1]:8000", "::1", 8000, b"", b"[::1]:8000"),
        ("http://user:secret@h:1", "h", 1, b"", b"h:1"),
    ],
)
def test_where_an_engine_listens(url: str, host: str, port: int, prefix: bytes, name: bytes) -> None:
    origin = origin_of(url)
    assert (origin.host, origin.port, origin.prefix, origin.name) == (host, port, prefix, name)
    assert (origin.tls is not None) == url.startswith("https")


@pytest.mark.parametrize(
    "url", ["", "h:1", "ftp://h", "http://", "http:///x", "http://h:99999", "http://h:x"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        origin_of(url)
