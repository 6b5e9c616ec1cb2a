/* The keyed hash of erased leads, against figures of other implementations, and its key files. */
#include "adapters/erasure.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

static const char *key_file(const void *key, size_t n) {
    snprintf(path, sizeof path, "/tmp/leadstream-key-XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(write(file, key, n), (ssize_t)n);
    close(file);
    return path;
}

static struct erasure *keyed(const void *key, size_t n) {
    struct err e = {.code = ERR_NONE};
    struct erasure *erasure = erasure_new(key_file(key, n), &e);
    unlink(path);
    ck_assert_msg(erasure != NULL, "%s", e.words);
    return erasure;
}

static void expect(struct erasure *erasure, const char *lead, const char *hex) {
    uint8_t out[ERASURE_HASH];
    char text[2 * ERASURE_HASH + 1];
    erasure_hash(erasure, bytes_of(lead), out);
    for (size_t i = 0; i < ERASURE_HASH; i++)
        snprintf(text + 2 * i, 3, "%02x", out[i]);
    ck_assert_str_eq(text, hex);
}

/* RFC 4231, test cases 1 and 6. */
START_TEST(as_the_standard_says) {
    uint8_t key[131];
    memset(key, 0x0b, 20);
    struct erasure *erasure = keyed(key, 20);
    expect(erasure, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b");
    expect(erasure, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b");
    erasure_free(&erasure);
    memset(key, 0xaa, sizeof key);
    erasure = keyed(key, sizeof key);
    expect(erasure, "Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f");
    erasure_free(&erasure);
}
END_TEST

/* A key of zeros, of any length up to a block, is the empty key: openssl dgst -sha256 -mac HMAC -macopt hexkey:00 */
START_TEST(without_a_key_it_is_the_hash_of_the_id_alone) {
    struct erasure *erasure = erasure_new(NULL, NULL);
    struct erasure *copy = erasure_copy(erasure);
    expect(erasure, "", "b613679a0814d9ec772f95d778c35fc5");
    expect(copy, "", "b613679a0814d9ec772f95d778c35fc5");
    ck_assert(erasure_fingerprint(erasure) == 0);
    erasure_free(&erasure);
    erasure_free(&copy);
}
END_TEST

START_TEST(fingerprints_tell_keys_apart) {
    struct erasure *a = keyed("0123456789abcdef", 16), *b = keyed("0123456789abcdeF", 16);
    struct erasure *edited = keyed("0123456789abcdef\r\n", 18), *copy = erasure_copy(a);
    ck_assert(erasure_fingerprint(a) != erasure_fingerprint(b));
    ck_assert(erasure_fingerprint(a) == erasure_fingerprint(edited));
    ck_assert(erasure_fingerprint(a) == erasure_fingerprint(copy));
    ck_assert(erasure_fingerprint(a) != 0);
    erasure_free(&a);
    erasure_free(&b);
    erasure_free(&edited);
    erasure_free(&copy);
}
END_TEST

static void refused(const char *file, const char *why) {
    struct err e = {.code = ERR_NONE};
    struct erasure *erasure = erasure_new(file, &e);
    ck_assert_ptr_null(erasure);
    ck_assert_int_eq(e.code, ERR_CONFIG);
    ck_assert_str_eq(e.where, file);
    ck_assert_msg(strstr(e.words, why) != NULL, "%s", e.words);
}

START_TEST(bad_key_files_are_refused) {
    static char longer[ERASURE_MOST_KEY + 1];
    memset(longer, 'k', sizeof longer);
    refused("/nowhere/key", "No such file");
    refused("/", "cannot be read");
    refused(key_file("short", 5), "has 5 bytes: a key has 16 to 4096");
    unlink(path);
    refused(key_file("\r\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", 19), "has 0 bytes");
    unlink(path);
    refused(key_file(longer, sizeof longer), "more than 4096 bytes");
    unlink(path);
    struct erasure *most = keyed(longer, ERASURE_MOST_KEY);
    erasure_free(&most);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, as_the_standard_says);
    tcase_add_test(all, without_a_key_it_is_the_hash_of_the_id_alone);
    tcase_add_test(all, fingerprints_tell_keys_apart);
    tcase_add_test(all, bad_key_files_are_refused);
}

SUITE_MAIN("erasure", add)
