from __future__ import annotations

from pathlib import Path

from mesoguide.benchmarks import table
from mesoguide.benchmarks.sets import SETS, missing, published
from mesoguide.benchmarks.types import Row, Run
from mesoguide.cli import _parser


def test_every_task_has_its_published_figures_and_every_set_its_source() -> None:
    """What is published has a row for each task, a figure for each column, an address and a source."""
    for name, data_set in SETS.items():
        known = published(name)

        assert list(data_set.tasks) == list(known["tasks"])
        assert "https://github.com/" in known["where"]
        assert "https://" in known["source"]
        for peers in known["tasks"].values():
            assert {len(data_set.columns)} >= {len(row) for row in peers.values()}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """What a task lacks is said by the file's name, what is there is not."""
    (tmp_path / "curekart_train.csv").touch()

    assert ["curekart_test.csv"] == missing(SETS["hint3"], "curekart", tmp_path)


def test_the_command_knows_every_data_set() -> None:
    """Each data set can be asked for by its name."""
    for name in SETS:
        assert name == _parser().parse_args(["benchmark", name, "folder"]).name


def test_a_table_has_as_many_cells_in_each_line() -> None:
    """Measured and published lines fit below the head; what is not published stays empty."""
    data_set = SETS["hint3"]
    rows = [Row((81.84, 77.0, 0.6512), "learnt", Run((), 10.81, 7.5))]
    lines = [
        *table.head(data_set),
        *table.measured(data_set, "curekart", "Mesoguide", rows),
        *table.peers(data_set, "curekart", {"BERT": (83.6, None, 0.553)}),
    ]

    assert {8} == {line.count("|") for line in lines}
    assert "| curekart | Mesoguide, learnt | 81.8 | 77.0 | 0.651 | 10.8 | 7.50 |" == lines[2]
    assert "| curekart | BERT | 83.6 |  | 0.553 |  |  |" == lines[3]
