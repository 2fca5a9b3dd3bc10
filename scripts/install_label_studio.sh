#!/usr/bin/env bash
# Label Studio in an environment of its own, for a test of `make extras`: what it pins does not go with what we have.
#     install_label_studio.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2
if [ ! -x "$folder/bin/label-studio" ]; then
    "$python" -m venv --clear "$folder"
    "$folder/bin/python" -m pip install --quiet --no-input --no-deps --require-hashes -r requirements/label-studio.txt \
        2> >(grep -v '^WARNING: Location' >&2)
fi
