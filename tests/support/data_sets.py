# SPDX-License-Identifier: GPL-3.0-or-later
"""Data sets compared."""

import numpy as np

from audeep.data.data_set import DataSet


def assert_same(found: DataSet, expected: DataSet) -> None:
    """Check that features, metadata and settings are the same, and of the same types."""
    np.testing.assert_array_equal(found.features, expected.features)
    assert (found.label_map, found.preprocessing) == (expected.label_map, expected.preprocessing)
    assert (found.feature_dims, found.label_names) == (expected.feature_dims, expected.label_names)
    assert found.metadata.keys() == expected.metadata.keys()
    for name, column in expected.metadata.items():
        assert found.metadata[name].dtype == column.dtype
        np.testing.assert_array_equal(found.metadata[name], column, err_msg=name)
