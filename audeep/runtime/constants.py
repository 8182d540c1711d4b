# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that several parts must agree on."""

SILENCE = -1.0  # the lowest value that `audio.passes.normalise` gives; what follows the last frame of a spectrogram
LARGEST_INTEGER = 2**53  # up to which float64 holds all integers
NUM_RESAMPLES = 2000  # of a bootstrap, where nothing else is said
