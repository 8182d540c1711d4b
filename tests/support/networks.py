# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the tagging networks share."""

from collections.abc import Sequence
from copy import deepcopy

import numpy as np
import torch

from audeep.models.base import Tagger


def assert_close(found: object, expected: object, tolerance: float) -> None:
    """Check that no value is further off than the tolerance."""
    given, wanted = map(_array, (found, expected))
    np.testing.assert_allclose(given, wanted, rtol=0, atol=tolerance)


def _array(values: object) -> np.ndarray:
    if isinstance(values, list):
        return np.array([_array(each) for each in values])
    return torch.as_tensor(values).detach().numpy()


def num_parameters(model: torch.nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.numel() for parameter in model.parameters())


def num_saved(model: torch.nn.Module) -> int:
    """How many numbers a checkpoint has."""
    return sum(tensor.numel() for tensor in model.state_dict().values())


def assert_lengths_change_nothing(model: Tagger, lengths: Sequence[int], training: bool) -> None:
    """Spectrograms of these lengths in one batch give what each gives alone; in training, whatever follows them."""
    generator = torch.Generator().manual_seed(3)
    size = max(lengths) + 7
    frames = torch.rand(len(lengths), size, model.config.num_features, generator=generator, dtype=torch.float64)
    model, given = model.double().train(training), torch.tensor(lengths)
    followed = frames.clone()
    for each, length in zip(followed, lengths, strict=True):
        each[length:] = 1e3
    if training:
        other, results = deepcopy(model), []
        for each, padded in ((model, frames), (other, followed)):
            logits = each(padded, given)
            logits.square().sum().backward()
            results.append([logits.detach(), *(parameter.grad for parameter in each.parameters())])
            results[-1] += [tensor.clone() for tensor in each.state_dict().values()]
        for one, two in zip(*results, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-9)
        return
    with torch.no_grad():
        for function in (model, model.embed):
            found = function(followed, given)
            for index, length in enumerate(lengths):
                torch.testing.assert_close(
                    found[index : index + 1], function(frames[index : index + 1, :length]), rtol=1e-9, atol=1e-9
                )
