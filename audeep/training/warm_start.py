# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights of a trained model as the start of another training."""

import logging
from collections.abc import Sequence

from torch import Tensor

from audeep.errors import ModelError, OptionError, describe
from audeep.models.base import Network
from audeep.models.checkpoints import load_model, place_of
from audeep.training.options import WarmStart

logger = logging.getLogger(__name__)


def warm_start(model: Network, start: WarmStart) -> None:
    """Take those tensors of another model that `start` asks for; what that model does not have stays as it is.

    Raises:
        ModelError: the other model cannot be loaded, or a tensor has another shape there.
        OptionError: it has none of those asked for.
    """
    trained, _ = load_model(*place_of(start.model))
    asked_for = _asked_for(model, start)
    found = {name: tensor for name, tensor in trained.state_dict().items() if name in asked_for}
    if not found:
        raise OptionError(
            f"{start.model}: has none of the layers asked for; its layers are {_layers_of(trained.state_dict())}, those"
            f" of the new model {_layers_of(model.state_dict())}"
        )
    own = model.state_dict()
    for name, tensor in found.items():
        if tensor.shape != own[name].shape:
            raise ModelError(
                f"{start.model}: '{name}' has shape {describe(tensor.shape)}, the new model needs"
                f" {describe(own[name].shape)}; leave it out with warm_without={name.partition('.')[0]}"
            )
        own[name].copy_(tensor)
    logger.info("%s: %d of %d tensors taken", start.model, len(found), len(own))


def _asked_for(model: Network, start: WarmStart) -> set[str]:
    """Names of tensors of the new model."""
    trainable = {name for name, _ in model.named_parameters()}
    return {
        name
        for name in model.state_dict()
        if (start.layers is None or name.startswith(tuple(start.layers)))
        and not name.startswith(tuple(start.without))
        and (start.statistics or name in trainable)
    }


def _layers_of(tensors: dict[str, Tensor]) -> str:
    """Names of layers, without those of the tensors in them."""
    names: Sequence[str] = sorted({name.rpartition(".")[0] or name for name in tensors})
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
