"""The clinic's settings: one file, each line with a default, environment variables on top."""

from __future__ import annotations

import os
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from mesoguide.errors import DataError, Problem
from mesoguide.types import Place
from mesoguide.yaml_lines import Lines, load

ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds the project's data files."""
PREFIX = "MESOGUIDE_"
EMBEDDED = "embedded"
LOGS = ("text", "json")
MOST = {"website_port": 65_535}
"""Largest value of a number that has one of its own."""
MOST_OF_ANY = 1_000_000
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(?::\d{1,5})?")
"""A web page's origin as browsers send it: no path, no capitals, no pattern."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a clinic can set; each field is a line of ``settings.yml``."""

    clinic_name: str = "the clinic"
    clinic_phone: str = ""
    clinic_contact: str = ""
    emergency_number: str = ""
    crisis_line: str = ""
    action_server: str = EMBEDDED
    website_interface: str = "127.0.0.1"
    website_port: int = 5005
    website_origins: str = ""
    website_proxies: int = 0
    website_messages_a_minute: int = 20
    keep_hours: int = 24
    data_folder: str = "var"
    credentials: str = "credentials.yml"
    database: str = ""
    locks: str = ""
    logs: str = "text"

    @property
    def texts(self) -> dict[str, str]:
        """What the fixed texts fill in."""
        texts = {
            "clinic": self.clinic,
            "clinic_phone_text": f" ({self.clinic_phone})" if self.clinic_phone else "",
            "emergency_number": self.emergency_number or "your local emergency number",
            "crisis_line_text": f": {self.crisis_line}" if self.crisis_line else " in your country",
        }
        # No setting may break a bubble in two.
        return {name: re.sub(r"\s*\n\s*", " ", text) for name, text in texts.items()}

    @property
    def clinic(self) -> str:
        """The clinic's contact card in one phrase."""
        ways = [f"phone {self.clinic_phone}"] if self.clinic_phone else []
        ways += [self.clinic_contact] if self.clinic_contact else []
        return f"{self.clinic_name} ({', '.join(ways)})" if ways else f"{self.clinic_name} directly"


def load_settings(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read ``path`` (default: settings.yml of the project), then the environment.

    Raises
    ------
    DataError
        A name is unknown or a value has the wrong type.
    """
    file = path or ROOT / "settings.yml"
    written = load(file, file.name)
    defaults = {f.name: f.default for f in fields(Settings)}
    kinds = {name: type(default) for name, default in defaults.items()}
    problems = [
        Problem(written.place(name), f"there is no setting '{name}'", f"Known are: {', '.join(kinds)}")
        for name in written
        if name not in kinds
    ]
    values: dict[str, str | int] = {}
    for name, kind in kinds.items():
        value: object = environment.get(PREFIX + name.upper(), written.get(name))
        place = _place(written, name, environment)
        if value is None:
            continue
        if kind is int:
            least = min(1, int(str(defaults[name])))
            most = MOST.get(name, MOST_OF_ANY)
            number = _whole(value)
            if number is None or not least <= number <= most:
                wrong, mend = f"'{name}' is {reprlib.repr(value)}", f"Write a whole number, {least} to {most}"
                problems.append(Problem(place, wrong, mend))
                continue
            values[name] = number
        elif isinstance(value, str):
            values[name] = " ".join(value.split()) or str(defaults[name])
        else:
            problems.append(Problem(place, f"'{name}' is {reprlib.repr(value)}", "Write a text in quotes"))
    server = str(values.get("action_server", EMBEDDED))
    if server != EMBEDDED and not server.startswith(("http://", "https://")):
        mend = 'Write "embedded" or an address that starts with http://'
        place = _place(written, "action_server", environment)
        problems.append(Problem(place, f"'action_server' is {reprlib.repr(server)}", mend))
    for name, starts in (("database", "postgresql://"), ("locks", ("redis://", "rediss://", "unix://"))):
        address = str(values.get(name, ""))
        if address and not (address.startswith(starts) and _has_a_port_or_none(address)):
            wrong = f"'{name}' is no address of a server"  # it can hold a password: it is not shown
            mend = f"Start it with {starts if isinstance(starts, str) else starts[0]}"
            problems.append(Problem(_place(written, name, environment), wrong, mend))
    if values.get("logs", LOGS[0]) not in LOGS:
        wrong = f"'logs' is {reprlib.repr(values['logs'])}"
        problems.append(Problem(_place(written, "logs", environment), wrong, f"Write {' or '.join(LOGS)}"))
    place = _place(written, "website_origins", environment)
    problems += [
        Problem(
            place, f"'website_origins' holds {reprlib.repr(origin)}", "Write it as https://www.clinic.example"
        )
        for origin in str(values.get("website_origins", "")).replace(",", " ").split()
        if not ORIGIN.fullmatch(origin)
    ]
    if problems:
        raise DataError(problems)
    return Settings(**values)  # type: ignore[arg-type]


def _place(written: Lines, name: str, environment: Mapping[str, str]) -> Place:
    variable = PREFIX + name.upper()
    return Place(variable, 1) if variable in environment else written.place(name)


def _whole(value: object) -> int | None:
    """The whole number that ``value`` is or spells, None where it is none or is too long to be meant."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 10 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _has_a_port_or_none(address: str) -> bool:
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False
