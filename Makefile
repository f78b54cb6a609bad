# Each target makes .venv and installs what it needs; nothing else has to be there but Python 3.11+.
# CPU only (much smaller): make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INDEX := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check $(INDEX) --constraint constraints.txt

WEB := $(wildcard web/*.json web/*.mjs web/src/*)

.PHONY: notebooks demo quick test test-all lint write prove bench results gpu gpu-pack clean

demo: $(VENV)/.base
	$(BIN)/droplab compare $(ARGS)

quick: $(VENV)/.base
	$(BIN)/droplab compare --set quick $(ARGS)

test: $(VENV)/.test
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal $(ARGS)

# The suite with the frameworks that droplab has adapters for.
test-all: $(VENV)/.frameworks
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/web.py check
	$(BIN)/lint-imports

# What lists the kinds of dropout: the faces droplab.nn and droplab.functional, the table, gallery and transforms.
write: $(VENV)/.test
	$(BIN)/python scripts/faces.py
	$(BIN)/python scripts/gallery.py
	$(BIN)/python scripts/transforms.py

# The tutorial's notebooks, from top to bottom; what they print is stored in them.
notebooks: $(VENV)/.test
	$(BIN)/python scripts/notebooks.py $(ARGS)

prove: $(VENV)/.prove
	$(BIN)/python -m pytest -m prove $(ARGS)

bench: $(VENV)/.bench
	$(BIN)/python benchmarks/tutorial_loop.py $(ARGS)
	$(BIN)/python benchmarks/dropout.py
	$(BIN)/python benchmarks/whole_models.py
	$(BIN)/python benchmarks/gemm_skipping.py
	$(BIN)/python benchmarks/tutorial_statements.py
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/functions.py
	$(BIN)/python benchmarks/loop_steps.py
	$(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/executors.py
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/commands.py
	$(BIN)/python benchmarks/sinks.py
	$(BIN)/python benchmarks/board.py
	$(BIN)/python benchmarks/board.py --browser

results: $(VENV)/.base
	$(BIN)/python scripts/record_results.py $(ARGS)

# On a machine with a GPU: no network and no .venv, but a Python with torch (PYTHON=...), and what gpu-pack fetched.
gpu:
	$(PYTHON) scripts/gpu.py $(ARGS)

gpu-pack: $(VENV)/.base
	$(BIN)/python scripts/gpu_pack.py $(ARGS)

clean:
	rm -rf $(VENV)

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt hatch_build.py $(WEB) | $(BIN)/pip
	$(INSTALL) --editable .
	touch $@

$(VENV)/.test $(VENV)/.frameworks $(VENV)/.prove $(VENV)/.lint $(VENV)/.bench: $(VENV)/.%: pyproject.toml constraints.txt $(VENV)/.base
	$(INSTALL) --editable '.[$*]'
	touch $@
