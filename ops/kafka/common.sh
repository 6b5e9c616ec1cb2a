# shellcheck shell=bash
# What kafka.sh and registry.sh share: the cache folder, Maven, and the life of one process that is known by
# DIR/pid. Sourced, never run.

cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/leadstream
java_small=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn)

die() {
    echo "${0##*/}: $*" >&2
    exit 3
}

need() {
    command -v "$1" >/dev/null || die "$1 is missing: ops/install.sh installs what the tests need"
}

# Runs Maven once even when two scripts start together: the second waits and finds the folder there. The folder
# appears whole or not at all. Usage: fetch_once FOLDER MAVEN_ARGS.. ; @OUT@ in an argument is the folder to fill.
# Maven runs in a folder of its own, as some of its goals leave files where they stand.
fetch_once() {
    local folder=$1 tmp work
    shift
    [ -d "$folder" ] && return 0
    need mvn
    mkdir -p "$(dirname "$folder")"
    exec 8>"$folder.lock"
    flock 8
    if [ ! -d "$folder" ]; then
        tmp=$(mktemp -d "$folder.XXXXXX")
        echo "${0##*/}: fetching into $folder (once)" >&2
        work=$(mktemp -d)
        if ! (cd "$work" && mvn -q -B "${@//@OUT@/$tmp}") </dev/null >"$folder.log" 2>&1; then
            tail -n 15 "$folder.log" >&2
            rm -rf "$tmp" "$work"
            exec 8>&-
            return 1
        fi
        chmod 755 "$tmp" && mv "$tmp" "$folder"
        rm -rf "$folder.log" "$work"
    fi
    exec 8>&-
}

# The pid of the process that DIR/pid names, if it lives and is still ours (a pid may have been given anew).
# While a process becomes another program (exec) it lives with no words at all for a moment: it is asked again then,
# unless it is a zombie, which never has any.
running_pid() {
    local pid words i
    pid=$(cat "$1/pid" 2>/dev/null) || return 1
    for ((i = 0; i < 600; i++)); do
        words=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
        [ -z "$words" ] && ! grep -qs '^State:.Z' "/proc/$pid/status" || break
        sleep 0.05
    done 2>/dev/null
    [[ $words == *"$1"* ]] || return 1
    echo "$pid"
}

# Whether nothing is left of a process. The first thread of one that dies may be a zombie already while others still hold
# its ports and files.
gone() {
    local threads=("/proc/$1/task"/*)
    ! grep -qs '^State:.[^ZX]' "/proc/$1/status" && [ ${#threads[@]} -le 1 ]
}

# Waits until nothing is left of a process: wait_gone PID SECONDS.
wait_gone() {
    local end=$((SECONDS + $2))
    until gone "$1"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

# TERM, then KILL after 40 s; nothing to stop is no error, so that a clean-up can always call it.
stop_process() {
    local pid
    pid=$(running_pid "$1") || return 0
    kill -TERM "$pid" 2>/dev/null
    kill -CONT "$pid" 2>/dev/null
    if ! wait_gone "$pid" 40; then
        kill -KILL "$pid" 2>/dev/null
        wait_gone "$pid" 40
        rm -f "$1"/*.jsa # half of one
    fi
    rm -f "$1/pid"
    return 0
}

# As a crash would; who comes after it finds ports and files free.
kill_process() {
    local pid
    pid=$(running_pid "$1") || die "nothing runs in $1"
    kill -KILL "$pid"
    wait_gone "$pid" 40 || die "process $pid does not die"
}

signal_process() {
    local pid
    pid=$(running_pid "$1") || die "nothing runs in $1"
    kill "-$2" "$pid"
}
