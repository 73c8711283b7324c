# Everything sets itself up: `make report` and `make test` need Python 3.10 to 3.13 and the package index, nothing else.
PYTHON ?= python3
DATASET ?= scenes
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.installed

.PHONY: help report test check bench lab notebooks clean

help:            ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 10) <= v < (3, 14) else "This project needs Python 3.10 to 3.13, and %s is %d.%d: name another with make PYTHON=python3.12" % (sys.executable, *v))'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

report: $(READY) ## run the notebooks and render reports/<dataset>/report.{html,pdf}; DATASET=, EPOCHS=, SEED=, WEIGHTS=
	$(PY) -m helpers.report run "$(DATASET)" $(if $(EPOCHS),--epochs $(EPOCHS)) $(if $(SEED),--seed $(SEED)) $(if $(WEIGHTS),--weights "$(WEIGHTS)")

# The notebooks' training is shortened here: `make test EPOCHS=25` is the whole run.
test: export EPOCHS := $(or $(EPOCHS),1)
test: $(READY)   ## unit tests, then every notebook's outputs against the committed ones
	$(PY) -m pytest --nbval tests notebooks

check: $(READY)  ## ruff and the unit tests
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pytest -q tests

bench: $(READY)  ## time a training step against Keras, and PyTorch if installed; writes reports/benchmarks.json
	$(PY) tests/bench_training.py

lab: $(READY)    ## open the notebooks in JupyterLab
	$(PY) -m jupyter lab notebooks

notebooks: $(READY) ## execute the committed notebooks again, in place, with default parameters
	$(PY) -m helpers.report notebooks

clean:           ## remove the environment and every run
	rm -rf $(VENV) reports/*/ .pytest_cache .ruff_cache *.egg-info
