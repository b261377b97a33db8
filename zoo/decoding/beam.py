"""Beam search: the K best beginnings of an answer, all taken one token further at each step.

As in fairseq, of the 2K best continuations those among the first K that end here are finished, and the K best that go
on are the next beam. Finished hypotheses stand in a pool of K of their own and take no place in the beam.

A row is done, and changes no more,
- when no living hypothesis, were all its further tokens certain, could end above the n_best-th finished one; or
- when K are finished and no living one, at its present length, is above the worst of them (the rule of Hugging Face's
  `early_stopping=False`). With length_penalty 0 this can lose nothing; else it may lose an answer that would have
  gained by its length, and never does where the beam holds all there is.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from zoo.decoding.loop import NEVER, POSSIBLE, Cache, allowed, put, repeat, size
from zoo.decoding.options import Search
from zoo.layers.sequence import END, PADDING, START, SequenceModel

BLOCK = 64  # tokens


def beam_search(model: SequenceModel, inputs: Mapping[str, tf.Tensor], options: Search) -> dict[str, tf.Tensor]:
    """Beam search; arguments and answer as `zoo.decoding.search` has them."""
    beam, steps = options.beam, options.max_length
    cache = Cache(model, inputs, steps, beam, shared=model.shares_memory)
    batch = cache.batch
    rows = tf.range(batch)[:, tf.newaxis] * beam  # where a row's hypotheses begin among all

    def step(index, now):
        written = tf.cast(index + 1, tf.float32)  # with this step's token
        log_probabilities, after = model.step(
            tf.reshape(now["token"], [-1]), {"memory": cache.memory, **now["cache"]}
        )  # [B K, V]
        width = min(beam + 1, log_probabilities.shape[-1])  # one of them may be END
        # The best of each hypothesis first, then the best of those: never a sort of all B K V.
        values, names = largest(allowed(log_probabilities), width)  # [B K, width]
        totals = tf.reshape(values, [batch, beam, width]) + now["total"][..., tf.newaxis]
        totals, places = tf.math.top_k(tf.reshape(totals, [batch, beam * width]), 2 * beam)  # [B, 2K]
        parent = places // width
        token = tf.gather(tf.reshape(names, [batch, beam * width]), places, batch_dims=1)
        ends = token == END

        # Finished here: tokens up to now are the parent's, END is not written down.
        good = ends[:, :beam] & (totals[:, :beam] > POSSIBLE) & ~now["done"][:, tf.newaxis]
        score = tf.where(good, totals[:, :beam] / options.penalty(written), NEVER)
        pool = {
            "score": score,
            "tokens": tf.gather(now["tokens"], parent[:, :beam], batch_dims=1),
            "lengths": tf.fill([batch, beam], index),
        }
        pool = {name: tf.concat([now["pool"][name], x], 1) for name, x in pool.items()}
        best = tf.math.top_k(pool["score"], beam).indices
        pool = {name: tf.gather(x, best, batch_dims=1) for name, x in pool.items()}

        # The next beam: those that go on.
        kept = tf.math.top_k(tf.where(ends, 4 * NEVER, totals), beam).indices
        total, parent, token = (tf.gather(x, kept, batch_dims=1) for x in (totals, parent, token))
        origin = tf.reshape(rows + parent, [-1])
        tokens = put(tf.gather(now["tokens"], parent, batch_dims=1), index, token)

        likeliest = tf.where(total[:, 0] > POSSIBLE, total[:, 0], -float("inf"))
        certain = pool["score"][:, options.n_best - 1] >= likeliest / options.penalty(float(steps))
        full = (pool["score"][:, -1] > POSSIBLE) & (pool["score"][:, -1] >= likeliest / options.penalty(written))
        return {
            "cache": {
                "state": tf.nest.map_structure(lambda x: tf.gather(x, origin), after["state"]),
                "index": after["index"],
            },
            "token": token,
            "total": total,
            "tokens": tokens,
            "pool": pool,
            "done": now["done"] | certain | full,
        }

    nothing = tf.fill([batch, beam, steps], PADDING)
    last = repeat(
        cache,
        lambda now: tf.reduce_all(now["done"]),
        step,
        {
            "cache": cache.first,
            "token": tf.fill([batch, beam], START),
            # All copies of a row are the same at first: only one may be continued.
            "total": tf.tile([[0.0] + [NEVER] * (beam - 1)], [batch, 1]),
            "tokens": nothing,
            "pool": {
                "score": tf.fill([batch, beam], NEVER),
                "tokens": nothing,
                "lengths": tf.zeros([batch, beam], tf.int32),
            },
            "done": tf.fill([batch], False),
        },
    )

    # What max_length cut off comes after all that ended, however likely: it is not a whole answer.
    cut = last["total"] > POSSIBLE  # of a row that is done, none is asked for
    after = tf.linspace(POSSIBLE / 4, POSSIBLE / 2, beam)  # the beam is in order already
    order = tf.concat([last["pool"]["score"], tf.where(cut, after, NEVER)], 1)
    best = tf.math.top_k(order, options.n_best).indices
    found = {
        "tokens": tf.concat([last["pool"]["tokens"], last["tokens"]], 1),
        "scores": tf.concat(
            [last["pool"]["score"], tf.where(cut, last["total"] / options.penalty(float(steps)), NEVER)], 1
        ),
        "lengths": tf.concat([last["pool"]["lengths"], tf.fill([batch, beam], steps)], 1),
    }
    found = {name: tf.gather(x, best, batch_dims=1) for name, x in found.items()}
    real = found["scores"] > POSSIBLE
    return {
        "tokens": tf.where(real[..., tf.newaxis], found["tokens"], PADDING),
        "scores": tf.where(real, found["scores"], -float("inf")),
        "lengths": tf.where(real, found["lengths"], 0),
    }


def largest(x: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    """tf.math.top_k of [R, V], in less than half its time for a vocabulary: no more than k blocks hold the k best."""
    rows, vocabulary = size(x, 0), x.shape[-1]
    if vocabulary < 4 * k * BLOCK:
        return tf.math.top_k(x, k)
    blocks = -(-vocabulary // BLOCK)
    x = tf.pad(x, ((0, 0), (0, blocks * BLOCK - vocabulary)), constant_values=4 * NEVER)
    x = tf.reshape(x, [rows, blocks, BLOCK])
    # In order of place, so that of two that are alike the first comes first, as in top_k.
    chosen = tf.sort(tf.math.top_k(tf.reduce_max(x, -1), k).indices, -1)  # [R, k]
    values, places = tf.math.top_k(tf.reshape(tf.gather(x, chosen, batch_dims=1), [rows, k * BLOCK]), k)
    return values, tf.gather(chosen, places // BLOCK, batch_dims=1) * BLOCK + places % BLOCK
