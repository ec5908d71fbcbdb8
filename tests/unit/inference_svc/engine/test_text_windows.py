from collections.abc import Callable
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from inference_svc.engine.text_windows import NoOffsetsError, WindowEncoder
from tests.checkpoints.text2text import write_marian
from tests.checkpoints.text_models import write_ner, write_squad
from tests.unit.inference_svc.engine.conftest import Write

TEXT = "Ada Lovelace was born in London in the year 1815 and wrote the first program."


@pytest.mark.parametrize("write", [write_ner, write_squad])
@pytest.mark.parametrize(("size", "overlap"), [(64, 0), (16, 4), (12, 0)])
def test_windows_are_the_librarys(
    checkpoint: Callable[[Write], Path], write: Write, size: int, overlap: int
) -> None:
    folder = checkpoint(write)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    encoder = WindowEncoder(folder, None)
    for texts in ((TEXT,), ("Who?", TEXT)):
        expected = tokenizer(
            *texts,
            truncation="longest_first" if len(texts) == 1 else "only_second",
            max_length=size,
            stride=overlap,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        found = encoder.windows(*texts, size=size, overlap=overlap)
        assert [one.row.ids.tolist() for one in found] == expected["input_ids"]
        assert [one.encoding.offsets for one in found] == expected["offset_mapping"]


def test_tokens_are_counted_without_special_ones(checkpoint: Callable[[Write], Path]) -> None:
    encoder = WindowEncoder(checkpoint(write_ner), None)
    assert encoder.count("was born") == 2
    assert encoder.special_count() == 3
    assert encoder.limit == 64


def test_a_tokenizer_without_offsets_is_told(checkpoint: Callable[[Write], Path]) -> None:
    with pytest.raises(NoOffsetsError, match="MarianTokenizer"):
        WindowEncoder(checkpoint(write_marian), None)
