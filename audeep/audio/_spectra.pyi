# SPDX-License-Identifier: GPL-3.0-or-later

import numpy as np
from numpy.typing import NDArray

def windowed(
    samples: NDArray[np.float64], window: NDArray[np.float64], segments: NDArray[np.float64], hop: int
) -> None: ...
def band_powers(
    spectra: NDArray[np.complex128],
    first_bins: NDArray[np.int64],
    starts: NDArray[np.int64],
    weights: NDArray[np.float64],
    bands: NDArray[np.float64],
) -> None: ...
