# SPDX-License-Identifier: GPL-3.0-or-later
"""Batch normalisation (Ioffe and Szegedy, ICML 2015) of images of different lengths."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from audeep.models.layers.lengths import frames_within, single
from audeep.models.layers.processes import is_shared, summed


class BatchNorm(nn.Module):
    """Normalise each channel by its mean and standard deviation in the batch; then scale and shift it.

    While not training, running averages take their place; so they do where a channel has a single value in the batch.

    Args:
        momentum: weight of a batch in the running averages.
        eps: added to variances.
        averages_inverse: average the inverse of the standard deviation, as Lasagne does, instead of the variance.
    """

    __call__: Callable[..., Tensor]
    running_mean: Tensor
    running_var: Tensor
    running_inverse_std: Tensor

    def __init__(self, num_channels: int, momentum: float, eps: float, averages_inverse: bool = False) -> None:
        super().__init__()
        self.momentum, self.eps, self.averages_inverse = momentum, eps, averages_inverse
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.register_buffer("running_mean", torch.zeros(num_channels))
        self.register_buffer("running_inverse_std" if averages_inverse else "running_var", torch.ones(num_channels))

    def forward(self, images: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[batch, channel, ...] -> the same; of images, only the first `lengths` [batch] steps count."""
        if not self.training:
            return self._by_averages(images)
        if is_shared():
            return self._in_all_processes(images, lengths)
        steps = len(images) * images[0, 0].numel() if lengths is None else int(lengths.sum()) * images.shape[3]
        if steps == 1:
            return self._by_averages(images)
        if lengths is not None:
            return self._within(images, lengths, steps)
        outputs, mean, inverse_std = torch.native_batch_norm(
            images, self.weight, self.bias, None, None, True, 0.0, self.eps
        )
        self._average(mean.detach(), inverse_std.detach(), steps)
        return outputs

    def _by_averages(self, images: Tensor) -> Tensor:
        variance = self.running_inverse_std**-2 - self.eps if self.averages_inverse else self.running_var
        return functional.batch_norm(images, self.running_mean, variance, self.weight, self.bias, eps=self.eps)

    def _within(self, images: Tensor, lengths: Tensor, steps: int) -> Tensor:
        """Normalised by the moments of the first `lengths` steps."""
        images = single(images)
        is_within = frames_within(images[:, 0], lengths)[:, None, :, None]
        mean = images.where(is_within, 0).sum(dim=(0, 2, 3), keepdim=True) / steps
        variance = (images - mean).where(is_within, 0).square().sum(dim=(0, 2, 3)) / steps
        inverse_std = (variance + self.eps).rsqrt()
        self._average(mean.detach().flatten(), inverse_std.detach(), steps)
        return (images - mean) * (inverse_std * self.weight)[:, None, None] + self.bias[:, None, None]

    def _in_all_processes(self, images: Tensor, lengths: Tensor | None) -> Tensor:
        """Normalised by the moments of the batch, of which other processes have a part, too."""
        mean, variance, steps = moments_of_all(images, lengths)
        inverse_std = (variance + self.eps).rsqrt()
        self._average(mean.detach(), inverse_std.detach(), steps)
        return scaled(images, mean, inverse_std * self.weight, self.bias)

    @torch.no_grad()
    def _average(self, mean: Tensor, inverse_std: Tensor, steps: int) -> None:
        self.running_mean.lerp_(mean, self.momentum)
        if self.averages_inverse:
            self.running_inverse_std.lerp_(inverse_std, self.momentum)
        else:
            variance = (inverse_std**-2 - self.eps) * (steps / (steps - 1))
            self.running_var.lerp_(variance, self.momentum)


class SharedBatchNorm1d(nn.BatchNorm1d):
    """PyTorch's layer, but its moments are those of a batch of which other processes have a part, too."""

    def forward(self, values: Tensor) -> Tensor:
        if not self.training or not is_shared():
            return super().forward(values)
        mean, variance, steps = moments_of_all(values)
        if self.track_running_stats:
            self._average(mean.detach(), variance.detach() * (steps / (steps - 1)))
        inverse_std = (variance + self.eps).rsqrt()
        return scaled(values, mean, inverse_std if self.weight is None else inverse_std * self.weight, self.bias)

    @torch.no_grad()
    def _average(self, mean: Tensor, variance: Tensor) -> None:
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


def moments_of_all(images: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor, int]:
    """Mean [channel], variance [channel] and number of the values [batch, channel, ...] of all processes."""
    images = single(images)
    axes = [axis for axis in range(images.dim()) if axis != 1]
    is_within = None if lengths is None else frames_within(images[:, 0], lengths)[:, None, :, None]
    count = images.new_full((1,), images.numel() / images.shape[1], dtype=torch.float64)
    if lengths is not None:
        count = (lengths.sum() * images.shape[3]).double().unsqueeze(0)

    def sums(values: Tensor) -> Tensor:
        return (values if is_within is None else values.where(is_within, 0)).sum(dim=axes).double()

    found = summed(torch.cat([sums(images), count]))
    mean = (found[:-1] / found[-1]).to(images.dtype)
    variance = (summed(sums(scaled(images, mean).square())) / found[-1]).to(images.dtype)
    return mean, variance, int(found[-1])


def scaled(images: Tensor, mean: Tensor, scale: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    """(image - mean) * scale + bias of [batch, channel, ...], each [channel]."""
    shape = (-1, *[1] * (images.dim() - 2))
    found = images - mean.view(shape)
    if scale is not None:
        found = found * scale.view(shape)
    return found if bias is None else found + bias.view(shape)
