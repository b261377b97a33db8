"""Optimizers around optimizers: each changes the gradient, or the step, of the one inside.

They compose, `Lookahead(RAdam(1e-3))` is Ranger, and are saved whole.
"""

from optimizers.wrappers.adaptive_clipping import AdaptiveGradientClipping
from optimizers.wrappers.cautious import Cautious
from optimizers.wrappers.centralization import GradientCentralization
from optimizers.wrappers.lazy_sparse import LazySparse
from optimizers.wrappers.lookahead import Lookahead
from optimizers.wrappers.sam import SAM
from optimizers.wrappers.skip_non_finite import SkipNonFinite
from optimizers.wrappers.sophia_model import SophiaModel
from optimizers.wrappers.swa import SWA

__all__ = [
    "AdaptiveGradientClipping",
    "Cautious",
    "GradientCentralization",
    "LazySparse",
    "Lookahead",
    "SAM",
    "SWA",
    "SkipNonFinite",
    "SophiaModel",
]
