# Everything sets itself up: `make report` and `make test` need Python 3.11 to 3.13 and the package index, nothing else.
PYTHON ?= python3
DATASET ?= scenes
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.installed

.PHONY: help report test check bench study faults torture peers lab notebooks student mark readme clean

help:            ## list the commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else "This project needs Python 3.11 to 3.13, and %s is %d.%d: name another with make PYTHON=python3.12" % (sys.executable, *v))'
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The shell reads these two from the environment, as they were given: a folder's name is never a command, nor is its $.
report: override export DATASET := $(value DATASET)
report: override export WEIGHTS := $(value WEIGHTS)
report: $(READY) ## run the notebooks and render reports/<dataset>/report.{html,pdf}; DATASET=, EPOCHS=, SEED=, WEIGHTS=
	$(PY) -m helpers.report run $(if $(EPOCHS),--epochs "$(EPOCHS)") $(if $(SEED),--seed "$(SEED)") $(if $(WEIGHTS),--weights "$$WEIGHTS") -- "$$DATASET"

# Two processes, whatever the machine: each needs up to 3 GB.
# The notebooks' training is shortened here: `make test EPOCHS=25` is the whole run.
test: export EPOCHS := $(or $(EPOCHS),1)
# What the notebooks claim of the report's own run must hold here; elsewhere they tell what was found.
test: export REPORT_CLAIMS := strict
test: $(READY)   ## the tests, and every notebook's outputs against the committed ones
	$(PY) -m pytest -n 2 --nbval notebooks tests

check: $(READY)  ## ruff and the tests that are not marked slow
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pytest -q -n 2 -m "not slow" tests

bench: $(READY)  ## time a training step against Keras, and PyTorch and JAX if installed; writes reports/benchmarks.json
	$(PY) tests/programs/bench_training.py

study: $(READY)  ## repeat the trainings over seeds on Dask, hours; writes reports/study.csv and the README's table
	$(PY) -m helpers.study --datasets scenes caltech101
	$(PY) tests/programs/readme_numbers.py

faults: $(READY) ## plant faults in a copy of the code, one at a time: the tests must catch each
	$(PY) tests/programs/faults.py

torture: $(READY) ## kill trainings and chains at random moments, and resume them; needs Linux
	$(PY) tests/programs/torture.py --kills 20

# A virtual environment of its own, which sees the packages of the project's.
peers: $(READY)  ## hold the mathematics against other libraries; PEERS=--yes installs them, PEERS=--installed does not
	$(PY) tests/programs/peers.py $(PEERS)

lab: $(READY)    ## open the notebooks in JupyterLab
	$(PY) -m jupyter lab --LabApp.default_url=/lab/tree/notebooks

notebooks: $(READY) ## execute the committed notebooks again, in place, with default parameters
	$(PY) -m helpers.report notebooks

student: $(READY) ## write the student's edition, without solutions; OUT=student, CHAPTERS=35 sets theirs alone, RUN=reports/scenes
	$(PY) -m helpers.course student $(if $(CHAPTERS),--chapters "$(CHAPTERS)") $(if $(RUN),--run "$(RUN)") -- "$(or $(OUT),student)"

mark: override export SUBMISSIONS := $(value SUBMISSIONS)
mark: $(READY)   ## mark every folder in SUBMISSIONS=; CHAPTERS=35 marks theirs alone; writes marks/ there
	$(PY) -m helpers.course mark $(if $(CHAPTERS),--chapters "$(CHAPTERS)") -- "$$SUBMISSIONS"

readme: $(READY) ## make the README's pictures and its table anew, of what is committed
	$(PY) tests/programs/readme_pictures.py
	$(PY) tests/programs/readme_numbers.py

clean:           ## remove the environment and every run in reports; what a study has finished stays
	rm -rf $(VENV) .venv-peers .pytest_cache .ruff_cache *.egg-info reports/study
	find reports -mindepth 1 -maxdepth 1 -type d -exec sh -c 'test -e "$$1/chain.json" -o -d "$$1/artifacts"' - {} \; -exec rm -rf {} +
