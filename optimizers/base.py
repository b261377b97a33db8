"""The optimizer that all of ours build on: Keras's own, made exact on many devices and short to extend.

A subclass is a trio, as in Keras: `build` makes the slots, `update_step` moves one variable, `get_config` names the
hyper-parameters. Two more methods are for what is the same for every variable of a step, so that it is computed once
and not once a variable: `step_scalars` (bias corrections) and, where such a number is remembered from step to step,
`advance`. `update_step` gets everything in the variable's dtype, gradients dense, and need not cast.

Where this departs from `keras.optimizers.Optimizer`:

- gradients are summed over the replicas first, then clipped, accumulated and applied, so that two devices do what one
  would do with the same global batch;
- an accumulated update of k batches is the update of one batch k times as large: schedules, moving averages and bias
  corrections count updates, not batches;
- exclusions from weight decay are part of the configuration, and a checkpoint that does not fit is refused.
"""

import math
import re
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from optimizers import groups as parameter_groups
from optimizers import kernels, messages
from optimizers.averaging import Averaging

TENSORFLOW = keras.backend.backend() == "tensorflow"


def constant(value):
    """An initializer; as a NumPy number, so that Keras does not round it to float32 on its way to float64."""
    return keras.initializers.Constant(np.float64(value))


def larger(one, other):
    """`ops.maximum` of two tensors of one dtype: on torch, Keras's own goes through float32."""
    return _extreme("maximum", one, other)


def smaller(one, other):
    """`ops.minimum`, as `larger` is `ops.maximum`."""
    return _extreme("minimum", one, other)


class _Chosen(NamedTuple):
    """A variable that was chosen before the build."""

    key: object
    path: str


class Optimizer(Averaging, keras.optimizers.Optimizer):
    """Base of all optimizers here.

    Args:
        learning_rate: a float >= 0, a `keras.optimizers.schedules.LearningRateSchedule`, or a callable without
            arguments.
        exclude_from_weight_decay: regular expressions; a variable whose name or path matches one (anywhere) is not
            decayed. An integer stands for the variable at that place among those that the optimizer is built with:
            so a saved configuration keeps variables that were given to the method of the same name.
        groups: learning rate, decay and freezing by pattern; see `optimizers.groups`.
        **kwargs: what every Keras optimizer takes: `name`, `weight_decay` (decoupled: w -= learning_rate *
            weight_decay * w before the update), at most one of `clipnorm`, `clipvalue`, `global_clipnorm`, `use_ema`,
            `ema_momentum`, `ema_overwrite_frequency`, `loss_scale_factor`, `gradient_accumulation_steps`.
    """

    def __init__(self, learning_rate, *, exclude_from_weight_decay=None, groups=None, **kwargs):
        messages.check_arguments(type(self), kwargs)
        super().__init__(_checked_rate(type(self).__name__, learning_rate), **kwargs)
        self._check_at_least_zero(weight_decay=self.weight_decay)
        self._excluded = list(exclude_from_weight_decay or ())
        self._groups = parameter_groups.checked(groups, type(self).__name__)

    # Whether `update_step` applies the weight decay itself (inside a trust ratio, say), by `_decay_of`.
    decays_itself = False

    # ---- the trio --------------------------------------------------------------------------------------------------

    def build(self, variables):
        super().build(variables)
        # Paths are read here and nowhere else: in an update under a strategy a variable is a bare tf.Variable.
        places = {self._var_key(variable): place for place, variable in enumerate(variables)}
        chosen = [places.get(e.key, e.path) if isinstance(e, _Chosen) else e for e in self._excluded]
        self._excluded = messages.exclusions(variables, chosen, self.name)
        decayed = messages.decayed(variables, self._excluded)
        self._multipliers, decays, self._frozen = parameter_groups.resolve(
            self._groups, variables, self.name, self.weight_decay
        )
        self._decays = [decay if applies else 0.0 for decay, applies in zip(decays, decayed, strict=True)]
        self._dtypes = sorted({_scalar_dtype(variable) for variable in variables})
        self._scalars = []
        if self.use_ema or self.averages:
            # A variable, so that a checkpoint knows at which weights it was made.
            self._swapped = self.add_variable((), "zeros", "float32", "only_first_replica", name="swapped")

    def step_scalars(self, step, learning_rate, *state) -> tuple:
        """What one step computes once for all variables.

        Args:
            step: scalar tensor, the number of this update: 1, 2, ...
            learning_rate: scalar tensor of the same dtype (float64 for float64 variables, else float32).
            *state: what `advance` gave for this step.

        Returns:
            Scalars that `update_step` gets after the learning rate, in the variable's dtype.
        """
        return ()

    def advance(self, step, learning_rate, gradients, variables, *state) -> tuple:
        """The new values of the scalars that `add_scalar` made, in their order, from the old ones."""
        return ()

    def update_step(self, gradient, variable, learning_rate, *scalars):
        """Moves one variable and its slots. All arguments come in the variable's dtype.

        A Python float multiplies tensors only: `ops.convert_to_tensor(slot)` before it. On torch, Keras rounds a float
        that meets one of its variables, or is an argument of `ops.maximum`, `power`, `clip` or `where`, to float32.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `update_step`.")

    def get_config(self):
        config = super().get_config()
        if self._excluded:
            # Before the build a variable has no place yet: layer and weight name it. (The model's name, which stands
            # before them in its path, is another one after loading.)
            named = [_last_two(each.path) if isinstance(each, _Chosen) else each for each in self._excluded]
            config["exclude_from_weight_decay"] = named
        if self._groups:
            config["groups"] = [dict(group) for group in self._groups]
        return config

    # ---- for subclasses --------------------------------------------------------------------------------------------

    def _average(self, slot, value, beta):
        """beta * slot + (1 - beta) * value, where 1 - beta is the very number that a float32 kernel computes."""
        return slot + (value - slot) * self._complement(beta, slot.dtype)

    def _begun(self, slot, variable):
        """The value of a slot that starts as a copy of its variable: at the first step, not at the build, since
        weights may be loaded in between. Until then the slot is NaN (`constant("nan")`)."""
        slot = ops.convert_to_tensor(slot)
        return ops.where(ops.isnan(slot), ops.convert_to_tensor(variable), slot)

    def _complement(self, beta, dtype) -> float:
        return 1 - _as_stored(beta, dtype)

    def _descend(self, variable, learning_rate, direction):
        """w -= learning_rate * direction, in one pass over memory where there is a kernel for it."""
        if kernels.fused(variable):
            kernels.gradient_descent(variable, learning_rate, direction)
        else:
            self.assign_sub(variable, learning_rate * direction)

    def _bias_correction(self, beta, step):
        """1 - beta ** step without cancellation: at step 1 and beta .999 the plain formula loses five digits."""
        beta = _as_stored(beta, step.dtype)
        return -ops.expm1(step * math.log(beta)) if beta else ops.ones_like(step)

    def add_scalar(self, name, initial):
        """A number that the optimizer remembers for all variables together; `advance` moves it on."""
        widest = self._dtypes[-1]
        # Every replica computes the same number.
        scalar = self.add_variable((), constant(initial), widest, "only_first_replica", name=name)
        self._scalars.append(scalar)

    def add_slot(self, variable, shape, name):
        """A slot of a shape of its own for one variable, starting at zeros."""
        layer = variable.path.replace("/", "_") if hasattr(variable, "path") else variable.name
        return self.add_variable(shape, dtype=variable.dtype, name=f"{layer}_{name}")

    def _decay_of(self, variable) -> float:
        return self._decays[self._get_variable_index(variable)]

    def _check_fractions(self, **values):
        for name, value in values.items():
            if not 0 <= value < 1:
                raise ValueError(
                    f"{type(self).__name__}: `{name}` must be in [0, 1), for example 0.9. Received: {name}={value}"
                )

    def _check_at_least_zero(self, **values):
        for name, value in values.items():
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(
                    f"{type(self).__name__}: `{name}` must be a finite number >= 0. Received: {name}={value}"
                )

    def _check_above_zero(self, **values):
        for name, value in values.items():
            if not 0 < value < math.inf:
                raise ValueError(
                    f"{type(self).__name__}: `{name}` must be a finite number above 0. Received: {name}={value}"
                )

    # ---- one step --------------------------------------------------------------------------------------------------

    def _backend_apply_gradients(self, grads, trainable_variables):
        strategy = kernels.strategy() if TENSORFLOW else None
        if strategy:
            grads = kernels.sum_over_replicas(grads)
        pairs = zip(grads, trainable_variables, strict=True)
        pairs = [(g, v) for g, v in pairs if not self._frozen[self._get_variable_index(v)]]
        if not pairs:
            return
        self._note_sparse(pairs)
        grads = [_dense(gradient, variable) for gradient, variable in pairs]
        trainable_variables = [variable for _, variable in pairs]
        accepted = self._accepts(grads)
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
        """Whether this step is taken at all: True, or a boolean tensor, the same on all replicas."""
        return True

    def _note_sparse(self, pairs):
        """Is told of the gradients, summed over the replicas, before they are made dense."""

    def _apply_now(self, grads, variables):
        grads = self._clip_gradients(grads)
        plan = self._plan(grads, variables)
        for gradient, variable in zip(grads, variables, strict=True):
            self._move(kernels.native(variable), gradient, plan)
        if self.use_ema:
            for variable, average in zip(self._trainable_variables, self._model_variables_moving_average, strict=True):
                self._follow(kernels.native(variable), average)

    def _clip_gradients(self, grads):
        """Keras's clips, each in the dtype of its gradient: on torch, Keras's own go through float32."""
        if self.clipvalue:
            limits = [ops.convert_to_tensor(self.clipvalue, gradient.dtype) for gradient in grads]
            return [ops.clip(gradient, -limit, limit) for gradient, limit in zip(grads, limits, strict=True)]
        if self.clipnorm:
            return [gradient * _shrinking(_norm(gradient), self.clipnorm) for gradient in grads]
        if self.global_clipnorm:
            norm = _norm(ops.stack([ops.cast(_norm(gradient), self._dtypes[-1]) for gradient in grads]))
            # As in Keras: one gradient that is not finite makes all of them NaN.
            scale = _shrinking(norm, self.global_clipnorm) + (norm - norm)
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
        state = ()
        scalars = self._remembered()
        if scalars:
            widest = self._dtypes[-1]
            step, rate = ops.cast(self.iterations + 1, widest), ops.cast(self.learning_rate, widest)
            # Values, by arithmetic: what a conversion gives may be the variable itself, and follow the assignment.
            before = [scalar + 0 for scalar in scalars]
            state = self.advance(step, rate, grads, variables, *before)
            for scalar, old, new in zip(scalars, before, state, strict=True):
                scalar.assign(new if due is True else ops.where(due, new, old))
        plan = {}
        for dtype in self._dtypes:
            step, whole = ops.cast(self.iterations + 1, dtype), ops.cast(self.learning_rate, dtype)
            narrowed = [ops.cast(value, dtype) for value in state]
            plan[dtype] = {}
            for multiplier in sorted(set(self._multipliers)):
                rate = whole * multiplier if multiplier != 1 else whole
                plan[dtype][multiplier] = (rate, *self.step_scalars(step, rate, *narrowed))
        return plan

    def _move(self, variable, gradient, plan):
        multiplier = self._multipliers[self._get_variable_index(variable)]
        rate, *scalars = (ops.cast(s, variable.dtype) for s in plan[_scalar_dtype(variable)][multiplier])
        self.apply_decay(variable, rate)
        self.update_step(gradient, variable, rate, *scalars)

    def apply_decay(self, variable, learning_rate):
        if not self.decays_itself and self._decay_of(variable):
            self.assign_sub(variable, variable * (learning_rate * self._decay_of(variable)))

    def _remembered(self):
        return self._scalars

    def _is_due(self):
        return (self._iterations + 1) % self.gradient_accumulation_steps == 0

    def _accumulators_of(self, variables):
        return [self._accumulated_gradients[self._get_variable_index(variable)] for variable in variables]

    def _mean_gradient(self, total, gradient, count):
        """The mean of `count` gradients: the last one and the sum of those before."""
        return (total + gradient) / count

    # ---- learning rate, weight decay, checkpoints ------------------------------------------------------------------

    def _get_current_learning_rate(self):
        if isinstance(self._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return super()._get_current_learning_rate()

    @property
    def learning_rate(self):
        return self._get_current_learning_rate()

    @learning_rate.setter
    def learning_rate(self, value):
        keras.optimizers.Optimizer.learning_rate.fset(self, _checked_rate(type(self).__name__, value))

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Keeps variables, or all whose name or path matches one of `var_names`, from being decayed."""
        if self.built:
            raise ValueError(
                f"{self.name}: call `exclude_from_weight_decay` before the optimizer is built (before the first "
                "`fit`, `apply` or `build`)."
            )
        # Not the variables themselves: Keras would count them among the optimizer's own.
        self._excluded = [*(var_names or ()), *(_Chosen(self._var_key(v), v.path) for v in var_list or ())]

    def _use_weight_decay(self, variable):
        return self._decay_of(variable) > 0

    @property
    def rule(self) -> str:
        """What a checkpoint is of, and fits: the name of the class."""
        return type(self).__name__

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["optimizer"] = np.frombuffer(self.rule.encode(), np.uint8)

    def load_own_variables(self, store):
        saved = {key: store[key] for key in store.keys()}
        messages.check_checkpoint(self, saved)
        for index, variable in enumerate(self.variables):
            variable.assign(saved[str(index)])


def _extreme(name, one, other):
    one, other = ops.convert_to_tensor(one), ops.convert_to_tensor(other)
    if keras.backend.backend() != "torch":
        return getattr(ops, name)(one, other)
    import torch

    return getattr(torch, name)(one, other)


def _norm(values):
    return ops.sqrt(kernels.sum_of_squares(values))


def _shrinking(norm, longest):
    """The factor that makes a norm at most `longest`."""
    return longest / larger(norm, ops.convert_to_tensor(longest, norm.dtype))


def _ran(branch):
    branch()


def _last_two(path):
    return f"(^|/){re.escape('/'.join(path.split('/')[-2:]))}$"


def _dense(gradient, variable):
    """A dense gradient of the variable's dtype; rows that a sparse gradient names twice are summed."""
    gradient = kernels.densified(gradient) if TENSORFLOW else gradient
    return ops.cast(gradient, variable.dtype)


def _scalar_dtype(variable):
    """Where step scalars are computed: a half cannot count to 257, nor hold .999."""
    return "float64" if keras.backend.standardize_dtype(variable.dtype) == "float64" else "float32"


def _as_stored(value, dtype):
    """`value` as a kernel of that dtype sees it, as a Python float."""
    double = keras.backend.standardize_dtype(dtype) == "float64"
    return float(value) if double else float(np.float32(value))


def _checked_rate(owner, rate):
    if callable(rate):  # schedules too
        return rate
    if isinstance(rate, np.floating):
        rate = float(rate)
    if not isinstance(rate, float) or not 0 <= rate < math.inf:
        raise ValueError(
            f"{owner}: `learning_rate` must be a float >= 0 (1.0, not 1), a LearningRateSchedule or a callable without "
            f"arguments. Received: learning_rate={rate!r}"
        )
    return rate
