"""Search: how a model's probabilities become the tokens it writes."""

from __future__ import annotations

import dataclasses
import math

from zoo.errors import UserError


@dataclasses.dataclass(frozen=True)
class Search:
    """Greedy (as it stands), beam search (`beam` above 1) or sampling (with a `temperature`).

    A hypothesis is scored as in Wu et al. 2016 (arXiv:1609.08144, equation 14, without coverage): the sum of its
    tokens' log-probabilities, divided by ((5 + n) / 6) ** length_penalty. n counts the tokens in that sum: those
    written, and END where it was written; START is in neither. The same score is given for greedy and sampled answers,
    where it only orders the samples; there too the probabilities are the model's own, before temperature and cuts.

    Args:
        beam: Hypotheses kept at each step; 1 takes the likeliest token each time.
        n_best: Answers given for each row, the best first; at most `beam`, or any number of samples.
        length_penalty: 0 leaves sums of log-probabilities as they are, which favours short answers; larger is longer.
        max_length: Steps at most: tokens written, END among them.
        temperature: None: no sampling. Otherwise log-probabilities are divided by it before a token is drawn: below 1
            is bolder for the likely ones, above 1 is wilder.
        top_k: Draws from the k likeliest tokens only.
        top_p: Draws from the fewest likeliest tokens that have this share of the probability together, in (0, 1]
            (nucleus sampling, Holtzman et al. 2019, arXiv:1904.09751); after temperature and `top_k`.

    Raises:
        UserError: A value outside of what is listed above, or two that contradict each other.
    """

    beam: int = 1
    n_best: int = 1
    length_penalty: float = 0.6
    max_length: int = 128
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self):
        for name in ("beam", "n_best", "max_length", "top_k"):
            value = getattr(self, name)
            if not (name == "top_k" and value is None) and (type(value) is not int or value < 1):
                raise UserError(f"Expected {name} to be a whole number from 1. Received: {name}={value!r}")
        if not _number(self.length_penalty) or self.length_penalty < 0:
            raise UserError(
                f"Expected length_penalty to be 0 or more. Received: length_penalty={self.length_penalty!r}"
            )
        if self.temperature is not None and not (_number(self.temperature) and self.temperature > 0):
            raise UserError(
                "Expected temperature to be above 0, or None for no sampling. "
                f"Received: temperature={self.temperature!r}"
            )
        if self.top_p is not None and not (_number(self.top_p) and 0 < self.top_p <= 1):
            raise UserError(f"Expected top_p to be in (0, 1]. Received: top_p={self.top_p!r}")
        if self.temperature is None:
            for name in ("top_k", "top_p"):
                if getattr(self, name) is not None:
                    raise UserError(
                        f"{name} cuts what is drawn from, and nothing is drawn: give a temperature, say 1.0"
                    )
            if self.n_best > self.beam:
                raise UserError(
                    f"A beam of {self.beam} does not hold {self.n_best} answers: "
                    f"give beam={self.n_best}, or a temperature to sample"
                )
        elif self.beam > 1:
            raise UserError(f"Expected either a beam or sampling. Received: beam={self.beam} and a temperature")

    def penalty(self, n):
        """The divisor of a sum of n log-probabilities; n a number or a float tensor."""
        return ((5.0 + n) / 6.0) ** self.length_penalty


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
