# Everything a newcomer needs: `make demo` and `make test` set themselves up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
SERVING_VENV := .venv-serving
MONITOR_VENV := .venv-monitor
SITE_VENV := .venv-site
INFRASTRUCTURE_VENV := .venv-infrastructure
BIN := $(VENV)/bin
OUT ?= out
# Taken from here where it is; fetched otherwise.
YAMNET := $(wildcard ../shared/weights/yamnet.tflite)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Images of Python set it; hundreds of processes that tests start would each compile our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test coverage check survival soak browser monitoring docs site extras extras-installed environments canary bench proofs accuracy reserve compile format lock images sboms containers clean recordings month

help:  ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: $(VENV)/.ready $(SERVING_VENV)/.ready recordings  ## recordings through the pipeline to an answering endpoint, a few minutes
	$(BIN)/silencio run train --data demo --preset demo --out $(OUT)/demo
	$(SERVING_VENV)/bin/python scripts/ask_endpoint.py --run $(OUT)/demo

test: $(VENV)/.ready $(SERVING_VENV)/.ready recordings  ## all tests that a clean clone can run
	SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

coverage: $(VENV)/.ready $(SERVING_VENV)/.ready recordings  ## lines and branches of the library that `make test` runs, at least 90 %, a quarter of an hour
	rm -rf out/coverage && mkdir -p out/coverage
	SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/coverage run -m pytest -n 2 --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet -o out/coverage/report.json
	$(BIN)/python -m benchmarks.coverage_figures out/coverage/report.json

check: $(VENV)/.ready  ## style (of scripts and the Containerfile too), types, import rules, declared packages, and whether compiled pipelines are current and run on KFP
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint images/Containerfile
	$(BIN)/shellcheck .ci/run images/install.sh manifests/infrastructure/ansible/kubespray.sh scripts/install_browser.sh scripts/install_clients.sh scripts/install_extras.sh scripts/install_label_studio.sh scripts/install_splitter.sh scripts/lock_requirements.sh scripts/make_environment.sh scripts/with_docker_engine.sh
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry --no-ansi src serving monitoring pipelines components benchmarks delivery scripts
	$(BIN)/silencio compile --check
	$(BIN)/silencio check

survival: $(VENV)/.ready  ## kill the pipeline with -9 at every step, and disturb it in other ways
	SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m survival -n 2 --dist loadfile

soak: $(VENV)/.ready  ## thousands of broken recordings and made-up requests at the real servers
	scripts/install_clients.sh $(BIN)/python $(OUT)/extras/clients
	SILENCIO_CLIENTS="$(OUT)/extras/clients" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m soak

browser: $(VENV)/.ready  ## the page and the report, in Debian's Chromium
	scripts/install_browser.sh $(BIN)/python $(OUT)/extras
	PYTHONPATH="$(OUT)/extras/axe" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m browser

monitoring: $(MONITOR_VENV)/.ready  ## the pages that Evidently and Streamlit make, in their own environment and in Debian's Chromium
	scripts/install_browser.sh $(MONITOR_VENV)/bin/python $(OUT)/extras
	PYTHONPATH="$(OUT)/extras/axe" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(MONITOR_VENV)/bin/python -m pytest -m monitoring tests/monitoring

docs: $(VENV)/.ready $(SERVING_VENV)/.ready  ## the commands of README and docs as a newcomer types them, a quarter of an hour; BLOCKS=quick: what takes no training
	SILENCIO_DOCS_BLOCKS="$(BLOCKS)" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m docs tests/docs tests/serving/test_documented_servers.py

site: $(SITE_VENV)/.ready  ## README and docs as a site with the reference of the code, in out/site; strict: links, anchors, names
	NO_MKDOCS_2_WARNING=1 $(SITE_VENV)/bin/mkdocs build --quiet --site-dir $(abspath $(OUT))/site

extras: $(VENV)/.ready $(SERVING_VENV)/.ready $(INFRASTRUCTURE_VENV)/.ready extras-installed recordings  ## what needs BirdNET's models, YAMNet's, Prometheus, HAProxy, restic, Ansible, or other people's clients
	PATH="$(abspath $(OUT))/extras/debian/usr/bin:$(OUT)/extras/manifests/bin:$$PATH" PYTHONPATH="$(OUT)/extras/birdnet:$(OUT)/extras/sequential:$(OUT)/extras/manifests:$(OUT)/extras/darwin-core" \
		SILENCIO_YAMNET="$(YAMNET)" SILENCIO_CLIENTS="$(OUT)/extras/clients" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 \
		SILENCIO_BOTO3="$(OUT)/extras/tracking-server" SILENCIO_LABEL_STUDIO="$(OUT)/extras/label-studio" \
		SILENCIO_ANSIBLE="$(abspath $(INFRASTRUCTURE_VENV))" SILENCIO_CLOUD_INIT="$(abspath $(OUT))/extras/debian/usr/lib/python3/dist-packages" \
		$(BIN)/python -m pytest -n 2 --dist loadfile tests/docs/test_tracking_documented.py tests/unit/detections/prior tests/serving/metrics \
		tests/monitoring/alertmanager tests/monitoring/grafana tests/monitoring/prometheus tests/monitoring/runbooks \
		tests/unit/encoders/test_references.py tests/unit/release/test_sequential_oracles.py tests/monitoring/ecology/test_darwin_core.py tests/serving/clients tests/serving/canary/test_haproxy_config.py \
		tests/serving/canary/test_haproxy_route.py tests/delivery tests/serving/canary/kserve/test_manifests.py tests/images/test_sboms.py tests/images/test_licences.py \
		tests/monitoring/pages/test_real_prometheus.py

canary: $(VENV)/.ready  ## whole releases on one machine: refused, rolled back, promoted though the judge was killed; a few minutes
	scripts/install_splitter.sh $(OUT)/splitter
	SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m release

month: $(VENV)/.ready $(SERVING_VENV)/.ready recordings  ## a month of a reserve in minutes: four disturbances, and which alerts they raise: make month ARGS=--smoke
	scripts/install_extras.sh $(BIN)/python $(OUT)/extras
	test -d $(OUT)/demo/bundle || $(BIN)/silencio run train --data demo --preset demo --out $(OUT)/demo
	PATH="$(abspath $(OUT))/extras/debian/usr/bin:$$PATH" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 \
		$(BIN)/python -m benchmarks.month --bundle $(OUT)/demo/bundle --work $(OUT)/month $(ARGS)

bench: $(VENV)/.ready  ## how fast, as ratios against a reference in the same run
	$(BIN)/python -m benchmarks --out $(OUT)/bench.json

# The names of proofs are words behind `proofs`, not targets of their own.
ifeq (proofs,$(firstword $(MAKECMDGOALS)))
PROOFS := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
$(eval $(PROOFS):;@:)
endif
proofs: $(VENV)/.ready  ## what takes longer than a test may, resumable: make proofs NAME
	scripts/install_extras.sh $(BIN)/python $(OUT)/extras
	PYTHONPATH="$(OUT)/extras/birdnet" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.proofs $(PROOFS) $(ARGS)

accuracy: $(VENV)/.ready  ## five folds, every head and ensemble against what users reach for; resumable, hours: make accuracy DATA=folder
	@test -n "$(DATA)" || { echo "make accuracy DATA=<a folder in BirdCLEF's layout>"; exit 2; }
	scripts/install_extras.sh $(BIN)/python $(OUT)/extras
	PYTHONPATH="$(OUT)/extras/birdnet" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 \
		$(BIN)/python -m benchmarks.accuracy --data $(DATA) --out $(OUT)/accuracy $(addprefix --set encoders.yamnet.weights=,$(YAMNET)) $(ARGS)

reserve: $(VENV)/.ready  ## train on a reserve's recordings: make reserve DATA=folder
	@test -n "$(DATA)" || { echo "make reserve DATA=<a folder in BirdCLEF's layout>"; exit 2; }
	$(BIN)/silencio run train --data $(DATA) --preset reserve-fast --out $(OUT)/reserve

compile: $(VENV)/.ready  ## write the YAML that a KFP host runs
	$(BIN)/silencio compile

format: $(VENV)/.ready  ## rewrite the code in the house's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock:  ## pin and hash requirements/ anew from pyproject.toml
	scripts/lock_requirements.sh

recordings: $(VENV)/.ready  ## fetch the demo recordings, once
	@$(BIN)/silencio data fetch

images:  ## images/ built by the Docker engine that answers, with sizes and seconds, two to five minutes: make images ONLY="predictor transformer"
	PYTHONPATH=src $(PYTHON) scripts/build_images.py $(ONLY)

sboms:  ## what is in the built images, a list for each in out/images (CycloneDX), half a minute: make sboms ONLY="predictor"
	PYTHONPATH=src $(PYTHON) scripts/write_sboms.py $(ONLY)

containers: $(VENV)/.ready  ## the built images, run as a pod and as steps of a pipeline, two minutes
	SILENCIO_CLIENTS="$(wildcard $(OUT)/extras/clients)" SILENCIO_THREADS=1 OMP_NUM_THREADS=1 \
		$(BIN)/python -m pytest -m images tests/serving/containers tests/pipelines/test_run_in_containers.py

environments: $(VENV)/.ready $(SERVING_VENV)/.ready $(MONITOR_VENV)/.ready $(SITE_VENV)/.ready $(INFRASTRUCTURE_VENV)/.ready extras-installed recordings  ## all that the other targets install, at once: make -j 2 environments

# The scripts look for what is there already.
extras-installed: $(VENV)/.ready
	scripts/install_extras.sh $(BIN)/python $(OUT)/extras
	scripts/install_clients.sh $(BIN)/python $(OUT)/extras/clients
	scripts/install_splitter.sh $(OUT)/splitter
	scripts/install_label_studio.sh $(BIN)/python $(OUT)/extras/label-studio

clean:  ## remove what was built here (recordings stay in the cache)
	rm -rf $(VENV) $(SERVING_VENV) $(MONITOR_VENV) $(SITE_VENV) $(INFRASTRUCTURE_VENV) $(OUT) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/.ready: requirements/dev.txt pyproject.toml
	scripts/make_environment.sh $(PYTHON) $(VENV) dev

$(SERVING_VENV)/.ready: requirements/serve-cpu.txt pyproject.toml
	scripts/make_environment.sh $(PYTHON) $(SERVING_VENV) serve-cpu

$(MONITOR_VENV)/.ready: requirements/monitor.txt requirements/monitor-tests.txt pyproject.toml
	scripts/make_environment.sh $(PYTHON) $(MONITOR_VENV) monitor monitor-tests

$(SITE_VENV)/.ready: requirements/site.txt
	scripts/make_environment.sh $(PYTHON) $(SITE_VENV) site

$(INFRASTRUCTURE_VENV)/.ready: requirements/infrastructure.txt
	scripts/make_environment.sh $(PYTHON) $(INFRASTRUCTURE_VENV) infrastructure
