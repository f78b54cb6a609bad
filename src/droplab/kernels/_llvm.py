"""What LLVM has and Numba does not name: room on the stack, and the bits of a number as another type."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


def stack(kind, numba_type, count):
    """A function that gives room for so many numbers on the stack."""

    @intrinsic
    def room(_context):
        def generate(_context, builder, _signature, _arguments):
            with builder.goto_entry_block():
                return builder.alloca(kind, count)

        return types.CPointer(numba_type)(), generate

    return room


def reinterpreted(given, kind, numba_type):
    """A function from a number of Numba's type ``given`` to the number of another type with the same bits."""

    @intrinsic
    def same_bits(_context, _value):
        def generate(_context, builder, _signature, arguments):
            return builder.bitcast(arguments[0], kind)

        return numba_type(given), generate

    return same_bits


bits_to_float = reinterpreted(types.uint32, ir.FloatType(), types.float32)
float_to_bits = reinterpreted(types.float32, ir.IntType(32), types.uint32)
bits_to_double = reinterpreted(types.uint64, ir.DoubleType(), types.float64)
double_to_bits = reinterpreted(types.float64, ir.IntType(64), types.uint64)
