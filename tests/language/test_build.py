from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.language import Language

from en_mesoguide import DATA, build
from en_mesoguide.encoder import PLAIN, WIDTH
from en_mesoguide.vectors import COMPONENT
from tests.language.layers import write_layers

pytestmark = pytest.mark.slow


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a small folder that looks like the built data."""
    (tmp_path / "entity_ruler").mkdir()
    (tmp_path / "entity_ruler" / "patterns.jsonl").write_text('{"id": "prp"}\n', "utf-8")
    (tmp_path / "tokenizer").write_text(json.dumps({"own": {"scalp": 1}}), "utf-8")
    (tmp_path / "model.onnx").write_bytes(b"graph")
    (tmp_path / "model.onnx.data").write_bytes(b"weights")
    return tmp_path


def test_digest_is_the_same_for_the_same_data(data: Path) -> None:
    """Nothing is trained again where nothing changed."""
    assert build.digest(data) == build.digest(data)


@pytest.mark.parametrize("name", ["tokenizer", "entity_ruler/patterns.jsonl"])
def test_digest_changes_with_a_list(data: Path, name: str) -> None:
    """A changed word list or term changes the digest, so that Rasa trains again."""
    before = build.digest(data)
    (data / name).write_text("other", "utf-8")

    assert before != build.digest(data)


def test_digest_changes_with_a_new_file(data: Path) -> None:
    """A file that comes or goes changes the digest."""
    before = build.digest(data)
    (data / "new").write_text("", "utf-8")

    assert before != build.digest(data)


def test_digest_does_not_read_the_graph(data: Path) -> None:
    """The encoder's graph is fixed by its weights' hash and is not read at each start."""
    before = build.digest(data)
    (data / "model.onnx").write_bytes(b"other graph")
    (data / "model.onnx.data").write_bytes(b"other weights")

    assert before == build.digest(data)


def test_built_data_holds_the_shorthand_and_the_names() -> None:
    """What stands in shorthand.yml and names.yml is in the data that was built from it."""
    built = json.loads((DATA / "tokenizer").read_text("utf-8"))

    assert "you" == built["speller"]["shorthand"]["u"]
    assert "mesotherapy" in built["names"]["it"]


def test_built_words_are_no_typos() -> None:
    """Terms are the bot's own words; a frequent typo of one is not."""
    own = json.loads((DATA / "tokenizer").read_text("utf-8"))["speller"]["own"]

    assert {"minoxidil", "finasteride", "transplant", "scalp"} <= own.keys()
    assert set() == {"minoxdil", "finastride", "sclap", "tranplant"} & own.keys()


def test_pipeline_runs_in_the_documented_order(pipeline: Language) -> None:
    """The components stand in the order that the package's docstring gives."""
    assert ["entity_ruler", "mesoguide_vectors"] == pipeline.pipe_names


def test_other_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are not, byte for byte, the published ones build nothing."""
    package = tmp_path / "installed" / build.WEIGHTS_PACKAGE
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "model" / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.syspath_prepend(tmp_path / "installed")
    with pytest.raises(ValueError, match="is not the published"):
        build._build_encoder(tmp_path / "encoder")

    assert not (tmp_path / "encoder").exists()


def test_another_subject_can_have_tuned_layers_of_its_own(tmp_path: Path) -> None:
    """A package that is built with a file of layers reads with these, and with none of ours."""
    write_layers(tmp_path / "layers.safetensors")
    text, other = "when do you open", "I want to buy a lamp"
    build.build(
        [text, other], tmp_path / "language", own_subject=False, layers=tmp_path / "layers.safetensors"
    )
    vectors = spacy.load(tmp_path / "language").get_pipe(COMPONENT)

    assert ("tuned.0",) == vectors.encoder.members
    plain, tuned = vectors.encoder.outputs([text], (PLAIN, *vectors.encoder.members))
    assert not np.allclose(plain, tuned)
    assert np.count_nonzero(vectors.vectors([text])[0, -WIDTH:]) > WIDTH // 2
