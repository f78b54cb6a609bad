"""A damaged cache of compiled kernels costs time, never a result."""

from __future__ import annotations

import importlib.util
import os
from ctypes import CFUNCTYPE, c_int64

import pytest

pytest.importorskip("numba")

from numba import types
from numba.core import config

from droplab.kernels._cache import compile_cached


def emptied(data):
    return b""


def cut(data):
    return data[: len(data) // 2]


def garbled(data):
    return os.urandom(len(data))


@pytest.fixture
def function(tmp_path, monkeypatch):
    """One in a file of its own, whose cache is in a folder of its own."""
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "own.py").write_text("def plus(a, b):\n    return a + b\n")
    spec = importlib.util.spec_from_file_location("own", tmp_path / "own.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.plus


def added(function):
    compiled = compile_cached(function, types.int64(types.int64, types.int64))
    return CFUNCTYPE(c_int64, c_int64, c_int64)(compiled.address)(40, 2), compiled


@pytest.mark.parametrize("damage", [emptied, cut, garbled])
@pytest.mark.parametrize("part", ["nbi", "nbc"])
def test_a_damaged_file_is_compiled_over(tmp_path, function, part, damage):
    assert added(function)[0] == 42
    files = list((tmp_path / "cache").rglob(f"*.{part}"))
    assert len(files) == 1
    files[0].write_bytes(damage(files[0].read_bytes()))
    assert added(function)[0] == 42
    result, compiled = added(function)
    assert result == 42
    assert compiled.cache_hits == 1, "the cache is whole again"


def test_no_cache_at_all(tmp_path, function, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert added(function)[0] == 42
