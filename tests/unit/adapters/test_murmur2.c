/* The vectors of Kafka's own UtilsTest, and partitions that Java's producer was seen to choose. */
#include "adapters/murmur2.h"
#include "support/suite.h"

static const struct {
    const char *key;
    int32_t hash;
} vectors[] = {
    {"21", -973932308},
    {"foobar", -790332482},
    {"a-little-bit-long-string", -985981536},
    {"a-little-bit-longer-string", -1486304829},
    {"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971},
    {"abc", 479470107},
};

START_TEST(hashes_as_java_does) {
    ck_assert_int_eq((int32_t)murmur2(bytes_of(vectors[_i].key)), vectors[_i].hash);
}
END_TEST

START_TEST(partitions_are_positive) {
    ck_assert_uint_eq(murmur2_partition(bytes_of("21"), 8), (uint32_t)(-973932308 & 0x7fffffff) % 8);
    ck_assert_uint_eq(murmur2_partition((struct bytes){NULL, 0}, 1), 0);
}
END_TEST

static void add(TCase *all) {
    tcase_add_loop_test(all, hashes_as_java_does, 0, (int)(sizeof vectors / sizeof *vectors));
    tcase_add_test(all, partitions_are_positive);
}

SUITE_MAIN("murmur2", add)
