#!/usr/bin/env bash
# Make a virtual environment from hashed requirements: make_environment.sh PYTHON FOLDER SET [TESTS]
# SET names a file in requirements/, TESTS one with the tools of its tests that the set lacks; sets that train get torch and torchvision first, by version: the CPU and the
# public build of one version have different hashes, and unpinned they bring gigabytes of CUDA libraries.
set -euo pipefail
python=$1 folder=$2 set=$3 tests=${4:-}
if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))'; then
    echo "Python 3.11 or 3.12 is needed, $python is $("$python" --version 2>&1); say PYTHON=… to make" >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "$python cannot make virtual environments; on Debian: apt-get install python3-venv" >&2
    exit 2
fi
began=$SECONDS
# A half-made environment is not believed: the stamp is written last.
if ! "$folder/bin/python" -c pass 2>/dev/null; then
    "$python" -m venv --clear "$folder"
fi
pip() { "$folder/bin/python" -m pip "$@" --quiet --no-input 2> >(grep -v '^WARNING: Location' >&2); }
case $set in
dev | train)
    pip install 'torch==2.13.0'
    pip install --no-deps 'torchvision==0.28.0'
    ;;
esac
pip install --no-deps --require-hashes -r "requirements/$set.txt" ${tests:+-r "requirements/$tests.txt"}
# The site's reference is read from the code, which is not installed there; Ansible needs none of it.
if [ "$set" != site ] && [ "$set" != infrastructure ]; then
    pip install --no-deps --editable .
fi
touch "$folder/.ready"
echo "$folder is ready: $set, $((SECONDS - began)) s"
