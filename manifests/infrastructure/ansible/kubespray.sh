#!/usr/bin/env bash
# Kubernetes on the nodes of the inventory by Kubespray, of a tag and its commit, with the Ansible that this tag asks for:
#     kubespray.sh FOLDER [ansible-playbook's options]
set -euo pipefail
tag=v2.32.0 commit=9751ea6f63244e433a7a6263d9ecf381e57bb8e9
folder=${1:?the folder for Kubespray and its environment, such as out/kubespray}
shift
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -d "$folder/$tag" ]; then
    mkdir -p "$folder"
    git clone --quiet --depth 1 --branch "$tag" https://github.com/kubernetes-sigs/kubespray.git "$folder/$tag.partial"
    mv "$folder/$tag.partial" "$folder/$tag"
fi
found=$(git -C "$folder/$tag" rev-parse HEAD)
if [ "$found" != "$commit" ]; then
    echo "Kubespray's tag $tag is $found and not $commit: look at what was moved before you run it" >&2
    exit 1
fi
if [ ! -f "$folder/$tag-venv/.ready" ]; then
    "${PYTHON:-python3.11}" -m venv --clear "$folder/$tag-venv"
    "$folder/$tag-venv/bin/python" -m pip install --quiet --no-input -r "$folder/$tag/requirements.txt"
    touch "$folder/$tag-venv/.ready"
fi
folder=$(cd "$folder" && pwd)
# Its ansible.cfg and roles are found from its own folder, where nobody names another one.
unset ANSIBLE_CONFIG
cd "$folder/$tag"
exec "$folder/$tag-venv/bin/ansible-playbook" -i "$here/inventory/hosts.yaml" --become "$@" cluster.yml
