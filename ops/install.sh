#!/usr/bin/env bash
# Installs what is missing of packages.txt with apt-get, as root or through sudo. Says nothing and changes nothing
# when all is there. Works on a bare debootstrap root.
#   ops/install.sh [--check] [GROUP..]     groups of packages.txt: build, run, test; default: all of them
# --check only tells what is missing, and ends with 1 if anything is.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

die() {
    echo "install.sh: $*" >&2
    exit 3
}

check=no
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
for group in "$@"; do
    grep -qxF "[$group]" "$here/packages.txt" || die "packages.txt has no group \"$group\" (build, run, test)"
done
command -v dpkg-query >/dev/null || die "this is no Debian: install by hand what ops/packages.txt names"

wanted() {
    awk -v groups=" $* " '
        /^\[/ { group = substr($1, 2, length($1) - 2); next }
        NF && !/^#/ && (groups ~ /^ *$/ || index(groups, " " group " ")) { print $1 }' "$here/packages.txt"
}

# A package that was removed and left its configuration is not there.
installed() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | awk '$1 == "installed" { print $2 }'
}

mapfile -t packages < <(comm -23 <(wanted "$@" | sort -u) <(installed | sort -u))
[ ${#packages[@]} -gt 0 ] || exit 0
if [ $check = yes ]; then
    echo "missing: ${packages[*]}"
    exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        die "neither root nor sudo is here to install what is missing: ${packages[*]}"
    fi
    as_root=(sudo)
    # Without a terminal sudo could not ask: let it fail with its own words instead of waiting.
    [ -t 0 ] || as_root=(sudo -n)
fi

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@" \
        </dev/null
}

echo "install.sh: installing ${packages[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt update && apt install --no-install-recommends "${packages[@]}"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "apt-get could not install what is missing: ${packages[*]}"
fi
