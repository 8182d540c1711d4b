# SPDX-License-Identifier: GPL-3.0-or-later
"""reduce: features in fewer dimensions."""

import argparse
import logging

from audeep.cli.options import AudeepCommand, add_input, add_output, add_seed, positive_int, probability

logger = logging.getLogger(__name__)


class Reduce(AudeepCommand):
    """Reduce feature vectors to fewer dimensions, by principal component analysis without labels."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        add_input(parser, "data set file of feature vectors")
        parser.add_argument(
            "--components",
            type=positive_int,
            required=True,
            metavar="N",
            help="keep N principal components of the standardised features, or as many as there are, rotated so that"
            " all dimensions have the same variance and standardising them changes nothing",
        )
        parser.add_argument(
            "--whiten",
            type=probability,
            default=0.0,
            metavar="P",
            help="power to which the variances of components are made equal: 0 leaves them, 1 makes all the same"
            " (default: %(default)s)",
        )
        add_output(parser)
        add_seed(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        from audeep.data.data_set import load
        from audeep.evaluation.reduction import reduce

        data_set = load(parsed_args.input)
        reduced = reduce(data_set, parsed_args.components, whiten=parsed_args.whiten, seed=parsed_args.seed)
        reduced.save(parsed_args.output)
        logger.info(
            "%s: %d instances with features of shape %s written",
            parsed_args.output,
            len(reduced),
            list(reduced.feature_shape),
        )
        self.tell_evaluation(reduced, parsed_args.output)
