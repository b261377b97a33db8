"""The table of metrics: how each number is written."""

import doctest

import pytest

from zoo import metrics
from zoo.errors import UserError


def test_the_examples_in_docstrings_hold():
    found = doctest.testmod(metrics)
    assert (found.failed, found.attempted) == (0, 2)


def test_an_unknown_metric_is_refused_with_the_nearest():
    with pytest.raises(UserError, match="unknown metric 'acuracy'; did you mean 'accuracy'"):
        metrics.shown("acuracy", 0.5)
