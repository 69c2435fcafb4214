from __future__ import annotations

from pathlib import Path

import pytest

from mesoguide.errors import DataError, Problem
from mesoguide.settings import ROOT, Settings, load_settings
from mesoguide.types import Place


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.yml"
    path.write_text(text, "utf-8")
    return path


def problem(path: Path, environment: dict[str, str] | None = None) -> Problem:
    with pytest.raises(DataError) as caught:
        load_settings(path, environment or {})
    (only,) = caught.value.problems
    return only


def test_shipped_settings_are_the_defaults() -> None:
    """The settings.yml of the project changes nothing: each line shows a default."""
    assert Settings() == load_settings(ROOT / "settings.yml", {})


def test_every_setting_stands_in_the_shipped_file() -> None:
    """Whoever opens settings.yml sees all there is to set."""
    shipped = (ROOT / "settings.yml").read_text("utf-8")

    assert [] == [name for name in Settings.__dataclass_fields__ if f"\n{name}:" not in shipped]


def test_a_line_that_is_left_out_is_its_default(tmp_path: Path) -> None:
    """A clinic writes only what it knows; an empty line is no value."""
    path = written(tmp_path, "clinic_name: Hair Centre\nclinic_phone:\n")

    assert Settings(clinic_name="Hair Centre") == load_settings(path, {})


def test_environment_beats_the_file(tmp_path: Path) -> None:
    """A variable MESOGUIDE_<NAME> wins over the line of the file."""
    path = written(tmp_path, "clinic_name: From file\n")
    settings = load_settings(path, {"MESOGUIDE_CLINIC_NAME": "From variable"})

    assert "From variable" == settings.clinic_name


def test_other_variables_are_none_of_ours(tmp_path: Path) -> None:
    """Variables without our prefix, and those of other parts of the bot, change nothing."""
    path = written(tmp_path, "clinic_name: Hair Centre\n")
    environment = {"CLINIC_NAME": "x", "MESOGUIDE_DOCUMENTS": "/tmp", "HOME": "/root"}

    assert load_settings(path, {}) == load_settings(path, environment)


def test_values_are_trimmed(tmp_path: Path) -> None:
    """Spaces around a value are not shown to a patient."""
    path = written(tmp_path, 'clinic_name: "  Hair Centre "\n')

    assert "Hair Centre" == load_settings(path, {}).clinic_name


def test_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """A misspelt setting is refused at its line, and the error lists the known ones."""
    found = problem(written(tmp_path, "clinic_name: x\nclinic_fone: y\n"))

    assert Place("settings.yml", 2) == found.place
    assert "there is no setting 'clinic_fone'" == found.wrong
    assert "clinic_phone" in found.mend


def test_phone_number_without_quotes_is_refused(tmp_path: Path) -> None:
    """YAML reads a bare number as a number and drops its zero: quotes are asked for."""
    found = problem(written(tmp_path, "clinic_phone: 2079460000\n"))

    assert Place("settings.yml", 1) == found.place
    assert "Write a text in quotes" == found.mend


def test_action_server_is_embedded_or_an_address(tmp_path: Path) -> None:
    """Any other word is refused, and the error says what to write."""
    found = problem(written(tmp_path, "clinic_name: x\naction_server: localhost\n"))

    assert Place("settings.yml", 2) == found.place
    assert "'action_server' is 'localhost'" == found.wrong
    assert "http://" in found.mend


@pytest.mark.parametrize("server", ["embedded", "http://127.0.0.1:5055/webhook", "https://a.example"])
def test_action_server_that_can_be_used(tmp_path: Path, server: str) -> None:
    """The embedded default and any web address are taken."""
    path = written(tmp_path, f"action_server: {server}\n")

    assert server == load_settings(path, {}).action_server


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    """A file with three mistakes is mended in one round."""
    path = written(tmp_path, "clinic_fone: y\nclinic_phone: 7\naction_server: x\n")
    with pytest.raises(DataError) as caught:
        load_settings(path, {})

    assert {1, 2, 3} == {found.place.line for found in caught.value.problems}


@pytest.mark.parametrize(
    ("expected", "settings"),
    [
        ("the clinic directly", Settings()),
        ("Hair Centre directly", Settings("Hair Centre")),
        ("Hair Centre (phone 020 1)", Settings("Hair Centre", "020 1")),
        ("Hair Centre (hc.example)", Settings("Hair Centre", "", "hc.example")),
        ("Hair Centre (phone 020 1, hc.example)", Settings("Hair Centre", "020 1", "hc.example")),
    ],
)
def test_clinic_is_one_phrase(expected: str, settings: Settings) -> None:
    """The contact card says what is known and nothing empty."""
    assert expected == settings.clinic


def test_bad_variable_is_named(tmp_path: Path) -> None:
    """A value that came from the environment is reported as the variable, not as the file."""
    path = written(tmp_path, "clinic_name: x\n")
    found = problem(path, {"MESOGUIDE_ACTION_SERVER": "localhost"})

    assert "MESOGUIDE_ACTION_SERVER" == found.place.file


def test_empty_clinic_name_is_the_default(tmp_path: Path) -> None:
    """An empty name is no name."""
    path = written(tmp_path, 'clinic_name: ""\n')

    assert "the clinic directly" == load_settings(path, {}).clinic


@pytest.mark.parametrize(
    "origin",
    ["*", "https://*.clinic.example", "https://www.clinic.example/page", "HTTPS://www.clinic.example",
     "www.clinic.example", "https://.*", "null", "https://www.clinic.example:port"],
)  # fmt: skip
def test_an_origin_is_one_address(tmp_path: Path, origin: str) -> None:
    """A pattern, a path or half an address lets no page in; it is refused with its line."""
    path = written(tmp_path, f'clinic_name: x\nwebsite_origins: "https://www.clinic.example {origin}"\n')

    assert 2 == problem(path).place.line


@pytest.mark.parametrize("setting", ["database", "locks"])
def test_a_password_is_never_shown(tmp_path: Path, setting: str) -> None:
    """An address that can't be right is refused without what stands in it."""
    path = written(tmp_path, f'{setting}: "mysql://me:zzqword@db/name"\n')

    assert "zzqword" not in str(problem(path))
