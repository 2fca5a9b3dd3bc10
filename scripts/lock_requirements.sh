#!/usr/bin/env bash
# Pin and hash requirements/ from pyproject.toml's extras, one file an image, and from requirements/*.in. Needs uv (from PyPI, in a venv of its own).
# Registry addresses are left out; torch and torchvision are installed by version before the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"${PYTHON:-python3.11}" -m venv "$tool"
"$tool/bin/python" -m pip install --quiet uv
# Where a CPU wheel of torch lies in a folder, it is resolved instead of the CUDA build.
links=$("$tool/bin/python" -m pip config get global.find-links 2>/dev/null || true)
lock() {
    local name=$1 from=pyproject.toml
    shift
    [ -f "requirements/$name.in" ] && from=requirements/$name.in
    "$tool/bin/uv" pip compile "$from" "$@" --python-version 3.11 ${links:+--find-links "$links"} \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
        --no-emit-package torch --no-emit-package torchvision --output-file "requirements/$name.txt"
    echo "requirements/$name.txt: $(grep -c '^[a-z]' "requirements/$name.txt") packages"
}
lock dev --extra dev
lock train --extra train --extra pipelines
lock serve-cpu --extra serve-cpu
lock serve-gpu --extra serve-gpu
# For `make browser`: of the package only axe-core's one file is used, and so nothing that it needs is there.
"$tool/bin/uv" pip compile - --no-deps --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
    --no-annotate --quiet --output-file requirements/browser.txt <<<'axe-playwright-python==0.1.8'
lock clients
