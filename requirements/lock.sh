#!/bin/sh
# Resolves base.in, offline.in, features.in and dev.in into hash-pinned lock files. torch, torchvision and the CUDA packages
# that torch's default wheel brings along stay out: they differ between a CPU and a GPU machine and are pinned by version in
# torch.txt.
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
compile base.in -o base.lock
compile -c base.lock offline.in -o offline.lock
compile --no-deps features.in -o features.lock
compile -c base.lock -c offline.lock dev.in -o dev.lock
