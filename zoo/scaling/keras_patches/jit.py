"""XLA around each replica's forward and backward pass, and around nothing else: `compile(jit_compile=True)`.

Keras compiles the step of all replicas as one, which fails: a cluster of XLA may not touch another device's variables,
nor may replicas meet in it. Here the cluster of a replica reads variables and gives values back: loss, gradients,
outputs, and the new values of what the pass assigns (moving statistics, seeds). Outside it they are assigned, metrics
are counted, and gradients are summed, clipped, accumulated and applied, as without XLA.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

from zoo.scaling.keras_patches import warn_once


def asked(model: keras.Model) -> bool:
    """True if several replicas train a compiled model, and XLA is to compile it."""
    return model.distribute_strategy.num_replicas_in_sync > 1 and bool(model.jit_compile) and not model.run_eagerly


def step(model: keras.Model, original: Callable) -> Callable:
    """A model's `train_step` or `test_step`, compiled for each replica; where that cannot be, itself, and says so once.

    Args:
        model: A compiled model.
        original: The step as it is.
    """
    if hindrance := _hindrance(model, original):
        warn_once.once(f"jit_compile=True has no effect: {hindrance}")
        return original
    return _compiled(model, original)


def refuse_to_meet() -> None:
    """Raises, within a cluster, where replicas are about to say something to each other; then there is no cluster."""
    from keras.src.backend.common.stateless_scope import get_stateless_scope

    if isinstance(get_stateless_scope(), _Held):
        raise _Meeting


def _hindrance(model, step) -> str | None:
    if getattr(step, "__func__", None) not in (keras.Model.train_step, keras.Model.test_step):
        return f"{type(model).__name__} has its own {step.__name__}, in which replicas may meet anywhere"
    training = step.__func__ is keras.Model.train_step
    for layer in model._flatten_layers():
        if training and getattr(layer, "synchronized", False):
            return f"{layer.name} synchronizes its statistics inside the forward pass, which XLA cannot"
    return None


def _compiled(model, original: Callable) -> Callable:
    """Keras's own `train_step` or `test_step`, its passes in a cluster of XLA."""
    training = original.__func__ is keras.Model.train_step
    passes = _passes(model, training)

    def replica_step(data):
        x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
        try:
            loss, gradients, y_pred = passes(x, y, weights)
        except RuntimeError as error:  # while it is traced, before anything has happened
            if "merge_call" not in str(error) and not isinstance(error, _Meeting):
                raise
            warn_once.once(
                f"jit_compile=True has no effect: the forward pass or the loss of {type(model).__name__} lets replicas "
                "meet (a mean over what a mask leaves does) or assigns what is trained; XLA can do neither here"
            )
            return original(data)
        whole = loss * tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        rows = tf.shape(next(part for part in tf.nest.flatten(x, expand_composites=True) if part is not None))[0]
        model._loss_tracker.update_state(whole, sample_weight=rows)
        if gradients:
            model.optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        return model.compute_metrics(x, y, y_pred, sample_weight=weights)

    return replica_step


def _passes(model, training: bool) -> Callable:
    """(x, y, weights) -> (loss, gradients, outputs), all from one cluster; assigns what the passes assign."""
    assigned: list[keras.Variable] = []  # by whichever trace; a trace names its own by their places here

    @tf.function(jit_compile=True, autograph=False)
    def cluster(x, y, weights):
        with tf.GradientTape() as tape, _Held(model) as scope:
            y_pred = model(x, training=training) if model._call_has_training_arg else model(x)
            loss = model._compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weights, training=training)
            scaled = model.optimizer.scale_loss(loss) if training and model.optimizer is not None else loss
        gradients = tape.gradient(scaled, model.trainable_weights) if training else []
        masks = [getattr(part, "_keras_mask", None) for part in tf.nest.flatten(y_pred)]
        values = {}
        for variable in scope.assigned:
            if not any(variable is known for known in assigned):
                assigned.append(variable)
            place = next(place for place, known in enumerate(assigned) if variable is known)
            values[str(place)] = scope.get_current_value(variable)
        return loss, gradients, y_pred, masks, values

    def passes(x, y, weights):
        loss, gradients, y_pred, masks, values = cluster(x, y, weights)
        for part, mask in zip(tf.nest.flatten(y_pred), masks, strict=True):
            if mask is not None:
                part._keras_mask = mask
        for place, value in values.items():
            assigned[int(place)].assign(value)
        return loss, gradients, y_pred

    return passes


class _Meeting(RuntimeError):
    """Something among replicas that would have been done within a cluster."""


class _Held(keras.StatelessScope):
    """Keeps what is assigned within, so that it can be assigned outside; as after an assignment, no gradient passes."""

    def __init__(self, model):
        # Keras asks the scope for the weights that a regularizer looks at.
        regularized = [weight for weight in model.trainable_weights if weight.regularizer is not None]
        super().__init__([(weight, weight.value) for weight in regularized], collect_losses=True)
        self.initialize_variables = False
        self.assigned: list[keras.Variable] = []

    def add_update(self, update):
        variable, value = update
        if variable.trainable:
            raise _Meeting(variable.path)  # the replicas' mean of it, and a gradient that begins there
        if not any(variable is known for known in self.assigned):
            self.assigned.append(variable)
        super().add_update((variable, tf.stop_gradient(value)))
