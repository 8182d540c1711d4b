# SPDX-License-Identifier: GPL-3.0-or-later
"""Training steps of the other networks, each against its own bare matrix products."""

from networks import f_rae, ft_rae, training_step, tutorial
from timing import alternate, floor_of, report

NETWORKS = {
    "t-rae, half autoregressive": lambda: tutorial(autoregressive=True),
    "t-rae of LSTM cells": lambda: tutorial("LSTM"),
    "f-rae": f_rae,
    "ft-rae": ft_rae,
}


def main() -> None:
    shares = {}
    for name, make in NETWORKS.items():
        print(name)
        model, products = make()
        seconds = alternate(5, audeep=training_step(model), products=floor_of(products))
        shares[name] = seconds["products"] / seconds["audeep"]
        report(f"{name}, share of the speed of the bare products", shares[name], "0.75")
    worst = min(shares, key=shares.get)
    report(f"worst share of the speed of the bare products, {worst}", shares[worst], "0.75")


if __name__ == "__main__":
    main()
