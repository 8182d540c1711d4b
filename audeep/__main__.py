# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m audeep``."""

import sys

from audeep.main import main

sys.exit(main())
