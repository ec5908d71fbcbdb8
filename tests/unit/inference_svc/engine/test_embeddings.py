"""Against vectors computed here, step by step, by transformers and torch alone."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, T5Config, T5Model

from fleetserve.errors import InvalidFieldError
from inference_svc.engine.embeddings import EmbeddingsEngine
from tests.hub.minilm import minilm_folder

WORDS = [
    *("the", "a", "fleet", "model", "serves", "speech", "vector", "of", "every", "language"),
    *("quickly", "and", "42", "naïve", "Tokyo", "under", "heavy", "load", "batches", "."),
]
COSINE = 0.9999


def sentences(count: int, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, 60))) for _ in range(count)]


class Library:
    """sentence-transformers' definition for this repo: mean over tokens, normalised."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model: Any = AutoModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32
        ).eval()

    def tokens(self, text: str) -> torch.Tensor:
        encoded = self.tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
        with torch.no_grad():
            found: torch.Tensor = self.model(**encoded).last_hidden_state[0]
        return found

    def embed(self, text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
        mean = self.tokens(text).mean(dim=0)
        found: np.ndarray[Any, np.dtype[np.float32]] = (mean / mean.norm()).numpy()
        return found


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(minilm_folder())


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddingsEngine]:
    engine = EmbeddingsEngine(minilm_folder(), "cpu")
    engine.load()
    engine.warm_up()
    yield engine
    engine.unload()


def run(
    engine: EmbeddingsEngine, texts: Sequence[str], parameters: dict[str, object] | None = None
) -> list[Any]:
    options = engine.read_parameters(parameters or {})
    return list(engine.predict_batch([engine.prepare(text, options) for text in texts]))


def cosine(a: Any, b: Any) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def test_vectors_are_the_librarys_unbatched(engine: EmbeddingsEngine, library: Library) -> None:
    for text in sentences(12):
        assert cosine(run(engine, [text])[0], library.embed(text)) > COSINE


def test_vectors_are_the_librarys_in_a_padded_batch(
    engine: EmbeddingsEngine, library: Library
) -> None:
    texts = sentences(16, seed=2)
    for text, vector in zip(texts, run(engine, texts), strict=True):
        assert cosine(vector, library.embed(text)) > COSINE
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
        assert (vector.dtype, vector.shape) == (np.float32, (384,))


def test_a_text_beyond_the_limit_is_cut_as_the_library_cuts_it(
    engine: EmbeddingsEngine, library: Library
) -> None:
    text = "word " * 1000
    assert engine.prepare(text, engine.read_parameters({})).length == 256
    assert cosine(run(engine, [text])[0], library.embed(text)) > COSINE


def test_without_pooling_there_is_one_vector_per_token(
    engine: EmbeddingsEngine, library: Library
) -> None:
    texts = ["short", "a somewhat longer sentence than that"]
    for text, rows in zip(texts, run(engine, texts, {"pooling": "none"}), strict=True):
        expected = library.tokens(text).numpy()
        assert rows.shape == expected.shape
        np.testing.assert_allclose(rows, expected, atol=1e-4)


def test_pooling_and_normalising_can_be_chosen(engine: EmbeddingsEngine, library: Library) -> None:
    text = "choose how"
    first = run(engine, [text], {"pooling": "cls", "normalize": False})[0]
    np.testing.assert_allclose(first, library.tokens(text)[0].numpy(), atol=1e-4)


def test_requests_with_other_options_share_a_batch(engine: EmbeddingsEngine) -> None:
    choices: list[dict[str, object]] = [{}, {"pooling": "none"}, {"pooling": "max"}, {}]
    texts = sentences(4, seed=3)
    batch = [
        engine.prepare(text, engine.read_parameters(choice))
        for text, choice in zip(texts, choices, strict=True)
    ]
    together: Sequence[Any] = engine.predict_batch(batch)
    for result, text, choice in zip(together, texts, choices, strict=True):
        np.testing.assert_allclose(result, run(engine, [text], choice)[0], atol=1e-4)


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"pooling": "median"}, "parameters.pooling"),
        ({"pooling": 3}, "parameters.pooling"),
        ({"normalize": "yes"}, "parameters.normalize"),
        ({"top_k": 3}, "parameters.top_k"),
    ],
)
def test_a_wrong_parameter_is_named(
    engine: EmbeddingsEngine, parameters: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidFieldError) as wrong:
        engine.read_parameters(parameters)
    assert wrong.value.field == field


def test_its_memory_is_that_of_its_weights() -> None:
    engine = EmbeddingsEngine(minilm_folder(), "cpu")
    weights = (minilm_folder() / "model.safetensors").stat().st_size
    assert engine.load() == pytest.approx(weights, rel=0.02)


def save_tiny(folder: Path, model: Any) -> Path:
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(minilm_folder(), local_files_only=True).save_pretrained(folder)
    return folder


def test_a_plain_encoder_without_the_librarys_files_is_pooled_by_the_mean(tmp_path: Path) -> None:
    config = BertConfig(
        vocab_size=30522,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
    )
    save_tiny(tmp_path, BertModel(config))  # type: ignore[no-untyped-call]
    engine = EmbeddingsEngine(tmp_path, "cpu")
    engine.load()
    expected = Library(tmp_path).tokens("a plain encoder").mean(dim=0)
    np.testing.assert_allclose(run(engine, ["a plain encoder"])[0], expected, atol=1e-5)


def test_of_an_encoder_and_decoder_the_encoder_counts(tmp_path: Path) -> None:
    config = T5Config(vocab_size=30522, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    model: Any = T5Model(config)
    model.eval()
    save_tiny(tmp_path, model)
    engine = EmbeddingsEngine(tmp_path, "cpu")
    engine.load()
    tokenizer: Any = AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    ids = tokenizer("two halves", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        expected = model.get_encoder()(input_ids=ids).last_hidden_state[0].mean(dim=0)
    np.testing.assert_allclose(run(engine, ["two halves"])[0], expected, atol=1e-5)


def test_code_in_a_repo_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.M"}}'
    )
    marker = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\n")
    with pytest.raises((ValueError, OSError)):
        EmbeddingsEngine(tmp_path, "cpu").load()
    assert not marker.exists()
