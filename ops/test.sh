#!/usr/bin/env bash
# All tests from a fresh clone: installs what is missing, builds with warnings as errors, and runs
#   1. under AddressSanitizer and UndefinedBehaviorSanitizer (clang): all but the end-to-end tests;
#   2. under ThreadSanitizer (clang): the tests with threads in them;
#   3. with guards taken away, one at a time (gcc): a test must miss each;
#   4. as it is run (gcc): all tests, with the end-to-end ones on a real Kafka.
# The last is the one with every test in it, so that the closing lines count them all.
#   ops/test.sh --quick     only gcc, and no end-to-end tests
# Never asks; ends with another code than 0 when anything failed.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
jobs=$(nproc)
tests=$((jobs + 1)) # many tests wait more than they work

case ${1:-} in
"" | --quick) ;;
*)
    echo "usage: ops/test.sh [--quick]" >&2
    exit 2
    ;;
esac

say() {
    echo "== $* ($(date -u +%H:%M:%S))"
}

# The compiler's words are shown only when it has something to say.
build() {
    say "building $1"
    cmake --preset "$1" >"build/$1.log" 2>&1 && cmake --build --preset "$1" -j "$jobs" >>"build/$1.log" 2>&1 || {
        tail -n 60 "build/$1.log"
        echo "test.sh: the build of preset $1 failed"
        exit 1
    }
}

ops/install.sh
mkdir -p build
failed=0

# clang 14's sanitizers cannot live with kernels that scatter addresses over more bits than they know.
still=()
if setarch -R true 2>/dev/null; then
    still=(setarch -R)
fi

if [ "${1:-}" = --quick ]; then
    build release
    exec ctest --preset release -j "$jobs" -LE e2e --no-label-summary
fi

build asan
say "AddressSanitizer, UndefinedBehaviorSanitizer"
"${still[@]}" ctest --preset asan -j "$tests" --no-label-summary || failed=1

build tsan
say "ThreadSanitizer"
"${still[@]}" ctest --preset tsan -j "$tests" --no-label-summary || failed=1

build mutants
say "guards taken away"
ctest --preset mutants -j "$tests" --no-label-summary || failed=1

build release
ops/kafka/kafka.sh fetch
say "all tests"
ctest --preset release -j "$tests" --no-label-summary || failed=1
if [ $failed -ne 0 ]; then
    echo "test.sh: some tests failed (see above, also under the sanitizers)" >&2
fi
exit $failed
