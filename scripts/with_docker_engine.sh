#!/usr/bin/env bash
# Run a command beside a Docker engine: with_docker_engine.sh make images
# The engine that answers already, or Debian's own, started for the command alone: no service, no port, no network for
# containers, everything that it keeps in out/docker. Only root may do that, and not in every container or sandbox.
# Where no registry of images answers, BASE is made here of Debian's packages, and `make images` builds upon it.
# Where none can be had, one line says why, and the exit code is 69; every other one is the command's.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: with_docker_engine.sh COMMAND …" >&2 && exit 2; }
if docker version >/dev/null 2>&1; then exec "$@"; fi
refuse() { echo "no Docker engine answers here, and $1" >&2 && exit 69; }
[ "$(id -u)" = 0 ] || refuse "only root may start one: start Docker, or run this as root"
if ! [ -x /usr/sbin/dockerd ] && ! command -v dockerd >/dev/null; then
    command -v apt-get >/dev/null || refuse "this is no Debian from which to take one: install Docker"
    # No service is started by being installed: a policy says so for as long as this takes.
    policy=/usr/sbin/policy-rc.d
    if ! [ -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy
        temporary=$policy
    fi
    packages=(docker.io mmdebstrap)
    install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; }
    install || { apt-get update -qq && install; } || failed=yes
    rm -f "${temporary:-}"
    [ -z "${failed:-}" ] || refuse "apt-get could not install ${packages[*]}"
fi
data=${SILENCIO_DOCKER_DATA:-$PWD/out/docker}
mkdir -p "$data"
# A full disk forbids nothing: whoever goes on without an engine would miss that nothing was tried.
refuse_unless_full() {
    [ "$(df --output=avail -B1M "$data" | tail -n 1)" -lt 512 ] || refuse "$1"
    echo "the disk of $data is full, so that the engine cannot work: make room, or name another folder in SILENCIO_DOCKER_DATA" >&2
    exit 1
}
# Layers share files, or four images take tens of gigabytes: where the kernel lets nobody stack them, none starts.
# A socket's path may have a hundred letters.
run=$(mktemp -d /tmp/silencio-docker-XXXXXX)
# Debian's engine with Debian's client: a newer client may lack BuildKit.
mkdir "$run/bin" && ln -s /usr/bin/docker "$run/bin/docker"
PATH=$run/bin:$PATH:/usr/sbin
export DOCKER_HOST="unix://$run/docker.sock"
dockerd --host "$DOCKER_HOST" --data-root "$data/data" --exec-root "$run/exec" --pidfile "$run/pid" \
    --storage-driver=overlay2 --bridge=none --iptables=false --ip6tables=false >"$data/dockerd.log" 2>&1 &
engine=$!
stop() {
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    # Containers that used the machine's network leave its name mounted.
    umount "$run"/exec/netns/* 2>/dev/null || true
    rm -rf "$run"
}
trap stop EXIT
until docker version >/dev/null 2>&1; do
    kill -0 "$engine" 2>/dev/null || refuse_unless_full "Debian's does not start, even by root: $(grep -v level=info "$data/dockerd.log" | tail -n 1)"
    sleep 0.2
done
if [ -z "${BASE:-}" ]; then
    base=$(sed -n 's/^ARG BASE=//p' images/Containerfile)
    if ! docker image inspect "$base" >/dev/null 2>&1 && ! docker pull --quiet "$base" >/dev/null 2>&1; then
        base=silencio/base:bookworm
        if ! docker image inspect "$base" >/dev/null 2>&1; then
            echo "no registry of images answers: the base is made of Debian's packages"
            # In a session of its own: where it fails, it ends its whole process group.
            # As slim images have it: no pages, no manuals, no translations; nor apt, which nothing here needs.
            setsid --wait mmdebstrap --quiet --variant=essential --include=python3,python3-venv,ca-certificates,libstdc++6 \
                --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
                --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
                bookworm - | docker import - "$base" >/dev/null || refuse_unless_full "a base for images cannot be made of Debian's packages"
        fi
    fi
    export BASE=$base
fi
# An engine that starts may still run nothing: sandboxes forbid mounts, namespaces or control groups.
runs_nothing() { refuse_unless_full "Debian's starts and runs no container: $(tail -n 1 "$data/probe.log")"; }
printf 'FROM %s\nRUN true\n' "$BASE" | DOCKER_BUILDKIT=1 docker build --quiet --network host - >/dev/null 2>"$data/probe.log" || runs_nothing
docker run --rm --network none --memory 64m "$BASE" true >/dev/null 2>"$data/probe.log" || runs_nothing
"$@"
