"""Input pipeline of photos: how fast it is, and that its memory does not grow with the data set.

    python benchmarks/input_pipeline.py
    python benchmarks/input_pipeline.py --quick

Speed: photos a second that a training's batches give with nothing kept in memory (read the file, decode it by the
accurate integer transform, resize it to 224 x 224 with antialiasing, turn it by a random angle), beside the same
operations by OpenCV in two threads; decoding alone stands beside both. Memory: the peak of a process that trains a
model of two layers for 30 steps, on 2,000 and on 20,000 photos of 400 x 400. Writes benchmarks/results/.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
SIDE, SIZE = 400, 224  # pixels of a photo, and of what a model reads
DISTINCT = 500  # photos that differ; the others are links to them
TURN = 0.05  # of a full turn, to either side
BATCH = 32
LEAST, MOST = 0.9, 150  # of OpenCV's photos a second; megabytes of growth


def photos(folder: Path, count: int) -> None:
    """Writes photos: smooth colours with edges and some noise, of about 35 kB each as JPEG."""
    import cv2
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"{'ab'[number % 2]}{number:06}.jpg"
        if number >= DISTINCT:
            os.link(folder / f"{'ab'[number % DISTINCT % 2]}{number % DISTINCT:06}.jpg", path)
            continue
        image = cv2.resize(random.integers(0, 256, (12, 12, 3), np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        for _ in range(8):
            corner, far = random.integers(0, SIDE, (2, 2)).tolist()
            cv2.rectangle(image, corner, far, random.integers(0, 256, 3).tolist(), 2)
        image = np.clip(image + random.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
        path.write_bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())


def batches_of(folder: Path, augmented: bool = True):
    """The batches of a training on the photos, with nothing kept."""
    import keras
    import numpy as np

    from zoo.data import Examples
    from zoo.data.examples import objects
    from zoo.tasks.image_classification import ImageClassification

    paths = sorted(folder.iterdir())
    labels = np.array([path.name[0] == "b" for path in paths], np.int32)
    pixels = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Conv2D(4, 7, strides=8, activation="relu")(pixels)
    model = keras.Model(pixels, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(x)))
    config = {"preprocess": {"kind": "image", "size": [SIZE, SIZE], "channels": 3}, "labels": ["a", "b"]}
    task = ImageClassification(model, config)
    turn = [keras.layers.RandomRotation(TURN, fill_mode="constant", seed=0)] if augmented else []
    return task, task.batches(Examples(objects(paths), labels, ("a", "b"), "photos"), BATCH, turn, keep=0.0)


def ours(folder: Path) -> float:
    """Photos a second of our batches."""
    _, batches = batches_of(folder)
    return _rate(x.shape[0] for x, _ in batches.training(0, 0, 1))


def ours_decoding(folder: Path) -> float:
    """Photos a second of TensorFlow's decoder alone, in two threads."""
    import tensorflow as tf

    from zoo.inputs.image_graph import decode

    files = tf.data.Dataset.from_tensor_slices(sorted(map(str, folder.iterdir())))
    return _rate(1 for _ in files.map(lambda path: decode(tf.io.read_file(path)), num_parallel_calls=2).prefetch(4))


def opencv(folder: Path) -> float:
    """Photos a second of the same by OpenCV, in two threads."""
    return _opencv(folder, whole=True)


def opencv_decoding(folder: Path) -> float:
    """Photos a second of OpenCV's decoder alone, in two threads."""
    return _opencv(folder, whole=False)


def _opencv(folder: Path, whole: bool) -> float:
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    random = np.random.default_rng(0)

    def one(path: Path):
        image = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
        if not whole:
            return image
        image = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        turn = cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), 360 * random.uniform(-TURN, TURN), 1.0)
        return cv2.warpAffine(image.astype(np.float32), turn, (SIZE, SIZE), flags=cv2.INTER_LINEAR)

    def batch(paths: list[Path]):
        images = [one(path) for path in paths]
        return np.stack(images) if whole else images

    paths = sorted(folder.iterdir())
    parts = [paths[at : at + BATCH] for at in range(0, len(paths), BATCH)]
    with ThreadPoolExecutor(2) as pool:
        return _rate(len(images) for images in pool.map(batch, parts))


def _rate(counts) -> float:
    """Items a second, without the first batch, in which all is made ready."""
    counts = iter(counts)
    next(counts)
    begin, count = time.perf_counter(), sum(counts)
    return count / (time.perf_counter() - begin)


def memory(folder: Path) -> float:
    """Peak megabytes of this process while it trains for 30 steps."""
    import resource

    task, batches = batches_of(folder)
    task.compile(task.model, {"optimizer": "sgd"}, task.checked_options({}))
    task.model.fit(batches.training(0, 0, 1), steps_per_epoch=30, epochs=1, verbose=0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


RUNS = {each.__name__: each for each in (ours, ours_decoding, opencv, opencv_decoding, memory)}


def child(name: str, folder: Path) -> float:
    """One run in a process of its own."""
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, __file__, "--run", name, "--folder", str(folder)]
    return float(
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()[-1]
    )


def main() -> int:
    """Measures, prints and writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few photos and one round, to see that it runs")
    parser.add_argument("--run", choices=RUNS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        print(RUNS[arguments.run](arguments.folder))
        return 0
    few, many, rounds = (1000, 2000, 1) if arguments.quick else (2000, 20_000, 3)
    with tempfile.TemporaryDirectory() as place:
        folders = {count: Path(place) / str(count) for count in (few, many)}
        for count, folder in folders.items():
            photos(folder, count)
        speeds = {name: [] for name in RUNS if name != "memory"}
        for _ in range(rounds):  # interleaved: the machine is noisy
            for name, found in speeds.items():
                found.append(child(name, folders[few]))
        peaks = {count: child("memory", folder) for count, folder in folders.items()}
    rates = {name: round(statistics.median(found), 1) for name, found in speeds.items()}
    result = {
        "date": datetime.date.today().isoformat(),
        "photos_per_second": rates,
        "ours_of_opencv": round(rates["ours"] / rates["opencv"], 3),
        "decoding_of_opencv": round(rates["ours_decoding"] / rates["opencv_decoding"], 3),
        "peak_megabytes": {str(count): round(peak) for count, peak in peaks.items()},
        "growth_megabytes": round(peaks[many] - peaks[few]),
    }
    print(f"photos a second: {', '.join(f'{name} {rate:g}' for name, rate in rates.items())}")
    print(f"ours / OpenCV {result['ours_of_opencv']} (at least {LEAST}); decoding {result['decoding_of_opencv']}")
    print(f"peak of {few:,} and {many:,} photos: {peaks[few]:.0f} and {peaks[many]:.0f} MB (at most {MOST} more)")
    if not arguments.quick:
        (RESULTS / "input_pipeline.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
