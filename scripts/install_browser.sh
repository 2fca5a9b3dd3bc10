#!/usr/bin/env bash
# Debian's Chromium and its driver, and axe-core, for the tests of pages; nothing of what is there already.
#     install_browser.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2
if [ ! -d "$folder/axe" ]; then
    "$python" -m pip install --quiet --no-input --no-deps --require-hashes -r requirements/browser.txt \
        --target "$folder/axe.partial" 2> >(grep -v '^WARNING: Location' >&2)
    mv "$folder/axe.partial" "$folder/axe"
fi
if [ -x /usr/bin/chromium ] && [ -x /usr/bin/chromedriver ]; then
    exit 0
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "no Chromium here and no right to install it: apt-get install chromium chromium-driver" >&2
    exit 0
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium chromium-driver >/dev/null
