"""The data sets by name, and what is published on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mesoguide.benchmarks.banking77 import BANKING77
from mesoguide.benchmarks.clinc150 import CLINC150
from mesoguide.benchmarks.covidq import COVIDQ
from mesoguide.benchmarks.hint3 import HINT3
from mesoguide.benchmarks.types import DataSet

SETS: Mapping[str, DataSet] = {
    "hint3": HINT3,
    "clinc150": CLINC150,
    "banking77": BANKING77,
    "covidq": COVIDQ,
}
PUBLISHED = Path(__file__).with_name("published.yml")


def published(name: str) -> dict[str, Any]:
    """Return of one data set: ``where`` it is, the ``source`` of the figures, and these by ``tasks``."""
    found: dict[str, Any] = yaml.safe_load(PUBLISHED.read_text("utf-8"))[name]
    return found


def missing(data_set: DataSet, task: str, folder: Path) -> Sequence[str]:
    """Return the files of a task that are not in ``folder``."""
    return [name for name in data_set.files(task) if not (folder / name).is_file()]
