"""A serving process without TensorFlow: the same answers in half of the memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

ASKED = """
import asyncio, json, sys
from pathlib import Path
from mesoguide.rasa_host import lean, quiet
from mesoguide.rasa_host.training import ENDPOINTS, MODEL
quiet.start()
if sys.argv[1] == "lean":
    lean.start(MODEL, ENDPOINTS)
from mesoguide.rasa_host.assistant import Assistant
from mesoguide.settings import Settings
assistant = Assistant.load(MODEL, Settings())
talk = ["does it hurt?", "and after that?", "i cant breathe", "how much is it?", "what about PRP and women"]
replies = asyncio.run(assistant.conversation(talk))
mapped = Path("/proc/self/maps").read_text() if Path("/proc/self/maps").exists() else ""
there = sum(name in sys.modules for name in ("keras", "pymongo", "boto3"))
print(json.dumps({"replies": replies, "mapped": "tensorflow" in mapped, "there": there}))
"""


def run(code: str, *arguments: str) -> str:
    """What a Python process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_same_answers_without_tensorflow():
    """What is left out changes no reply; neither TensorFlow nor the two drivers are in the process."""
    import json

    lean, whole = (json.loads(run(ASKED, kind).splitlines()[-1]) for kind in ("lean", "whole"))

    assert lean["replies"] == whole["replies"]
    assert lean["mapped"] is False
    assert lean["there"] == 0
    assert whole["there"] == 3


def test_a_neural_component_says_what_is_missing():
    """Where TensorFlow was left out, importing a neural component fails with an error that can be read."""
    code = """
from mesoguide.rasa_host import lean, quiet
from mesoguide.rasa_host.training import ENDPOINTS, MODEL
quiet.start()
lean.start(MODEL, ENDPOINTS)
try:
    import rasa.nlu.classifiers.diet_classifier
except ImportError as cause:
    print(cause)
from rasa.utils.train_utils import RasaModelCheckpoint
try:
    RasaModelCheckpoint("somewhere")
except ImportError as cause:
    print(cause)
"""
    first, second = run(code).splitlines()[-2:]

    assert "tensorflow" in first
    assert "mesoguide/rasa_host/lean.py" in second


def test_a_neural_model_gets_tensorflow(tmp_path):
    """A process that serves a model with a neural component imports TensorFlow as Rasa always does."""
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT / "tests")!r})
from test_lean import archive
from mesoguide.rasa_host import lean, quiet
from mesoguide.rasa_host.training import ENDPOINTS
quiet.start()
neural = "rasa.nlu.classifiers.diet_classifier.DIETClassifier"
lean.start(archive(Path({str(tmp_path)!r}), predict=[neural]), ENDPOINTS)
import rasa.nlu.classifiers.diet_classifier
print(sys.modules["tensorflow"].__version__)
"""
    assert run(code).strip()[:2] == "2."
