"""SophiaModel: a model that tells Sophia about second derivatives, so that plain `fit` trains with it."""

import keras
from keras import ops

from optimizers.sophia import Sophia
from optimizers.wrappers.model_wrapper import ModelWrapper

ESTIMATORS = ("hutchinson", "gauss-newton-bartlett")


@keras.saving.register_keras_serializable("menagerie")
class SophiaModel(ModelWrapper):
    """A model that trains another with `Sophia`, to which it tells the Hessian's diagonal; Algorithms 1 and 2.

        hutchinson:             u from N(0, I);  estimate = u (H u)
        gauss-newton-bartlett:  labels drawn from the model's own softmax;  estimate = n (gradient of their mean loss)^2

    n is the number of predictions in the batch. An estimate is made at each `update_period`-th step, at the price of
    about two gradients (Hutchinson) or one; it leaves moving averages and random states as they were. The drawn
    numbers follow from the seed and the step, so that a resumed training goes on as it would have.

    When to use: whenever `Sophia` is to have second derivatives, in plain `fit`.
    Memory: nothing that stays; two numbers per parameter while an estimate is made.
    Paper: Liu et al., arXiv:2305.14342.
    Defaults: Hutchinson's estimate, which takes any loss.

    Args:
        model: a `keras.Model`; what it learns is found in it after `fit`.
        estimator: "hutchinson" for any loss, or "gauss-newton-bartlett" for a model whose one output is logits, classes
            in the last axis.
        seed: an integer.

    Raises:
        NotImplementedError: on another backend than TensorFlow, whose nested tapes take the second derivative.

    Example:
        >>> model = SophiaModel(keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]))
        >>> model.compile(Sophia(3e-4), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        >>> len(model.weights)
        2
    """

    def __init__(self, model, estimator="hutchinson", seed=0, **kwargs):
        if estimator not in ESTIMATORS:
            raise ValueError(f"SophiaModel: `estimator` must be one of {ESTIMATORS}. Received: estimator={estimator!r}")
        super().__init__(model, **kwargs)
        self.estimator = estimator
        self.seed = int(seed)

    def train_step(self, data):
        import tensorflow as tf

        sophia = self._sophia()
        variables = self.trainable_variables
        if not sophia.built:
            sophia.build(variables)
        estimates = tf.cond(
            sophia.curvature_is_due(),
            lambda: self._estimates(data),
            lambda: [tf.zeros_like(variable.value) for variable in variables],
        )
        sophia.follow_curvature(estimates, variables)
        return super().train_step(data)

    def _sophia(self) -> Sophia:
        optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)  # of a LossScaleOptimizer
        if not isinstance(optimizer, Sophia) or optimizer.empirical_fisher:
            raise ValueError(
                "SophiaModel trains with `Sophia`, without `empirical_fisher`: `model.compile(optimizers.Sophia(3e-4), "
                f"...)`. Received: {optimizer!r}"
            )
        return optimizer

    def _estimates(self, data):
        """One a trainable variable; the summand of this replica."""
        import tensorflow as tf

        kept = [(variable, ops.copy(variable.value)) for variable in self.non_trainable_variables]
        if self.estimator == "hutchinson":
            estimates = self._hutchinson(*keras.utils.unpack_x_y_sample_weight(data))
        else:
            estimates = self._gauss_newton_bartlett(keras.utils.unpack_x_y_sample_weight(data)[0])
        with tf.control_dependencies(estimates):
            for variable, value in kept:
                variable.assign(value)
        return estimates

    def _hutchinson(self, x, y, sample_weight):
        import tensorflow as tf

        variables = [variable.value for variable in self.trainable_variables]
        directions = [self._drawn(tf.random.stateless_normal, v.shape, v.dtype, i) for i, v in enumerate(variables)]
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                outputs = self(x, training=True)
                loss = self.compute_loss(x=x, y=y, y_pred=outputs, sample_weight=sample_weight, training=True)
            slope = tf.add_n(
                [
                    tf.reduce_sum(tf.cast(gradient * u, "float32"))
                    for gradient, u in zip(_gradients(inner, loss, variables), directions, strict=True)
                ]
            )
        return [u * second for u, second in zip(directions, _gradients(outer, slope, variables), strict=True)]

    def _gauss_newton_bartlett(self, x):
        import tensorflow as tf

        variables = [variable.value for variable in self.trainable_variables]
        with tf.GradientTape() as tape:
            logits = tf.cast(self(x, training=True), "float32")  # ... C
            uniform = self._drawn(tf.random.stateless_uniform, tf.shape(logits), "float32", 0)
            # The largest of logits with Gumbel noise is a draw from their softmax.
            labels = tf.argmax(logits - tf.math.log(-tf.math.log(uniform + 1e-20)), axis=-1)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        count = tf.cast(tf.size(losses), "float32") / tf.distribute.get_strategy().num_replicas_in_sync
        return [tf.cast(count, g.dtype) * tf.square(g) for g in _gradients(tape, loss, variables)]

    def _drawn(self, distribution, shape, dtype, place):
        import tensorflow as tf

        seed = tf.stack([tf.constant(self.seed), tf.cast(self._sophia()._iterations, "int32")])
        replica = tf.distribute.get_replica_context()
        for number in (place, replica.replica_id_in_sync_group if replica else 0):
            seed = tf.random.experimental.stateless_fold_in(seed, number)
        return distribution(shape, seed, dtype=dtype)

    def get_config(self):
        return {**super().get_config(), "estimator": self.estimator, "seed": self.seed}


def _gradients(tape, target, variables):
    """Dense gradients, zeros where the target does not depend on a variable."""
    import tensorflow as tf

    gradients = tape.gradient(target, variables, unconnected_gradients="zero")
    return [tf.convert_to_tensor(gradient) for gradient in gradients]
