/* Two tables: OpenSSL's reasons, and what librdkafka's words have in them. The first that fits is told. */
#include "adapters/kafka_way.h"

#include <librdkafka/rdkafka.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#define UNKNOWN_SIGNER                                                                                                \
    "nobody that is believed here signed the broker's certificate: kafka: ssl.ca.location must be the file of its "   \
    "authority"
#define OTHER_HOST                                                                                                    \
    "the broker's certificate is another host's: kafka: bootstrap.servers and the brokers' advertised.listeners must " \
    "have the names that their certificates have"
#define OUR_CERTIFICATE                                                                                               \
    "the broker wants a certificate of this client: set kafka: ssl.certificate.location and ssl.key.location, signed " \
    "by an authority that it believes"
#define PROTOCOL "kafka: security.protocol must be that of the listener (plaintext, ssl, sasl_plaintext, sasl_ssl)"

static const struct {
    int reason;
    const char *advice;
} reasons[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, "the broker's certificate has expired: renew it (or is this host's clock wrong?)"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "the broker's certificate is not valid yet: is this host's clock wrong?"},
    {X509_V_ERR_CERT_REVOKED, "the broker's certificate was revoked"},
    {X509_V_ERR_HOSTNAME_MISMATCH, OTHER_HOST},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, OTHER_HOST},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, UNKNOWN_SIGNER},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, UNKNOWN_SIGNER},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, UNKNOWN_SIGNER},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, UNKNOWN_SIGNER},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, UNKNOWN_SIGNER},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, UNKNOWN_SIGNER},
};

static const struct {
    const char *words, *also; /* NULL: nothing else */
    const char *advice;
    int before; /* librdkafka's version from which on it is not so; 0: always */
} sayings[] = {
    {"alert certificate required", NULL, OUR_CERTIFICATE, 0},
    {"alert bad certificate", NULL, OUR_CERTIFICATE, 0},
    {"alert unknown ca", NULL, OUR_CERTIFICATE, 0},
    {"alert certificate", NULL, OUR_CERTIFICATE, 0}, /* expired, revoked, unknown, unobtainable */
    {"alert handshake failure", NULL, OUR_CERTIFICATE, 0},
    {"client SSL authentication might be required", NULL, OUR_CERTIFICATE, 0},
    {"connecting to a SSL listener?", NULL, PROTOCOL, 0},
    {"connecting to a PLAINTEXT broker listener?", NULL, PROTOCOL, 0},
    {"broker might require SASL", NULL, PROTOCOL, 0},
    {"unexpected eof", "SSL_HANDSHAKE", PROTOCOL, 0},
    {"wrong version number", "SSL_HANDSHAKE", PROTOCOL, 0},
    {"with SASL mechanism SCRAM", NULL,
     "look at kafka: sasl.username and sasl.password; if they are right: this librdkafka (before 2.6.1) cannot log in "
     "by SCRAM to Kafka 4, use PLAIN over TLS or a certificate",
     0x020601ff},
};

int kafka_way_verify(atomic_int *reason, int x509_error, char *words, size_t n) {
    if (x509_error == X509_V_OK)
        return 1;
    atomic_store(reason, x509_error);
    snprintf(words, n, "%s", X509_verify_cert_error_string(x509_error));
    return 0;
}

const char *kafka_way_advice(int reason, const char *words) {
    if (strstr(words, "certificate verify failed")) {
        for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
            if (reasons[i].reason == reason)
                return reasons[i].advice;
    }
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++)
        if ((!sayings[i].before || rd_kafka_version() < sayings[i].before) && strstr(words, sayings[i].words) &&
            (!sayings[i].also || strstr(words, sayings[i].also)))
            return sayings[i].advice;
    return NULL;
}
