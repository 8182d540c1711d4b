# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m audeep``."""

import sys

from audeep.cli.app import main

sys.exit(main())
