# Snag: the public verbs. Each recipe is one command that also runs by itself: python -m snag <verb> --help.
# GNU make 4. Values are taken as they are typed: no file that a variable names is a target here, and the shell gets it quoted.

#: Variables, as in `make train DATA=data/raw/screw PRESET=quick`:
#: DATA             folder in MVTec layout                    (that of RUN, else data/sample, drawn on demand)
#: DATA_ROOT        folder of data folders, for `train-all` and `studio` (of studio: data/raw)
#: MODEL            name under which the model is served      (made of the name of the folder DATA)
#: RUN              folder of checkpoints, model and reports  (runs/MODEL)
#: PRESET           quick, default, scratch or baseline      (default; for demo: quick)
#: FRESH            1: `train` trains anew even where a finished model is; the old files are kept as *.old.*
#: NPROC            processes that `train` shares its work among (1); one thread each
#: HOSTS            machines that take part in `train`         (1)
#: RENDEZVOUS       host:port of one of HOSTS, where they meet
#: CONFIG           TOML file: further training settings; for `line`, its sources and sinks (none)
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
#: TARGET           serve or train: what `image` is for        (serve)
#: CERTIFICATES     PEM file of a company's own authorities, for `image`
#: PIP_SETTINGS     pip.conf with a company's own index, for `image`
#: LOG              log of requests that `drift` reads         (runs/server-INFERENCE_PORT/logs/requests.log)
#: TORCH_INDEX      package index for torch, e.g. of CPU-only wheels (those that pip is set up with)
#: PYTHON           interpreter that makes .venv              (python3.11)
#: ARGS             further flags of the command asked for, as words for the shell

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# Threads that wait must sleep: spinning, two threads on a core that others use too were 15 times slower than one.
export OMP_WAIT_POLICY ?= PASSIVE

PY := .venv/bin/python
SAMPLE := data/sample
ROOMS := snag training handler
CODE = $(wildcard $(ROOMS) native tests benchmarks reference)
PYTHON ?= $(firstword $(shell command -v python3.11 python3))
here := $(dir $(firstword $(MAKEFILE_LIST)))
python = $(or $(wildcard $(PY)),$(call typed,PYTHON))

asked = $(filter $1,$(MAKECMDGOALS))
by_hand = $(strip $(foreach name,$1,$(filter command environment override,$(origin $(name)))))
# What was typed, not what make would read in it; and as one word for the shell, which knows no home inside of quotes.
raw = $(if $(call by_hand,$1),$(value $1),$($1))
start := $(shell printf '\001')
quote = $(subst $(start),,$(subst $(start)'~/,"$$HOME"/',$(start)'$(subst ','\'',$1)'))
typed = $(call quote,$(call raw,$1))
# A flag is passed only when its variable is set, so that each default stands once, in the command.
flag = $(if $(value $1),--$2=$(call typed,$1))

# make passes over a name that it doesn't know: an hour would be spent on what was not asked for. An outer make has its own names.
known := $(shell sed -n 's/^.: \([A-Z0-9_]*\) .*/\1/p' '$(firstword $(MAKEFILE_LIST))')
unknown := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(filter-out $(known) SHELL MAKEFLAGS,$(name))))
$(if $(filter 0,$(MAKELEVEL)),$(if $(strip $(unknown)),$(error unknown: $(sort $(unknown)). `make help` lists the variables; \
    a command's own flags go in ARGS="--flag value")))
define newline


endef
odd = $(findstring $(newline),$(value $1))$(findstring $(start),$(value $1))
broken := $(strip $(foreach name,$(known),$(if $(call by_hand,$(name)),$(if $(call odd,$(name)),$(name)))))
$(if $(broken),$(error $(firstword $(broken)) holds a line break or control character, which make can't pass on: \
    `$(PY) -m snag VERB --help` lists the flag that takes it))

# A run knows its pictures: who names it alone, by MODEL or RUN, need not name them again.
ifeq ($(call by_hand,DATA),)
run_named := $(if $(call asked,demo),,$(if $(call by_hand,RUN),$(call typed,RUN),$(if $(call by_hand,MODEL),runs/$(call typed,MODEL))))
DATA := $(or $(if $(run_named),$(shell [ ! -e $(run_named)/config.json ] || $(python) -c \
    'import json, sys; print(json.load(open(sys.argv[1]))["settings"]["data"])' $(run_named)/config.json 2>/dev/null)),$(SAMPLE))
endif
MODEL_STORE ?= model_store
# The rule for names stands in snag/cli/model_name.py; here it is asked before any work.
given = $(if $(call by_hand,$1),$(call typed,$1),'')
packs := $(call asked,archive serve deploy tune demo)
names := $(if $(packs)$(call by_hand,DATA MODEL RUN VERSION),$(shell $(python) -c \
    'import sys; sys.path.insert(0, sys.argv[1]); from snag.cli.model_name import answer_to_make; print(answer_to_make(*sys.argv[2:]))' \
    $(call quote,$(here)) $(call typed,DATA) $(call given,MODEL) $(call given,VERSION) $(if $(packs),$(call typed,MODEL_STORE),'') \
    '$(call asked,demo)'))
$(if $(filter !,$(firstword $(names))),$(error $(wordlist 2,$(words $(names)),$(names))))
$(if $(word 2,$(names)),$(info $(wordlist 2,$(words $(names)),$(names))))
MODEL ?= $(or $(firstword $(names)),$(notdir $(SAMPLE)))
RUN ?= runs/$(MODEL)
ifneq ($(call asked,demo),)
PRESET ?= quick
endif
INFERENCE_PORT ?= 8080
MANAGEMENT_PORT ?= 8081
METRICS_PORT ?= 8082
IMAGE_FOLDER ?= /var/tmp/snag-image
# A command that inherited a value would have it as make reads it.
unexport $(known)

ifeq ($(patsubst %/,%,$(call raw,DATA)),$(SAMPLE))
pictures := $(SAMPLE)/sample.json
endif
# What ImageNet taught: all presets but two learn from it.
features := $(if $(filter scratch baseline,$(PRESET)),,.venv/.installed-features)
PORTS = $(call flag,INFERENCE_PORT,inference-port) $(call flag,MANAGEMENT_PORT,management-port) $(call flag,METRICS_PORT,metrics-port)
server := runs/server-$(call typed,INFERENCE_PORT)
# What a verb depends on is made where it is missing or not of this run; the verb itself is run when it is asked for by name (the
# command then decides: finished training returns at once), or a variable that changes its result is set by hand.
once = $(if $(call asked,$1)$(call by_hand,$2),,if-needed )$1
# ARGS goes to the verbs asked for by name, not to those that run on their behalf.
args = $(if $(call asked,$1),$(call raw,ARGS))
where = $(call flag,DATA,data) $(call flag,RUN,run)
what = $(call flag,MODEL,model) $(call flag,MODEL_STORE,model-store)

.PHONY: help setup data doctor train train-all calibrate evaluate archive serve stop health models deploy rollback studio review predict line score drift tune demo image sbom test test-all check docs dist lock reference clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2} /^#: /{rest = rest substr($$0, 3) "\n"} END{printf "\n%s", rest}' Makefile

setup: .venv/.installed ## make .venv with everything pinned; without a GPU CPU-only torch where pip finds it, or of TORCH_INDEX=…

data: $(if $(PREVIEW),$(pictures)) .venv/.installed ## draw the sample; SOURCE=… [SHA256=…] CATEGORY=… brings real pictures in; PREVIEW=1 contact sheet
ifneq ($(value SOURCE),)
	$(PY) -m snag ingest $(call flag,SOURCE,source) $(call flag,CATEGORY,category) $(call flag,SHA256,sha256) $(call args,data)
else ifneq ($(PREVIEW),)
	$(PY) -m snag preview $(where) $(call flag,PRESET,preset) $(call flag,CONFIG,config) $(call args,data)
else
	$(PY) -m snag sample --data=$(if $(LAMP),data/lamp --lamp,$(SAMPLE)) $(call flag,SEED,seed) $(call args,data)
endif

doctor: $(pictures) .venv/.installed ## look at DATA before any training: a page and a list of what to do
	$(PY) -m snag doctor $(where) $(call flag,LOTS,lots) $(call args,doctor)

training = $(call flag,PRESET,preset) $(call flag,SEED,seed) $(call flag,CONFIG,config) $(call flag,NPROC,nproc) $(call flag,HOSTS,hosts) \
    $(call flag,RENDEZVOUS,rendezvous) $(call flag,LOTS,lots) $(if $(FRESH),--fresh)
train: $(pictures) | .venv/.installed $(features) ## train PRESET=… on DATA=…, resuming where it stopped; FRESH=1 over a finished model
	$(PY) -m snag $(if $(call asked,demo),train,$(call once,train,FRESH)) $(where) $(training) $(call args,train)

train-all: .venv/.installed $(features) ## train, calibrate and pack every data folder of DATA_ROOT=…, going on where it stopped
	$(PY) -m snag train-all $(call flag,DATA_ROOT,data-root) $(call flag,MODEL_STORE,model-store) $(call flag,PRESET,preset) $(call flag,FPR,fpr) $(call flag,VERSION,version) $(call args,train-all)

# People's labels suggest a threshold, in a file, since make can't ask for it before the recipe runs.
suggest = suggest-threshold $(call flag,LABELS,labels) --spool=$(server)/spool $(call flag,MODEL,model) $(call flag,FPR,fpr)
labelled = $(if $(value LABELS),--threshold="$$(cat $(call typed,RUN)/threshold.txt)" --threshold-from=labels)
chosen := FPR CONFIDENCE PROMISE EXCLUDE GROUPS THRESHOLD LABELS METHOD DEFECTS MISS_COST FALSE_ALARM_COST DEFECT_SHARE
choice = $(call flag,FPR,fpr) $(call flag,CONFIDENCE,confidence) $(call flag,PROMISE,promise) $(call flag,EXCLUDE,exclude) \
    $(call flag,GROUPS,groups) $(call flag,THRESHOLD,threshold) $(call flag,METHOD,method) $(call flag,DEFECTS,defects) \
    $(call flag,MISS_COST,miss-cost) $(call flag,FALSE_ALARM_COST,false-alarm-cost) $(call flag,DEFECT_SHARE,defect-share)
calibrate: train | .venv/.installed ## set the threshold for FPR=…, by METHOD=… with DEFECTS=…, or THRESHOLD=… by hand
	$(if $(value LABELS),$(PY) -m snag $(suggest) --out=$(call typed,RUN)/threshold.txt)
	$(PY) -m snag $(call once,calibrate,$(chosen)) $(where) $(choice) $(labelled) $(call args,calibrate)

evaluate: train calibrate | .venv/.installed ## write RUN/report: metrics.json, results.csv, index.html
	$(PY) -m snag $(call once,evaluate) $(where) $(call flag,GROUPS,groups) $(if $(SHIFTS),--shifts) $(call args,evaluate)

# The model card quotes the report, where there is one.
archive: train calibrate $(if $(call asked,evaluate demo),evaluate) | .venv/.installed ## make MODEL_STORE/MODEL.mar and its .sha256
	$(PY) -m snag $(call once,archive) $(call flag,RUN,run) $(what) $(call flag,VERSION,version) $(call args,archive)

serve: $(if $(MODELS),.venv/.installed,archive) ## serve MODEL, or MODELS, and return when it judges pictures; FOREGROUND=1 stays
	$(PY) -m snag serve $(if $(value MODELS),$(call flag,MODELS,model),$(call flag,MODEL,model)) $(call flag,MODEL_STORE,model-store) $(PORTS) $(call flag,TOKENS,tokens) $(call flag,SPOOL,spool) $(if $(FOREGROUND),--foreground) $(call args,serve)

stop: .venv/.installed ## stop the server on these ports, once what is under way is answered
	$(PY) -m snag stop $(PORTS) $(call args,stop)

health: .venv/.installed ## say whether the server is ready, with the workers of each version
	$(PY) -m snag health $(PORTS) $(call args,health)

models: .venv/.installed ## list what the server serves: versions, thresholds, digests, workers
	$(PY) -m snag models $(PORTS) $(call args,models)

deploy: archive ## bring MODEL in VERSION=… into the running server; no request fails meanwhile
	$(PY) -m snag deploy $(what) $(call flag,VERSION,version) $(PORTS) $(call args,deploy)

rollback: .venv/.installed ## let the version of MODEL that answered before answer again
	$(PY) -m snag rollback $(call flag,MODEL,model) $(PORTS) $(call args,rollback)

studio: .venv/.installed-studio .venv/.installed-features ## from pictures to verdicts on a page of this machine; what it starts goes on without it
	$(PY) -m snag studio $(call flag,DATA_ROOT,data-root) $(call flag,MODEL_STORE,model-store) $(call flag,INFERENCE_PORT,inference-port) $(call flag,TOKENS,tokens) $(call flag,LABELS,labels) $(call args,studio)

review: .venv/.installed ## label flagged and borderline pictures that a server with SPOOL=… keeps: a page on this machine
	$(PY) -m snag review --spool=$(server)/spool $(call flag,INFERENCE_PORT,inference-port) $(call flag,LABELS,labels) $(call flag,FPR,fpr) $(call args,review)

predict: .venv/.installed ## judge IMAGES=… through the running server: table, CSV; SAVE=overlay,mask,map,heatmap,regions
	$(PY) -m snag predict $(call flag,IMAGES,images) $(call flag,MODEL,model) $(call flag,INFERENCE_PORT,inference-port) $(call flag,SAVE,save) $(call args,predict)

line: .venv/.installed-line ## judge what folders and cameras bring, and tell machines what to do, as CONFIG=line.toml says
	$(PY) -m snag line $(call flag,CONFIG,config) $(call args,line)

score: .venv/.installed-offline ## score stored pictures with RUN=…: SOURCE=folder, glob, tar or list; goes on where it stopped
	$(PY) -m snag score $(call flag,SOURCE,source) $(call flag,RUN,run) $(call flag,OUT,out) $(call args,score)

drift: .venv/.installed ## draw from a server's LOG=… whether its lines have changed since calibration
	$(PY) -m snag drift $(if $(value LOG),$(call flag,LOG,log),--log=$(server)/logs/requests.log) $(call args,drift)

tune: archive ## measure which workers, threads and batches suit this machine; writes RUN/model-config.yaml for `archive`
	$(PY) -m snag tune $(what) --pictures=$(call typed,DATA)/test --out=$(call typed,RUN)/tuning --write=$(call typed,RUN)/model-config.yaml $(call args,tune)

demo: evaluate archive ## all of it on the sample, from nothing to a table of verdicts
	$(PY) -m snag demo $(what) $(where) $(call flag,PRESET,preset) $(call args,demo)

image: ## build the container image without Docker, as root, in IMAGE_FOLDER; behind a company's proxy CERTIFICATES=… PIP_SETTINGS=…
	$(foreach name,TARGET TORCH_INDEX CERTIFICATES PIP_SETTINGS,$(name)=$(call typed,$(name))) deploy/image/build $(call typed,IMAGE_FOLDER)

sbom: .venv/.installed-dev ## list the Python packages of the server's image, with versions and digests, in sbom.json (CycloneDX)
	{ cat requirements/serve.lock; grep '^torch==' requirements/torch.txt; } | \
	    $(PY) -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --short-PURLs --output-file sbom.json -

# Two processes share the tests; a file of tests stays together, and the longest begin.
tests = $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder
test: .venv/.installed-dev ## run the tests but those of benchmarks and further slow cases; ARGS="-k name" picks
	$(tests) -m 'not slow and not benchmark' $(call args,test)

test-all: .venv/.installed-dev ## run every test, with coverage and many more drawn examples
	$(tests) --hypothesis-profile=nightly --cov=snag --cov=training --cov=handler --cov-report=term:skip-covered $(call args,test-all)

check: .venv/.installed-dev ## format, lint, types and known weaknesses
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)
	$(PY) -m mypy snag handler reference
	$(PY) -m bandit -q -c pyproject.toml -r $(ROOMS) native benchmarks reference

docs: .venv/.installed-docs ## build the documentation site in site/; what leads nowhere is an error
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --site-dir site

dist: .venv/.installed-dev ## build the wheel and the source archive in dist/
	$(PY) -m hatchling build

lock: .venv/.installed-dev ## pin what pyproject.toml asks for, with hashes, in requirements/*.lock
	$(PY) -m pip install --quiet uv
	PYTHON=$(abspath $(PY)) sh requirements/lock.sh

# docs/reference, written from the code; a test compares.
reference: .venv/.installed-dev
	$(PY) -m reference

clean: ## remove caches, logs, the sample and the demo's run; keeps data/raw, runs, archives and .venv
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage logs site dist $(SAMPLE) data/lamp runs/demo model_store/demo.mar*
	find $(CODE) -name __pycache__ -prune -exec rm -rf {} +

$(SAMPLE)/sample.json: $(wildcard training/sample.py snag/samples/screw*.py) | .venv/.installed
	$(PY) -m snag sample --data $(SAMPLE)

.venv/bin/python:
	@$(call typed,PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "what make installs is pinned for Python 3.11; name it with PYTHON=…, or install with pip: docs/how-to/install.md")'
	$(call typed,PYTHON) -m venv .venv

.venv/.installed: requirements/base.lock requirements/torch.txt $(wildcard native/unfilter.c native/build.py) | .venv/bin/python
	$(PY) -m pip install --no-deps --require-hashes -r requirements/base.lock
	sh requirements/torch.sh $(PY) $(call typed,TORCH_INDEX)
	$(PY) native/build.py
	touch $@

.venv/.installed-offline: requirements/offline.lock .venv/.installed
	$(PY) -m pip install --no-deps --require-hashes -r requirements/offline.lock
	touch $@

.venv/.installed-line: requirements/line.lock .venv/.installed
	$(PY) -m pip install --no-deps --require-hashes -r requirements/line.lock
	touch $@

.venv/.installed-studio: requirements/studio.lock .venv/.installed
	$(PY) -m pip install --no-deps --require-hashes -r requirements/studio.lock
	touch $@

.venv/.installed-features: requirements/features.lock .venv/.installed
	$(PY) -m pip install --no-deps --require-hashes -r requirements/features.lock
	touch $@

.venv/.installed-docs: requirements/docs.lock .venv/.installed
	$(PY) -m pip install --no-deps --require-hashes -r requirements/docs.lock
	touch $@

.venv/.installed-dev: requirements/dev.lock .venv/.installed-offline .venv/.installed-features .venv/.installed-line .venv/.installed-studio
	$(PY) -m pip install --no-deps --require-hashes -r requirements/dev.lock
	touch $@
