# Everything from a bare clone, with only Python (3.10 to 3.13) and make. PYTHON=python3.12 chooses another one.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-slow lint bench bench-fill docs docs-generate clean

demo: $(READY)    ## the main job on what ships with the project, pruned moderately and hard
	$(BIN)/prune -m recipe=demo method.penalty=30,90

test: $(READY)    ## the suite, offline
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

test-slow: $(READY)    ## what takes long: every architecture through every exporter, runs in several processes
	OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -m slow --numprocesses=auto

lint: $(READY)    ## format, lint, strict types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(READY)    ## cost of a training step with masks, relative to a dense one
	$(BIN)/python -m benchmarks.training_step $(ARGS)

bench-fill: $(READY)    ## cost of removing units and filling, relative to dense training
	$(BIN)/python -m benchmarks.filling_step $(ARGS)

docs: $(READY)-docs    ## the documentation as a site in site/; broken links fail
	$(BIN)/mkdocs build --strict

docs-generate: $(READY)    ## the parts of the pages that follow from schema, configs and recipes, written anew
	$(BIN)/python -m docs.generate

$(READY)-docs: $(READY)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	touch $@

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache dist site
