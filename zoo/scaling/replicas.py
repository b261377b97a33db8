"""A model that several replicas train as one device would, however their parts of the batch differ in size."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf

from zoo.scaling import keras_patches


class Replicas(keras.Model):
    """Trains another model on the parts that `zoo.scaling.global_batch.shared` made.

    Keras gives each replica the mean loss of its own rows and divides by the number of replicas: right only for parts
    of the same size whose rows all count alike. Here the mean of a part weighs as much as the part counts in the whole:
    rows of a classifier, tokens of a text that is written. Loss and metrics that are shown are those of the whole too,
    and batch normalization takes its statistics over all replicas. All variables are the inner model's.

    Args:
        model: The model to train, in whose `call` or layers a loss may be added. Its own `compute_loss`, where it has
            one, is the mean over what counts, and must not be scaled by the number of replicas.
        loss: Of rows or tokens, one for each output where there are several, or None where the model brings its own.

    Example:
        with strategy.scope():
            trainer = Replicas(model, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
            trainer.compile(optimizer, weighted_metrics=["accuracy"])
        make = functools.partial(batches.training, seed, 0, epochs)  # of a task's `batches`
        trainer.fit(shared(make, strategy), steps_per_epoch=batches.steps, epochs=epochs, shuffle=False)
    """

    def __init__(self, model: keras.Model, loss: keras.losses.Loss | Mapping[str, keras.losses.Loss] | None):
        super().__init__(name=model.name)
        self.inner, self.of_rows = model, loss
        self.built = model.built
        for layer in keras_patches.flat_layers(model):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = True

    def call(self, inputs, training=None):
        """As the inner model."""
        return self.inner(inputs, training=training)

    def build(self, input_shape):
        """The inner model's variables are all there are."""
        self.built = True

    def train_step(self, data):
        """One step of all replicas together."""
        x, y, weights = data
        variables = self.trainable_variables
        with tf.GradientTape() as tape:
            y_pred = self.inner(x, training=True)
            mean = self._mean_loss(x, y, y_pred, training=True)
            loss = self.optimizer.scale_loss(mean * weights[0, 1] / weights[0, 2])
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return self._noted(mean, x, y, y_pred, weights)

    def test_step(self, data):
        """Loss and metrics of one batch, at the weights as they are."""
        x, y, weights = data
        y_pred = self.inner(x, training=False)
        return self._noted(self._mean_loss(x, y, y_pred, training=False), x, y, y_pred, weights)

    def _mean_loss(self, x, y, y_pred, training):
        """The loss that one device would have on this part alone."""
        if self.of_rows is None:
            return self.inner.compute_loss(x, y, y_pred, None, training=training)
        if isinstance(self.of_rows, Mapping):
            loss = sum(self._mean(each, y[name], y_pred[name]) for name, each in self.of_rows.items())
        else:
            loss = self._mean(self.of_rows, y, y_pred)
        return loss + sum(keras.ops.sum(added) for added in self.inner.losses)

    @staticmethod
    def _mean(loss: keras.losses.Loss, y, y_pred):
        """One loss over the rows of this part; Keras has divided a mean by the number of replicas."""
        value = loss(y, y_pred)
        return value if loss.reduction == "sum" else value * tf.distribute.get_strategy().num_replicas_in_sync

    def _noted(self, mean, x, y, y_pred, weights):
        keras_patches.loss_tracker(self).update_state(mean, sample_weight=weights[0, 1])
        return self.compute_metrics(x, y, y_pred, sample_weight=weights)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Of what `shared` gives with a row, metrics want only how much it stands for."""
        return super().compute_metrics(x, y, y_pred, sample_weight[:, 0])
