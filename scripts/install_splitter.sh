#!/usr/bin/env bash
# What `silencio serve --canary` needs and no image carries: Debian's HAProxy and Prometheus, unpacked into one folder
# without the rights of root; those that the system has already are left to it.
#     install_splitter.sh [FOLDER]        out/splitter by default, where `silencio serve` looks for them
set -euo pipefail
folder=${1:-out/splitter}
# Debian has haproxy in /usr/sbin, which is not in everybody's path.
has() { [ -x "$folder/bin/$1" ] || PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null; }
missing=()
for program in haproxy prometheus; do has "$program" || missing+=("$program"); done
if [ ${#missing[@]} = 0 ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "no ${missing[*]} here, and no Debian to take it from: install it and put it into the path" >&2
    exit 1
fi
packages=("${missing[@]}")
# Of the libraries that Debian's haproxy wants, the two that no small image has.
if [[ " ${missing[*]} " == *" haproxy "* ]]; then packages+=(liblua5.3-0 libopentracing-c-wrapper0 libopentracing1); fi
mkdir -p "$folder/download" "$folder/bin"
fetch() { (cd "$folder/download" && apt-get download -qq "${packages[@]}"); }
# Unpacked and not installed: the packages would start a server each.
fetch || { apt-get update -qq && fetch; }
for package in "$folder"/download/*.deb; do dpkg -x "$package" "$folder/debian"; done
rm -r "$folder/download"
debian=$(cd "$folder/debian" && pwd)
libraries=$(find "$debian/usr/lib" -mindepth 1 -maxdepth 1 -type d -name '*-linux-gnu*' | tr '\n' ':')
for program in "${missing[@]}"; do
    path=$(find "$debian/usr/bin" "$debian/usr/sbin" -name "$program" -type f -perm -u+x 2>/dev/null | head -n 1)
    # shellcheck disable=SC2016  # what is written expands it
    printf '#!/bin/sh\nLD_LIBRARY_PATH="%s${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH}" exec "%s" "$@"\n' "$libraries" "$path" \
        >"$folder/bin/$program"
    chmod +x "$folder/bin/$program"
    "$folder/bin/$program" --version >/dev/null 2>&1 || "$folder/bin/$program" -v >/dev/null
done
