#!/bin/sh
# What a stage of images/Containerfile installs: install.sh build | serve-cpu | serve-gpu | train cpu|cuda | wheel
# Requirements have hashes, but for torch and torchvision, whose versions alone are pinned (scripts/make_environment.sh).
# Where pip has to be told of another index or authority, it stands in the secrets pip.conf and ca.pem, and in no layer.
set -eu
set_name=$1
[ ! -s /run/secrets/pip.conf ] || export PIP_CONFIG_FILE=/run/secrets/pip.conf
[ ! -s /run/secrets/ca.pem ] || export PIP_CERT=/run/secrets/ca.pem
# Some bases set it, and bytecode is what servers start by.
unset PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_NO_INPUT=1 PIP_PROGRESS_BAR=off
pip() { /opt/pip/bin/pip --python "$python" "$@"; }
python=/opt/silencio/bin/python
case $set_name in
build)
    python=/opt/pip/bin/python
    pip install --quiet --no-deps --require-hashes -r requirements/build.txt
    ;;
serve-*)
    # Not compiled: most of the bytecode would never be read, and it is a quarter of the image.
    pip install --quiet --no-deps --no-compile --require-hashes -r "requirements/$set_name.txt"
    site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    # Patterns, and why nothing misses what they name.
    sed 's/ *#.*//; /^$/d' images/unneeded.txt | while read -r pattern; do
        # shellcheck disable=SC2086  # a pattern is to become paths
        (cd "$site" && rm -r $pattern)
    done
    ;;
train)
    case $2 in
    cpu) pip install --quiet --no-deps --find-links images/wheels 'torch==2.13.0' ;;
    cuda) pip install --quiet 'torch==2.13.0' ;;
    *) echo "TORCH=$2 is not known: cpu or cuda" >&2 && exit 2 ;;
    esac
    pip install --quiet --no-deps 'torchvision==0.28.0'
    pip install --quiet --no-deps --require-hashes -r requirements/train.txt
    site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    if [ "$2" = cpu ] && ! grep -q '^cuda.* = None$' "$site/torch/version.py"; then
        echo "pip took torch's build for CUDA, for which gigabytes of libraries are missing: put the wheel for processors" \
            "into images/wheels (docs/images.md), or build with TORCH=cuda" >&2
        exit 1
    fi
    ;;
wheel)
    touch /before
    pip install --quiet --no-deps --no-index /wheel/*.whl
    if [ -e images/import_servers.py ]; then "$python" images/import_servers.py; fi
    # What came of it is a layer of its own; with their times, by which Python knows whether bytecode is current.
    mkdir /code
    (cd /opt/silencio && find . -type f -cnewer /before) >/files
    tar --create --file=/code.tar --directory=/opt/silencio --files-from=/files
    tar --extract --file=/code.tar --directory=/code
    ;;
*)
    echo "$set_name: no such set" >&2
    exit 2
    ;;
esac
