/* avro-c as the oracle: schemas and values at random, encoded by avro-c; our programs must find every value that was
 * put in, at its place, end where the record ends, and refuse every cut of it. */
#include "codec/avro_program.h"
#include "codec/schema.h"
#include "support/suite.h"

#include <avro.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_JSON = 64 * 1024, MAX_LEAVES = 64, MAX_BYTES = 64 * 1024, MAX_NAMES = 64 };

static uint64_t seed, state;

/* ---- a random schema, as JSON ---- */

static char json[MAX_JSON];
static size_t n_json;
static unsigned n_named; /* named types so far: t0, t1, .. */
static bool complete[MAX_NAMES];
static enum schema_type kinds[MAX_NAMES];

static void put(const char *text) {
    n_json += (size_t)snprintf(json + n_json, sizeof json - n_json, "%s", text);
    ck_assert_uint_lt(n_json, sizeof json - 1);
}

static void put_name(unsigned number) {
    char name[16];
    snprintf(name, sizeof name, "t%u", number);
    put(name);
}

static void put_type(unsigned depth, bool in_union);

static void put_record(unsigned depth) {
    unsigned number = n_named++, n = suite_below(&state, 6);
    put("{\"type\":\"record\",\"name\":\"");
    put_name(number);
    put("\",\"fields\":[");
    for (unsigned i = 0; i < n; i++) {
        char head[40];
        snprintf(head, sizeof head, "%s{\"name\":\"f%u\",\"type\":", i ? "," : "", i);
        put(head);
        put_type(depth + 1, false);
        put("}");
    }
    put("]}");
    complete[number] = true;
    kinds[number] = SCHEMA_RECORD;
}

static void put_small_named(bool fixed) {
    unsigned number = n_named++;
    put(fixed ? "{\"type\":\"fixed\",\"size\":3,\"name\":\""
              : "{\"type\":\"enum\",\"symbols\":[\"a\",\"bc\"],\"name\":\"");
    put_name(number);
    put("\"}");
    complete[number] = true;
    kinds[number] = fixed ? SCHEMA_FIXED : SCHEMA_ENUM;
}

/* A type of each kind at most once, as a union must have them. */
static void put_union(unsigned depth) {
    static const char *const types[] = {"\"null\"", "\"string\"", "\"long\"", "\"double\"", "\"boolean\"", "\"bytes\""};
    unsigned first = suite_below(&state, 6), n = 1 + suite_below(&state, 3);
    put("[");
    for (unsigned i = 0; i < n; i++) {
        put(i ? "," : "");
        put(types[(first + i) % 6]);
    }
    if (n_named < MAX_NAMES && suite_below(&state, 2)) {
        put(",");
        put_type(depth + 1, true);
    }
    put("]");
}

static void put_container(unsigned depth, const char *kind, const char *key) {
    put("{\"type\":\"");
    put(kind);
    put("\",\"");
    put(key);
    put("\":");
    put_type(depth + 1, false);
    put("}");
}

static void put_type(unsigned depth, bool in_union) {
    static const char *const primitives[] = {"\"null\"", "\"boolean\"", "\"int\"",   "\"long\"",
                                             "\"float\"", "\"double\"",  "\"bytes\"", "\"string\""};
    unsigned choice = in_union ? 8 + suite_below(&state, 2) : suite_below(&state, 16);
    bool named = n_named < MAX_NAMES;
    if (choice == 15 && n_named) {
        unsigned number = suite_below(&state, n_named);
        if (complete[number]) {
            put("\"");
            put_name(number);
            put("\"");
            return;
        }
    }
    if (choice < 8 || depth > 4)
        put(in_union ? "\"float\"" : primitives[choice % 8]);
    else if (choice < 10 && named)
        put_small_named(choice == 8);
    else if (choice < 12 && named)
        put_record(depth);
    else if (choice == 12 && !in_union)
        put_union(depth);
    else
        put_container(depth, choice % 2 ? "map" : "array", choice % 2 ? "values" : "items");
}

/* ---- a random value of it, and what is where ---- */

static struct leaf {
    uint32_t n_steps;
    struct mapping_step steps[MAPPING_MAX_STEPS];
    struct found value;
    char text[8];
} leaves[MAX_LEAVES];
static uint32_t n_leaves;
static struct leaf here; /* the place where we are */
static const char *const names[] = {"f0", "f1", "f2", "f3", "f4", "f5"}, *const keys[] = {"k0", "k1", "k2"};

static void step_in(const char *name, uint32_t index) {
    ck_assert_uint_lt(here.n_steps, MAPPING_MAX_STEPS);
    here.steps[here.n_steps++] =
        name ? (struct mapping_step){.name = bytes_of(name)} : (struct mapping_step){.index = index};
}

static void leaf(enum found_kind kind, int64_t number, double real, const char *text) {
    if (n_leaves == MAX_LEAVES)
        return;
    struct leaf *to = &leaves[n_leaves++];
    *to = here;
    to->value.kind = kind;
    snprintf(to->text, sizeof to->text, "%s", text ? text : "");
    if (kind == FOUND_FLOAT || kind == FOUND_DOUBLE)
        to->value.real = real;
    else
        to->value.number = number;
}

static void fill(avro_value_t *value, unsigned depth);

static void fill_items(avro_value_t *value, bool map, unsigned depth) {
    unsigned n = suite_below(&state, depth > 6 ? 1 : map ? 3 : 4);
    for (uint32_t i = 0; i < n; i++) {
        avro_value_t item;
        /* avro-c has no room for items of no size. */
        if (map ? avro_value_add(value, keys[i], &item, NULL, NULL) : avro_value_append(value, &item, NULL))
            return;
        step_in(map ? keys[i] : NULL, i);
        fill(&item, depth + 1);
        here.n_steps--;
    }
}

static void fill_record(avro_value_t *value, unsigned depth) {
    size_t n = 0;
    avro_value_get_size(value, &n);
    for (size_t i = 0; i < n; i++) {
        avro_value_t member;
        avro_value_get_by_index(value, i, &member, NULL);
        step_in(names[i], 0);
        fill(&member, depth + 1);
        here.n_steps--;
    }
}

static void fill_union(avro_value_t *value, unsigned depth) {
    avro_value_t branch;
    size_t n = avro_schema_union_size(avro_value_get_schema(value));
    ck_assert_int_eq(avro_value_set_branch(value, (int)suite_below(&state, (uint32_t)n), &branch), 0);
    fill(&branch, depth);
}

static void fill_text(avro_value_t *value, avro_type_t type) {
    char text[8] = "";
    unsigned n = suite_below(&state, 7);
    for (unsigned i = 0; i < n; i++)
        text[i] = (char)('a' + suite_below(&state, 26));
    if (type == AVRO_STRING)
        avro_value_set_string(value, text);
    else if (type == AVRO_BYTES)
        avro_value_set_bytes(value, text, n);
    else
        avro_value_set_fixed(value, memcpy(text, "xyz", 4), 3);
    leaf(FOUND_TEXT, 0, 0, text);
}

static void fill(avro_value_t *value, unsigned depth) {
    int64_t number = (int64_t)(suite_random(&state) >> suite_below(&state, 64));
    double real = (double)(int32_t)number / 8;
    avro_type_t type = avro_value_get_type(value);
    switch (type) {
    case AVRO_NULL: avro_value_set_null(value); leaf(FOUND_NULL, 0, 0, NULL); return;
    case AVRO_BOOLEAN: avro_value_set_boolean(value, number & 1); leaf(FOUND_BOOLEAN, number & 1, 0, NULL); return;
    case AVRO_INT32:
        avro_value_set_int(value, (int32_t)number);
        leaf(FOUND_LONG, (int32_t)number, 0, NULL);
        return;
    case AVRO_INT64: avro_value_set_long(value, number); leaf(FOUND_LONG, number, 0, NULL); return;
    case AVRO_FLOAT:
        avro_value_set_float(value, (float)(int16_t)number);
        leaf(FOUND_FLOAT, 0, (double)(int16_t)number, NULL);
        return;
    case AVRO_DOUBLE: avro_value_set_double(value, real); leaf(FOUND_DOUBLE, 0, real, NULL); return;
    case AVRO_STRING:
    case AVRO_BYTES:
    case AVRO_FIXED: fill_text(value, type); return;
    case AVRO_ENUM:
        avro_value_set_enum(value, (int)(number & 1));
        leaf(FOUND_TEXT, 0, 0, number & 1 ? "bc" : "a");
        return;
    case AVRO_ARRAY: fill_items(value, false, depth); return;
    case AVRO_MAP: fill_items(value, true, depth); return;
    case AVRO_RECORD: fill_record(value, depth); return;
    case AVRO_UNION: fill_union(value, depth); return;
    case AVRO_LINK: ck_abort_msg("a link");
    }
}

/* ---- the comparison ---- */

static uint8_t bytes[MAX_BYTES];

/* The value's bytes as avro-c writes them; the leaves that we chose to look for are left in `leaves`. */
static size_t encode(avro_schema_t schema) {
    avro_value_iface_t *iface = avro_generic_class_from_schema(schema);
    avro_value_t value;
    size_t n = 0;
    ck_assert_int_eq(avro_generic_value_new(iface, &value), 0);
    n_leaves = 0;
    here = (struct leaf){0};
    fill(&value, 0);
    avro_writer_t writer = avro_writer_memory((char *)bytes, sizeof bytes);
    if (avro_value_write(writer, &value) == 0)
        n = (size_t)avro_writer_tell(writer);
    avro_writer_free(writer);
    avro_value_decref(&value);
    avro_value_iface_decref(iface);
    return n;
}

static bool same(const struct found *got, const struct leaf *want) {
    switch (got->kind) {
    case FOUND_NULL: return want->value.kind == FOUND_NULL;
    case FOUND_TEXT: return want->value.kind == FOUND_TEXT && bytes_is(got->text, want->text);
    case FOUND_LONG:
    case FOUND_BOOLEAN: return want->value.kind == got->kind && got->number == want->value.number;
    case FOUND_FLOAT:
    case FOUND_DOUBLE: return want->value.kind == got->kind && got->real == want->value.real;
    case FOUND_ABSENT: break;
    }
    return false;
}

/* Looks for every second leaf or so. */
static void look(const struct schema *schema, size_t n) {
    static struct avro_run run;
    struct avro_want wants[MAX_LEAVES];
    const struct leaf *sought[MAX_LEAVES];
    uint32_t n_wants = 0;
    struct err e = {0};
    for (uint32_t i = 0; i < n_leaves; i++) {
        if (suite_below(&state, 2))
            continue;
        sought[n_wants] = &leaves[i];
        wants[n_wants++] = (struct avro_want){.n_steps = leaves[i].n_steps, .steps = leaves[i].steps};
    }
    struct avro_program *program = avro_program_new(schema_root(schema), wants, n_wants, &e);
    ck_assert_msg(program != NULL, "seed %llu: %s", (unsigned long long)seed, e.words);
    struct reader r = reader_of((struct bytes){bytes, n});
    ck_assert_msg(avro_program_run(program, &r, &run, &e), "seed %llu: %s: %s", (unsigned long long)seed, e.words,
                  json);
    ck_assert_msg(!reader_left(&r), "seed %llu: %zu bytes left: %s", (unsigned long long)seed, reader_left(&r), json);
    for (uint32_t i = 0; i < n_wants; i++)
        ck_assert_msg(same(&run.values[i], sought[i]), "seed %llu: leaf %u of kind %d: %s", (unsigned long long)seed, i,
                      (int)run.values[i].kind, json);
    for (size_t cut = 0; cut < n; cut += 1 + n / 64) {
        r = reader_of((struct bytes){bytes, cut});
        ck_assert_msg(!avro_program_run(program, &r, &run, &e), "seed %llu: cut at %zu: %s", (unsigned long long)seed,
                      cut, json);
    }
    avro_program_free(&program);
}

START_TEST(programs_find_what_avro_c_wrote) {
    struct schemas *set = schemas_new();
    uint32_t looked = 0;
    for (seed = 1; seed <= 1500; seed++) {
        avro_schema_t schema;
        struct err e = {0};
        state = seed;
        n_json = n_named = 0;
        memset(complete, 0, sizeof complete);
        put_record(0);
        ck_assert_msg(avro_schema_from_json_length(json, n_json, &schema) == 0, "seed %llu: %s: %s",
                      (unsigned long long)seed, avro_strerror(), json);
        const struct schema *ours = schemas_add(set, (struct bytes){(const uint8_t *)json, n_json}, -1, &e);
        ck_assert_msg(ours != NULL, "seed %llu: %s: %s", (unsigned long long)seed, e.words, json);
        for (int i = 0; i < 3; i++) {
            size_t n = encode(schema);
            looked += n_leaves;
            if (n)
                look(ours, n);
        }
        avro_schema_decref(schema);
    }
    ck_assert_uint_gt(looked, 10000);
    schemas_free(&set);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, programs_find_what_avro_c_wrote);
}

SUITE_MAIN("avro_oracle", add)
