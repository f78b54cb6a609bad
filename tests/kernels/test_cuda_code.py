"""The GPU's machine code, without a GPU: Triton compiles for one that is not there, and the code is read."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from droplab.kernels import Job, Law

triton = pytest.importorskip("triton", reason="Triton is not installed here")
cuda = pytest.importorskip("droplab.kernels.cuda")

TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
Compile = Callable[..., Any]


class Absent:
    """A GPU of one kind that does nothing, as Triton's driver."""

    def __init__(self, capability: int) -> None:
        from triton.backends.compiler import GPUTarget

        self.target = GPUTarget("cuda", capability, 32)

    def get_current_target(self):
        return self.target

    def get_current_device(self):
        return 0

    def get_current_stream(self, _device):
        return 0


@pytest.fixture
def capability() -> int:
    """Of an H100; tests may ask for others."""
    return 90


@pytest.fixture
def compile_for(capability, monkeypatch) -> Iterator[Compile]:
    """Compiles what ``apply`` would launch."""
    if not (TOOLS / "cuobjdump").exists():
        pytest.skip("Triton brought no NVIDIA tools here")

    def forget() -> None:
        cuda._triton.lanes.device_caches.clear()
        cuda._triton.rows.device_caches.clear()

    def compiled(x: torch.Tensor, job: Job, residual: torch.Tensor | None = None) -> Any:
        plan, counted, law, arguments = cuda.launch(x, torch.empty_like(x), job, residual)
        options = cuda.constants_of(plan, counted=counted, law=law)
        return plan.kernel.warmup(*arguments, grid=(plan.programs,), **options, **cuda._COMPILER)

    monkeypatch.setattr(triton.runtime.driver, "_active", Absent(capability))
    forget()
    yield compiled
    forget()


def accesses(kernel: Any) -> set[str]:
    """Kinds of loads and stores of the tensors' memory."""
    return set(re.findall(r"(?:ld|st)\.global\.\S*", kernel.asm["ptx"]))


def assert_no_spill(kernel: Any, tmp_path: Path) -> None:
    """Nothing in local memory, nothing through shared memory (ptxas of CUDA 13 sets 1 KB of it apart, unasked)."""
    assert kernel.metadata.shared == 0
    binary = tmp_path / "kernel.cubin"
    binary.write_bytes(kernel.asm["cubin"])
    said = subprocess.run(
        [TOOLS / "cuobjdump", "-res-usage", binary], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(r"STACK:0 SHARED:(0|1024) LOCAL:0", said), said


BATCH = {"unit": (None, ()), "samples": (0, ()), "channels": (0, (2, 3)), "paths": (0, (1, 2, 3))}


@pytest.mark.parametrize("name", BATCH)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "float16"])
def test_16_bytes_at_a_time_and_no_spilled_register(compile_for, tmp_path, name, dtype):
    batch_dim, shared = BATCH[name]
    x = torch.empty(8, 32, 16, 16, dtype=getattr(torch, dtype))
    kernel = compile_for(x, Job(0.3, 1, batch_dim=batch_dim, shared=shared))
    wide = "v2.b64" if dtype == "float64" else "v4.b32"
    assert accesses(kernel) == {f"ld.global.{wide}", f"st.global.{wide}"}
    assert_no_spill(kernel, tmp_path)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_neighbouring_threads_are_neighbours_in_memory(compile_for, dtype, memory):
    """A thread takes 16 bytes, the next thread the next 16; else sectors are written by halves."""
    x = torch.empty(8, 32, 16, 16, dtype=dtype).to(memory_format=memory)
    text = compile_for(x, Job(0.3, 1, batch_dim=0)).asm["ttgir"]
    loads = set(re.findall(r"tt\.load .*(#blocked\d*)>", text))
    assert len(loads) == 1
    layout = re.search(rf"{loads.pop()} = #ttg\.blocked<(.*)>", text)[1]
    vector = 16 // x.element_size()
    assert f"sizePerThread = [{vector}, 1], threadsPerWarp = [1, 32]" in layout
    assert "order = [0, 1]" in layout


@pytest.mark.parametrize("capability", [80, 90])
def test_so_it_is_with_a_residual_an_odd_size_and_channels_last(compile_for, tmp_path):
    odd = torch.empty(100_001, dtype=torch.bfloat16)
    kernel = compile_for(odd, Job(0.3, 1), odd)
    assert accesses(kernel) == {f"{way}.global.{size}" for way in ("ld", "st") for size in ("v4.b32", "b16")}
    assert_no_spill(kernel, tmp_path)
    images = torch.empty(8, 32, 16, 16).to(memory_format=torch.channels_last)
    for shared in ((), (2, 3)):
        kernel = compile_for(images, Job(0.3, 1, batch_dim=0, shared=shared))
        assert accesses(kernel) == {"ld.global.v4.b32", "st.global.v4.b32"}
        assert_no_spill(kernel, tmp_path)


def test_products_and_sums_are_not_fused_and_float64_is_rounded_exactly(compile_for):
    for dtype in (torch.float32, torch.float64):
        p = torch.tensor(0.3, dtype=torch.float64)
        ptx = compile_for(torch.empty(4096, dtype=dtype), Job(p, 1, law=Law.ALPHA)).asm["ptx"]
        assert not re.search(r"\bfma\.|\.ftz|\.approx|div\.full", ptx)
        assert {"div.rn.f64", "sqrt.rn.f64"} <= set(re.findall(r"\b(?:div|sqrt)\.\S+", ptx))


def test_new_values_and_lengths_do_not_compile_again(compile_for):
    """Rates, seeds, steps, layers, first samples of every size of number; batches of other lengths."""
    x = torch.empty(64, 512)
    for turn in range(20):
        seed, word = (0, 1, 16, 2**31, 2**63 + 5)[turn % 5], (0, 1, 48, 2**32 - 1)[turn % 4]
        compile_for(x[: 64 - turn].clone(), Job(turn / 20, seed, word, word, word, batch_dim=0))
    cache = cuda._triton.lanes.device_caches[0][0]
    assert len(cache) == 1
    p, seed, step = torch.tensor(0.5), torch.tensor(2**40), torch.tensor(7)
    for layer in range(5):
        compile_for(x, Job(p, seed, step, layer, batch_dim=0))
    assert len(cache) == 2


def test_programs_are_counted_in_64_bits_before_they_are_multiplied(compile_for):
    """So that more than 2^31 elements are one launch: the program's number is widened, and used no other way."""
    text = compile_for(torch.empty(4096), Job(0.3, 1)).asm["ttir"]
    program = re.search(r"(%\S+) = tt\.get_program_id", text)[1]
    assert re.findall(rf"= (\S+) .*{re.escape(program)}\b", text) == ["arith.extsi"]
