#!/usr/bin/env bash
# A real Schema Registry on this machine, for tests and trials: Apicurio, which speaks Confluent's REST interface
# under /apis/ccompat/v7, from Maven Central, in memory. DIR/url holds the base URL to configure, DIR/pid the
# process, DIR/log what it said. `start` ends with 4 where the program cannot be fetched: a test may skip then.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=ops/kafka/common.sh
. "$here/common.sh"

# The newest version that runs on Java 17.
version=3.0.9
home=$cache_root/apicurio-$version

usage() {
    echo "usage: registry.sh start|stop|wipe DIR" >&2
    exit 2
}

wait_ready() {
    /usr/bin/python3 - "$1" <<'PY'
import sys, time, urllib.request
end = time.monotonic() + 240
while time.monotonic() < end:
    try:
        urllib.request.urlopen(sys.argv[1] + "/subjects", timeout=10).read()
        sys.exit(0)
    except OSError:
        time.sleep(0.25)
sys.exit(1)
PY
}

start() {
    local dir=$1 port
    need java
    fetch_once "$home" -Dartifact=io.apicurio:apicurio-registry-app:$version:tar.gz:all -DoutputDirectory=@OUT@ \
        org.apache.maven.plugins:maven-dependency-plugin:2.8:unpack || {
        echo "registry.sh: Apicurio $version could not be fetched from Maven Central" >&2
        exit 4
    }
    mkdir -p "$dir" && dir=$(cd "$dir" && pwd) || die "cannot make $dir"
    if running_pid "$dir" >/dev/null; then
        cat "$dir/url"
        return 0
    fi
    port=$("$here/free_ports.py")
    cd "$home" || die "cannot enter $home"
    setsid java -Xmx256m "${java_small[@]}" -Dleadstream.dir="$dir" -Dquarkus.http.host=127.0.0.1 \
        -Dquarkus.http.port="$port" -jar "apicurio-registry-app-$version-runner.jar" \
        </dev/null >>"$dir/log" 2>&1 8>&- 9>&- &
    echo $! >"$dir/pid"
    wait_ready "http://127.0.0.1:$port/apis/ccompat/v7" || die "the registry does not answer: $(tail -n 5 "$dir/log")"
    echo "http://127.0.0.1:$port/apis/ccompat/v7" >"$dir/url"
    cat "$dir/url"
}

[ $# -eq 2 ] || usage
case $1 in
start) start "$2" ;;
stop) stop_process "$(cd "$2" && pwd)" ;;
wipe) [ ! -d "$2" ] || { dir=$(cd "$2" && pwd) && stop_process "$dir" && rm -rf "$dir"; } ;;
*) usage ;;
esac
