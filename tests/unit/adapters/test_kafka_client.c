/* How a handle's connections are spaced; the rest of the room needs a broker (mock/). */
#include "adapters/kafka_client.h"
#include "support/suite.h"

START_TEST(connections_are_spaced_unless_they_are_few) {
    struct kafka_client client = {0};
    int64_t now = 1000000;
    for (int i = 0; i < KAFKA_CLIENT_AT_ONCE; i++)
        ck_assert_int_eq(kafka_client_pace(&client, now), 0);
    ck_assert_int_eq(kafka_client_pace(&client, now), KAFKA_CLIENT_EVERY);
    ck_assert_int_eq(kafka_client_pace(&client, now), 2 * KAFKA_CLIENT_EVERY);
    now += 2 * KAFKA_CLIENT_EVERY;
    ck_assert_int_eq(kafka_client_pace(&client, now), KAFKA_CLIENT_EVERY);
    now += 3600000; /* what is not used is not saved up */
    for (int i = 0; i < KAFKA_CLIENT_AT_ONCE; i++)
        ck_assert_int_eq(kafka_client_pace(&client, now), 0);
    for (int i = 1; i < 100; i++)
        ck_assert_int_le(kafka_client_pace(&client, now), 500);
    ck_assert_int_eq(kafka_client_pace(&client, now), 500);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, connections_are_spaced_unless_they_are_few);
}

SUITE_MAIN("kafka client", add)
