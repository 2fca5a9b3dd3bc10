#!/usr/bin/env bash
# Other people's clients and tools, which tests hold against the servers: an environment of their own, and npm packages.
#     install_clients.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2
made() { # of these very requirements?
    [ -f "$folder/$1/.made-of" ] && cmp -s "$2" "$folder/$1/.made-of"
}
mkdir -p "$folder"
if ! made python requirements/clients.txt; then
    "$python" -m venv --clear "$folder/python"
    pip() { "$folder/python/bin/python" -m pip install --quiet --no-input --no-deps --require-hashes "$@"; }
    awk '/^uv==/ {mine = 1} mine; mine && !/\\$/ {exit}' requirements/clients.txt >"$folder/uv.txt"
    pip -r "$folder/uv.txt" 2> >(grep -v '^WARNING: Location' >&2)
    # Where pip's registry is another one than usual, uv is told of it.
    index=$("$python" -m pip config get global.index-url 2>/dev/null || true)
    "$folder/python/bin/uv" pip install --quiet --no-deps --require-hashes --python "$folder/python/bin/python" \
        ${index:+--index-url "$index"} -r requirements/clients.txt
    cp requirements/clients.txt "$folder/python/.made-of"
fi
if ! command -v npm >/dev/null; then
    echo "no npm here: tests of TypeScript clients are skipped" >&2
elif ! made node requirements/clients-node/package-lock.json; then
    rm -rf "$folder/node"
    cp -r requirements/clients-node "$folder/node"
    (cd "$folder/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null)
    cp requirements/clients-node/package-lock.json "$folder/node/.made-of"
fi
