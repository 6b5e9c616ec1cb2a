/* Container files that avro-c wrote are read record by record; cut, bent and lying ones say what is wrong with them. */
#include "codec/avro_file.h"
#include "support/suite.h"

#include <avro.h>
#include <stdlib.h>
#include <unistd.h>

static const char json[] = "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"n\",\"type\":\"long\"},"
                           "{\"name\":\"s\",\"type\":\"string\"}]}";
enum { RECORDS = 5000 };

static struct schemas *set;
static struct err err;
static struct bytes whole; /* a file that avro-c wrote */
static char path[] = "/tmp/leadstream-avro-XXXXXX";

static void write_file(const char *codec) {
    avro_schema_t schema;
    avro_file_writer_t writer;
    ck_assert_int_eq(avro_schema_from_json_length(json, strlen(json), &schema), 0);
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    unlink(path);
    ck_assert_int_eq(avro_file_writer_create_with_codec(path, schema, &writer, codec, 4096), 0);
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_value_t value, member;
    avro_generic_value_new(iface, &value);
    for (int i = 0; i < RECORDS; i++) {
        avro_value_get_by_index(&value, 0, &member, NULL);
        avro_value_set_long(&member, i);
        avro_value_get_by_index(&value, 1, &member, NULL);
        avro_value_set_string(&member, i % 2 ? "odd" : "");
        ck_assert_int_eq(avro_file_writer_append_value(writer, &value), 0);
    }
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    avro_file_writer_close(writer);
    avro_schema_decref(schema);
    FILE *f = fopen(path, "rb");
    uint8_t *at = malloc(1024 * 1024);
    whole = (struct bytes){at, fread(at, 1, 1024 * 1024, f)};
    fclose(f);
}

static void setup(void) {
    set = schemas_new();
    err = (struct err){0};
    whole = (struct bytes){NULL, 0};
}

static void teardown(void) {
    unlink(path);
    free((void *)(uintptr_t)whole.at);
    schemas_free(&set);
}

struct outcome {
    uint64_t records, bad, newest;
    enum avro_file_status last;
};

static struct outcome read_all(struct avro_file *file) {
    struct outcome o = {0};
    struct bytes record;
    for (;;) {
        o.last = avro_file_next(file, &record, &o.newest, &err);
        if (o.last == AVRO_FILE_END || o.last == AVRO_FILE_FAILED)
            break;
        o.records += o.last == AVRO_FILE_RECORD;
        o.bad += o.last == AVRO_FILE_BAD;
        ck_assert(o.bad < 1000);
    }
    avro_file_free(&file);
    return o;
}

/* Reads bytes as a file; NULL: its head is refused. */
static struct avro_file *file_of(struct bytes b) {
    FILE *f = fmemopen((void *)(uintptr_t)b.at, b.n, "rb");
    ck_assert(f != NULL);
    return avro_file_new(f, "x.avro", set, &err);
}

START_TEST(what_avro_c_wrote_is_read) {
    static const char *const codecs[] = {"null", "deflate"};
    write_file(codecs[_i]);
    ck_assert(avro_file_is(whole));
    struct avro_file *file = avro_file_open(path, set, &err);
    ck_assert_msg(file != NULL, "%s: %s", err.where, err.words);
    ck_assert_bytes_eq(schema_name(avro_file_schema(file)), "r");
    for (int i = 0; i < RECORDS; i++) {
        struct bytes record;
        uint64_t number;
        ck_assert_msg(avro_file_next(file, &record, &number, &err) == AVRO_FILE_RECORD, "%s", err.words);
        ck_assert_uint_eq(number, (uint64_t)i + 1);
        struct reader r = reader_of(record);
        ck_assert_int_eq(reader_zigzag(&r), i);
        ck_assert_int_eq(reader_zigzag(&r), i % 2 ? 3 : 0);
        ck_assert_uint_eq(reader_left(&r), i % 2 ? 3 : 0);
    }
    ck_assert_uint_eq(avro_file_read(file), whole.n);
    struct outcome o = read_all(file);
    ck_assert_int_eq(o.last, AVRO_FILE_END);
    ck_assert_uint_eq(o.records + o.bad, 0);
}
END_TEST

/* Every cut: the head is refused, or some records come, and then at most one complaint. */
START_TEST(a_file_that_is_cut_off) {
    write_file("null");
    for (size_t n = 1; n < whole.n; n += n < 300 ? 1 : 997) {
        struct avro_file *file = file_of((struct bytes){whole.at, n});
        if (!file) {
            ck_assert_msg(strstr(err.words, "cut off") != NULL, "%s", err.words);
            ck_assert_str_eq(err.where, "x.avro");
            continue;
        }
        struct outcome o = read_all(file);
        ck_assert_int_eq(o.last, AVRO_FILE_END);
        ck_assert_uint_le(o.bad, 1);
        ck_assert_uint_lt(o.records, RECORDS);
    }
}
END_TEST

/* The bytes of a small file by hand. */
static uint8_t room[1024];
static struct writer w;

static void put_text(const char *text) {
    writer_zigzag(&w, (int64_t)strlen(text));
    writer_bytes(&w, text, strlen(text));
}

static void put_head(const char *schema, const char *codec) {
    w = writer_of(room, sizeof room);
    writer_bytes(&w, "Obj\1", 4);
    writer_zigzag(&w, 1 + (codec != NULL));
    if (codec) {
        put_text("avro.codec");
        put_text(codec);
    }
    put_text("avro.schema");
    put_text(schema);
    writer_zigzag(&w, 0);
    writer_bytes(&w, "0123456789abcdef", 16);
}

static void put_block(int64_t count, int64_t size, const char *bytes, size_t n) {
    writer_zigzag(&w, count);
    writer_zigzag(&w, size);
    writer_bytes(&w, bytes, n);
    writer_bytes(&w, "0123456789abcdef", 16);
}

static void check_refused(const char *words) {
    struct avro_file *file = file_of(writer_done(&w));
    ck_assert(!file);
    ck_assert_msg(strstr(err.words, words) != NULL, "%s", err.words);
    ck_assert_str_eq(err.where, "x.avro");
}

START_TEST(heads_that_are_refused) {
    w = writer_of(room, sizeof room);
    writer_bytes(&w, "{\"lead\":1}", 10);
    ck_assert(!avro_file_is(writer_done(&w)));
    check_refused("is no Avro container file");
    put_head("\"int\"", "snappy");
    check_refused("is packed with \"snappy\"");
    put_head("\"strin\"", NULL);
    check_refused("unknown type");
    w = writer_of(room, sizeof room);
    writer_bytes(&w, "Obj\1", 4);
    writer_zigzag(&w, 0);
    writer_bytes(&w, "0123456789abcdef", 16);
    check_refused("has no avro.schema");
    w = writer_of(room, sizeof room);
    writer_bytes(&w, "Obj\1", 4);
    writer_zigzag(&w, 1);
    writer_zigzag(&w, INT64_MAX);
    check_refused("the metadata is larger");
    ck_assert(!avro_file_open("/nonexistent/x.avro", set, &err));
    ck_assert_int_eq(err.code, ERR_CONFIG);
}
END_TEST

static void check_outcome(uint64_t records, uint64_t bad, const char *words) {
    struct avro_file *file = file_of(writer_done(&w));
    ck_assert_msg(file != NULL, "%s", err.words);
    struct outcome o = read_all(file);
    ck_assert_int_eq(o.last, AVRO_FILE_END);
    ck_assert_msg(o.records == records && o.bad == bad && strstr(err.words, words), "%d records, %d bad, %s",
                  (int)o.records, (int)o.bad, err.words);
}

START_TEST(blocks_that_lie) {
    put_head("\"int\"", NULL);
    put_block(2, 2, "\2\4", 2);
    put_block(0, 0, "", 0);
    put_block(2, 3, "\2\4\6", 3);           /* one too many bytes */
    put_block(2, 1, "\2", 1);               /* more records than bytes */
    put_block(2, 2, "\2\x80", 2);           /* the second record is cut off */
    put_block(1, 1, "\2", 1);
    check_outcome(2 + 2 + 0 + 1 + 1, 3, "");
}
END_TEST

START_TEST(a_block_that_cannot_be_believed_ends_the_file) {
    static const struct {
        int64_t count, size;
        const char *words;
    } cases[] = {{1, INT64_MAX, "a block of impossible size"},
                 {1, -1, "a block of impossible size"},
                 {-1, 1, "a block of impossible size"},
                 {1, 2, "a block's end is not where its size says"},
                 {1, 1000, "cut off"}};
    put_head("\"int\"", NULL);
    put_block(1, 1, "\2", 1);
    put_block(cases[_i].count, cases[_i].size, "\2", 1);
    put_block(1, 1, "\2", 1);
    check_outcome(1, 1, cases[_i].words);
}
END_TEST

START_TEST(a_block_that_cannot_be_unpacked_is_passed_over) {
    put_head("\"int\"", "deflate");
    put_block(1, 3, "\3\2\0", 3); /* deflate of one byte 0 would be 63 00 00 */
    put_block(1, 3, "\x63\0\0", 3);
    check_outcome(1, 1, "cannot be unpacked");
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_loop_test(all, what_avro_c_wrote_is_read, 0, 2);
    tcase_add_test(all, a_file_that_is_cut_off);
    tcase_add_test(all, heads_that_are_refused);
    tcase_add_test(all, blocks_that_lie);
    tcase_add_loop_test(all, a_block_that_cannot_be_believed_ends_the_file, 0, 5);
    tcase_add_test(all, a_block_that_cannot_be_unpacked_is_passed_over);
}

SUITE_MAIN("avro_file", add)
