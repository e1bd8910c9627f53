"""Whom a client believes to be the server: the system's authorities, or those of a file.

The file is for an install whose certificate nobody signed, and for a company's own authority.
"""

import ssl
from pathlib import Path

from matchfleet_client import errors


def context(ca_file: Path | None) -> ssl.SSLContext:
    """The TLS settings of every connection; with a file, its authorities and no others.

    Raises:
        errors.AuthorityUnreadable: the file is not there, or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise errors.AuthorityUnreadable(str(ca_file), str(error)) from error
