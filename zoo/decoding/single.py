"""One hypothesis for each row: the likeliest token each time, or one that is drawn."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from zoo.decoding.loop import Cache, allowed, put, repeat
from zoo.decoding.options import Search
from zoo.layers.sequence import END, PADDING, START, SequenceModel


def write(
    model: SequenceModel, inputs: Mapping[str, tf.Tensor], options: Search, seed: tf.Tensor, first: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Greedy or sampled decoding; arguments and answer as `zoo.decoding.search` has them."""
    samples, steps = options.n_best, options.max_length
    cache = Cache(model, inputs, steps, samples)
    batch = cache.batch
    rows = batch * samples
    if options.temperature is not None:
        places = tf.reshape(first + tf.range(batch)[:, tf.newaxis] + tf.zeros([1, samples], tf.int32), [-1])  # [R]
        drawn = uniform(seed, places, tf.tile(tf.range(samples), [batch]), steps)  # [R, L]

    def step(index, now):
        log_probabilities, after = model.step(now["token"], {"memory": cache.memory, **now["cache"]})
        log_probabilities = allowed(log_probabilities)
        if options.temperature is None:
            token = likeliest(log_probabilities)
        else:
            token = draw(log_probabilities, options, tf.gather(drawn, index, axis=1))
        taken = tf.gather(log_probabilities, token, batch_dims=1)
        going, ends = tf.logical_not(now["done"]), token == END
        return {
            "cache": {"state": after["state"], "index": after["index"]},
            "token": token,
            "done": tf.logical_or(now["done"], ends),
            "total": now["total"] + tf.where(going, taken, 0.0),
            "count": now["count"] + tf.cast(going, tf.int32),
            "tokens": put(now["tokens"], index, tf.where(tf.logical_or(now["done"], ends), PADDING, token)),
        }

    last = repeat(
        cache,
        lambda now: tf.reduce_all(now["done"]),
        step,
        {
            "cache": cache.first,
            "token": tf.fill([rows], START),
            "done": tf.fill([rows], False),
            "total": tf.zeros([rows]),
            "count": tf.zeros([rows], tf.int32),  # tokens in the total: END too
            "tokens": tf.fill([rows, steps], PADDING),
        },
    )
    found = {
        "tokens": last["tokens"],
        "scores": last["total"] / options.penalty(tf.cast(last["count"], tf.float32)),
        "lengths": last["count"] - tf.cast(last["done"], tf.int32),
    }
    found = {name: tf.reshape(x, [batch, samples, *x.shape[1:]]) for name, x in found.items()}
    if samples > 1:
        best = tf.math.top_k(found["scores"], samples).indices
        found = {name: tf.gather(x, best, batch_dims=1) for name, x in found.items()}
    return found


def likeliest(log_probabilities: tf.Tensor) -> tf.Tensor:
    """[R, V] -> [R], the first of those that are alike: tf.argmax, by two reductions that XLA makes far faster."""
    vocabulary = log_probabilities.shape[-1]
    best = log_probabilities == tf.reduce_max(log_probabilities, -1, keepdims=True)
    return tf.reduce_min(tf.where(best, tf.range(vocabulary), vocabulary - 1), -1)


def draw(log_probabilities: tf.Tensor, options: Search, chance: tf.Tensor) -> tf.Tensor:
    """The tokens [R] at which the cumulated probability passes `chance`.

    Args:
        log_probabilities: [R, V]; PADDING and START practically 0.
        options: Temperature and cuts.
        chance: [R], in [0, 1).
    """
    values = log_probabilities / options.temperature
    names = None
    if options.top_k or options.top_p:
        most = log_probabilities.shape[-1] - 2  # without PADDING and START
        values, names = tf.math.top_k(values, min(options.top_k or most, most))
    shares = tf.nn.softmax(values)
    passed = tf.cumsum(shares, -1)  # the first two are exactly 0 where unsorted: PADDING and START are never drawn
    whole = passed[:, -1:]
    if options.top_p:
        # Kept is what the likelier ones leave short of top_p: the likeliest always.
        kept = passed - shares < options.top_p
        whole = tf.reduce_max(tf.where(kept, passed, 0.0), -1, keepdims=True)
        passed = tf.minimum(passed, whole)
    place = tf.reduce_sum(tf.cast(passed <= chance[:, tf.newaxis] * whole, tf.int32), -1)
    return place if names is None else tf.gather(names, place, batch_dims=1)


def uniform(seed: tf.Tensor, places: tf.Tensor, samples: tf.Tensor, steps: int) -> tf.Tensor:
    """Numbers [R, L] in [0, 1), each made of its seed, place, sample and step alone, whatever the batch's shape.

    They are hashes of these four, mixed by the finalizer of MurmurHash3, in integers: the same on every road, which
    TensorFlow's own stateless numbers are too, but those of a row depend on where it stands in its batch.
    """
    mixed = _mix(tf.cast(seed, tf.uint32))
    for counter in (places[:, tf.newaxis], samples[:, tf.newaxis], tf.range(steps)):
        mixed = _mix(tf.bitwise.bitwise_xor(mixed, tf.cast(counter, tf.uint32)) + tf.constant(0x9E3779B9, tf.uint32))
    # 23 bits: a product with such a number below 1 stays below the other factor in float32.
    return tf.cast(tf.bitwise.right_shift(mixed, tf.constant(9, tf.uint32)), tf.float32) * 2.0**-23


def _mix(x: tf.Tensor) -> tf.Tensor:
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        x = tf.bitwise.bitwise_xor(x, tf.bitwise.right_shift(x, tf.constant(shift, tf.uint32)))
        x *= tf.constant(factor, tf.uint32)
    return x
