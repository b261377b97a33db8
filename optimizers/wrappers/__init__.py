"""Optimizers around optimizers: each changes the gradient, or the step, of the one inside.

They compose, `Lookahead(RAdam(1e-3))` is Ranger, and are saved whole.
"""

from optimizers.wrappers.adaptive_clipping import AdaptiveGradientClipping
from optimizers.wrappers.cautious import Cautious
from optimizers.wrappers.centralization import GradientCentralization
from optimizers.wrappers.lookahead import Lookahead

__all__ = ["AdaptiveGradientClipping", "Cautious", "GradientCentralization", "Lookahead"]
