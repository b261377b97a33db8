"""Data sets of tensorflow-datasets: opened, and downloaded and prepared where they may be."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from zoo.errors import NoSplitError, UserError, nearest


def open_set(name: str, own: tuple[str, ...] = ()):
    """The builder of a data set that is prepared.

    With `ZOO_DATA_DIR` set, its folder `tfds/` is the data_dir and nothing is downloaded.

    Args:
        name: As TFDS spells it.
        own: Names that are no data sets of TFDS but might have been meant.

    Raises:
        UserError: No such data set, or it is not here and cannot be downloaded.
    """
    import tensorflow_datasets as tfds

    root = os.environ.get("ZOO_DATA_DIR")
    data_dir = os.path.join(root, "tfds") if root else None
    nowhere = (
        f"the data set {name!r} is not here: set ZOO_DATA_DIR to a folder whose tfds/ holds it, "
        "or unset it and be online for TFDS to download it"
    )
    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (tfds.core.DatasetNotFoundError, FileNotFoundError):
        known = nearest(name, {*own, *tfds.list_builders(with_community_datasets=False)})
        raise UserError(f"{name!r} is no file, no folder and no TFDS data set{known}") from None
    if not builder.data_path.exists():
        if root:
            raise UserError(nowhere)
        if sys.stderr is None or not sys.stderr.isatty():
            tfds.disable_progress_bar()
        try:
            builder.download_and_prepare()
        except (OSError, tfds.download.DownloadError) as error:  # requests' own exceptions are OSErrors
            raise UserError(f"{nowhere} ({type(error).__name__}: {str(error).splitlines()[0][:120]})") from error
    return builder


def records(builder, split: str | None, decoders: dict | None = None) -> Iterator[dict]:
    """The records of a split, or of all splits, in their stored order, as NumPy values.

    Raises:
        NoSplitError: The data set has no such split.
    """
    try:
        dataset = builder.as_dataset(split=split, decoders=decoders, shuffle_files=False)
    except ValueError as error:
        raise NoSplitError(f"{builder.name}: no split {split!r}{nearest(str(split), builder.info.splits)}") from error
    for part in dataset.values() if isinstance(dataset, dict) else [dataset]:
        yield from part.as_numpy_iterator()
