"""Fixtures of every test folder: the place of the real data."""

import os
from pathlib import Path

import pytest

# TensorFlow's start-up chatter would bury the reports of failed tests; it is read when TensorFlow is first imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data (`tfds/` and the plain sets beside it); skips, saying why, where there is none."""
    place = os.environ.get("ZOO_DATA_DIR")
    if not place:
        pytest.skip("needs real data: ZOO_DATA_DIR is not set (a folder holding tfds/ and the plain sets)")
    folder = Path(place)
    if not (folder / "tfds").is_dir():
        pytest.skip(f"needs real data: ZOO_DATA_DIR is {place!r}, which holds no folder tfds/")
    return folder


# Run first: a long file that is started last keeps one core busy while the other has nothing to do.
LONGEST = """zoo/scaling/test_equality.py zoo/test_export_sequences.py zoo/test_presets.py zoo/test_training.py
zoo/test_hub.py zoo/test_export.py zoo/test_sequence_training.py zoo/test_decoding.py""".split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Brings the longest files to the front; files and their tests otherwise keep their order."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
