#!/usr/bin/env bash
# A real Apache Kafka on this machine, for tests and trials: its jars come from Maven Central (pom.xml) into a
# cache folder, and one broker runs in KRaft mode on free ports with everything it writes under DIR.
# DIR/bootstrap holds host:port, DIR/pid the process, DIR/log what it said. The same DIR started again has the
# same port and data, so `kill` and `start` are a crash and a recovery.
# KAFKA_EXTRA_PROPERTIES (lines, in which @PORT@, @CONTROLLER_PORT@ and @DIR@ are filled in too) is added to
# server.properties: a second listener for a fault proxy, say. KAFKA_SCRAM (lines such as
# "SCRAM-SHA-512=[name=someone,password=secret]") are users that a new broker begins with, KAFKA_VERSION another version
# than the one below, KAFKA_HEAP (256m) its memory.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=ops/kafka/common.sh
. "$here/common.sh"

version=${KAFKA_VERSION:-4.2.0}
cache=$cache_root/kafka-$version
libs=$cache/libs
archive=$cache/broker.jsa
cluster_id=MkU3OEVBNTcwNTJENDM2Qg
probe_topic=ready.probe
start_limit=240 # seconds; some ten on a machine that has nothing else to do

usage() {
    cat >&2 <<'TEXT'
usage: kafka.sh fetch                copy the jars into the cache and stop
       kafka.sh start DIR [PORT]     start a broker and wait until a produce works
       kafka.sh stop|kill DIR        end it: politely, or as a crash would
       kafka.sh freeze|thaw DIR      stop its clock and let it go on
       kafka.sh tool CLASS ARGS..    one of Kafka's own tools, such as org.apache.kafka.tools.TopicCommand
       kafka.sh wipe DIR             stop it and remove DIR
TEXT
    exit 2
}

fetch_jars() {
    need java
    fetch_once "$libs" -f "$here/pom.xml" -Dkafka.version="$version" dependency:copy-dependencies \
        -DoutputDirectory=@OUT@ || die "Maven could not fetch Kafka $version (is Maven Central reached?)"
}

tool() {
    java -Xmx128m "${java_small[@]}" -cp "$libs/*" "$@"
}

# The ports of the last start, else the wished one, else free ones.
choose_ports() {
    local dir=$1 wish=$2
    if [ -s "$dir/ports" ] && [ -z "$wish" ]; then
        read -r port controller_port <"$dir/ports"
    else
        read -r port controller_port < <("$here/free_ports.py" 2)
        port=${wish:-$port}
    fi
    echo "$port $controller_port" >"$dir/ports"
}

write_properties() {
    local dir=$1
    {
        cat "$here/server.properties"
        printf '%s\n' "${KAFKA_EXTRA_PROPERTIES:-}"
    } | sed -e "s|@PORT@|$port|g; s|@CONTROLLER_PORT@|$controller_port|g; s|@DIR@|$dir|g" >"$dir/server.properties"
}

format_once() {
    local dir=$1 user users=()
    [ -e "$dir/data/meta.properties" ] && return 0
    while read -r user; do
        [ -z "$user" ] || users+=(--add-scram "$user")
    done <<<"${KAFKA_SCRAM:-}"
    tool kafka.tools.StorageTool format -t "$cluster_id" -c "$dir/server.properties" "${users[@]}" \
        >"$dir/format.log" 2>&1 ||
        die "the storage of Kafka could not be formatted: $(tail -n 3 "$dir/format.log")"
}

# The class-data archive halves the start; the first broker that ends politely writes it.
archive_options() {
    if [ -s "$archive" ]; then
        echo "-XX:SharedArchiveFile=$archive -Xlog:cds=off"
    else
        echo "-XX:ArchiveClassesAtExit=$1/broker.jsa -Xlog:cds=off -Xlog:cds+dynamic=off"
    fi
}

keep_archive() {
    if [ -s "$1/broker.jsa" ] && [ ! -e "$archive" ]; then
        mv "$1/broker.jsa" "$archive.$$" && mv "$archive.$$" "$archive"
    fi
    rm -f "$1/broker.jsa"
}

answers() {
    kcat -b "127.0.0.1:$port" -L -m 1 >/dev/null 2>&1
}

make_probe() {
    [ -e "$1/probe" ] || {
        tool org.apache.kafka.tools.TopicCommand --bootstrap-server "127.0.0.1:$port" --create --if-not-exists \
            --topic "$probe_topic" --partitions 1 >"$1/probe.log" 2>&1 && mv "$1/probe.log" "$1/probe"
    }
}

takes_records() {
    echo ready | kcat -b "127.0.0.1:$port" -P -t "$probe_topic" -X message.timeout.ms=2000 >/dev/null 2>&1
}

# A port that answers is not yet a broker that takes records: only a produce that succeeds says so.
wait_ready() {
    local dir=$1 end=$((SECONDS + start_limit)) step
    for step in answers make_probe takes_records; do
        until $step "$dir"; do
            running_pid "$dir" >/dev/null || die "Kafka ended while starting: $(tail -n 5 "$dir/log")"
            [ $SECONDS -lt $end ] || die "Kafka takes no record after $start_limit s: see $dir/log"
            sleep 0.25
        done
    done
}

start() {
    local dir=$1
    need kcat
    fetch_jars
    mkdir -p "$dir" && dir=$(cd "$dir" && pwd) || die "cannot make $dir"
    if running_pid "$dir" >/dev/null; then
        cat "$dir/bootstrap"
        return 0
    fi
    choose_ports "$dir" "$2"
    write_properties "$dir"
    format_once "$dir"
    # A session of its own and no inherited descriptor but the log: whoever started us can end without it.
    # shellcheck disable=SC2046
    setsid java "-Xmx${KAFKA_HEAP:-256m}" "${java_small[@]}" $(archive_options "$dir") -cp "$libs/*" kafka.Kafka \
        "$dir/server.properties" </dev/null >>"$dir/log" 2>&1 8>&- 9>&- &
    echo $! >"$dir/pid"
    wait_ready "$dir"
    echo "127.0.0.1:$port" >"$dir/bootstrap"
    cat "$dir/bootstrap"
}

[ $# -ge 1 ] || usage
command=$1
shift
if [ "$command" != tool ] && [ $# -ge 1 ] && [ -d "$1" ]; then
    set -- "$(cd "$1" && pwd)" "${@:2}"
fi
case $command/$# in
fetch/0) fetch_jars ;;
start/1 | start/2) start "$1" "${2:-}" ;;
stop/1) stop_process "$1" && keep_archive "$1" ;;
kill/1) kill_process "$1" ;;
freeze/1) signal_process "$1" STOP ;;
thaw/1) signal_process "$1" CONT ;;
wipe/1) stop_process "$1" && keep_archive "$1" && rm -rf "$1" ;;
tool/0) usage ;;
tool/*) fetch_jars && tool "$@" ;;
*) usage ;;
esac
