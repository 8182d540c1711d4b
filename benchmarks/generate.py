# SPDX-License-Identifier: GPL-3.0-or-later
"""Features of 500 spectrograms by the tutorial's t-rae against the bare matrix products of its encoder."""

import torch
from networks import BANDS, STEPS, stack, tutorial
from timing import Linear, alternate, floor_of, report

BATCH = 500  # the default of t-rae generate


def main() -> None:
    model = tutorial()[0].eval()
    spectrograms = torch.rand(BATCH, STEPS, BANDS) * 2 - 1

    def generate() -> None:
        with torch.inference_mode():
            model.embed(spectrograms)

    products = [*stack(STEPS, BATCH, BANDS, 256, 2, 1), Linear(BATCH, 512, 1024)]
    seconds = alternate(audeep=generate, products=floor_of(products, is_trained=False))
    report("share of the speed of the bare products", seconds["products"] / seconds["audeep"], "0.80")


if __name__ == "__main__":
    main()
