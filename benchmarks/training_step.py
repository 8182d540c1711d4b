# SPDX-License-Identifier: GPL-3.0-or-later
"""A training step of the tutorial's t-rae against its bare matrix products, and against the same on torch.nn.GRU."""

from networks import PlainTimeAutoencoder, training_step, tutorial
from timing import alternate, floor_of, report


def main() -> None:
    model, products = tutorial()
    seconds = alternate(
        audeep=training_step(model), torch_nn_gru=training_step(PlainTimeAutoencoder()), products=floor_of(products)
    )
    report("times as fast as torch.nn.GRU", seconds["torch_nn_gru"] / seconds["audeep"], "1.75")
    report("share of the speed of the bare products", seconds["products"] / seconds["audeep"], "0.60")


if __name__ == "__main__":
    main()
