"""The certificates that our outgoing connections trust."""

import ssl
from functools import cache

import httpx


@cache
def trusted() -> ssl.SSLContext:
    """As httpx takes them, but once in a process: it would read them again, for 20 ms, at every single request."""
    return httpx.create_ssl_context()
