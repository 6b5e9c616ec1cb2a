#!/usr/bin/env bash
# The demo from a fresh clone: installs what is missing, builds the program once, and watches leads get hot and cold.
# Arguments go to `leadstream demo` (try --for 20s, or --help).
set -eu
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/demo

"$root/ops/install.sh" build
mkdir -p "$build"
{
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DLEADSTREAM_TESTS=OFF &&
        cmake --build "$build" --target leadstream
} </dev/null >"$build/build.log" 2>&1 || {
    tail -n 30 "$build/build.log" >&2
    echo "demo.sh: the build failed; the whole of it is in $build/build.log" >&2
    exit 3
}
exec "$build/src/leadstream" demo "$@"
