"""PlainBuilder: a TFDS builder that reads a set's own files, from ZOO_DATA_DIR or from the set's public URL."""

from __future__ import annotations

import gzip
import io
import os
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from pathlib import Path

import tensorflow_datasets as tfds

from zoo.errors import NoSplitError, UserError, nearest


class PlainBuilder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """A set of plain text files.

    A subclass names its splits, where the files of each are (`places`), and how they become examples (`read`).
    `tfds.load` prepares TFRecords of it as of every builder; `examples` reads the files as they are, for sets that
    are held in memory anyway. It also keeps their order, which preparing shuffles: a seed gives the same training
    from ZOO_DATA_DIR and from the net.
    """

    VERSION = tfds.core.Version("1.0.0")
    SPLITS: tuple[str, ...] = ()
    REFERENCES: tuple[str, ...] = ()  # splits in which examples of an equal source are references of one another

    @classmethod
    def named(cls, config: str) -> PlainBuilder:
        """The builder with the configuration of that name, "" for a builder that has none."""
        known = list(cls.builder_configs)
        if config not in (known or [""]):
            known = [f"{cls.name}/{name}" for name in known] or [cls.name]
            raise UserError(f"no data set {f'{cls.name}/{config}'.rstrip('/')!r}{nearest(config, known)}")
        return cls(config=config or None)

    def places(self, split: str) -> dict[str, str]:
        """The places of a split's files: path below ZOO_DATA_DIR -> public URL, "" where there is none."""
        raise NotImplementedError

    def read(self, split: str, texts: list[str]) -> Iterator[dict]:
        """The examples of a split.

        Args:
            split: One of SPLITS.
            texts: Contents of the split's files, in the order of `places`.

        Yields:
            Examples as `info.features` describes them, in the order of the files unless the class says otherwise.
        """
        raise NotImplementedError

    def examples(self, split: str) -> Iterator[dict]:
        """The examples of a split, read without preparing anything.

        Raises:
            UserError: No such split; or the files are neither below ZOO_DATA_DIR nor can they be downloaded.
        """
        if split not in self.SPLITS:
            raise NoSplitError(f"{self._title}: no split {split!r}{nearest(split, self.SPLITS)}")
        return self._read(split)

    def _split_generators(self, dl_manager) -> dict:
        return {split: self._generate_examples(split, dl_manager) for split in self.SPLITS}

    def _generate_examples(self, split: str, dl_manager) -> Iterator[tuple[int, dict]]:
        yield from enumerate(self._read(split, dl_manager))

    def _read(self, split: str, downloads=None) -> Iterator[dict]:
        places = self.places(split)
        paths = self._find(places, downloads)
        return self.read(split, [unpacked(path, Path(place).name) for place, path in zip(places, paths, strict=True)])

    def _find(self, places: Mapping[str, str], downloads) -> list[Path]:
        root = os.environ.get("ZOO_DATA_DIR")
        if root:
            paths = [Path(root) / place for place in places]
            if missing := [path for path in paths if not path.is_file()]:
                raise UserError(f"{self._nowhere}: {missing[0]} does not exist")
            return paths
        if not all(places.values()):
            raise UserError(f"{self._nowhere.partition(',')[0]}; it cannot be downloaded")
        try:
            if downloads is not None:
                return [Path(path) for path in downloads.download(list(places.values()))]
            return [self._fetch(url) for url in places.values()]
        except (OSError, HTTPException, tfds.download.DownloadError) as error:
            reason = (str(error).splitlines() or [""])[0][:120]
            raise UserError(f"{self._nowhere} ({type(error).__name__}: {reason})") from error

    def _fetch(self, url: str) -> Path:
        """Downloads a file once. TFDS's manager, which serves preparing, retries for minutes where there is no net."""
        path = Path(tfds.core.constants.DATA_DIR).expanduser() / "downloads" / self.name / url.rsplit("/", 1)[1]
        if not path.is_file():
            with urllib.request.urlopen(url, timeout=60) as response:
                content = response.read()  # whole: this raises where the connection breaks off
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name(f"{path.name}.{os.getpid()}.part")
            part.write_bytes(content)
            part.replace(path)
        return path

    @property
    def _title(self) -> str:
        return f"{self.name}/{self.builder_config.name}" if self.builder_config else self.name

    @property
    def _nowhere(self) -> str:
        return (
            f"the data set {self._title!r} is not here: set ZOO_DATA_DIR to a folder whose {self.name}/ holds it, "
            "or unset it and be online to download it"
        )


def unpacked(path: Path, name: str) -> str:
    """The text of a file that may be packed; a download's own name does not tell, so its first bytes do.

    Args:
        path: A text file, a gzip file or a zip file.
        name: Name of the text, with or without .gz: the file that is taken out of a zip.

    Raises:
        UserError: The file is damaged.
    """
    data = path.read_bytes()
    try:
        if data[:2] == b"PK":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                (member,) = [m for m in archive.namelist() if m.split("/")[-1] == name.removesuffix(".gz")]
                data = archive.read(member)
        elif data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return data.decode("utf-8")
    except (
        OSError,
        EOFError,
        ValueError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:  # a UnicodeDecodeError is a ValueError
        raise UserError(f"{path}: expected the text {name!r}, plain or packed ({error})") from None


def lines(text: str) -> list[str]:
    """The lines of a text. `str.splitlines` would also cut at the rarer separators that a sentence may hold."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
