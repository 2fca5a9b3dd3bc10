#!/bin/sh
# What a stage of images/Containerfile installs:
#     install.sh build | serve-cpu | serve-gpu | train cpu|cuda | monitor | tracking | wheel servers|steps|monitor
# Requirements have hashes, but for torch and torchvision, whose versions alone are pinned (scripts/make_environment.sh).
# Where pip has to be told of another index or authority, it stands in the secrets pip.conf and ca.pem, and in no layer.
set -eu
cd /build
set_name=$1
[ ! -s /run/secrets/pip.conf ] || export PIP_CONFIG_FILE=/run/secrets/pip.conf
[ ! -s /run/secrets/ca.pem ] || export PIP_CERT=/run/secrets/ca.pem
# Some bases set it, and bytecode is what programs start by.
unset PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1 PIP_PROGRESS_BAR=off
export PIP_CACHE_DIR=/root/.cache/pip
# Whatever a package leaves there stays out of the layer.
HOME=$(mktemp -d)
export HOME TMPDIR="$HOME"
trap 'rm -rf "$HOME"' EXIT
pip() { /build/pip/bin/pip --python "$python" "$@"; }
python=/opt/silencio/bin/python
# Not compiled: most of the bytecode would never be read, and it is a quarter of an image. What is read, `wheel` compiles.
install_hashed() { pip install --quiet --no-deps --no-compile --require-hashes -r "requirements/$1.txt"; }
# Patterns of a list, and why nothing misses what they name.
leave_out() {
    sed 's/ *#.*//; /^$/d' "images/$1.txt" | while read -r pattern; do
        # shellcheck disable=SC2086  # a pattern is to become paths
        (cd "$(site)" && rm -r $pattern)
    done
}
site() { "$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
case $set_name in
build)
    python=/build/pip/bin/python
    install_hashed build
    ;;
serve-*)
    install_hashed "$set_name"
    leave_out unneeded
    ;;
monitor)
    install_hashed monitor
    leave_out unneeded-monitor
    # 32 MB for notebooks, outside of packages.
    rm -r /opt/silencio/share/jupyter
    ;;
train)
    case $2 in
    cpu) pip install --quiet --no-deps --no-compile --find-links images/wheels 'torch==2.13.0' ;;
    cuda) pip install --quiet --no-compile 'torch==2.13.0' ;;
    *) echo "TORCH=$2 is not known: cpu or cuda" >&2 && exit 2 ;;
    esac
    pip install --quiet --no-deps --no-compile 'torchvision==0.28.0'
    install_hashed train
    if [ "$2" = cpu ] && ! grep -q '^cuda.* = None$' "$(site)/torch/version.py"; then
        echo "pip took torch's build for CUDA, for which gigabytes of libraries are missing: put the wheel for processors" \
            "into images/wheels (docs/images.md), or build with TORCH=cuda" >&2
        exit 1
    fi
    ;;
tracking)
    install_hashed tracking
    "$python" images/import_modules.py tracking
    ;;
wheel)
    pip install --quiet --no-deps --no-index wheel/*.whl
    "$python" images/import_modules.py "$2"
    ;;
*)
    echo "$set_name: no such set" >&2
    exit 2
    ;;
esac
