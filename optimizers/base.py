"""The optimizer that all of ours build on: Keras's own, made exact on many devices and short to extend.

A subclass is a trio, as in Keras: `build` makes the slots, `update_step` moves one variable, `get_config` names the
hyper-parameters. Two more methods are for what is the same for every variable of a step, so that it is computed once
and not once a variable: `step_scalars` (bias corrections) and, where such a number is remembered from step to step,
`advance`. `update_step` gets everything in one dtype, gradients dense, and need not cast: float64 for
float64 variables, else float32. Slots are of that dtype too.

Where this departs from `keras.optimizers.Optimizer`:

- gradients are summed over the replicas first, then clipped, accumulated and applied, so that two devices do what one
  would do with the same global batch;
- an accumulated update of k batches is the update of one batch k times as large: schedules, moving averages and bias
  corrections count updates, not batches;
- exclusions from weight decay are part of the configuration;
- a state whose slots would mean something else is not loaded, and a copy has the state of the original.
"""

import math
import numbers
import re
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from optimizers import groups as parameter_groups
from optimizers import kernels, messages
from optimizers.arithmetic import as_stored, constant, is_half, number, scalar_dtype, toward
from optimizers.averaging import Averaging
from optimizers.checkpoints import Checkpoints
from optimizers.stepping import Stepping


class _Chosen(NamedTuple):
    """A variable that was chosen before the build."""

    key: object
    path: str


class Optimizer(Checkpoints, Stepping, Averaging, keras.optimizers.Optimizer):
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
        self._is_copy = False

    # Arguments of a base class that this one does not take.
    absent = ()

    # Whether `update_step` applies the weight decay itself (inside a trust ratio, say), by `_decay_of`.
    decays_itself = False
    # True: each element moves by its own gradient and slots alone, and slots start as constants, so that some rows of a
    # variable can be moved without the others. Not inherited, since a subclass may read more.
    elementwise = False

    # The dtypes of the steps, in rising order; `build` finds them.
    _dtypes = ("float32",)

    # ---- the trio --------------------------------------------------------------------------------------------------

    def build(self, variables):
        super().build(variables)
        # Paths are read here and nowhere else: in an update under a strategy a variable is a bare tf.Variable.
        places = {self._var_key(variable): place for place, variable in enumerate(variables)}
        chosen = [places.get(e.key, e.path) if isinstance(e, _Chosen) else e for e in self._excluded]
        self._excluded = messages.exclusions(variables, chosen, self.name)
        decayed = messages.decayed(variables, self._excluded)
        self._multipliers, decays, self._frozen = parameter_groups.resolve(
            self._groups, variables, self.name, self._default_decays(variables)
        )
        self._decays = [decay if applies else 0.0 for decay, applies in zip(decays, decayed, strict=True)]
        self._dtypes = sorted({scalar_dtype(variable) for variable in variables}) or ["float32"]
        self._scalars = []
        if self.use_ema or self.averages:
            # A variable, so that a checkpoint knows at which weights it was made.
            self._swapped = self.add_variable((), "zeros", "float32", "only_first_replica", name="swapped")

    def step_scalars(self, step, learning_rate, *state) -> tuple:
        """The numbers that a step computes once for all variables.

        Args:
            step: scalar tensor, the number of this update: 1, 2, ...
            learning_rate: scalar tensor of the same dtype (float64 for float64 variables, else float32).
            *state: what `advance` gave for this step.

        Returns:
            Scalars that `update_step` gets after the learning rate, in the same dtype.
        """
        return ()

    def _has_step_scalars(self):
        return type(self).step_scalars is not Optimizer.step_scalars

    def advance(self, step, learning_rate, gradients, variables, *state) -> tuple:
        """The new values of the scalars that `add_scalar` made, in their order, from the old ones."""
        return ()

    def update_step(self, gradient, variable, learning_rate, *scalars):
        """Moves one variable and its slots. All arguments come in one dtype, float32 or float64.

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
        return toward(slot, value, self._complement(beta, slot.dtype))

    def _begun(self, slot, variable):
        """The value of a slot that starts as a copy of its variable: at the first step, not at the build, since
        weights may be loaded in between. Until then the slot is NaN (`constant("nan")`)."""
        slot = ops.convert_to_tensor(slot)
        return ops.where(ops.isnan(slot), ops.convert_to_tensor(variable), slot)

    def _complement(self, beta, dtype):
        return number(1 - as_stored(beta, dtype), dtype)

    def _descend(self, variable, learning_rate, direction):
        """w -= learning_rate * direction, in one pass over memory where there is a kernel for it."""
        if kernels.fused(variable):
            kernels.gradient_descent(variable, learning_rate, direction)
        else:
            self.assign_sub(variable, learning_rate * direction)

    def _bias_correction(self, beta, step):
        """1 - beta ** step without cancellation: at step 1 and beta .999 the plain formula loses five digits."""
        beta = as_stored(beta, step.dtype)
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

    def add_variable(self, shape, initializer="zeros", dtype=None, *args, **kwargs):
        # Slots of half-precision variables are kept in float32.
        dtype = "float32" if dtype and is_half(dtype) else dtype
        return super().add_variable(shape, initializer, dtype, *args, **kwargs)

    def _default_decays(self, variables) -> list:
        """The weight decay of each variable that no group gives another."""
        return [self.weight_decay] * len(variables)

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
        """Any scalar >= 0: a number, an array, a tensor or a variable; or a schedule or callable in place of one."""
        name = type(self).__name__
        if not callable(value):
            value = _checked_scalar(name, value)
            if not isinstance(self._learning_rate, keras.Variable):
                raise TypeError(
                    f"{name}: the learning rate follows {self._learning_rate!r} and cannot be set to a number. Make "
                    "the optimizer with a float `learning_rate` to set it later."
                )
        keras.optimizers.Optimizer.learning_rate.fset(self, value)

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


def _last_two(path):
    return f"(^|/){re.escape('/'.join(path.split('/')[-2:]))}$"


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


def _checked_scalar(owner, rate):
    """A scalar as a float, or as a tensor where its value is not known yet (inside a graph)."""
    number = None
    if isinstance(rate, numbers.Real) and not isinstance(rate, bool):
        number = float(rate)
    elif isinstance(rate, np.ndarray | keras.Variable) or ops.is_tensor(rate):
        if tuple(rate.shape) == ():
            try:
                number = float(ops.convert_to_numpy(rate))
            except (NotImplementedError, TypeError):  # a symbolic tensor of TensorFlow, a tracer of JAX
                return ops.convert_to_tensor(rate)
    if number is None or not 0 <= number < math.inf:
        raise ValueError(
            f"{owner}: `learning_rate` must be a scalar >= 0, a LearningRateSchedule or a callable without arguments. "
            f"Received: learning_rate={rate!r}"
        )
    return number
