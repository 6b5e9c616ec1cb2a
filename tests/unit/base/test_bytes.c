/* Cursors are sticky: what fails once stays failed, and reads give zeros from then on. */
#include "support/suite.h"

START_TEST(reads_back_what_was_written) {
    uint8_t buffer[64];
    struct writer w = writer_of(buffer, sizeof buffer);
    writer_u8(&w, 7);
    writer_u16(&w, 0x1234);
    writer_u32be(&w, 0xdeadbeef);
    writer_u64(&w, UINT64_MAX - 1);
    writer_zigzag(&w, INT64_MIN);
    writer_zigzag(&w, -1);
    ck_assert(w.ok);
    struct reader r = reader_of(writer_done(&w));
    ck_assert_uint_eq(reader_u8(&r), 7);
    ck_assert_uint_eq(reader_u16(&r), 0x1234);
    ck_assert_uint_eq(reader_u32be(&r), 0xdeadbeef);
    ck_assert(reader_u64(&r) == UINT64_MAX - 1);
    ck_assert(reader_zigzag(&r) == INT64_MIN);
    ck_assert(reader_zigzag(&r) == -1);
    ck_assert(r.ok && reader_left(&r) == 0);
}
END_TEST

START_TEST(a_failed_read_stays_failed) {
    struct reader r = reader_of(bytes_of("ab"));
    ck_assert_uint_eq(reader_u32(&r), 0);
    ck_assert(!r.ok);
    ck_assert_uint_eq(reader_u8(&r), 0);
    ck_assert(!r.ok);
}
END_TEST

START_TEST(a_full_writer_stays_full) {
    uint8_t buffer[3];
    struct writer w = writer_of(buffer, sizeof buffer);
    writer_u16(&w, 1);
    writer_u16(&w, 2);
    writer_u8(&w, 3);
    ck_assert(!w.ok);
    ck_assert_uint_eq(writer_done(&w).n, 2);
}
END_TEST

START_TEST(a_long_that_does_not_end_is_refused) {
    const uint8_t endless[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    struct reader r = reader_of((struct bytes){endless, sizeof endless});
    ck_assert(reader_zigzag(&r) == 0);
    ck_assert(!r.ok);
}
END_TEST

START_TEST(a_prefix_comes_first) {
    ck_assert_int_lt(bytes_compare(bytes_of("ab"), bytes_of("abc")), 0);
    ck_assert_int_gt(bytes_compare(bytes_of("b"), bytes_of("abc")), 0);
    ck_assert_int_eq(bytes_compare(bytes_of(""), (struct bytes){NULL, 0}), 0);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, reads_back_what_was_written);
    tcase_add_test(all, a_failed_read_stays_failed);
    tcase_add_test(all, a_full_writer_stays_full);
    tcase_add_test(all, a_long_that_does_not_end_is_refused);
    tcase_add_test(all, a_prefix_comes_first);
}

SUITE_MAIN("bytes", add)
