# SPDX-License-Identifier: GPL-3.0-or-later
"""Tensors and texts in safetensors files, which run no code when they are loaded."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from audeep.errors import ModelError, OptionError
from audeep.runtime.files import check_text, not_read, replacing, write_failures


def write_tensors(tensors: Mapping[str, Tensor], path: Path, texts: dict[str, str]) -> None:
    """Write a file.

    Raises:
        OutputError: it cannot be written.
    """
    with replacing(path) as partial, write_failures(path, SafetensorError):
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, partial, texts)


def read_tensors(path: Path, wants_tensors: bool = True) -> tuple[dict[str, str], dict[str, Tensor]]:
    """The texts of a file and its tensors, unless these are not wanted; no more memory is taken than it has bytes.

    Raises:
        ModelError: it cannot be read, or is damaged.
    """
    try:
        opened = open(path, "rb")  # noqa: SIM115  for an error that says why it cannot be
    except OSError as error:
        raise ModelError(not_read(path, error)) from error
    try:
        with opened, safe_open(_name_of(path, opened.fileno()), framework="pt") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys() if wants_tensors}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); it is damaged or not a safetensors file") from error


def _name_of(path: Path, descriptor: int) -> Path:
    """The path of a file that is open, as safetensors takes it: in UTF-8."""
    try:
        check_text(str(path))
    except OptionError:
        return Path(f"/dev/fd/{descriptor}")
    return path
