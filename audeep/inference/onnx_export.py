# SPDX-License-Identifier: GPL-3.0-or-later
"""Models in the format of ONNX, traced as TorchScript, which keeps recurrent layers whole."""

import io
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from audeep.errors import OptionError

if TYPE_CHECKING:
    from audeep.inference.model_export import Exported

OPSET = 17


def check_packages() -> None:
    """Import ONNX and ONNX Runtime."""
    _packages()


def _packages() -> tuple[Any, Any]:
    try:
        import onnx
        import onnxruntime
    except ImportError as error:
        raise OptionError(f"exporting needs other packages ({error}); run: pip install 'audeep[onnx]'") from error
    return onnx, onnxruntime


def written(exported: "Exported") -> bytes:
    """A file of ONNX, with all metadata as its properties."""
    onnx, _ = _packages()
    buffer = io.BytesIO()
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):  # which gets the graph where it fails
        warnings.simplefilter("ignore")  # that shapes are taken as they are, which the comparison shows
        torch.onnx.export(
            *(exported.forward, (exported.example,), buffer),  # type: ignore[arg-type]
            dynamo=False,  # torch.export repeats recurrent layers for each step of one length
            input_names=exported.names[:1],
            output_names=exported.names[1:],
            dynamic_axes=dict(zip(exported.names, exported.axes, strict=True)),
            opset_version=OPSET,
        )
    made = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(made, exported.about)
    content: bytes = made.SerializeToString()
    return content


def runner(content: bytes) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """What ONNX Runtime gives for frames, by the content of a file."""
    _, runtime = _packages()
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()

    def run(frames: NDArray[np.float32]) -> NDArray[np.float32]:
        (found,) = session.run(None, {given.name: frames})
        return np.asarray(found)

    return run
