/* The configuration: every file of tests/bad/configs with the problems that it says of itself, what a good one holds,
 * and that the shipped file, the table and the defaults agree. */
#include "app/settings.h"
#include "support/expect.h"
#include "support/suite.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void check_config(const char *path, struct expect_text *found) {
    struct problems problems = {0};
    struct settings *settings = settings_load(path, &problems);
    for (size_t i = 0; i < problems.n; i++) {
        const struct problem *problem = &problems.list[i];
        if (problem->line)
            expect_put(found, "%u:%u: ", problem->line, problem->column);
        expect_put(found, "%s%s\n", problem->warning ? "warning: " : "", problem->words);
        ck_assert(!strstr(problem->words, "hunter2"));
    }
    ck_assert((settings == NULL) == (problems.errors > 0));
    settings_free(&settings);
    problems_fini(&problems);
}

START_TEST(bad_files_are_told_of) {
    unsetenv("LEADSTREAM_NOT_SET");
    ck_assert_int_ge(expect_folder(LEADSTREAM_SOURCE_DIR "/tests/bad/configs", check_config), 50);
}
END_TEST

static struct settings *good(const char *text, const char *path) {
    struct problems problems = {0};
    struct settings *settings = settings_read(bytes_of(text), path, &problems);
    ck_assert_msg(settings != NULL, "%s", problems.n ? problems.list[0].words : "");
    problems_fini(&problems);
    return settings;
}

static const char *kafka_of(const struct settings *settings, const char *name) {
    for (size_t i = 0; i < settings->n_kafka; i++)
        if (!strcmp(settings->kafka[i].name, name))
            return settings->kafka[i].value;
    return "";
}

#define LEAST "model: model.yaml\nkafka: {bootstrap.servers: \"a:1,b:2\"}\nsources: [{topic: t}]\n"

START_TEST(everything_else_has_a_default) {
    struct settings *s = good(LEAST, "leadstream.yaml");
    ck_assert_str_eq(s->model, "model.yaml");
    ck_assert_str_eq(s->generation, "g1");
    ck_assert_str_eq(s->app, "leadstream");
    ck_assert(*s->instance && strlen(s->instance) <= 64);
    ck_assert_int_eq(s->threads, 2);
    ck_assert_str_eq(kafka_of(s, "bootstrap.servers"), "a:1,b:2");
    ck_assert(!s->registry.url && !s->registry.user && !s->registry.password);
    ck_assert_uint_eq(s->n_sources, 1);
    ck_assert(s->sources[0].mapping.shipped && s->sources[0].format == SETTINGS_AVRO && !s->sources[0].trust_partition);
    ck_assert_str_eq(s->outputs.sales_ready, "leadstream.sales-ready");
    ck_assert_int_eq(s->outputs.format, SETTINGS_AVRO);
    ck_assert_int_eq(s->outputs.headers, SETTINGS_HEADERS_NONE);
    ck_assert_int_eq(s->store.memory, INT64_C(256) << 20);
    ck_assert_int_eq(s->batch.max_time, 100);
    ck_assert_int_eq(s->time.future, INT64_C(86400000));
    ck_assert_ptr_null(s->erasure.key_file);
    ck_assert_str_eq(s->http.host, "127.0.0.1");
    ck_assert_int_eq(s->http.port, 9464);
    ck_assert_int_eq(s->stop, SETTINGS_STOP_KEEP);
    settings_free(&s);
}
END_TEST

START_TEST(paths_are_relative_to_the_file) {
    static const char text[] = LEAST "erasure: {key_file: keys/e}\nstore: {path: /var/x}\n";
    struct settings *s = good(text, "/etc/leadstream/main.yaml");
    ck_assert_str_eq(s->model, "/etc/leadstream/model.yaml");
    ck_assert_str_eq(s->erasure.key_file, "/etc/leadstream/keys/e");
    ck_assert_str_eq(s->store.path, "/var/x");
    settings_free(&s);
    s = good(LEAST, "conf/main.yaml");
    ck_assert_str_eq(s->store.path, "conf/var");
    settings_free(&s);
}
END_TEST

static void check_path(const struct mapping_value *value, const char *const *steps) {
    ck_assert_int_eq(value->kind, MAPPING_PATH);
    uint32_t n = 0;
    for (; steps[n]; n++) {
        ck_assert_uint_lt(n, value->n_steps);
        if (steps[n][0] == '[')
            ck_assert(!value->steps[n].name.n && value->steps[n].index == (uint32_t)atoi(steps[n] + 1));
        else
            ck_assert_bytes_eq(value->steps[n].name, steps[n]);
    }
    ck_assert_uint_eq(value->n_steps, n);
}

START_TEST(sources_become_mappings) {
    struct settings *s =
        good("model: m\nkafka: {bootstrap.servers: a}\nsources:\n"
             "  - topic: crm.webhooks\n    format: json\n    trust_partition: true\n"
             "    event: {lead: contact.id, id: 'a[3].b', time: {path: at, unit: us},\n"
             "      type: {path: kind, map: {open: email.opened, click: email.clicked}},\n"
             "      fields: {url: link.href, origin: {value: \"crm\"}, who: {path: x.y}}, machine: meta.bot}\n"
             "  - {topic: b, schema: s.avsc, event: {lead: l, id: i, time: t, type: {value: shop.ordered}}}\n"
             "  - {topic: c, ids: {1: x.avsc, 70000: /y.avsc}}\n",
             "etc/c.yaml");
    const struct mapping *m = &s->sources[0].mapping;
    ck_assert(!m->shipped && s->sources[0].trust_partition && s->sources[0].format == SETTINGS_JSON);
    check_path(&m->lead, (const char *const[]){"contact", "id", NULL});
    check_path(&m->id, (const char *const[]){"a", "[3", "b", NULL});
    check_path(&m->time, (const char *const[]){"at", NULL});
    ck_assert_int_eq(m->time.unit, MAPPING_UNIT_US);
    ck_assert_uint_eq(m->type.n_translations, 2);
    ck_assert_bytes_eq(m->type.translations[1].from, "click");
    ck_assert_bytes_eq(m->type.translations[1].to, "email.clicked");
    ck_assert_uint_eq(m->n_fields, 3);
    ck_assert_int_eq(m->fields[1].value.kind, MAPPING_LITERAL);
    ck_assert_bytes_eq(m->fields[1].value.literal, "crm");
    check_path(&m->fields[2].value, (const char *const[]){"x", "y", NULL});
    check_path(&m->machine, (const char *const[]){"meta", "bot", NULL});
    ck_assert_int_eq(s->sources[1].mapping.type.kind, MAPPING_LITERAL);
    ck_assert_int_eq(s->sources[1].mapping.machine.kind, MAPPING_ABSENT);
    ck_assert_str_eq(s->sources[1].schema, "etc/s.avsc");
    ck_assert_uint_eq(s->sources[2].n_ids, 2);
    ck_assert_uint_eq(s->sources[2].ids[1].id, 70000);
    ck_assert_str_eq(s->sources[2].ids[0].path, "etc/x.avsc");
    ck_assert_str_eq(s->sources[2].ids[1].path, "/y.avsc");
    settings_free(&s);
}
END_TEST

START_TEST(secrets_come_from_elsewhere) {
    char path[] = "/tmp/leadstream-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "hunter2\r\n", 9), 9);
    close(fd);
    setenv("LEADSTREAM_TEST_USER", "ada", 1);
    char text[400];
    snprintf(text, sizeof text,
             "model: m\nsources: [{topic: t}]\nkafka: {bootstrap.servers: a, sasl.password: {file: %s}}\n"
             "registry: {url: u, user: {env: LEADSTREAM_TEST_USER}, password: {file: %s}}\n",
             path, path);
    struct settings *s = good(text, "c.yaml");
    ck_assert_str_eq(kafka_of(s, "sasl.password"), "hunter2");
    ck_assert_str_eq(s->registry.user, "ada");
    ck_assert_str_eq(s->registry.password, "hunter2");
    struct kafka_conf conf = settings_kafka(s, 3);
    ck_assert(conf.n_properties == 2 && conf.worker == 3 && conf.app == s->app);
    ck_assert_uint_eq(conf.fetch_wait, 10); /* a tenth of batch.max_time */
    settings_free(&s);
    unlink(path);
}
END_TEST

/* What the process was started with is in /proc/PID/environ, so that it is not enough to unset a variable. */
START_TEST(a_secret_does_not_stay_in_the_environment) {
    char path[] = "/tmp/leadstream-test-XXXXXX";
    const char text[] = "model: m\nsources: [{topic: t}]\nkafka: {bootstrap.servers: a, sasl.password: {env: LEADSTREAM_S},"
                        " ssl.key.password: {env: LEADSTREAM_S}}\n";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    ck_assert_int_eq(setenv("LEADSTREAM_S", "hunter2", 1), 0);
    const char *value = getenv("LEADSTREAM_S");
    struct problems problems = {0};
    struct settings *s = settings_load(path, &problems);
    ck_assert(s != NULL);
    ck_assert_str_eq(kafka_of(s, "sasl.password"), "hunter2");
    ck_assert_str_eq(kafka_of(s, "ssl.key.password"), "hunter2");
    ck_assert_ptr_null(getenv("LEADSTREAM_S"));
    ck_assert_mem_eq(value, "\0\0\0\0\0\0\0", 8);
    settings_free(&s);
    problems_fini(&problems);
    unlink(path);
}
END_TEST

START_TEST(a_secret_file_that_all_may_read_is_warned_of) {
    static const struct {
        const char *before, *after;
        mode_t mode;
        size_t warnings;
    } cases[] = {
        {"kafka: {bootstrap.servers: a, sasl.password: {file: ", "}}", 0600, 0},
        {"kafka: {bootstrap.servers: a, sasl.password: {file: ", "}}", 0640, 0},
        {"kafka: {bootstrap.servers: a, sasl.password: {file: ", "}}", 0644, 1},
        {"kafka: {bootstrap.servers: a, sasl.password: {file: ", "}}", 0602, 1},
        {"kafka: {bootstrap.servers: a, ssl.key.location: ", "}", 0604, 1},
        {"kafka: {bootstrap.servers: a, ssl.ca.location: ", "}", 0604, 0},
        {"kafka: {bootstrap.servers: a}\nerasure: {key_file: ", "}", 0644, 1},
    };
    char path[] = "/tmp/leadstream-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "hunter2\n", 8), 8);
    close(fd);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[400];
        snprintf(text, sizeof text, "model: m\nsources: [{topic: t}]\n%s%s%s\n", cases[i].before, path, cases[i].after);
        ck_assert_int_eq(chmod(path, cases[i].mode), 0);
        struct problems problems = {0};
        struct settings *s = settings_read(bytes_of(text), "c.yaml", &problems);
        ck_assert_msg(s != NULL, "case %zu", i);
        size_t warnings = 0;
        for (size_t k = 0; k < problems.n; k++)
            warnings += strstr(problems.list[k].words, "open to every user") != NULL;
        ck_assert_msg(warnings == cases[i].warnings, "case %zu: %zu warnings", i, warnings);
        settings_free(&s);
        problems_fini(&problems);
    }
    unlink(path);
}
END_TEST

START_TEST(places_to_listen) {
    static const struct {
        const char *listen, *host;
        int64_t port;
    } cases[] = {{"0.0.0.0:80", "0.0.0.0", 80},
                 {"'[::1]:0'", "::1", 0},
                 {"localhost:9464", "localhost", 9464},
                 {"none", NULL, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[300];
        snprintf(text, sizeof text, LEAST "http: {listen: %s}\n", cases[i].listen);
        struct settings *s = good(text, "c.yaml");
        ck_assert_int_eq(s->http.port, cases[i].port);
        ck_assert((s->http.listen == NULL) == (cases[i].host == NULL));
        if (cases[i].host)
            ck_assert_str_eq(s->http.host, cases[i].host);
        settings_free(&s);
    }
}
END_TEST

/* ---- the shipped file ---- */

static char *read_file(const char *path) {
    char *text = calloc(1, 64 * 1024);
    FILE *file = fopen(path, "r");
    ck_assert(text && file);
    ck_assert(fread(text, 1, 64 * 1024 - 1, file) > 0);
    fclose(file);
    return text;
}

/* A parameter's value in two settings is the same. */
static bool same_value(const struct param *param, const struct settings *a, const struct settings *b) {
    const char *x = (const char *)a + param->offset, *y = (const char *)b + param->offset;
    if (param->type <= PARAM_SECRET) {
        const char *p = *(const char *const *)(const void *)x, *q = *(const char *const *)(const void *)y;
        return p == q || (p && q && !strcmp(p, q));
    }
    return param->type == PARAM_CHOICE ? !memcmp(x, y, sizeof(int)) : !memcmp(x, y, sizeof(int64_t));
}

START_TEST(the_shipped_file_shows_every_key_and_its_default) {
    static const char path[] = LEADSTREAM_SOURCE_DIR "/config/leadstream.yaml";
    struct problems problems = {0};
    struct settings *shipped = settings_load(path, &problems);
    ck_assert_msg(shipped != NULL && problems.n == 1, "%s", problems.n ? problems.list[0].words : "");
    struct settings *least = good(LEAST, path);
    char *text = read_file(path);
    size_t n;
    const struct param *params = settings_params(&n);
    for (size_t i = 0; i < n; i++) {
        const char *dot = strrchr(params[i].name, '.');
        char key[64];
        snprintf(key, sizeof key, "%s:", dot ? dot + 1 : params[i].name);
        ck_assert_msg(strstr(text, key) != NULL, "config/leadstream.yaml does not show %s", params[i].name);
        if (params[i].type != PARAM_PART)
            ck_assert_msg(same_value(&params[i], shipped, least), "config/leadstream.yaml: %s is not the default",
                          params[i].name);
    }
    free(text);
    settings_free(&shipped);
    settings_free(&least);
    problems_fini(&problems);
}
END_TEST

/* What stands in comments there is good, too. */
START_TEST(the_shipped_files_examples_are_good) {
    char *text = read_file(LEADSTREAM_SOURCE_DIR "/config/leadstream.yaml");
    struct expect_text bare = {0};
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *hash = strstr(line, "# ");
        bool example = hash && strspn(line, " ") == (size_t)(hash - line) &&
                       (strstr(hash, "# - ") || strstr(hash, "#   ") || strstr(hash, "# instance:") ||
                        strstr(hash, "# registry:"));
        if (example)
            expect_put(&bare, "%.*s%s\n", (int)(hash - line), line, hash + 2);
        else if (!hash || hash != line)
            expect_put(&bare, "%s\n", line);
    }
    setenv("REGISTRY_PASSWORD", "hunter2", 1);
    struct settings *s = good(bare.at, "leadstream.yaml");
    ck_assert_uint_eq(s->n_sources, 10);
    ck_assert_str_eq(s->instance, "worker-a");
    ck_assert_str_eq(s->registry.password, "hunter2");
    settings_free(&s);
    free(bare.at);
    free(text);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, bad_files_are_told_of);
    tcase_add_test(all, everything_else_has_a_default);
    tcase_add_test(all, paths_are_relative_to_the_file);
    tcase_add_test(all, sources_become_mappings);
    tcase_add_test(all, secrets_come_from_elsewhere);
    tcase_add_test(all, a_secret_does_not_stay_in_the_environment);
    tcase_add_test(all, a_secret_file_that_all_may_read_is_warned_of);
    tcase_add_test(all, places_to_listen);
    tcase_add_test(all, the_shipped_file_shows_every_key_and_its_default);
    tcase_add_test(all, the_shipped_files_examples_are_good);
}

SUITE_MAIN("settings", add)
