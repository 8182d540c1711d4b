# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of models. A new one is a line here, or an entry point in the group `audeep.models` of another package.

From its class follow the commands `audeep NAME train` and the others of its family, their options and help, its
checkpoints, its estimator and its page in the reference.
"""

from typing import TYPE_CHECKING

from audeep.errors import ModelError
from audeep.runtime.registry import Entry, Registry

if TYPE_CHECKING:
    from audeep.models.base import Network

AUTOENCODER, CONTRASTIVE, FITTED, TAGGER = "autoencoder", "contrastive", "fitted", "tagger"

MODELS = Registry(
    "audeep.models",
    "model",
    [
        Entry("t-rae", "audeep.models.time_autoencoder:TimeAutoencoder", AUTOENCODER, "time-recurrent autoencoder"),
        Entry(
            *("f-rae", "audeep.models.frequency_autoencoder:FrequencyAutoencoder", AUTOENCODER),
            "frequency-recurrent autoencoder",
        ),
        Entry(
            *("ft-rae", "audeep.models.frequency_time_autoencoder:FrequencyTimeAutoencoder", AUTOENCODER),
            "frequency-time-recurrent autoencoder",
        ),
        Entry(
            *("masked-frames", "audeep.models.masked_frames:MaskedFramesAutoencoder", AUTOENCODER),
            "masked-frame autoencoder",
        ),
        Entry("kmeans", "audeep.models.kmeans:KMeansWords", FITTED, "dictionary of words of sound, by k-means"),
        Entry(
            *("contrastive", "audeep.models.contrastive:Contrastive", CONTRASTIVE),
            "convolutional encoder that tells recordings apart",
        ),
        Entry(
            *("vgg-gap", "audeep.models.vgg_gap:VggGap", TAGGER),
            "fully convolutional network with global average pooling",
        ),
        Entry(
            *("mobilenet-v1", "audeep.models.mobilenet_v1:MobileNetV1", TAGGER),
            "network of depthwise separable convolutions",
        ),
        Entry("conv1d", "audeep.models.conv1d:Conv1d", TAGGER, "one-dimensional convolutions on waveforms"),
        Entry("mfcc-cnn", "audeep.models.mfcc_cnn:MfccCnn", TAGGER, "convolutional network on mfcc of a fixed length"),
    ],
    ModelError,
)


def model_type_of(kind: str) -> "type[Network]":
    """The class of a kind of model.

    Raises:
        ModelError: there is no such kind, or what another package brings is not a model.
    """
    from audeep.models.base import Autoencoder, ContrastiveNetwork, FittedModel, NetworkConfig, Tagger

    found = MODELS.load(kind)
    families = Autoencoder, ContrastiveNetwork, FittedModel, Tagger
    if not isinstance(found, type) or not issubclass(found, families):
        names = ", ".join(each.__name__ for each in families[:-1])
        raise ModelError(
            f"{kind}: {MODELS.find(kind).target} is not a model; derive it from {names} or {families[-1].__name__}"
        )
    if not issubclass(getattr(found, "config_type", type), NetworkConfig):
        raise ModelError(f"{kind}: {MODELS.find(kind).target} has no config_type; derive one from NetworkConfig")
    return found


def kind_of(model_type: "type[Network]") -> str:
    """The kind of model that a class, or the class it is derived from, stands for.

    Raises:
        ModelError: it is not registered.
    """
    for each in model_type.__mro__:
        for entry in MODELS.built_in.values():
            if entry.target == f"{each.__module__}:{each.__qualname__}":
                return entry.name
    for each in model_type.__mro__:
        for entry in MODELS.installed.values():
            if MODELS.load(entry.name) is each:
                return entry.name
    raise ModelError(
        f"{model_type.__qualname__}: is not a kind of model that is known; bring it by an entry point in the group"
        f" {MODELS.group}"
    )


def family_of(kind: str) -> str:
    """The family of a kind of model ("autoencoder", "tagger" and so on); what is built in is not imported for it.

    Raises:
        ModelError: there is no such kind.
    """
    return MODELS.find(kind).family or model_type_of(kind).family


def description_of(kind: str) -> str:
    """One line about a kind of model.

    Raises:
        ModelError: there is no such kind.
    """
    line = MODELS.find(kind).description or (model_type_of(kind).__doc__ or kind).strip().splitlines()[0].rstrip(".")
    return line if line[1:2].isupper() else f"{line[:1].lower()}{line[1:]}"
