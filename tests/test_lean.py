"""What a serving process leaves out, decided from the model and endpoints.yml."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from mesoguide.rasa_host.lean import METADATA, does_without

OURS = "mesoguide.components.safety_stop.SafetyStop"


def archive(folder: Path, *, predict: list[str], train: list[str] = ()) -> Path:
    """A model's archive with nothing but the names of its components."""
    graphs = {"train_schema": train, "predict_schema": predict}
    described = {key: {"nodes": {name: {"uses": name} for name in names}} for key, names in graphs.items()}
    data = json.dumps(described).encode()
    with tarfile.open(folder / "model.tar.gz", "w:gz") as target:
        member = tarfile.TarInfo(METADATA)
        member.size = len(data)
        target.addfile(member, io.BytesIO(data))
    return folder / "model.tar.gz"


def test_known_components_do_without(tmp_path):
    """A model of our components and rules alone needs no TensorFlow."""
    rules = "rasa.core.policies.rule_policy.RulePolicy"

    assert does_without(archive(tmp_path, predict=[OURS, rules])) is True


def test_an_unknown_component_keeps_tensorflow(tmp_path):
    """One neural or foreign component, in use or in the training graph, and TensorFlow stays."""
    for other in ("rasa.nlu.classifiers.diet_classifier.DIETClassifier", "clinic.own.Component"):
        assert does_without(archive(tmp_path, predict=[OURS, other])) is False
        assert does_without(archive(tmp_path, predict=[OURS], train=[other])) is False


def test_a_model_that_cannot_be_read_keeps_tensorflow(tmp_path):
    """No archive, half an archive, an archive without metadata: nothing is left out."""
    whole = archive(tmp_path, predict=[OURS])
    (tmp_path / "half.tar.gz").write_bytes(whole.read_bytes()[:60])
    with tarfile.open(tmp_path / "empty.tar.gz", "w:gz"):
        pass

    assert does_without(tmp_path / "none.tar.gz") is False
    assert does_without(tmp_path / "half.tar.gz") is False
    assert does_without(tmp_path / "empty.tar.gz") is False
