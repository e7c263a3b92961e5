"""Columns between Arrow and numpy, against what pyarrow itself makes of them."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from varhouse.udf import buffers


@pytest.mark.parametrize("kind", [pa.int32(), pa.uint32(), pa.int64(), pa.uint8()])
def test_whole_numbers(kind):
    column = pa.array([3, 1, 2, 7], kind)
    found = buffers.numbers(column.slice(1))
    assert found.dtype == np.int64
    assert found.tolist() == [1, 2, 7]


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.int32()])
def test_null_is_nan(kind):
    column = pa.array([1, None, 3, None, 5, 6, 7, 8, None, 10], kind)
    expected = [np.nan, 3, np.nan, 5, 6, 7, 8, np.nan, 10]
    np.testing.assert_array_equal(buffers.numbers(column.slice(1)), expected)
    chunked = pa.chunked_array([column.slice(0, 1), column.slice(1)])
    np.testing.assert_array_equal(buffers.numbers(chunked), [1, *expected])
    assert buffers.numbers(column.slice(0, 0)).size == 0


def test_decimals_are_numbers():
    column = pa.array([Decimal("0.05"), None, Decimal("2.50")], pa.decimal128(4, 2))
    np.testing.assert_array_equal(buffers.numbers(column), [0.05, np.nan, 2.5])
    empty = pa.nulls(2)
    np.testing.assert_array_equal(buffers.numbers(empty), [np.nan, np.nan])


def test_truth_values():
    column = pa.array([True, False, None, True, True, None, False, True, True, False])
    expected = [False, False, True, True, False, False, True, True, False]
    assert buffers.numbers(column.slice(1)).tolist() == expected


def test_lists():
    column = pa.array([[9.0], [1.0, None], [], None, [4.0, 5.0]])
    values, starts = buffers.lists(column.slice(1))
    np.testing.assert_array_equal(values, [1, np.nan, 4, 5])
    assert starts.tolist() == [0, 2, 2, 2, 4]


def test_back_to_arrow():
    numbers = buffers.column([1.5, np.nan, -2.0], pa.float64())
    whole = buffers.column(np.array([1.0, np.nan, 3.0]), pa.int32())
    texts = buffers.texts(np.array(["a", None, "héé"], dtype=object))
    assert numbers.to_pylist() == [1.5, None, -2.0]
    assert whole.to_pylist() == [1, None, 3]
    assert texts.to_pylist() == ["a", None, "héé"]
    assert buffers.texts(np.array(["", "bc"])).to_pylist() == ["", "bc"]
    nested = buffers.column_of_lists(texts, [0, 2, 2, 3])
    nested.validate(full=True)
    assert nested.to_pylist() == [["a", None], [], ["héé"]]
