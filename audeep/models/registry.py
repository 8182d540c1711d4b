# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of models. A new one is a line here, or an entry point in the group `audeep.models` of another package.

From its class follow the commands `audeep NAME train` and the others of its family, their options and help, its
checkpoints, its estimator and its page in the reference.
"""

from audeep.errors import ModelError
from audeep.runtime.registry import Entry, Registry

AUTOENCODER, TAGGER = "autoencoder", "tagger"

MODELS = Registry(
    "audeep.models",
    "model",
    [
        Entry("t-rae", "audeep.models.time_autoencoder:TimeAutoencoder", AUTOENCODER, "time-recurrent autoencoder"),
        Entry(
            *("f-rae", "audeep.models.frequency_autoencoder:FrequencyAutoencoder", AUTOENCODER),
            "frequency-recurrent autoencoder",
        ),
        Entry(
            *("ft-rae", "audeep.models.frequency_time_autoencoder:FrequencyTimeAutoencoder", AUTOENCODER),
            "frequency-time-recurrent autoencoder",
        ),
        Entry(
            *("masked-frames", "audeep.models.masked_frames:MaskedFramesAutoencoder", AUTOENCODER),
            "masked-frame autoencoder",
        ),
    ],
    ModelError,
)
