from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from safetensors.numpy import load_file
from spacy.language import Language

from en_mesoguide import DATA, build, tiers, tuned
from en_mesoguide.encoder import MAX_PIECES, PLAIN, TUNED, WIDTH, Encoder, build_graph
from en_mesoguide.known import FILE, Known
from en_mesoguide.vectors import HASHED, SentenceVectors, as_one_token, create_vectors

pytestmark = pytest.mark.slow

GOLDEN = (0.042647, -0.023859, 0.032899, 0.07307, 0.006135, -0.02062)
"""The first numbers of "does it hurt?", as sentence-transformers gives them."""
TEXTS = ["does it hurt?", "x", "", "how long does it take, and is it safe for everyone who wants it?", "🙂"]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(DATA / "mesoguide_vectors")


@pytest.fixture
def component(pipeline: Language) -> SentenceVectors:
    found = pipeline.get_pipe("mesoguide_vectors")
    if not isinstance(found, SentenceVectors):
        raise TypeError(found)
    return found


def test_encoder_gives_the_published_numbers(encoder: Encoder, tmp_path: Path) -> None:
    """Our graph computes what the authors' own library computes; 8-bit weights turn a vector but little."""
    spec = importlib.util.find_spec(build.WEIGHTS_PACKAGE)
    assert spec is not None and spec.origin is not None
    weights = load_file(Path(spec.origin).parent / "model" / "model.safetensors")
    onnx.save_model(build_graph(weights), tmp_path / "model.onnx")
    shutil.copy(DATA / "mesoguide_vectors" / "tokenizer.json", tmp_path)
    exact = Encoder(tmp_path)
    cosines = (exact.encode(TEXTS) * encoder.encode(TEXTS)).sum(1)

    assert pytest.approx(GOLDEN, abs=1e-4) == exact.encode(["does it hurt?"])[0][:6].tolist()
    assert cosines.min() > 0.97


def test_vectors_have_length_one(encoder: Encoder) -> None:
    """Each text gives a row of length 1, also the empty one."""
    vectors = encoder.encode(TEXTS)

    assert (len(TEXTS), WIDTH) == vectors.shape
    assert pytest.approx([1.0] * len(TEXTS), abs=1e-5) == np.linalg.norm(vectors, axis=1).tolist()


def test_neighbours_change_nothing(encoder: Encoder) -> None:
    """A text has the same vector alone and among longer and shorter ones, in its own row."""
    alone = np.concatenate([encoder.encode([text]) for text in TEXTS])

    assert np.array_equal(alone, encoder.encode(TEXTS))


def test_many_texts_keep_their_order(encoder: Encoder) -> None:
    """Rows come back in the order of the texts, however many there are."""
    texts = [f"{'very ' * (i % 7)}question {i}" for i in range(70)]

    assert np.allclose(encoder.encode([texts[41]])[0], encoder.encode(texts)[41], atol=1e-5)


def test_long_text_is_cut(encoder: Encoder) -> None:
    """What goes beyond the model's length is not read, and is no error."""
    long = "word " * (MAX_PIECES * 2)

    assert np.allclose(encoder.encode([long]), encoder.encode([long + "more"]), atol=1e-6)


def test_meaning_is_nearer_than_words(encoder: Encoder) -> None:
    """Two ways of asking the same are nearer than two questions that share words."""
    hurt, painful, cost = encoder.encode(["does it hurt?", "is it painful?", "does it cost much?"])

    assert float(hurt @ cost) < float(hurt @ painful)


def test_sentence_vector_is_four_weighted_blocks(component: SentenceVectors) -> None:
    """Encoder, letters, words and tuned layers have the lengths that the docstring gives."""
    vector = component.vectors(["does it hurt?"])[0]
    blocks = np.split(vector, np.cumsum([WIDTH, HASHED, HASHED]))
    weights = [1, component.ngram_weight, component.ngram_weight, component.tuned_weight]

    assert 2 * WIDTH + 2 * HASHED == component.width == len(vector)
    assert pytest.approx([component.scale * weight for weight in weights], abs=1e-3) == [
        float(np.linalg.norm(block)) for block in blocks
    ]


def test_every_token_carries_the_sentence(pipeline: Language) -> None:
    """Rasa takes the mean over the tokens, and that is the sentence vector."""
    doc = pipeline("does it hurt?")
    mean = np.mean([token.vector for token in doc], axis=0)

    assert np.allclose(doc.vector, mean, atol=1e-5)
    assert np.array_equal(doc.vector, doc._.sentence_vector)


def test_one_token_has_the_vector_of_the_whole(pipeline: Language) -> None:
    """The document of one token keeps the vector."""
    doc = pipeline("does it hurt?")
    whole = as_one_token(doc)

    assert 1 == len(whole)
    assert np.array_equal(doc.vector, whole[0].vector)


def test_one_token_keeps_no_message_in_memory(pipeline: Language) -> None:
    """What somebody wrote is not among the words that spaCy keeps."""
    text = "does it hurt if one is as afraid of it as I am?"
    as_one_token(pipeline(text))

    assert text not in pipeline.vocab.strings


def test_empty_text_has_a_vector(pipeline: Language) -> None:
    """A message without a word goes through the pipeline."""
    assert 1 == len(as_one_token(pipeline("")))


def test_stream_gives_what_single_texts_give(pipeline: Language) -> None:
    """Training, which reads many at once, sees the same vectors as a conversation."""
    streamed = [doc.vector for doc in pipeline.pipe(TEXTS)]

    assert np.allclose(streamed, [pipeline(text).vector for text in TEXTS], atol=1e-4)


def test_vectors_without_data_say_what_is_missing(pipeline: Language) -> None:
    """A component that was never loaded names the step that was left out."""
    component = create_vectors(pipeline, "v", scale=1.0, ngram_weight=1.0, tuned_weight=1.0, batch_size=8)

    with pytest.raises(ValueError, match="load the built language package"):
        component.vectors(["x"])


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        ([("treatment", "prp"), ("person", "women")], "platelet rich plasma in women"),
        ([("treatment", "minoxidil"), ("treatment", "finasteride")], "Rogaine or propecia"),
        ([("condition", "clotting")], "I have haemophilia"),
        ([], "does it hurt"),
    ],
)
def test_terms_are_marked(pipeline: Language, expected: list[tuple[str, str]], text: str) -> None:
    """The entity ruler marks terms by label and id, in any capitals."""
    assert expected == [(entity.label_, entity.ent_id_) for entity in pipeline(text).ents]


def test_known_texts_have_the_same_vectors(component: SentenceVectors) -> None:
    """A training line that is looked up has the vector that it has when it is encoded."""
    texts = ["does it hurt?", "a line that no training file holds"]

    assert np.allclose(component.vectors(texts, known=True), component.vectors(texts), atol=2e-3)
    assert component.vectors([]).shape == (0, component.width)


def test_known_rows_are_what_the_encoder_gives(component: SentenceVectors, tmp_path: Path) -> None:
    """A text that is known is not encoded again, and one that is not known is."""
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> Any:
        asked.extend(texts)
        return component.encoded(texts)

    Known().only(["does it hurt?", "is it safe?"], encode).save(tmp_path / FILE)
    rows = Known.load(tmp_path / FILE).rows(["is it safe?", "who does it?"], encode)

    assert asked == ["does it hurt?", "is it safe?", "who does it?"]
    assert np.allclose(component.encoded(["is it safe?", "who does it?"]), rows, atol=1e-3)


def test_the_tiers_tell_a_red_flag_from_an_idiom(component: SentenceVectors) -> None:
    """Tuned layers and n-grams give a probability for each tier, which add up to one."""
    rows = component.clues(["my throat is closing", "what does it cost"])
    flag, harmless = tiers.probabilities(tiers.logits(rows))

    assert pytest.approx(1.0) == sum(flag.values())
    assert max(flag, key=flag.__getitem__) == "emergency"
    assert max(harmless, key=harmless.__getitem__) == "none"


def test_the_stop_takes_the_mean_of_its_members() -> None:
    """What one member believes and the other, as surely, does not is half believed; the surer one counts for more."""
    heads = [np.array([[weight, 0.0], [0.0, 0.0]], np.float32) for weight in (4.0, -4.0, -8.0)]

    def logits(*chosen: int) -> list[float]:
        members = tuple(heads[number] for number in chosen)
        made = tuned.Tuned(({},) * len(members), members, ("urgent", "none"))
        (row,) = made.logits([np.ones((1, 1), np.float32)] * len(members))
        return row.tolist()

    assert logits(0, 1) == [0.0, 0.0]
    assert logits(0, 2) == [-2.0, 0.0]


def test_texts_of_any_lengths_are_encoded_in_order(component: SentenceVectors) -> None:
    """Texts of very different lengths come back in their order, each as if encoded alone."""
    texts = ["word " * count for count in (200, 1, 60, 3, 250, 2)] * 6
    together = component.encoder.encode(texts)

    assert np.allclose(together[2], component.encoder.encode([texts[2]])[0], atol=1e-5)
    assert np.allclose(together[:6], together[30:], atol=1e-5)


def test_many_texts_are_encoded_as_one_alone(
    component: SentenceVectors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all processors at work each text keeps its place and its numbers, to the last bit."""
    texts = [f"{'does it hurt ' * (number % 7 + 1)}{number}" for number in range(60)]
    alone = component.encoder.encode(texts)
    monkeypatch.setattr("en_mesoguide.encoder.MANY", 2)

    assert np.array_equal(component.encoder.encode(texts), alone)


def test_one_message_is_encoded_once() -> None:
    """What the classifier has read, the safety stop reads without another pass of the encoder."""
    computed: list[str] = []

    class Counting(Encoder):
        def _computed(self, texts: Sequence[str], names: Sequence[str]) -> list[Any]:
            computed.extend(texts)
            return super()._computed(texts, names)

    counting = Counting(DATA / "mesoguide_vectors")
    plain, tuned_rows = counting.outputs(["does it hurt?"], [PLAIN, TUNED[0]])
    (again,) = counting.outputs(["does it hurt?"], [TUNED[0]])

    assert computed == ["does it hurt?"]
    assert np.array_equal(tuned_rows, again)
    assert not np.allclose(plain, tuned_rows)
