"""Saving, loading, copying and pickling the state of an optimizer."""

import contextlib
import warnings

import keras
import numpy as np
from keras import ops


class Checkpoints:
    """The part of the base class that Keras's saving, `copy` and `pickle` call.

    The state is written as Keras writes it: the variables by their place, and nothing else, so that Keras's class of
    the same rule can read it. An HDF5 file also gets the name of the rule as an attribute. Where the slots would mean
    something else to Keras's class, that name is one entry more, at which Keras's class leaves the state out.
    """

    # The class whose slots mean the same, so that either reads the other's state: not inherited.
    same_state_as = None
    # True: the slots mean the same as those of Keras's class of this rule, so that either reads the other's state. Not
    # inherited.
    reads_keras_state = False

    @property
    def rule(self) -> str:
        """The name of the rule, by which a checkpoint is known."""
        return type(self).__name__

    @property
    def state_rule(self) -> str:
        """The name of the rule whose slots these are: "Adam" for AdamW."""
        return vars(type(self)).get("same_state_as") or self.rule

    def _without_slots(self) -> list:
        """The variables that exist before `build`: the number of steps and, unless it is a schedule, the rate."""
        rate = [self._learning_rate] if isinstance(self._learning_rate, keras.Variable) else []
        return [self._iterations, *rate]

    def save_own_variables(self, store):
        super().save_own_variables(store)
        attributes = _attributes(store)
        if attributes is not None:
            attributes["optimizer"] = self.state_rule
        if self._has_slots() and not self._shares_keras_state():
            store["optimizer"] = np.frombuffer(self.state_rule.encode(), np.uint8)

    def load_own_variables(self, store):
        """Takes a saved state, or warns and takes none of it.

        The state of an optimizer that was not built (the number of steps and the rate) fits every optimizer of the
        same kind of rate: slots begin afresh. A state whose slots would mean something else is left out.
        """
        saved = {key: np.asarray(store[key]) for key in store.keys()}
        attributes = _attributes(store)
        theirs = saved.pop("optimizer", None)  # always written by 0.1.0
        if theirs is not None:
            theirs = bytes(bytearray(theirs)).decode()
        elif attributes is not None:
            theirs = attributes.get("optimizer", "")
        if self._is_from_before_training(saved, theirs):
            self._forget()
            for key, variable in enumerate(self._without_slots()):
                variable.assign(saved[str(key)])
            return
        reason = self._misfit(saved, theirs)
        if reason:
            warnings.warn(
                f"{self.rule} '{self.name}' keeps its own state: the saved one is left out, since {reason}.",
                stacklevel=2,
            )
            return
        for key, variable in enumerate(self.variables):
            variable.assign(saved[str(key)])

    def _is_from_before_training(self, saved, theirs) -> bool:
        """True for a saved state without slots, of an optimizer like this one that has made no step."""
        if len(saved) != len(self._without_slots()) or len(saved) == len(self.variables):
            return False
        if any(value.ndim for value in saved.values()) or saved["0"] != 0:
            return False  # slots, or a rule that has none and has made steps
        return not theirs or theirs in (self.rule, self.state_rule)

    def _misfit(self, saved, theirs) -> str:
        """The reason not to take a saved state, or "". `theirs`: a rule, "" for Keras's, None where it is not known."""
        name = theirs or "the saved optimizer"
        if not saved:
            return "there is none"
        if theirs and theirs not in (self.rule, self.state_rule):
            return f"it is of {theirs}"
        if not self.built and len(saved) != len(self.variables):
            return (
                f"{name} has {_count(saved)} and this one, which is not built, has {len(self.variables)}. To load the "
                "state too, call `optimizer.build(model.trainable_variables)` first"
            )
        if not theirs and not self._shares_keras_state() and self._has_slots():
            return "it is not of this library, and the slots of its rule may mean something else"
        if len(saved) != len(self.variables):
            return (
                f"{name} has {_count(saved)} and this one has {len(self.variables)} (for "
                f"{len(self._trainable_variables)} trainable variables of the model)"
            )
        for key, variable in enumerate(self.variables):
            if saved[str(key)].shape != tuple(variable.shape):
                return f"'{variable.path}' has the shape {tuple(variable.shape)} here and {saved[str(key)].shape} there"
        return ""

    def _has_slots(self) -> bool:
        return len(self.variables) > len(self._without_slots())

    def _shares_keras_state(self) -> bool:
        return "reads_keras_state" in vars(type(self)) and self.reads_keras_state

    def _forget(self):
        """Puts every variable of the optimizer back to its value before the first step."""
        if not self._has_slots():
            return
        fresh = self._twin()
        fresh.build(self._trainable_variables)
        for variable, value in zip(self.variables, fresh.variables, strict=True):
            variable.assign(value)

    def set_weights(self, weights):
        """Sets all variables, those of an inner optimizer too.

        Keras's loader of `.h5` files comes here after building with no variables at all, with which the model could
        not be trained on: from there on the optimizer is not built.
        """
        if self.built and not self._trainable_variables:
            self._unbuild()
        variables = self.variables
        if len(weights) != len(variables) and not self.built:
            raise ValueError(
                f"You are calling `set_weights()` on {self.rule} '{self.name}', which has not yet been built. Call "
                "`optimizer.build(trainable_variables)` first."
            )
        if len(weights) != len(variables):
            raise ValueError(
                f"{self.rule} '{self.name}' has {len(variables)} variables. Received: {len(weights)} weights."
            )
        for variable, weight in zip(variables, weights, strict=True):
            if tuple(variable.shape) != tuple(weight.shape):
                raise ValueError(
                    f"{self.rule}: '{variable.path}' has the shape {tuple(variable.shape)}. "
                    f"Received: a weight of the shape {tuple(weight.shape)}."
                )
            variable.assign(weight)

    def _unbuild(self):
        early = self._without_slots()
        for variable in self._variables[:]:
            if not any(variable is each for each in early):
                self._untrack_variable(variable)
        self.built = False

    # ---- copies ----------------------------------------------------------------------------------------------------

    def _twin(self):
        """An optimizer of the same configuration, not built."""
        return _from_configuration(type(self), keras.saving.serialize_keras_object(self))

    def __deepcopy__(self, memo):
        twin = self._twin()
        memo[id(self)] = twin
        return _with_state(twin, self._state(), self._trainable_variables if self.built else None)

    def __reduce__(self):
        paths = [(v.path, tuple(v.shape), v.dtype) for v in self._trainable_variables] if self.built else None
        configuration = keras.saving.serialize_keras_object(self)
        return _unpickled, (type(self), configuration, self._state(), paths)

    def _state(self):
        return [ops.convert_to_numpy(variable) for variable in self.variables]

    def bind(self, variables):
        """Makes a copy of a built optimizer, with its state, the optimizer of these variables.

        `apply` does so by itself at the first step of a copy.

        Args:
            variables: as many and of the same shapes as those that the copied optimizer was built with.

        Raises:
            ValueError: if they are others.
        """
        mine = [tuple(variable.shape) for variable in self._trainable_variables]
        given = [tuple(variable.shape) for variable in variables]
        if mine != given:
            raise ValueError(
                f"{self.rule} '{self.name}' is a copy of an optimizer that was built with variables of the shapes "
                f"{mine}. Received: variables of the shapes {given}. Make a new optimizer: "
                "`type(optimizer).from_config(optimizer.get_config())`."
            )
        # Not by attribute: Keras would count the variables among the optimizer's own.
        vars(self)["_trainable_variables"] = list(variables)
        vars(self)["_trainable_variables_indices"] = {self._var_key(v): place for place, v in enumerate(variables)}
        self._is_copy = False

    def _check_variables_are_known(self, variables):
        if self._is_copy and any(self._var_key(v) not in self._trainable_variables_indices for v in variables):
            self.bind(variables)
        super()._check_variables_are_known(variables)


def _from_configuration(cls, configuration):
    # `cls` by hand: a class that was made in a notebook or a test is not found by its module.
    names = {configuration["class_name"]: cls, configuration["registered_name"] or cls.__name__: cls}
    return keras.saving.deserialize_keras_object(configuration, custom_objects=names, safe_mode=False)


def _with_state(twin, state, variables):
    if variables is not None:
        twin.build(variables)
        twin._is_copy = True
    for variable, value in zip(twin.variables, state, strict=True):
        variable.assign(value)
    return twin


def _unpickled(cls, configuration, state, paths):
    variables = None if paths is None else [_stand_in(*each) for each in paths]
    return _with_state(_from_configuration(cls, configuration), state, variables)


def _stand_in(path, shape, dtype):
    """A variable of the same path, since patterns of groups and exclusions are held against it."""
    *scopes, name = path.split("/")
    with contextlib.ExitStack() as stack:
        for scope in scopes:
            stack.enter_context(keras.name_scope(scope))
        return keras.Variable(np.zeros(shape), dtype=dtype, name=name)


def _count(variables) -> str:
    return "1 variable" if len(variables) == 1 else f"{len(variables)} variables"


def _attributes(store):
    """The attributes of the HDF5 group that Keras's store writes to or reads from; None for another store."""
    return getattr(getattr(store, "_h5_entry_group", None), "attrs", None)
