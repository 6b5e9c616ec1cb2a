#!/usr/bin/env bash
# Installs what is missing of packages.txt with apt-get, as root or through sudo. Says nothing and changes nothing
# when all is there. Works on a bare debootstrap root.
#   ops/install.sh              all of it
#   ops/install.sh --check      only tell what is missing; ends with 1 if anything is
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
    echo "install.sh: $*" >&2
    exit 3
}

command -v dpkg-query >/dev/null || die "this is no Debian: install by hand what ops/packages.txt names"

wanted() {
    sed -e 's/#.*//' "$here/packages.txt" | awk 'NF { print $1 }'
}

# A package counts as there when it is installed, not when it was removed and left its configuration.
missing() {
    comm -23 <(wanted | sort -u) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | awk '$1 == "installed" { print $2 }' | sort -u)
}

mapfile -t packages < <(missing)
[ ${#packages[@]} -gt 0 ] || exit 0
if [ "${1:-}" = --check ]; then
    echo "missing: ${packages[*]}"
    exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        die "these packages are missing, and neither root nor sudo is here to install them: ${packages[*]}"
    fi
    as_root=(sudo)
    # Without a terminal sudo could not ask: fail with its own words instead of waiting.
    [ -t 0 ] || as_root=(sudo -n)
fi

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" \
        </dev/null
}

echo "install.sh: installing ${packages[*]}" >&2
# The log stays out of sight unless it is needed.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt update && apt install --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "apt-get could not install: ${packages[*]}"
fi
