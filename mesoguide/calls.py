"""Whom a reply's fixed text tells to call, as numbers that a door can make links of."""

from __future__ import annotations

import re

from mesoguide.settings import Settings

OFFERED = {
    "emergency": ("emergency",),
    "urgent": ("clinic", "emergency"),
    "self_harm": ("emergency", "crisis"),
    "mention": ("clinic", "emergency"),
    "diy": ("emergency",),
    "medicines": ("emergency",),
    "pregnancy": ("clinic", "emergency"),
    "minor": ("emergency",),
    "personal": ("clinic", "emergency"),
    "language": ("emergency",),
    "error": ("emergency", "clinic"),
    "clinic": ("clinic",),
    "human": ("clinic",),
}
"""Fixed text (key in knowledge/notices.yml) → whose numbers stand under it, in this order."""
NUMBER = re.compile(r"\+?\d[\d \-().]*\d")
"""A number as people write it, at least two digits long."""


def calls(notices: list[str], settings: Settings) -> list[dict[str, str]]:
    """Return the numbers to call for a reply with these ``notices``; none where a setting is empty.

    Returns
    -------
    list
        ``who`` ("emergency", "clinic", "crisis"), ``number`` as it is written, ``link`` to dial it.
    """
    written = {
        "emergency": settings.emergency_number,
        "clinic": settings.clinic_phone,
        "crisis": settings.crisis_line,
    }
    found = []
    for who in dict.fromkeys(who for notice in notices for who in OFFERED.get(notice, ())):
        number = NUMBER.search(written[who])
        if number:
            digits = re.sub(r"[^\d+]", "", number[0])
            found.append({"who": who, "number": number[0], "link": f"tel:{digits}"})
    return found
