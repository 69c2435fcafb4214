"""The sentence vector, put on every token so that Rasa's SpacyFeaturizer finds it.

``scale · [MiniLM (384) | 0.4 · character n-grams (512) | 0.4 · word n-grams (512) | 0.36 ·
tuned layers (384)]``; each block has length 1 before it is weighted. Rasa takes the mean over
the tokens, which is the sentence vector again. The tuned layers (:mod:`.tuned`) are those of the
safety stop, the mean of all members; they also know this bot's subject, and are left out for any other one
that has none of its own.

(No ``from __future__ import annotations`` here: spaCy 3.4 reads a factory's annotations
at import.)
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer
from spacy.language import Language
from spacy.tokens import Doc, Token

from en_mesoguide import tiers
from en_mesoguide.encoder import PLAIN, WIDTH, Encoder, unit
from en_mesoguide.known import CALIBRATION, FILE, Known

__all__ = ["SentenceVectors", "as_one_token", "create_vectors"]

COMPONENT = "mesoguide_vectors"
"""Its name in the pipeline."""
HASHED = 512
"""Columns of each block of hashed n-grams."""
MANY = 200
"""Texts from which a batch is a training, whose messages are looked up first (:mod:`.known`)."""

WHOLE = "message"
"""The one token that stands for a text."""
UNBUILT = "the vectors have no encoder: load the built language package"

if not Doc.has_extension("sentence_vector"):
    Doc.set_extension("sentence_vector", default=None)


def _token_vector(token: Token) -> NDArray[np.float32]:
    return _doc_vector(token.doc)


def _doc_vector(doc: Doc) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = doc._.sentence_vector
    return vector


def as_one_token(doc: Doc) -> Doc:
    """Return a document of one token with the vector of ``doc``, which stands for its text.

    Rasa keeps a row of features for every token; with the sentence's vector on each that
    is a gigabyte while training on 6,700 messages, for rows that are all the same.
    The token is always the same word: spaCy keeps every word that it was given for as long as it runs, and
    what somebody wrote is not to be kept.
    """
    whole = Doc(doc.vocab, words=[WHOLE])
    return _with_vector(whole, doc._.sentence_vector)


def _with_vector(doc: Doc, vector: NDArray[np.float32]) -> Doc:
    doc._.sentence_vector = vector
    doc.user_hooks["vector"] = _doc_vector
    doc.user_token_hooks["vector"] = _token_vector
    return doc


class SentenceVectors:
    """Pipeline component; see the module's docstring for what it writes.

    Parameters
    ----------
    scale
        Length given to the whole. Rasa's logistic regression has no C, and a longer
        vector acts like a larger one: C = scale².
    ngram_weight
        Weight of each n-gram block against the encoder's.
    tuned_weight
        Weight of the tuned layers' block; 0 leaves it out.
    batch_size
        Texts encoded at once by :meth:`pipe`.
    """

    def __init__(self, scale: float, ngram_weight: float, tuned_weight: float, batch_size: int) -> None:
        self.scale, self.ngram_weight, self.batch_size = scale, ngram_weight, batch_size
        self.tuned_weight = tuned_weight
        self.encoder: Encoder | None = None
        self._folder: Path | None = None
        shared: dict[str, Any] = {"n_features": HASHED, "norm": "l2"}
        self._ngrams = (
            HashingVectorizer(analyzer="char_wb", ngram_range=(2, 4), **shared),
            HashingVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **shared),
        )

    @property
    def width(self) -> int:
        """Numbers in a vector."""
        return WIDTH + len(self._ngrams) * HASHED + (WIDTH if self.tuned_weight else 0)

    def vectors(self, texts: Sequence[str], *, known: bool = False) -> NDArray[np.float32]:
        """Return one vector a text, of shape ``(len(texts), width)``; look ``known`` ones up."""
        if not texts:
            return np.zeros((0, self.width), np.float32)
        return self._joined(
            texts, self._known(FILE).rows(texts, self.encoded) if known else self.encoded(texts)
        )

    def encoded(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return what the encoder makes of each text: its vector, then the mean of the members' ones."""
        if self.encoder is None:
            raise ValueError(UNBUILT)
        names = (PLAIN, *self.encoder.members) if self.tuned_weight else (PLAIN,)
        plain, *members = [unit(rows) for rows in self.encoder.outputs(texts, names)]
        blocks = [plain, *([unit(np.mean(members, axis=0))] if members else [])]
        return np.concatenate(blocks, axis=1)

    def clues(self, texts: Sequence[str], *, calibration: bool = False) -> NDArray[np.float32]:
        """Return a row a text, from which the tier is told; see :func:`.tiers.clues`.

        Parameters
        ----------
        calibration
            They are what the safety stop learns from at each training, and known from the build.
        """
        known = self._known(CALIBRATION) if calibration else Known()
        return known.rows(texts, self.new_clues)

    def new_clues(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the same without looking it up."""
        if self.encoder is None:
            raise ValueError(UNBUILT)
        plain, *members = self.encoder.outputs(texts, (PLAIN, *self.encoder.members))
        return tiers.clues(texts, plain, members)

    def _joined(self, texts: Sequence[str], encoded: NDArray[np.float32]) -> NDArray[np.float32]:
        blocks = [encoded[:, :WIDTH]]
        blocks += [self.ngram_weight * v.transform(texts).toarray() for v in self._ngrams]
        if self.tuned_weight:
            blocks.append(self.tuned_weight * encoded[:, WIDTH:])
        return np.asarray(self.scale * np.concatenate(blocks, axis=1), np.float32)

    def __call__(self, doc: Doc) -> Doc:
        """Give ``doc`` its vector."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], batch_size: int | None = None) -> Iterator[Doc]:
        """Give each of the ``stream`` its vector, a batch at a time.

        The caller's ``batch_size`` is not used: texts of one length are encoded together,
        and that pays only where there are many to choose from.
        """
        docs = iter(stream)
        while batch := list(itertools.islice(docs, self.batch_size)):
            texts = [doc.text for doc in batch]
            vectors = self.vectors(texts, known=len(texts) >= MANY)
            for doc, vector in zip(batch, vectors, strict=True):
                _with_vector(doc, vector)
            yield from batch

    def to_disk(self, path: str | Path, *, exclude: Any = ()) -> None:
        """Do nothing: :mod:`.build` writes the weights once."""

    def from_disk(self, path: str | Path, *, exclude: Any = ()) -> "SentenceVectors":
        """Load the encoder from ``path`` (spaCy's hook)."""
        self.encoder, self._folder = Encoder(Path(path)), Path(path)
        return self

    def _known(self, file: str) -> Known:
        """The vectors of what a training reads; read anew each time, because few ask for them."""
        return Known.load(self._folder / file) if self._folder else Known()


@Language.factory(
    COMPONENT,
    default_config={"scale": 5.5, "ngram_weight": 0.4, "tuned_weight": 0.36, "batch_size": 1024},
)
def create_vectors(
    nlp: Language, name: str, scale: float, ngram_weight: float, tuned_weight: float, batch_size: int
) -> SentenceVectors:
    """Make the component (spaCy's factory)."""
    return SentenceVectors(scale, ngram_weight, tuned_weight, batch_size)
