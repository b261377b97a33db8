"""Leaves out the steps whose gradients are not numbers."""

import keras
from keras import ops

from optimizers.wrappers.wrapper import Wrapper


@keras.saving.register_keras_serializable("menagerie")
class SkipNonFinite(Wrapper):
    """Skips a step if any gradient has a NaN or an infinity in it.

        if every g is finite: the inner optimizer's step
        else: skipped = skipped + 1, and nothing else

    Weights, slots, averages and the count of steps (so schedules and bias corrections too) stay as they were. Replicas
    decide on the sum of their gradients, so that all skip or none. Under accumulation a skipped batch counts for
    nothing: an update waits until it has `gradient_accumulation_steps` batches that are finite.

    When to use: long trainings in half precision, where one bad batch must not end them. `optimizer.skipped` tells how
        many there were. With float16, `LossScaleOptimizer` skips by itself.
    Memory: none (a counter).
    Paper: none; optax has it as `apply_if_finite`.
    Defaults: none.
    """

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.skipped = self.add_variable((), "zeros", "int32", "only_first_replica", name="skipped")

    def takes_rows(self):
        return self.inner.takes_rows()

    def update_rows(self, gradient, variable, learning_rate, *scalars):
        self.inner.update_rows(gradient, variable, learning_rate, *scalars)

    def _accepts(self, grads):
        accepted = super()._accepts(grads)
        for gradient in grads:
            finite = ops.all(ops.isfinite(gradient))
            accepted = finite if accepted is True else ops.logical_and(accepted, finite)
        self.skipped.assign_add(1 - ops.cast(accepted, "int32"))
        return accepted
