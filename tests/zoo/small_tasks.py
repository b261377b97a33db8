"""Three small tasks of kinds that no preset has yet: boxes in pictures, two inputs, two networks.

`register` enters them in the tables, as their own files and lines would.
"""

from __future__ import annotations

import dataclasses

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import ops

from zoo import catalog, recipes, task_catalog
from zoo.data.examples import Examples, objects
from zoo.data.records import Records
from zoo.inputs.image import Image
from zoo.inputs.image_graph import Pixels
from zoo.inputs.number import Number
from zoo.inputs.text import Text
from zoo.recipe import Recipe, Update
from zoo.results.base import Result
from zoo.tasks.base import Task
from zoo.tasks.classification import ClassificationTask

SIZE = 16  # pixels of a side


class Unlabelled(Task):
    """A task whose examples have no classes, so that nothing of its model follows from them."""

    report = "labels"

    @classmethod
    def check(cls, train, held):
        return []

    @classmethod
    def config_from_data(cls, config, examples):
        return dict(config["arguments"]), {}

    @classmethod
    def config_fields(cls, recipe, examples):
        return {}


# Boxes in pictures.


@dataclasses.dataclass(frozen=True, repr=False)
class Box(Result):
    """A bright rectangle: left, top, right, bottom as shares of the sides."""

    corners: tuple[float, ...]

    def to_dict(self) -> dict:
        return {"corners": list(self.corners)}

    def rows(self) -> list[dict]:
        names = ("left", "top", "right", "bottom")
        return [{"corner": name, "share": share} for name, share in zip(names, self.corners, strict=True)]

    def to_text(self) -> str:
        return " ".join(f"{corner:.2f}" for corner in self.corners)


class BoxModel(keras.Model):
    """Pixels -> four corners; its loss is its own."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.abs(y["boxes"]["boxes"][:, 0] - y_pred))


def box_model(width: int = 4) -> keras.Model:
    pixels = keras.Input((SIZE, SIZE, 3), name="pixels")
    x = keras.layers.Rescaling(1 / 255, name="normalize")(pixels)
    x = keras.layers.Conv2D(width, 3, strides=2, activation="relu", name="conv")(x)
    x = keras.layers.Flatten(name="flat")(x)
    return BoxModel(pixels, keras.layers.Dense(4, activation="sigmoid", name="corners")(x))


class BoxTask(Unlabelled):
    """Pictures -> one box."""

    name = "box"
    inputs = (Image("image_bytes"),)
    moved = {"boxes": "bounding_boxes"}

    def __init__(self, model, config):
        super().__init__(model, config)
        self.pixels = Pixels(config["preprocess"])

    @classmethod
    def load_examples(cls, source, split=None, **columns):
        return pictures(60 if split == "train" else 20, seed=len(split or ""))

    def examples(self, record):
        boxes = {"boxes": record["boxes"][:, tf.newaxis], "labels": tf.zeros([tf.shape(record["boxes"])[0], 1])}
        return self.preprocess(record)[0], {"boxes": boxes}

    def loss(self, options):
        return None

    def preprocess(self, raw):
        return self.pixels(raw["image_bytes"]), {}

    def finish(self, outputs, context):
        return {"corners": outputs}

    def results(self, numbers):
        return [Box(tuple(map(float, row))) for row in numbers["corners"]]

    def answers(self, examples, bad=None, marks=None, batch_size=None):
        return np.array([result.corners for result in self.predict(examples.raw)])

    def measure(self, examples, answers):
        """The share of corners that are within a quarter of the side: a metric that is there."""
        return {"accuracy": float((np.abs(answers - examples.targets["boxes"]) < 0.25).mean())}


def pictures(count: int, seed: int) -> Records:
    """Bright rectangles on black, as PNG files, and their corners."""
    random = np.random.default_rng(seed)
    raw, boxes = [], []
    for _ in range(count):
        left, top = random.integers(0, SIZE // 2, 2)
        right, bottom = left + random.integers(4, 8), top + random.integers(4, 8)
        image = np.zeros((SIZE, SIZE, 3), np.uint8)
        image[top:bottom, left:right] = 255
        raw.append(cv2.imencode(".png", image)[1].tobytes())
        boxes.append(np.array([left, top, right, bottom], np.float32) / SIZE)
    return Records(objects(raw), {"boxes": np.stack(boxes)}, "rectangles")


def augment() -> list:
    return [keras.layers.RandomFlip("horizontal", bounding_box_format="rel_xyxy", seed=1)]


BOXES = Recipe(
    name="small-box",
    app="boxes",
    task="box",
    data="rectangles",
    data_terms="none",
    model="box_model",
    preprocess={"kind": "image", "size": [SIZE, SIZE], "channels": 3},
    about="Finds a rectangle.",
    augment=augment,
    batch_size=16,
    epochs=2,
    validation=0.2,
    expected=0.0,
)


# Two inputs.


def rated_model(classes: int = 2) -> keras.Model:
    length, stars = keras.Input((1,), name="length"), keras.Input((3,), name="stars")
    x = keras.layers.Concatenate(name="both")([length, stars])
    return keras.Model({"length": length, "stars": stars}, keras.layers.Dense(classes, name="logits")(x))


class RatedTask(ClassificationTask):
    """A text and a series of three numbers -> one of two labels."""

    name = "rated"
    inputs = (Text("text"), Number("stars", (3,), low=1, high=5))

    @classmethod
    def load_examples(cls, source, split=None, **columns):
        return rated(48)

    def preprocess(self, raw):
        length = tf.strings.length(raw["text"], unit="UTF8_CHAR")
        return {"length": tf.cast(length, tf.float32)[:, tf.newaxis] / 10, "stars": raw["stars"]}, {}


def rated(count: int) -> Examples:
    random = np.random.default_rng(0)
    raw = [{"text": "x" * random.integers(1, 30), "stars": random.integers(1, 6, 3).tolist()} for _ in range(count)]
    labels = np.array([sum(each["stars"]) > 9 for each in raw], np.int32)
    return Examples(objects(raw), labels, ("bad", "good"), "ratings")


RATED = dataclasses.replace(
    BOXES,
    name="small-rated",
    app="rated",
    task="rated",
    model="rated_model",
    preprocess={},
    augment=None,
    about="Tells whether a rating is good.",
    data="ratings",
)


# Two networks.


def spot_model() -> keras.Model:
    seed = keras.Input((4,), name="noise")
    x = keras.layers.Dense(8, activation="relu", name="hidden")(seed)
    return keras.Model(seed, keras.layers.Dense(6, name="numbers")(x))


class Adversaries(keras.Model):
    """A generator and a discriminator, each with an optimizer."""

    def __init__(self, generator: keras.Model):
        super().__init__()
        self.generator = generator
        self.discriminator = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, name="real")])
        self.generator_loss = keras.metrics.Mean("generator_loss")
        self.discriminator_loss = keras.metrics.Mean("discriminator_loss")
        self.built = True

    @property
    def metrics(self):
        return [self.generator_loss, self.discriminator_loss]

    def compile(self, optimizer, discriminator_optimizer):
        super().compile(optimizer=optimizer, jit_compile=False)
        self.discriminator_optimizer = discriminator_optimizer
        optimizer.build(self.generator.trainable_variables)
        discriminator_optimizer.build(self.discriminator.trainable_variables)

    def call(self, noise, training=False):
        return self.generator(noise, training=training)

    def train_step(self, data):
        noise, real = data
        with tf.GradientTape(persistent=True) as tape:
            drawn = self.generator(noise, training=True)
            told, true = self.discriminator(drawn), self.discriminator(real)
            generator = ops.mean(ops.softplus(-told))
            discriminator = ops.mean(ops.softplus(told)) + ops.mean(ops.softplus(-true))
        variables = self.generator.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(generator, variables), variables, strict=True))
        variables = self.discriminator.trainable_variables
        gradients = tape.gradient(discriminator, variables)
        self.discriminator_optimizer.apply_gradients(zip(gradients, variables, strict=True))
        self.generator_loss.update_state(generator)
        self.discriminator_loss.update_state(discriminator)
        return {metric.name: metric.result() for metric in self.metrics}


@dataclasses.dataclass(frozen=True, repr=False)
class Spots(Result):
    """Six numbers, drawn."""

    numbers: tuple[float, ...]

    def to_dict(self) -> dict:
        return {"numbers": list(self.numbers)}

    def to_text(self) -> str:
        return " ".join(f"{number:.3f}" for number in self.numbers)


class SpotTask(Unlabelled):
    """A seed -> six numbers as those of the training; nothing is validated."""

    name = "spots"
    inputs = (Number("seed", dtype="int32", low=0),)

    @classmethod
    def load_examples(cls, source, split=None, **columns):
        random = np.random.default_rng(0)
        return Records(objects(range(40)), {"real": random.normal(size=(40, 6)).astype(np.float32)}, "normal")

    def preprocess(self, raw):
        return tf.map_fn(self._noise, raw["seed"], fn_output_signature=tf.TensorSpec([4], tf.float32)), {}

    @staticmethod
    def _noise(seed):
        return tf.random.stateless_normal([4], tf.stack([seed, 0]))

    def examples(self, record):
        return self.preprocess(record)[0], record["real"]

    def trainer(self, recipe):
        return Adversaries(self.model)

    def compile(self, trainer, made, options):
        trainer.compile(**made)

    def finish(self, outputs, context):
        return {"numbers": outputs}

    def results(self, numbers):
        return [Spots(tuple(map(float, row))) for row in numbers["numbers"]]

    def answers(self, examples, bad=None, marks=None, batch_size=None):
        return list(self.predict(examples.raw))

    def measure(self, examples, answers):
        return {}


SPOTS = dataclasses.replace(
    BOXES,
    name="small-spots",
    app="spots",
    task="spots",
    model="spot_model",
    preprocess={},
    augment=None,
    others={"discriminator_optimizer": Update("sgd", 0.05, {"momentum": 0.5})},
    validation=0.0,
    splits=("train", None),
    about="Draws numbers.",
    data="normal",
)

RECIPES = {recipe.name: recipe for recipe in (BOXES, RATED, SPOTS)}


def register(monkeypatch) -> None:
    """Enters the tasks, their models and recipes in the tables."""
    here = __name__
    models = [("box_model", "box", 984), ("rated_model", "rated", 10), ("spot_model", "spots", 94)]
    lines = tuple(catalog.Entry(name, f"{here}:{name}", task, "none", count) for name, task, count in models)
    monkeypatch.setattr(catalog, "CATALOG", catalog.CATALOG + lines)
    classes = (BoxTask, RatedTask, SpotTask)
    entries = tuple(task_catalog.Entry(cls.name, f"{here}:{cls.__name__}", ("item", "label")) for cls in classes)
    monkeypatch.setattr(task_catalog, "CATALOG", task_catalog.CATALOG + entries)
    get = recipes.get
    monkeypatch.setattr(recipes, "get", lambda name: RECIPES.get(name) or get(name))
