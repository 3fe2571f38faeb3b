#!/bin/sh
# Installs the torch and torchvision of torch.txt:  torch.sh PYTHON [INDEX]
# PyTorch's default wheels carry CUDA: several gigabytes that are of no use without an NVIDIA GPU. Where there is none, and no
# INDEX is named, the indexes that pip is set up with are asked for the CPU-only wheels, whose versions end in +cpu. Where they
# have none, or don't answer at once, the default ones are taken, and it is said what to type.
set -eu
python=$1
index=${2:-}
wanted=$(dirname "$0")/torch.txt

is_installed() {
    "$python" -c 'import sys; from importlib.metadata import version
for pin in open(sys.argv[1]):
    name, _, wanted = pin.strip().partition("==")
    assert version(name).partition("+")[0] == wanted' "$wanted" 2>/dev/null
}
has_gpu() {
    [ -e /proc/driver/nvidia ] || [ -e /dev/nvidiactl ] || [ -e /dev/dxg ] || nvidia-smi -L >/dev/null 2>&1
}
# At most half a minute for each package, whatever an index does: what follows must not wait for it.
has_cpu_wheels() {
    while IFS= read -r pin; do
        timeout 30 "$python" -m pip --disable-pip-version-check --timeout 5 --retries 0 index versions "${pin%%==*}" 2>/dev/null \
            | tr ' (),' '\n' | grep -qxF "${pin##*==}+cpu" || return 1
    done < "$wanted"
}

if [ -n "$index" ]; then
    exec "$python" -m pip install --index-url "$index" -r "$wanted"
elif ! is_installed && ! has_gpu; then
    if has_cpu_wheels; then
        echo "no NVIDIA GPU here: taking the CPU-only wheels of torch"
        # shellcheck disable=SC2046  # one word for each line
        exec "$python" -m pip install $(sed 's/$/+cpu/' "$wanted")
    fi
    echo "no NVIDIA GPU here, but pip's indexes have no CPU-only torch: its default brings CUDA along, several gigabytes."
    echo "  The small one: make setup TORCH_INDEX=…, the address of PyTorch's index of CPU wheels; docs/how-to/install.md says where it stands."
fi
exec "$python" -m pip install -r "$wanted"
