# SPDX-License-Identifier: GPL-3.0-or-later
"""Unsupervised representation learning from audio.

The public names are those of `__init__.pyi`; each is imported when it is first used, so that `import audeep` stays
instant.
"""

import lazy_loader

__version__ = "1.0.0.dev0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
