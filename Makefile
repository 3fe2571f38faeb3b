# Snag: the public verbs. Each recipe is one command that also runs by itself: python -m snag <verb> --help.
# GNU make 4. Names with spaces are not supported in these variables.

#: Variables, as in `make train DATA=data/raw/screw PRESET=quick`:
#: DATA             folder in MVTec layout                    (data/sample, drawn on demand)
#: DATA_ROOT        folder of data folders, for `train-all`
#: MODEL            name under which the model is served      (name of the folder DATA)
#: RUN              folder of checkpoints, model and reports  (runs/MODEL)
#: PRESET           quick, default, features or baseline     (default; for demo: quick)
#: NPROC            processes that `train` shares its work among (1); one thread each
#: HOSTS            machines that take part in `train`         (1)
#: RENDEZVOUS       host:port of one of HOSTS, where they meet
#: CONFIG           TOML file with further training settings  (none)
#: LOTS             folder, date or a CSV: `train` keeps whole lots for calibration (none)
#: SEED             seed of data split, weights and sample    (the command's own)
#: FPR              target false-alarm rate                   (0.05)
#: CONFIDENCE       confidence of the bound told beside it    (0.95)
#: PROMISE          average or confidence: what keeps FPR     (average)
#: EXCLUDE          text file: calibration pictures to leave out, no good parts (none)
#: GROUPS           CSV: which picture is of which group      (folders below train/good)
#: METHOD           conformal, youden or cost                 (conformal)
#: DEFECTS          folder of labelled defects, for METHOD    (none)
#: MISS_COST        cost of a defective part that passes      (none)
#: FALSE_ALARM_COST cost of a good part that is rejected       (none)
#: DEFECT_SHARE     share of defective parts on the line      (0.01)
#: THRESHOLD        threshold set by hand instead             (calibrated)
#: VERSION          version of the archive                    (1.0)
#: MODEL_STORE      folder of archives                        (model_store)
#: MODELS           what `serve` serves instead: a,b or all   (MODEL, packed where it is needed)
#: INFERENCE_PORT   port of predictions and health            (8080)
#: MANAGEMENT_PORT  port of the view of the models            (8081)
#: METRICS_PORT     port of metrics                           (8082)
#: TOKENS           file of tokens that clients must show     (none on loopback)
#: FOREGROUND       1: `serve` stays until stopped            (returns when ready)
#: IMAGES           file or folder to judge with `predict`
#: SHIFTS           1: `evaluate` also judges under other lamps, focus and places
#: SAVE             files that `predict` writes, of overlay,mask,map,heatmap,regions
#: SOURCE           folder, archive or URL that `data` brings in; pictures for `score`
#: SHA256           digest that the file SOURCE must have      (any)
#: CATEGORY         the one category of SOURCE to bring in     (all)
#: SPOOL            megabytes of flagged and borderline pictures that `serve` keeps for `review` (0: none)
#: LABELS           file of labels that `review` makes        (runs/labels.sqlite); `calibrate` follows it
#: OUT              table that `score` writes                 (scores.parquet)
#: LAMP             on: `data` draws data/lamp, the sample whose defective parts stand under a brighter lamp
#: PREVIEW          1: `data` draws what the network sees
#: IMAGE_FOLDER     where `image` builds and keeps it         (/var/tmp/snag-image)
#: LOG              log of requests that `drift` reads         (runs/server-INFERENCE_PORT/logs/requests.log)
#: TORCH_INDEX      package index for torch, e.g. of CPU-only wheels
#: PYTHON           interpreter that makes .venv              (python3.11)
#: ARGS             further flags of the command asked for

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# Threads that wait must sleep: spinning, two threads on a core that others use too were 15 times slower than one.
export OMP_WAIT_POLICY ?= PASSIVE

asked = $(filter $1,$(MAKECMDGOALS))
DATA ?= data/sample
MODEL ?= $(if $(call asked,demo),demo,$(notdir $(DATA:%/=%)))
RUN ?= runs/$(MODEL)
PRESET ?= $(if $(call asked,demo),quick,default)
MODEL_STORE ?= model_store
VERSION ?= 1.0
FPR ?= 0.05
INFERENCE_PORT ?= 8080
MANAGEMENT_PORT ?= 8081
METRICS_PORT ?= 8082
IMAGE_FOLDER ?= /var/tmp/snag-image
PYTHON ?= $(firstword $(shell command -v python3.11 python3))
# make passes over a name that it doesn't know: an hour would be spent on what was not asked for. An outer make has its own names.
known := $(shell sed -n 's/^.: \([A-Z0-9_]*\) .*/\1/p' '$(firstword $(MAKEFILE_LIST))') SHELL MAKEFLAGS
unknown := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(filter-out $(known),$(name))))
$(if $(filter 0,$(MAKELEVEL)),$(if $(strip $(unknown)),$(error unknown: $(sort $(unknown)). `make help` lists the variables; \
    a command's own flags go in ARGS="--flag value")))
$(foreach name,DATA MODEL RUN MODEL_STORE,$(if $(word 2,$($(name))),$(error $(name)='$($(name))': names with spaces are not supported)))

PY := .venv/bin/python
SAMPLE := data/sample
ROOMS := snag training handler
CODE = $(wildcard $(ROOMS) tests benchmarks)
pictures := $(if $(filter $(SAMPLE),$(DATA:%/=%)),$(SAMPLE)/sample.json,$(wildcard $(DATA)/train/good))
weights := $(RUN)/snag.pt
calibration := $(RUN)/calibration.json
report := $(RUN)/report/metrics.json
archive := $(MODEL_STORE)/$(MODEL).mar
# What `tune` found best on this machine, once it has run.
tuned := $(wildcard $(RUN)/model-config.yaml)
# What ImageNet taught is installed by who asks for it.
features := $(if $(filter features,$(PRESET)),.venv/.installed-features)
PORTS = --inference-port $(INFERENCE_PORT) --management-port $(MANAGEMENT_PORT) --metrics-port $(METRICS_PORT)
# A flag is passed only when its variable is set, so that each default stands once, in the command.
flag = $(if $($1),--$2 '$($1)')
# A file is made anew when it is missing or older than what it is made from; also when its own verb is asked for by name
# (the command then decides: finished training returns at once), or a variable that changes it is set by hand.
by_hand = $(strip $(foreach name,$1,$(filter command environment override,$(origin $(name)))))
# ARGS goes to the verbs asked for by name, not to those that run on their behalf.
args = $(if $(call asked,$1),$(ARGS))
redo = $(if $(call asked,$1)$(call by_hand,$2),FORCE)

.PHONY: help setup data doctor train train-all calibrate evaluate archive serve stop health models deploy rollback review predict score drift tune demo image test test-all check lock clean FORCE

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2} /^#: /{rest = rest substr($$0, 3) "\n"} END{printf "\n%s", rest}' Makefile

setup: .venv/.installed ## make .venv with everything pinned; TORCH_INDEX=… for CPU-only wheels

data: $(if $(PREVIEW),$(pictures)) .venv/.installed ## draw the sample; SOURCE=… [SHA256=…] CATEGORY=… brings real pictures in; PREVIEW=1 contact sheet
ifneq ($(SOURCE),)
	$(PY) -m snag ingest --source '$(SOURCE)' $(call flag,CATEGORY,category) $(call flag,SHA256,sha256) $(call args,data)
else ifneq ($(PREVIEW),)
	$(PY) -m snag preview --data $(DATA) --run $(RUN) --preset $(PRESET) $(call flag,CONFIG,config) $(call args,data)
else
	$(PY) -m snag sample --data $(if $(LAMP),data/lamp --lamp,$(SAMPLE)) $(call flag,SEED,seed) $(call args,data)
endif

doctor: $(pictures) .venv/.installed ## look at DATA before any training: a page and a list of what to do
	$(PY) -m snag doctor --data $(DATA) --run $(RUN) $(call flag,LOTS,lots) $(call args,doctor)

train: $(weights) ## train PRESET=… on DATA=…, resuming where it stopped
train-all: .venv/.installed $(features) ## train, calibrate and pack every data folder of DATA_ROOT=…, going on where it stopped
	$(PY) -m snag train-all --data-root '$(DATA_ROOT)' --model-store $(MODEL_STORE) --preset $(PRESET) --fpr $(FPR) $(call args,train-all)

calibrate: $(calibration) ## set the threshold for FPR=…, by METHOD=… with DEFECTS=…, or THRESHOLD=… by hand
evaluate: $(report) ## write RUN/report: metrics.json, results.csv, index.html
archive: $(archive) ## make MODEL_STORE/MODEL.mar and its .sha256

serve: $(if $(MODELS),.venv/.installed,$(archive)) ## serve MODEL, or MODELS, and return when it judges pictures; FOREGROUND=1 stays
	$(PY) -m snag serve --model $(or $(MODELS),$(MODEL)) --model-store $(MODEL_STORE) $(PORTS) $(call flag,TOKENS,tokens) $(call flag,SPOOL,spool) \
	    $(if $(FOREGROUND),--foreground) $(call args,serve)

stop: .venv/.installed ## stop the server on these ports, once what is under way is answered
	$(PY) -m snag stop $(PORTS) $(call args,stop)

health: .venv/.installed ## say whether the server is ready, with the workers of each version
	$(PY) -m snag health $(PORTS) $(call args,health)

models: .venv/.installed ## list what the server serves: versions, thresholds, digests, workers
	$(PY) -m snag models $(PORTS) $(call args,models)

deploy: $(archive) ## bring MODEL in VERSION=… into the running server; no request fails meanwhile
	$(PY) -m snag deploy --model $(MODEL) --model-store $(MODEL_STORE) $(if $(call by_hand,VERSION),--version '$(VERSION)') \
	    $(PORTS) $(call args,deploy)

rollback: .venv/.installed ## let the version of MODEL that answered before answer again
	$(PY) -m snag rollback --model $(MODEL) $(PORTS) $(call args,rollback)

review: .venv/.installed ## label flagged and borderline pictures that a server with SPOOL=… keeps: a page on this machine
	$(PY) -m snag review --spool $(spool) --inference-port $(INFERENCE_PORT) $(call flag,LABELS,labels) --fpr $(FPR) $(call args,review)

predict: .venv/.installed ## judge IMAGES=… through the running server: table, CSV; SAVE=overlay,mask,map,heatmap,regions
	$(PY) -m snag predict --images '$(IMAGES)' --model $(MODEL) --inference-port $(INFERENCE_PORT) $(call flag,SAVE,save) $(call args,predict)

score: .venv/.installed-offline ## score stored pictures with RUN=…: SOURCE=folder, glob, tar or list; goes on where it stopped
	$(PY) -m snag score --source '$(SOURCE)' --run $(RUN) $(call flag,OUT,out) $(call args,score)

drift: .venv/.installed ## draw from a server's LOG=… whether its lines have changed since calibration
	$(PY) -m snag drift --log $(or $(LOG),runs/server-$(INFERENCE_PORT)/logs/requests.log) $(call args,drift)

tune: $(archive) ## measure which workers, threads and batches suit this machine; writes RUN/model-config.yaml for `archive`
	$(PY) -m snag tune --model $(MODEL) --model-store $(MODEL_STORE) --pictures $(DATA)/test --out $(RUN)/tuning \
	    --write $(RUN)/model-config.yaml $(call args,tune)

demo: $(report) $(archive) ## all of it on the sample, from nothing to a table of verdicts
	$(PY) -m snag demo --model $(MODEL) --data $(DATA) --run $(RUN) --model-store $(MODEL_STORE) --preset $(PRESET) $(call args,demo)

image: ## build the container image without Docker, as root, in IMAGE_FOLDER (12 GB while it builds)
	TORCH_INDEX='$(TORCH_INDEX)' deploy/image/build '$(IMAGE_FOLDER)'

# Two processes share the tests; a file of tests stays together, and the longest begin.
tests = $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
test: .venv/.installed-dev ## run the tests but those of benchmarks and further slow cases; ARGS="-k name" picks
	$(tests) -m 'not slow and not benchmark' $(call args,test)

test-all: .venv/.installed-dev ## run every test, with coverage and many more drawn examples
	$(tests) --hypothesis-profile=nightly --cov=snag --cov=training --cov=handler --cov-report=term:skip-covered $(call args,test-all)

check: .venv/.installed-dev ## format, lint, types and known weaknesses
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)
	$(PY) -m mypy snag handler
	$(PY) -m bandit -q -c pyproject.toml -r $(ROOMS) benchmarks

lock: .venv/.installed-dev ## pin what pyproject.toml asks for, with hashes, in requirements/*.lock
	$(PY) -m pip install --quiet uv
	PYTHON=$(abspath $(PY)) sh requirements/lock.sh

clean: ## remove caches, logs, the sample and the demo's run; keeps data/raw, runs, archives and .venv
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage logs $(SAMPLE) data/lamp runs/demo model_store/demo.mar*
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

$(SAMPLE)/sample.json: $(wildcard training/sample.py snag/samples/screw*.py) | .venv/.installed
	$(PY) -m snag sample --data $(SAMPLE)

$(weights): $(pictures) $(call redo,train) | .venv/.installed $(features)
	$(PY) -m snag train --data $(DATA) --run $(RUN) --preset $(PRESET) $(call flag,SEED,seed) $(call flag,CONFIG,config) \
	    $(call flag,NPROC,nproc) $(call flag,HOSTS,hosts) $(call flag,RENDEZVOUS,rendezvous) $(call flag,LOTS,lots) $(call args,train)

# People's labels suggest a threshold, in a file, since make can't ask for it before the recipe runs.
spool = runs/server-$(INFERENCE_PORT)/spool
labelled = $(if $(LABELS),--threshold "$$(cat $(RUN)/threshold.txt)")
promise = $(call flag,CONFIDENCE,confidence) $(call flag,PROMISE,promise) $(call flag,EXCLUDE,exclude) $(call flag,GROUPS,groups) $(call flag,THRESHOLD,threshold)
choice = $(call flag,METHOD,method) $(call flag,DEFECTS,defects) $(call flag,MISS_COST,miss-cost) \
    $(call flag,FALSE_ALARM_COST,false-alarm-cost) $(call flag,DEFECT_SHARE,defect-share)
$(calibration): $(weights) $(call redo,calibrate,FPR CONFIDENCE PROMISE EXCLUDE GROUPS THRESHOLD LABELS METHOD DEFECTS MISS_COST \
    FALSE_ALARM_COST DEFECT_SHARE) | .venv/.installed
	$(if $(LABELS),$(PY) -m snag suggest-threshold --labels '$(LABELS)' --spool $(spool) --model $(MODEL) --fpr $(FPR) --out $(RUN)/threshold.txt)
	$(PY) -m snag calibrate --data $(DATA) --run $(RUN) --fpr $(FPR) $(promise) $(choice) $(labelled) $(call args,calibrate)

$(report): $(weights) $(calibration) $(call redo,evaluate) | .venv/.installed
	$(PY) -m snag evaluate --data $(DATA) --run $(RUN) $(call flag,GROUPS,groups) $(if $(SHIFTS),--shifts) $(call args,evaluate)

# The model card quotes the report, where there is one.
$(archive): $(weights) $(calibration) $(if $(call asked,evaluate demo),$(report),$(wildcard $(RUN)/report/index.html)) \
    $(wildcard handler/*.py handler/*.yaml snag/__init__.py snag/core/*.py) $(tuned) $(call redo,archive,RUN VERSION) | .venv/.installed
	$(PY) -m snag archive --run $(RUN) --model $(MODEL) --model-store $(MODEL_STORE) --version $(VERSION) $(if $(tuned),--model-config-file $(tuned)) $(call args,archive)

.venv/bin/python:
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Snag needs Python 3.11; name it with PYTHON=…")'
	'$(PYTHON)' -m venv .venv

.venv/.installed: requirements/base.lock requirements/torch.txt | .venv/bin/python
	$(PY) -m pip install --no-deps --require-hashes -r requirements/base.lock
	$(PY) -m pip install $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) -r requirements/torch.txt
	touch $@

.venv/.installed-offline: requirements/offline.lock .venv/.installed
	$(PY) -m pip install --no-deps --require-hashes -r requirements/offline.lock
	touch $@

.venv/.installed-features: requirements/features.lock .venv/.installed
	$(PY) -m pip install --no-deps --require-hashes -r requirements/features.lock
	touch $@

.venv/.installed-dev: requirements/dev.lock .venv/.installed-offline .venv/.installed-features
	$(PY) -m pip install --no-deps --require-hashes -r requirements/dev.lock
	touch $@
