/* What is said of errors on the way to a broker. The words are librdkafka's; tests/e2e/cases_security.py gets them from a
 * real broker. */
#include "adapters/kafka_way.h"
#include "support/suite.h"

#include <openssl/x509_vfy.h>
#include <string.h>

START_TEST(a_certificate_is_judged_by_openssls_reason) {
    static const struct {
        int reason;
        const char *advice;
    } cases[] = {
        {X509_V_ERR_CERT_HAS_EXPIRED, "has expired"},
        {X509_V_ERR_IP_ADDRESS_MISMATCH, "another host's"},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "ssl.ca.location"},
    };
    const char *words = "ssl://h:1/1: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        atomic_int kept = 0;
        char told[200];
        ck_assert_int_eq(kafka_way_verify(&kept, cases[i].reason, told, sizeof told), 0);
        ck_assert_int_eq(kept, cases[i].reason);
        ck_assert_ptr_nonnull(strstr(kafka_way_advice(kept, words), cases[i].advice));
    }
    ck_assert_ptr_null(kafka_way_advice(0, words));
}
END_TEST

START_TEST(what_openssl_believes_is_believed) {
    atomic_int kept = 0;
    char told[8] = "";
    ck_assert_int_eq(kafka_way_verify(&kept, X509_V_OK, told, sizeof told), 1);
    ck_assert_int_eq(kept, 0);
}
END_TEST

START_TEST(words_of_a_broker_that_is_merely_away_have_no_advice) {
    ck_assert_ptr_null(kafka_way_advice(0, "h:1/1: Connect to ipv4#127.0.0.1:1 failed: Connection refused"));
    ck_assert_ptr_null(kafka_way_advice(X509_V_ERR_CERT_HAS_EXPIRED, "h:1/1: Connection refused"));
    ck_assert_ptr_null(kafka_way_advice(0, "Receive failed: unexpected eof while reading (after 9ms in state UP)"));
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, a_certificate_is_judged_by_openssls_reason);
    tcase_add_test(all, what_openssl_believes_is_believed);
    tcase_add_test(all, words_of_a_broker_that_is_merely_away_have_no_advice);
}

SUITE_MAIN("kafka_way", add)
