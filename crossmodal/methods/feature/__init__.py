"""False features: published methods whose anomaly lives in a network's features of RGB and of organised xyz.

Nothing here can be decoded to a picture or to points: the outcome is a FeatureSample, for a training loop.
"""

from crossmodal.methods.feature.codebook import Codebook
from crossmodal.methods.feature.contents import Ascend, CodebookNeighbour, Extrapolate, Gauss, NormJitter, Shuffle
from crossmodal.methods.feature.encoder import Backbone, Maps, encode
from crossmodal.methods.feature.method import FEATURE_METHODS, FeatureMethod, feature_samples
from crossmodal.methods.feature.online import Centres, Online
from crossmodal.methods.feature.regions import Cells, Full, Noise
from crossmodal.methods.feature.sample import FeatureSample, seen

__all__ = [
    "FEATURE_METHODS", "Ascend", "Backbone", "Cells", "Centres", "Codebook", "CodebookNeighbour", "Extrapolate",
    "FeatureMethod", "FeatureSample", "Full", "Gauss", "Maps", "Noise", "NormJitter", "Online", "Shuffle", "encode",
    "feature_samples", "seen",
]  # fmt: skip
