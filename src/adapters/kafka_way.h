/* Why a broker was not reached although it is there: its certificate, ours, or the login, in words that say what to do.
 *
 * librdkafka says of every certificate that it "could not be verified"; OpenSSL knows why, and tells the callback here.
 * Private to kafka_client. */
#ifndef LEADSTREAM_KAFKA_WAY_H
#define LEADSTREAM_KAFKA_WAY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Looks at one certificate of a broker's chain, on librdkafka's threads: believes what OpenSSL believes (returns 1), and
 * keeps OpenSSL's reason for what it does not. words: 512 bytes or so for librdkafka's log. */
int kafka_way_verify(atomic_int *reason, int x509_error, char *words, size_t n);

/* What to do about an error of a connection: by the reason that was kept (0: none) and librdkafka's words. NULL: they say
 * it all. */
const char *kafka_way_advice(int reason, const char *words);

#endif
