"""Code for TensorFlow alone: fused update kernels, and the steps that a `tf.distribute` replica needs.

A fused kernel reads and writes each number once, where separate operations go over memory again and again. TensorFlow
is imported on first use, so that the JAX and torch backends need not have it.
"""

import contextlib
import functools

import keras


def fused(variable) -> bool:
    """True if a fused kernel can move this variable."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(variable, tf.Variable) and variable.dtype in (tf.float32, tf.float64)


def native(variable):
    """The tf.Variable of a Keras variable, so that kernels and strategies take it; elsewhere the variable itself."""
    return (
        variable.value if keras.backend.backend() == "tensorflow" and isinstance(variable, keras.Variable) else variable
    )


def gradient_descent(variable, learning_rate, gradient):
    """w -= learning_rate * g"""
    _raw("GradientDescent", variable, alpha=learning_rate, delta=gradient)


def momentum(variable, velocity, learning_rate, gradient, momentum, nesterov):
    """v = momentum * v + g; w -= learning_rate * v, or (Nesterov) learning_rate * (g + momentum * v)"""
    _raw(
        "Momentum",
        variable,
        accum=velocity.value.handle,
        lr=learning_rate,
        grad=gradient,
        momentum=momentum,
        use_nesterov=nesterov,
    )


def adagrad(variable, accumulator, learning_rate, gradient, epsilon):
    """a += g^2; w -= learning_rate * g / (sqrt(a) + epsilon)"""
    _raw(
        "AdagradV2",
        variable,
        accum=accumulator.value.handle,
        lr=learning_rate,
        epsilon=epsilon,
        grad=gradient,
    )


def adam(variable, first, second, learning_rate, gradient, beta_1, beta_2, epsilon):
    """m += (1 - beta_1)(g - m); v += (1 - beta_2)(g^2 - v); w -= learning_rate * m / (sqrt(v) + epsilon)

    The kernel's own bias correction is left out (powers 0): the caller's scalars hold a more exact one.
    """
    _raw(
        "Adam",
        variable,
        m=first.value.handle,
        v=second.value.handle,
        beta1_power=0.0,
        beta2_power=0.0,
        lr=learning_rate,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=gradient,
    )


def adamax(variable, first, largest, learning_rate, gradient, beta_1, beta_2, epsilon):
    """m += (1 - beta_1)(g - m); u = max(beta_2 u, |g|); w -= learning_rate * m / (u + epsilon)"""
    _raw(
        "AdaMax",
        variable,
        m=first.value.handle,
        v=largest.value.handle,
        beta1_power=0.0,
        lr=learning_rate,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=epsilon,
        grad=gradient,
    )


def adadelta(variable, square, update, learning_rate, gradient, rho, epsilon):
    """s = rho s + (1 - rho) g^2; d = g sqrt(u + epsilon) / sqrt(s + epsilon); u = rho u + (1 - rho) d^2; w -= lr d"""
    _raw(
        "Adadelta",
        variable,
        accum=square.value.handle,
        accum_update=update.value.handle,
        lr=learning_rate,
        rho=rho,
        epsilon=epsilon,
        grad=gradient,
    )


def ftrl(variable, accumulator, linear, learning_rate, gradient, l1, l2, shrinkage, power):
    """FTRL-Proximal; the kernel doubles l2 and the shrinkage."""
    _raw(
        "FtrlV2" if shrinkage else "Ftrl",
        variable,
        accum=accumulator.value.handle,
        linear=linear.value.handle,
        grad=gradient,
        lr=learning_rate,
        l1=l1,
        l2=l2,
        lr_power=power,
        **({"l2_shrinkage": shrinkage} if shrinkage else {}),
    )


def scale(slot, factor):
    """s *= factor"""
    assign(slot.value, slot.value * constant(factor, slot.value.dtype))


def decay(variable, learning_rate, decay):
    """w *= 1 - learning_rate * decay, as torch does: one pass over memory; w -= learning_rate * decay * w takes two.

    In float32 the factor is rounded by 3e-8 at most: at a rate of 1e-3 and a decay of 0.004, by 0.75 % of the decay.
    """
    kept = _once(("kept", learning_rate.ref(), decay), lambda: 1 - learning_rate * decay)
    assign(variable, read(variable) * kept)


def read(variable):
    """The value, read once. (On TensorFlow `ops.convert_to_tensor` gives the variable itself, which each use reads.)"""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.convert_to_tensor(native(variable))
    return keras.ops.convert_to_tensor(variable)


def after(value):
    """Operations that begin when `value` is there: a kernel copies a slot first that someone has yet to read."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.control_dependencies([value])
    return contextlib.nullcontext()


def half_sum_of_squares(values):
    """In one pass over memory on TensorFlow, for float32 and float64: in halves that kernel would count in halves."""
    values = read(values)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.raw_ops.L2Loss(t=values)
    return keras.ops.sum(keras.ops.square(values)) / 2


def mean(values, axis, keepdims=False):
    """The mean along one axis. (By the sum elsewhere than on TensorFlow: on JAX, Keras's own goes through float32.)"""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.raw_ops.Mean(input=values, axis=constant(axis, "int32"), keep_dims=keepdims)
    return keras.ops.sum(values, axis=axis, keepdims=keepdims) / values.shape[axis]


def expanded(values, axis):
    """`ops.expand_dims`, without a constant of its own in a TensorFlow graph."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.raw_ops.ExpandDims(input=values, axis=constant(axis, "int32"))
    return keras.ops.expand_dims(values, axis)


def is_nan(value):
    """True if the first element of a slot is NaN: the slot has not begun. A scalar tensor."""
    import tensorflow as tf

    first = {"begin": constant([0], "int32"), "end": constant([1], "int32"), "strides": constant([1], "int32")}
    flat = tf.raw_ops.Reshape(tensor=value, shape=constant([-1], "int32"))
    return tf.math.is_nan(tf.raw_ops.StridedSlice(input=flat, **first, shrink_axis_mask=1))


def either(condition, one, other):
    """`one` if the scalar condition holds, else `other`; handed on, not copied."""
    import tensorflow as tf

    return tf.raw_ops.Select(condition=condition, x=tf.convert_to_tensor(one), y=tf.convert_to_tensor(other))


def _raw(name, variable, **arguments):
    import tensorflow as tf

    # A Python float would become float32, whatever the variable is.
    arguments = {k: constant(v, variable.dtype) if isinstance(v, float) else v for k, v in arguments.items()}
    getattr(tf.raw_ops, f"ResourceApply{name}")(var=variable.handle, **arguments)


def assign(variable, value):
    """Writes a tensor of the variable's dtype to a tf.Variable, and reads nothing."""
    import tensorflow as tf

    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value)


def constant(value, dtype):
    """A number as a tensor; in a graph, one for all variables: making and running one each is a good part of a step."""
    import tensorflow as tf

    return _once((str(value), tf.as_dtype(dtype)), lambda: tf.constant(value, dtype))


def _once(key, make):
    """The result of `make`; in a graph, the same tensor for the same key."""
    import tensorflow as tf

    if tf.executing_eagerly():
        return make()
    graph = tf.compat.v1.get_default_graph()
    made = getattr(graph, "_menagerie_shared", None)
    if made is None:
        made = graph._menagerie_shared = {}
    if key not in made:
        with tf.control_dependencies(None):
            made[key] = make()
    return made[key]


def traced_once(function):
    """On TensorFlow, the function of tensors as a graph that all callers with the same shapes share; else as it is."""

    @functools.cache
    def graph(*signature):
        import tensorflow as tf

        return tf.function(function)

    @functools.wraps(function)
    def call(*tensors):
        if keras.backend.backend() != "tensorflow":
            return function(*tensors)
        import tensorflow as tf

        tensors = [tf.convert_to_tensor(each) for each in tensors]
        return graph(*((tuple(each.shape), each.dtype) for each in tensors))(*tensors)

    return call


def strategy():
    """The `tf.distribute` strategy whose replica this is, or None."""
    import tensorflow as tf

    return tf.distribute.get_strategy() if tf.distribute.has_strategy() else None


def sum_over_replicas(gradients):
    import tensorflow as tf

    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, list(gradients))


def merge(function, *arguments):
    """Runs `function(strategy, ...)` once for all replicas."""
    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    return tf.__internal__.distribute.interim.maybe_merge_call(function, strategy, *arguments)


def exchange(pairs, swapped):
    """A function that exchanges each variable with its slot, where that is a number, on all replicas, and turns
    `swapped` over.

    One call: Ctrl-C comes before or after it and never in between.
    """
    import tensorflow as tf

    def one(variable, slot):
        average = tf.identity(slot)
        value = tf.cast(tf.identity(variable), average.dtype)
        begun = ~tf.math.is_nan(average)
        variable.assign(tf.cast(tf.where(begun, average, value), variable.dtype))
        slot.assign(tf.where(begun, value, average))

    @tf.function
    def all_of_them():
        extended = tf.distribute.get_strategy().extended
        for variable, slot in pairs:
            extended.update(variable, one, args=(slot,), group=False)
        swapped.assign(1 - swapped)

    with (getattr(swapped, "_distribute_strategy", None) or tf.distribute.get_strategy()).scope():
        return all_of_them.get_concrete_function()


def cond(condition, if_true, if_false):
    """`tf.cond` for branches that are there for what they assign; none where the condition is True itself."""
    import tensorflow as tf

    if condition is True:
        if_true()
        return

    def run(branch):
        branch()
        return tf.constant(0)

    tf.cond(condition, lambda: run(if_true), lambda: run(if_false))


def densified(gradient):
    import tensorflow as tf

    return tf.convert_to_tensor(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient


def with_shape(gradient, shape):
    """The gradient with the static shape of its variable: after an input of free length it may have none."""
    import tensorflow as tf

    gradient = tf.convert_to_tensor(gradient)
    return gradient if gradient.shape.is_fully_defined() else tf.ensure_shape(gradient, shape)
