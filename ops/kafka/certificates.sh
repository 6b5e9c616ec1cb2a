#!/usr/bin/env bash
# Certificates for trials and tests, made on the spot and good for two days: certificates.sh DIR. An authority (ca.pem)
# with a server for 127.0.0.1 and localhost, a client, a server whose time is over and a server of another name; and a
# second authority (other-ca.pem) that nobody knows. NAME.pem holds key and certificates together, as Kafka's PEM
# stores want them; NAME.crt and NAME.key the same apart, as librdkafka wants them.
set -eu
umask 077
[ $# -eq 1 ] || { echo "usage: certificates.sh DIR" >&2; exit 2; }
command -v openssl >/dev/null || { echo "certificates.sh: openssl is missing: ops/install.sh" >&2; exit 3; }
mkdir -p "$1" && cd "$1"

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

# signed NAME SUBJECT_ALTERNATIVE_NAMES USAGE DAYS
signed() {
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
    printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$2" "$3" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$4" -extfile "$1.ext" -out "$1.crt"
    cat "$1.key" "$1.crt" ca.pem >"$1.pem"
    rm "$1.csr" "$1.ext"
}

make_all() {
    authority ca
    authority other-ca
    signed server IP:127.0.0.1,DNS:localhost serverAuth 2
    signed expired IP:127.0.0.1,DNS:localhost serverAuth -1
    signed elsewhere DNS:kafka.elsewhere.example serverAuth 2
    signed client DNS:client clientAuth 2
}

make_all >certificates.log 2>&1 || { tail -n 5 certificates.log >&2; exit 3; }
