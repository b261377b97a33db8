"""One step: from the gradients of a batch to the rule, on one device or on many, at once or accumulated."""

import keras
from keras import ops

from optimizers import kernels, rows
from optimizers.arithmetic import norm_of, scalar_dtype, shrinking
from optimizers.half_precision import Widened, origin, widened


class Stepping:
    """The part of the base class that Keras calls with gradients."""

    def _backend_apply_gradients(self, grads, trainable_variables):
        strategy = kernels.strategy() if keras.backend.backend() == "tensorflow" else None
        if strategy:
            grads = kernels.sum_over_replicas(grads)
        pairs = zip(grads, trainable_variables, strict=True)
        # A variable without elements has nothing to move, and no mean.
        pairs = [(g, v) for g, v in pairs if not self._frozen[self._get_variable_index(v)] and 0 not in v.shape]
        if not pairs:
            return
        self._note_sparse(pairs)
        grads = [self._one_kind(gradient, variable) for gradient, variable in pairs]
        trainable_variables = [variable for _, variable in pairs]
        accepted = self._accepts(rows.values_of(grads))
        step = self._apply_or_accumulate if self.gradient_accumulation_steps else self._apply_now
        if strategy:
            self._apply_on_replicas(grads, trainable_variables, accepted)
        elif accepted is True:
            step(grads, trainable_variables)
        else:
            self._either(accepted, lambda: step(grads, trainable_variables), lambda: None)
        if accepted is not True:  # Keras counts each step: take back what did not happen
            self._iterations.assign_sub(ops.cast(~accepted, self._iterations.dtype))

    def _accepts(self, grads):
        """True if this step is taken at all: True, or a boolean tensor, the same on all replicas."""
        return True

    def _note_sparse(self, pairs):
        """Is told of the gradients, summed over the replicas, before they are made dense."""

    # True: `update_rows` takes a sparse gradient that names rows more than once.
    takes_repeated_rows = False

    def _one_kind(self, gradient, variable):
        """A gradient of the variable's dtype: sparse, where the step is on rows, or else dense."""
        if not rows.is_sparse(gradient) or not kernels.fused(kernels.native(variable)):
            return _dense(gradient, variable)
        if self.gradient_accumulation_steps or not self.takes_rows():
            return _dense(gradient, variable)
        gradient = rows.rows_with_shape(gradient, variable.shape)
        if not self.takes_repeated_rows or self.clipvalue or self.clipnorm or self.global_clipnorm:
            gradient = rows.summed(gradient)
        return rows.sparse(ops.cast(gradient.values, variable.dtype), gradient)

    def takes_rows(self) -> bool:
        """True if `update_rows` is the step for a sparse gradient: a row without one keeps its value, and its slots do
        no more than fade."""
        return False

    def update_rows(self, gradient, variable, learning_rate, *scalars):
        """`update_step` for a sparse gradient."""
        rule, part, put_back = rows.gathered(self, variable, gradient.indices, self.fades())
        rule.update_step(gradient.values, part, learning_rate, *scalars)
        put_back()

    def fades(self) -> dict:
        """Name of a list of slots -> what a step without a gradient multiplies them by, where that is not 1."""
        return {}

    def _apply_now(self, grads, variables):
        grads = self._clip_gradients(grads)
        plan = self._plan(grads, variables)
        for gradient, variable in zip(grads, variables, strict=True):
            self._move(kernels.native(variable), gradient, plan)
        if self.use_ema:
            for variable, average in zip(self._trainable_variables, self._model_variables_moving_average, strict=True):
                self._follow(kernels.native(variable), average)

    def _clip_gradients(self, grads):
        return rows.with_values(grads, self._clip_dense(rows.values_of(grads)))

    def _clip_dense(self, grads):
        """Keras's clips, each in the dtype of its gradient: on torch, Keras's own go through float32."""
        if self.clipvalue or self.clipnorm or self.global_clipnorm:
            grads = [ops.convert_to_tensor(gradient) for gradient in grads]
        if self.clipvalue:
            limits = [ops.convert_to_tensor(self.clipvalue, gradient.dtype) for gradient in grads]
            return [ops.clip(gradient, -limit, limit) for gradient, limit in zip(grads, limits, strict=True)]
        if self.clipnorm:
            return [gradient * shrinking(norm_of(gradient), self.clipnorm) for gradient in grads]
        if self.global_clipnorm:
            norm = norm_of(ops.stack([ops.cast(norm_of(gradient), self._dtypes[-1]) for gradient in grads]))
            # As in Keras: one gradient that is not finite makes all of them NaN.
            scale = shrinking(norm, self.global_clipnorm) + (norm - norm)
            return [gradient * ops.cast(scale, gradient.dtype) for gradient in grads]
        return grads

    def _apply_or_accumulate(self, grads, variables):
        sums = self._accumulators_of(variables)

        def apply():
            means = [
                self._mean_gradient(total, gradient, self.gradient_accumulation_steps)
                for total, gradient in zip(sums, grads, strict=True)
            ]
            self._apply_now(means, variables)
            for total in self._accumulated_gradients:
                self.assign(total, ops.zeros(total.shape, total.dtype))

        def accumulate():
            for total, gradient in zip(sums, grads, strict=True):
                self.assign_add(total, gradient)

        self._either(self._is_due(), apply, accumulate)

    def _either(self, condition, apply, accumulate):
        """`ops.cond` for functions that assign. JAX's branches are pure: the state goes in and comes out by value."""
        if keras.backend.backend() != "jax":
            ops.cond(condition, lambda: _ran(apply), lambda: _ran(accumulate))
            return
        state = [*self._trainable_variables, *self.variables]
        before = [variable.value for variable in state]

        def pure(branch):
            branch()
            after = [variable.value for variable in state]
            for variable, value in zip(state, before, strict=True):
                variable.assign(value)
            return after

        after = ops.cond(condition, lambda: pure(apply), lambda: pure(accumulate))
        for variable, value in zip(state, after, strict=True):
            variable.assign(value)

    def _apply_on_replicas(self, grads, variables, accepted):
        """The same step inside a `tf.distribute` replica.

        The condition on the step stands inside each variable's update: around it, it would enclose a merge_call, which
        TensorFlow refuses.
        """
        due, totals, sums = True, grads, grads
        if self.gradient_accumulation_steps:
            due, sums = self._is_due(), self._accumulators_of(variables)
            totals = [total + gradient for total, gradient in zip(sums, grads, strict=True)]
            grads = [
                self._mean_gradient(total, gradient, self.gradient_accumulation_steps)
                for total, gradient in zip(sums, grads, strict=True)
            ]
        grads = self._clip_gradients(grads)
        accumulating = bool(self.gradient_accumulation_steps)

        def move(variable, gradient, total, accumulator, plan, due, accepted):
            def step():
                if not accumulating:
                    self._move(variable, gradient, plan)
                    return
                kernels.cond(
                    due,
                    lambda: (self._move(variable, gradient, plan), accumulator.assign(ops.zeros_like(total))),
                    lambda: accumulator.assign(total),
                )

            kernels.cond(accepted, step, lambda: None)

        def follow(variable, average, due):
            kernels.cond(due, lambda: self._follow(variable, average), lambda: None)

        def update(strategy, grads, totals, plan, due, accepted, happens):
            for variable, gradient, total, accumulator in zip(variables, grads, totals, sums, strict=True):
                accumulator = kernels.native(accumulator)
                strategy.extended.update(
                    kernels.native(variable),
                    move,
                    args=(gradient, total, accumulator, plan, due, accepted),
                    group=False,
                )
            if self.use_ema:
                for variable, average in zip(
                    self._trainable_variables, self._model_variables_moving_average, strict=True
                ):
                    strategy.extended.update(
                        kernels.native(variable), follow, args=(average.value, happens), group=False
                    )

        happens = due if accepted is True else accepted if due is True else due & accepted
        kernels.merge(update, grads, totals, self._plan(grads, variables, happens), due, accepted, happens)

    def _plan(self, grads, variables, due=True):
        """{dtype: {multiplier: (learning rate, *step scalars)}}; remembered scalars move on if the update is due."""
        state, scalars = (), self._remembered()
        counts = scalars or self._has_step_scalars()
        step, rate = self.iterations + 1 if counts else None, self.learning_rate
        now = {dtype: (ops.cast(step, dtype) if counts else None, ops.cast(rate, dtype)) for dtype in self._dtypes}
        if scalars:
            step, rate = now[self._dtypes[-1]]
            # Values, by arithmetic: what a conversion gives may be the variable itself, and follow the assignment.
            before = [scalar + 0 for scalar in scalars]
            state = self.advance(step, rate, grads, [widened(variable) for variable in variables], *before)
            for scalar, old, new in zip(scalars, before, state, strict=True):
                scalar.assign(new if due is True else ops.where(due, new, old))
        plan = {}
        for dtype in self._dtypes:
            step, whole = now[dtype]
            narrowed = [ops.cast(value, dtype) for value in state]
            plan[dtype] = {}
            for multiplier in sorted(set(self._multipliers)):
                rate = whole * multiplier if multiplier != 1 else whole
                plan[dtype][multiplier] = (rate, *self.step_scalars(step, rate, *narrowed))
        return plan

    def _move(self, variable, gradient, plan):
        multiplier = self._multipliers[self._get_variable_index(variable)]
        rate, *scalars = (ops.cast(s, scalar_dtype(variable)) for s in plan[scalar_dtype(variable)][multiplier])
        moved = widened(variable)
        self.apply_decay(moved, rate)
        update = self.update_rows if rows.is_sparse(gradient) else self.update_step
        update(gradient, moved, rate, *scalars)
        if moved is not variable:
            self.assign(variable, moved.value)

    def assign(self, variable, value):
        if isinstance(variable, Widened):
            variable.assign(value)
        else:
            super().assign(variable, value)

    def assign_add(self, variable, value):
        if isinstance(variable, Widened):
            variable.assign(variable + value)
        else:
            super().assign_add(variable, value)

    def assign_sub(self, variable, value):
        if isinstance(variable, Widened):
            variable.assign(variable - value)
        else:
            super().assign_sub(variable, value)

    def _get_variable_index(self, variable):
        return super()._get_variable_index(origin(variable))

    def apply_decay(self, variable, learning_rate):
        decay = 0 if self.decays_itself else self._decay_of(variable)
        if decay and kernels.fused(variable):
            kernels.decay(variable, learning_rate, decay)
        elif decay:
            self.assign_sub(variable, variable * (learning_rate * decay))

    def _remembered(self):
        return self._scalars

    def _is_due(self):
        return (self._iterations + 1) % self.gradient_accumulation_steps == 0

    def _accumulators_of(self, variables):
        return [self._accumulated_gradients[self._get_variable_index(variable)] for variable in variables]

    def _mean_gradient(self, total, gradient, count):
        """The mean of `count` gradients: the last one and the sum of those before."""
        return (total + gradient) / count


def _ran(branch):
    branch()


def _dense(gradient, variable):
    """A dense gradient of the variable's shape, in the dtype of its step; rows that a sparse one names twice are
    summed."""
    if keras.backend.backend() == "tensorflow":
        gradient = kernels.with_shape(kernels.densified(gradient), variable.shape)
    elif keras.backend.backend() == "jax":
        gradient = ops.convert_to_tensor(gradient, sparse=False)
    return ops.cast(gradient, scalar_dtype(variable))
