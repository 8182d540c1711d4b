# SPDX-License-Identifier: GPL-3.0-or-later

import numpy as np
from numpy.typing import NDArray

LANES: int

def spectra(
    samples: NDArray[np.float64],
    window: NDArray[np.float64],
    roots: NDArray[np.complex128],
    hop: int,
    out: NDArray[np.float64],
    lanes: int,
    *bands: NDArray[np.int64] | NDArray[np.float64],
) -> bool: ...
