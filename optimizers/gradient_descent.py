"""Gradient descent: on single examples, mini-batches or the whole set, with and without momentum."""

import keras
from keras import ops

from optimizers import kernels, rows
from optimizers.base import Optimizer


@keras.saving.register_keras_serializable("menagerie")
class SGD(Optimizer):
    """Stochastic gradient descent, plain or with momentum; the batch size makes it stochastic or mini-batch.

        w -= lr g                                       (momentum 0)
        v = momentum v + g;   w -= lr v
        v = momentum v + g;   w -= lr (g + momentum v)  (nesterov)

    The learning rate stands outside the velocity, as in torch and optax: when a schedule lowers it, steps shrink at
    once. Keras has it inside; with a constant rate the two are the same.

    When to use: the last tenth of a percent on image models, with a schedule; whenever memory is short.
    Memory: none for momentum 0, else one number per parameter.
    Paper: Robbins & Monro 1951; Polyak 1964 (momentum); Nesterov 1983, in the form of Sutskever et al. 2013.
    Defaults: Keras's (0.01, no momentum).
    """

    elementwise = True
    takes_repeated_rows = True

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self._check_fractions(momentum=momentum)
        if nesterov and not momentum:
            raise ValueError("SGD: `nesterov=True` needs a momentum above 0, for example 0.9. Received: momentum=0.0")
        self.momentum = momentum
        self.nesterov = nesterov

    @property
    def reads_keras_state(self):
        return not self.momentum  # Keras's velocity is -lr times this one

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        if self.momentum:
            self._velocities = self.add_optimizer_variables(variables, "velocity")

    def takes_rows(self):
        return rows.is_elementwise(self) and not self.momentum

    def update_rows(self, gradient, variable, learning_rate):
        # Repeated rows are subtracted one after another: each is rounded once more than their sum would be.
        rows.subtract_rows(variable, gradient.indices, learning_rate * gradient.values)

    def update_step(self, gradient, variable, learning_rate):
        if not self.momentum:
            self._descend(variable, learning_rate, gradient)
            return
        velocity = self._velocities[self._get_variable_index(variable)]
        if kernels.fused(variable):
            kernels.momentum(variable, velocity, learning_rate, gradient, self.momentum, self.nesterov)
            return
        value = self.momentum * ops.convert_to_tensor(velocity) + gradient
        self.assign(velocity, value)
        self.assign_sub(variable, learning_rate * (gradient + self.momentum * value if self.nesterov else value))

    def get_config(self):
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


@keras.saving.register_keras_serializable("menagerie")
class BatchGradientDescent(Optimizer):
    """Gradient descent on the whole set: one update an epoch, by the mean gradient over all examples.

        G = mean of g over the epoch's batches, each example counting the same
        w -= lr G

    Batches of any size pass through `fit`; their gradients are summed up and the weights move at the epoch's end.
    `steps_per_epoch` is the number of batches in an epoch. Where the set does not divide evenly, the last batch is
    smaller and its mean gradient must count for less: `last_batch` is its size as a fraction of the others. 1,797
    examples in batches of 32 are 57 steps, the last with 5 examples:

        BatchGradientDescent(0.1, steps_per_epoch=57, last_batch=5 / 32)

    Without it (or with batches of unequal size in the middle, or sample weights that differ between batches) the
    update is the mean of the batches' means, in which the examples of a smaller batch weigh more. An epoch that is
    cut short carries its gradients over into the next.

    When to use: to see what the mini-batches of SGD approximate; small sets and convex losses.
    Memory: one number per parameter (the sum), none for steps_per_epoch 1.
    Paper: Cauchy 1847.
    Defaults: learning rate 0.01, as SGD.
    """

    def __init__(self, learning_rate=0.01, steps_per_epoch=1, last_batch=1.0, **kwargs):
        if not isinstance(steps_per_epoch, int) or steps_per_epoch < 1:
            raise ValueError(
                "BatchGradientDescent: `steps_per_epoch` must be an integer >= 1, the number of batches in an epoch. "
                f"Received: steps_per_epoch={steps_per_epoch}"
            )
        if not 0 < last_batch <= 1:
            raise ValueError(
                "BatchGradientDescent: `last_batch` must be in (0, 1], the size of the last batch as a fraction of the "
                f"others. Received: last_batch={last_batch}"
            )
        if kwargs.pop("gradient_accumulation_steps", None) not in (None, steps_per_epoch):
            raise ValueError("BatchGradientDescent: `steps_per_epoch` stands for `gradient_accumulation_steps`.")
        accumulation = steps_per_epoch if steps_per_epoch > 1 else None
        super().__init__(learning_rate, gradient_accumulation_steps=accumulation, **kwargs)
        self.steps_per_epoch = steps_per_epoch
        self.last_batch = last_batch

    def build(self, variables):
        if not self.built:
            super().build(variables)

    def _mean_gradient(self, total, gradient, count):
        return (total + self.last_batch * gradient) / (count - 1 + self.last_batch)

    def update_step(self, gradient, variable, learning_rate):
        self._descend(variable, learning_rate, gradient)

    def get_config(self):
        config = super().get_config()
        del config["gradient_accumulation_steps"]
        return {**config, "steps_per_epoch": self.steps_per_epoch, "last_batch": self.last_batch}
