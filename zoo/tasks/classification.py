"""Base of all classification: a softmax over named classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf

from zoo.data import Examples, class_names
from zoo.data.examples import objects
from zoo.errors import UserError
from zoo.inputs import containers
from zoo.results.classification import Classification
from zoo.tasks.base import Task, readable


class ClassificationTask(Task):
    """A model whose outputs are one logit per label, of which one is right."""

    report = "labels"
    batch_size = 256
    classifies = True
    options = {"label_smoothing": 0.0}

    def __init__(self, model: keras.Model, config: Mapping):
        super().__init__(model, config)
        if not self.labels:
            raise ValueError("'labels' is missing")
        if model.output_shape[-1] != len(self.labels):
            raise ValueError(f"the model answers {model.output_shape[-1]} classes, 'labels' has {len(self.labels)}")

    def loss(self, options: Mapping[str, object]) -> keras.losses.Loss:
        """Cross-entropy from logits; with smoothing s the target is 1 - s + s/K, and s/K for each other label."""
        if not options["label_smoothing"]:
            return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        return SmoothedCrossentropy(options["label_smoothing"])

    def metrics(self) -> list:
        """Metrics that are shown while training."""
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def finish(self, outputs, context: Mapping) -> dict:
        """Logits `[B, K]` -> `classes` int32 and `scores`, both `[B, K]`, the most probable first."""
        probabilities = keras.ops.softmax(keras.ops.cast(outputs, "float32"))
        scores, order = keras.ops.top_k(probabilities, k=len(self.labels))
        return {"classes": keras.ops.cast(order, "int32"), "scores": scores, **context}

    def named(self, numbers: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The same with `labels`, texts, in place of `classes`."""
        others = {name: value for name, value in numbers.items() if name != "classes"}
        return {"labels": tf.gather(tf.constant(self.labels), numbers["classes"]), **others}

    def results(self, numbers: Mapping[str, np.ndarray]) -> list[Classification]:
        """Arrays of `finish` -> one Classification per row; a text without a word gets the empty one."""
        counts = {key: numbers[key].tolist() for key in ("used_tokens", "total_tokens") if key in numbers}
        low_confidence = numbers.get("low_confidence", np.zeros(len(numbers["scores"]), bool))
        answers = []
        for row, (classes, scores) in enumerate(
            zip(numbers["classes"].tolist(), numbers["scores"].tolist(), strict=True)
        ):
            named = [(self.labels[index], score) for index, score in zip(classes, scores, strict=True)]
            shortened = {key: values[row] for key, values in counts.items()}
            if shortened.get("total_tokens") == 0:
                answers.append(Classification(None, None))
                continue
            low = bool(low_confidence[row])
            answers.append(Classification(*named[0], tuple(named), **shortened, low_confidence=low))
        return answers

    def probabilities(
        self,
        examples,
        batch_size: int = 256,
        bad: dict[int, UserError | OSError] | None = None,
        marks: list | None = None,
    ) -> np.ndarray:
        """Probabilities `[N, K]` of the labels, in their own order, for labelled or unlabelled examples.

        Args:
            examples: What to answer.
            batch_size: Examples at a time.
            bad: Where it is given, an example that cannot be read is entered here by its place and has no row;
                otherwise it raises.
            marks: As `answers` takes them.
        """
        marking = marks is not None and self.confidence is not None

        @tf.function(input_signature=[self.raw_specification()])
        def forward(raw):
            features, context = self.preprocess(raw)
            outputs, doubts = self.judged(features, context) if marking else (self.outputs(features), {})
            probabilities = tf.nn.softmax(tf.cast(outputs, tf.float32))
            return probabilities, self.confidence.low(doubts) if marking else tf.constant(())

        parts = []
        for start in range(0, len(examples), batch_size):
            encoded, failed = readable(examples.raw[start : start + batch_size], self.encode)
            for index, failure in enumerate(failed, start):
                if failure is None:
                    continue
                if bad is None:
                    raise UserError(failure.error)
                bad[index] = UserError(failure.error)
            if encoded:
                found, low = forward(self.stacked(list(encoded.values())))
                parts.append(found.numpy())
                if marking:
                    marks += low.numpy().tolist()
        return np.concatenate(parts) if parts else np.zeros((0, len(self.labels)), np.float32)

    def doubts(self, items: Iterable, batch_size: int = 256) -> dict[str, np.ndarray]:
        """The numbers that speak against the answers to N items, each `[N]`."""

        @tf.function(input_signature=[self.raw_specification()])
        def forward(raw):
            return self.judged(*self.preprocess(raw))[1]

        return self.batched(forward, items, batch_size)

    def answers(
        self,
        examples,
        bad: dict[int, UserError | OSError] | None = None,
        marks: list | None = None,
        batch_size: int | None = None,
    ) -> np.ndarray:
        """The probabilities."""
        return self.probabilities(examples, batch_size or self.batch_size, bad, marks)

    def measure(self, examples, answers: np.ndarray) -> dict[str, float]:
        """Accuracy of probabilities `[N, K]`."""
        from sklearn.metrics import accuracy_score

        return {"accuracy": float(accuracy_score(examples.labels, answers.argmax(-1)))}

    def paired(self, items: list, labels: list) -> Examples:
        """Items and their labels, by name; by their places among the task's where these are no numbers."""
        numbers = all(isinstance(label, int | np.integer) and not isinstance(label, bool) for label in labels)
        if numbers and not all(name.lstrip("+-").isdecimal() for name in self.labels):
            if outside := [label for label in labels if not 0 <= label < len(self.labels)]:
                raise UserError(f"expected labels by name, or from 0 to {len(self.labels) - 1}, got {outside[0]}")
            return Examples(objects(items), np.array(labels, np.int32), self.labels, "the items")
        spelled = [label.decode() if isinstance(label, bytes) else label for label in labels]
        if wrong := [label for label in spelled if not isinstance(label, str | int | np.integer | np.bool_)]:
            raise UserError(f"expected the name of a label, or its place, got {containers.kind(wrong[0])}")
        places, names, _ = class_names.counted(spelled)
        return Examples(objects(items), places, names, "the items").renamed(self.labels)


@keras.saving.register_keras_serializable("menagerie")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy from logits against smoothed labels (Szegedy et al. 2015, arXiv:1512.00567, section 7).

    Args:
        smoothing: Share of the target that is spread over all classes, in [0, 1).
    """

    def __init__(
        self, smoothing: float, name: str = "smoothed_crossentropy", reduction: str = "sum_over_batch_size", dtype=None
    ):
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.smoothing = smoothing

    def call(self, y_true, y_pred):
        """Labels `[B]` or `[B, 1]` and logits `[B, K]` -> loss `[B]`."""
        logs = keras.ops.log_softmax(y_pred)
        labels = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32")
        right = keras.ops.take_along_axis(logs, labels[:, None], axis=-1)[:, 0]
        return -(1 - self.smoothing) * right - self.smoothing * keras.ops.mean(logs, axis=-1)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "smoothing": self.smoothing, "dtype": self.dtype}
