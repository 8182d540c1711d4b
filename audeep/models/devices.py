# SPDX-License-Identifier: GPL-3.0-or-later
"""Where to compute, and in which precision."""

from contextlib import AbstractContextManager, nullcontext

import torch

from audeep.errors import OptionError


def computing_in(precision: torch.dtype, device: torch.device) -> AbstractContextManager[object]:
    """Where matrix products are computed in `precision`, and the rest in float32."""
    return nullcontext() if precision == torch.float32 else torch.autocast(device.type, precision)


def select_device(name: str = "auto") -> torch.device:
    """The device called `name` (cpu, cuda, cuda:N, mps); auto is CUDA where there is one, else the CPU.

    Raises:
        OptionError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda", "mps"):
            raise RuntimeError(f"no support for {device.type}")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        available = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        available += ["mps"] * torch.backends.mps.is_available()
        raise OptionError(
            f"device {name!r} cannot be used here; choose one of: auto, {', '.join(available)}"
        ) from error
    return device
