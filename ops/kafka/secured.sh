#!/usr/bin/env bash
# A broker as it is where people run leadstream in earnest, for tests and trials: kafka.sh with encryption,
# authentication and rights. DIR/listeners holds a line "NAME host:port" for each way in:
#   plain      no encryption, every right: for whoever sets a test up
#   tls        the server shows a certificate (DIR/certificates/ca.pem knows it), the client none
#   mtls       the client must show one too (client.crt, client.key); it is the user CN=client, who has every right
#   sasl       TLS, and a user with a password (DIR/passwords/USER) by SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN
#   expired    as tls, but the server's certificate is out of date
#   elsewhere  as tls, but the certificate is another host's
# Users: admin has every right; scorer and stranger have none but those that ACLs give.
# A login is good for 5 s (connections.max.reauth.ms): librdkafka 2.0.2 cannot renew one, and connects again.
# librdkafka before 2.6.1 cannot log in by SCRAM to Kafka 4.0 or later, which hold the client to the nonce that RFC 5802
# wants; KAFKA_VERSION=3.9.1 is a broker to which it can.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=ops/kafka/common.sh
. "$here/common.sh"
users=(admin scorer stranger)
login=org.apache.kafka.common.security
listeners=(tls mtls sasl expired elsewhere)

usage() {
    echo "usage: secured.sh start|stop|kill|freeze|thaw|wipe DIR" >&2
    exit 2
}

# The properties of one listener that shows the certificate of $2.
listener() {
    local name=listener.name.$1
    echo "$name.ssl.keystore.type=PEM
$name.ssl.keystore.location=$dir/certificates/$2.pem
$name.ssl.truststore.type=PEM
$name.ssl.truststore.location=$dir/certificates/ca.pem
$name.ssl.client.auth=$3"
}

plain_users() {
    local user
    for user in "${users[@]}"; do
        printf ' user_%s="%s"' "$user" "$(cat "$dir/passwords/$user")"
    done
}

properties() {
    local name all='' map='' i=0
    for name in "${listeners[@]}"; do
        all+=,${name^^}://127.0.0.1:${ports[i++]}
        if [ "$name" = sasl ]; then map+=,SASL:SASL_SSL; else map+=,${name^^}:SSL; fi
    done
    echo "listeners=PLAINTEXT://127.0.0.1:@PORT@,CONTROLLER://127.0.0.1:@CONTROLLER_PORT@$all
advertised.listeners=PLAINTEXT://127.0.0.1:@PORT@$all
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT$map
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:admin;User:CN=client
connections.max.reauth.ms=5000
listener.name.sasl.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN
listener.name.sasl.scram-sha-256.sasl.jaas.config=$login.scram.ScramLoginModule required;
listener.name.sasl.scram-sha-512.sasl.jaas.config=$login.scram.ScramLoginModule required;
listener.name.sasl.plain.sasl.jaas.config=$login.plain.PlainLoginModule required$(plain_users);"
    listener tls server none
    listener mtls server required
    listener sasl server none
    listener expired expired none
    listener elsewhere elsewhere none
}

# Made once: a folder that is started again has the same certificates, passwords and ports.
make_once() {
    local user
    mkdir -p "$dir/passwords" && chmod 700 "$dir/passwords" || die "cannot make $dir"
    [ -e "$dir/certificates/client.crt" ] || "$here/certificates.sh" "$dir/certificates" || die "no certificates"
    for user in "${users[@]}"; do
        [ -e "$dir/passwords/$user" ] || (umask 077 && openssl rand -hex 12 >"$dir/passwords/$user")
    done
    [ -s "$dir/secured-ports" ] || "$here/free_ports.py" "${#listeners[@]}" >"$dir/secured-ports"
}

start() {
    local dir=$1 user scram='' i
    make_once
    read -ra ports <"$dir/secured-ports"
    for user in "${users[@]}"; do
        for i in 256 512; do
            scram+="SCRAM-SHA-$i=[name=$user,password=$(cat "$dir/passwords/$user")]"$'\n'
        done
    done
    KAFKA_EXTRA_PROPERTIES=$(properties) KAFKA_SCRAM=$scram "$here/kafka.sh" start "$dir" >/dev/null || exit
    {
        echo "plain $(cat "$dir/bootstrap")"
        for i in "${!listeners[@]}"; do
            echo "${listeners[i]} 127.0.0.1:${ports[i]}"
        done
    } >"$dir/listeners"
    cat "$dir/listeners"
}

[ $# -eq 2 ] || usage
case $1 in
start) mkdir -p "$2" && start "$(cd "$2" && pwd)" ;;
stop | kill | freeze | thaw | wipe) "$here/kafka.sh" "$1" "$2" ;;
*) usage ;;
esac
