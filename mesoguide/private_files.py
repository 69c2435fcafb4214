"""Files that only their owner may read: the server's secret, and what users wrote."""

from __future__ import annotations

import logging
from pathlib import Path

logger = logging.getLogger("mesoguide.files")
OTHERS = 0o077
"""What the group and everybody else may do."""


def close(file: Path) -> None:
    """Let nobody but its owner read or write ``file``: it may have come back from a copy, open to all.

    Where that is not ours to do, the log says so.
    """
    if not file.exists() or not file.stat().st_mode & OTHERS:
        return
    try:
        file.chmod(0o600)
    except OSError:
        logger.error("%s can be read by others: take their rights away (chmod 600)", file.name)
