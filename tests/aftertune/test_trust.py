"""One context, as strict as httpx makes it."""

import ssl

from aftertune.trust import trusted


def test_certificates_are_read_once_and_checked() -> None:
    context = trusted()

    assert trusted() is context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
