# SPDX-License-Identifier: GPL-3.0-or-later
"""Dropout on the CPU: compiled, and by operations of PyTorch."""

import pytest
import torch

from audeep.models.layers import native
from audeep.models.layers.dropout import SMALLEST_PART, Dropout


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def how(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    torch.manual_seed(0)
    if request.param == "compiled" and native.kernels is None:
        pytest.skip("audeep was installed without a compiler")
    if request.param == "plain":
        monkeypatch.setattr(native, "kernels", None)
    return request.param


@pytest.mark.parametrize("keep", [0.999, 0.8, 0.5, 0.1])
def test_masks_keep_the_right_share_and_the_mean(keep):
    mask = Dropout(1 - keep).mask((100, 50, 83), torch.empty(0))
    kept = mask != 0
    share, deviation = kept.double().mean().item(), (keep * (1 - keep) / mask.numel()) ** 0.5
    assert abs(share - keep) < 5 * deviation + 2**-17
    assert torch.unique(mask).numel() == 2 and mask[kept].mean().item() == pytest.approx(1 / keep, rel=1e-3)


def test_values_of_a_mask_are_independent_of_their_neighbours_and_of_the_next_mask():
    dropout = Dropout(0.4)
    first, second = ((dropout.mask((1_000_000,), torch.empty(0)) != 0).double() - 0.6 for _ in range(2))
    pairs = [(first[distance:], first[:-distance]) for distance in (1, 2, 3, 4, 5, 8, 64, 256, 65536)]
    for one, other in [*pairs, (first, second), (first[1:], second[:-1]), (first[:-1], second[1:])]:
        assert abs((one * other).mean().item() / (0.6 * 0.4)) < 5e-3


@pytest.mark.parametrize("probability", [0.0, 1e-9, 1 - 1e-9])
def test_extreme_probabilities(probability):
    mask = Dropout(probability).mask((4000,), torch.empty(0))
    if probability == 0:
        assert mask is None
    else:
        assert abs((mask != 0).double().mean().item() - (1 - probability)) < 2e-3


def test_gradients_pass_where_values_did_and_are_scaled_like_them():
    inputs = torch.randn(40, 30, 7).transpose(0, 1).requires_grad_()  # not contiguous
    outputs = Dropout(0.3)(inputs)
    (gradient,) = torch.autograd.grad((3 * outputs).sum(), inputs)
    kept = outputs != 0
    assert 0.65 < kept.double().mean() < 0.75
    torch.testing.assert_close(outputs, torch.where(kept, inputs / 0.7, 0), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(gradient, torch.where(kept, 3 / 0.7, 0.0), rtol=1e-4, atol=1e-6)


def test_what_is_dropped_follows_from_the_seed_and_not_from_the_number_of_threads():
    def kept(seed: int, threads: int) -> torch.Tensor:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        torch.manual_seed(seed)
        try:
            return Dropout(0.5)(torch.ones(5 * SMALLEST_PART + 3))
        finally:
            torch.set_num_threads(before)

    assert torch.equal(kept(1, 1), kept(1, 3)) and not torch.equal(kept(1, 1), kept(2, 1))


def test_nothing_is_dropped_while_not_training():
    inputs = torch.randn(5, 3)
    dropout = Dropout(0.5).eval()
    assert dropout(inputs) is inputs and dropout.mask((5, 3), inputs) is None
