/* `check` as a user sees it: exit codes, and what stands on the two streams. */
#define _XOPEN_SOURCE 700 /* mkdtemp, strdup */

#include "app/cmd.h"
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONFIG LEADSTREAM_SOURCE_DIR "/config/leadstream.yaml"
#define MODEL LEADSTREAM_SOURCE_DIR "/config/model.yaml"

enum { MOST_TEXT = 64 * 1024, MOST_ARGS = 8 };
static char out[MOST_TEXT], err[MOST_TEXT];
static char folder[] = "/tmp/leadstream-check-XXXXXX";

static void read_back(const char *path, char *text) {
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    text[fread(text, 1, MOST_TEXT - 1, file)] = 0;
    fclose(file);
}

static const char *in_folder(const char *name, char path[256]) {
    snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text) {
    char path[256];
    FILE *file = fopen(in_folder(name, path), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* Runs `check` with arguments up to a NULL; its streams go to `out` and `err`. */
static int check(const char *const *arguments) {
    char *argv[MOST_ARGS + 1] = {strdup("check")};
    int argc = 1;
    for (; arguments[argc - 1]; argc++)
        argv[argc] = strdup(arguments[argc - 1]);
    char out_path[256], err_path[256];
    int saved[] = {dup(1), dup(2)};
    fflush(NULL);
    ck_assert(freopen(in_folder("out", out_path), "w", stdout) && freopen(in_folder("err", err_path), "w", stderr));
    int code = cmd_check(argc, argv);
    fflush(NULL);
    dup2(saved[0], 1);
    dup2(saved[1], 2);
    close(saved[0]);
    close(saved[1]);
    read_back(out_path, out);
    read_back(err_path, err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return code;
}
#define CHECK(...) check((const char *const[]){__VA_ARGS__, NULL})

static void setup(void) {
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void) {
    static const char *const names[] = {"out", "err", "c.yaml", "m.yaml", "good.avsc", "bad.avsc", "other.avsc", "key"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_folder(names[i], path));
    snprintf(path, sizeof path, "rm -rf %s/tls", folder);
    ck_assert_int_eq(system(path), 0);
    rmdir(folder);
}

START_TEST(the_shipped_files_are_good) {
    ck_assert_int_eq(CHECK("-c", CONFIG), EXIT_DONE);
    ck_assert_ptr_nonnull(strstr(out, "model b2b-saas, version 3, fingerprint "));
    ck_assert_ptr_nonnull(strstr(out, "at worst a lead takes "));
    ck_assert_ptr_nonnull(strstr(err, "warning: no erasure.key_file"));
    ck_assert_int_eq(CHECK("--model", MODEL), EXIT_DONE);
    ck_assert_str_eq(err, "");
}
END_TEST

START_TEST(usage_is_two) {
    ck_assert_int_eq(CHECK("--nonsense"), EXIT_USAGE);
    ck_assert_int_eq(CHECK("-c"), EXIT_USAGE);
    ck_assert_int_eq(CHECK("config.yaml"), EXIT_USAGE);
    ck_assert_str_eq(err, "leadstream check: \"config.yaml\" is not an option (for files: -c CONFIG, -m MODEL)\n");
    ck_assert_int_eq(CHECK("--broker", "-m", MODEL), EXIT_USAGE);
    ck_assert_int_eq(check((const char *const[]){NULL}), EXIT_USAGE);
    ck_assert_int_eq(CHECK("--help"), EXIT_DONE);
    ck_assert_ptr_nonnull(strstr(out, "example: leadstream check"));
}
END_TEST

START_TEST(the_tables_print) {
    ck_assert_int_eq(CHECK("--params", "--metrics"), EXIT_DONE);
    ck_assert_ptr_nonnull(strstr(out, "store.memory "));
    ck_assert_ptr_nonnull(strstr(out, "leadstream_events_total "));
}
END_TEST

START_TEST(errors_of_both_files_are_told) {
    write_file("c.yaml", "model: m.yaml\nthreads: 0\nkafka: {bootstrap.servers: a}\nsources: [{topic: t}]\n");
    write_file("m.yaml", "model: m\nversion: 0\nstages: []\n");
    char config[256], model[256];
    ck_assert_int_eq(CHECK("-c", in_folder("c.yaml", config), "-m", in_folder("m.yaml", model)), EXIT_INPUT);
    ck_assert_ptr_nonnull(strstr(err, "c.yaml:2:10: threads \"0\" is out of range (1 to 64)\n"));
    ck_assert_ptr_nonnull(strstr(err, "m.yaml:2:10: version \"0\" is out of range (1 to 2147483647)\n"));
    ck_assert_ptr_nonnull(strstr(err, "m.yaml:3:9: stages is an empty list"));
    ck_assert_str_eq(out, "");
    char all[MOST_TEXT];
    memcpy(all, err, sizeof all);
    ck_assert_int_eq(CHECK("-c", config), EXIT_INPUT); /* the model is named by a file that is wrong itself */
    ck_assert_str_eq(err, all);
    write_file("c.yaml", "model: [m.yaml]\nthreads: 0\n");
    ck_assert_int_eq(CHECK("-c", config), EXIT_INPUT);
    ck_assert_ptr_nonnull(strstr(err, "c.yaml:2:10: threads"));
    ck_assert_int_eq(CHECK("-c", "/nowhere/c.yaml"), EXIT_INPUT);
    ck_assert_str_eq(err, "/nowhere/c.yaml: cannot be opened: No such file or directory\n");
}
END_TEST

START_TEST(files_that_are_named_are_read) {
    write_file("m.yaml", "model: m\nversion: 1\n");
    write_file("good.avsc", "{\"type\":\"record\",\"name\":\"a\",\"fields\":[{\"name\":\"l\",\"type\":\"string\"},"
                            "{\"name\":\"i\",\"type\":\"string\"},{\"name\":\"t\",\"type\":\"long\"}]}");
    write_file("other.avsc", "{\"type\":\"record\",\"name\":\"b\",\"fields\":[{\"name\":\"l\",\"type\":\"string\"}]}");
    write_file("bad.avsc", "{\"type\":");
    write_file("key", "short");
    write_file("c.yaml",
               "model: m.yaml\nkafka: {bootstrap.servers: a}\nerasure: {key_file: key}\nsources:\n"
               "  - {topic: a, schema: good.avsc, event: {lead: l, id: i, time: t, type: {value: x}}}\n"
               "  - {topic: b, ids: {1: other.avsc, 2: bad.avsc, 3: none.avsc}, event: {lead: l, id: i, time: t,"
               " type: {value: x}}}\n");
    char config[256];
    ck_assert_int_eq(CHECK("-c", in_folder("c.yaml", config)), EXIT_INPUT);
    ck_assert_ptr_null(strstr(err, "source \"a\""));
    ck_assert_ptr_nonnull(strstr(err, "c.yaml: source \"b\": "));
    ck_assert_ptr_nonnull(strstr(err, "other.avsc: id: the schema b has nothing at \"i\"\n"));
    ck_assert_ptr_nonnull(strstr(err, "bad.avsc: schema: line 1"));
    ck_assert_ptr_nonnull(strstr(err, "none.avsc: cannot be read: No such file or directory\n"));
    ck_assert_ptr_nonnull(strstr(err, "key: "));
    ck_assert_ptr_nonnull(strstr(out, "m.yaml: good\n"));
}
END_TEST

static void check_kafka(const char *properties) {
    char text[2048], config[256];
    snprintf(text, sizeof text, "model: m.yaml\nkafka: {bootstrap.servers: \"127.0.0.1:1\", %s}\nsources: [{topic: t}]\n",
             properties);
    write_file("m.yaml", "model: m\nversion: 1\n");
    write_file("c.yaml", text);
    CHECK("-c", in_folder("c.yaml", config));
}

/* What a client says of them comes too late: at the start, and in OpenSSL's words. */
START_TEST(files_of_certificates_are_missed) {
    check_kafka("ssl.ca.location: /nowhere/ca.pem, ssl.certificate.location: /nowhere/us.crt, ssl.key.location:"
                " /nowhere/us.key");
    ck_assert_ptr_nonnull(strstr(err, "c.yaml: kafka: ssl.ca.location: file \"/nowhere/ca.pem\" cannot be opened: No such"
                                      " file or directory (a path under `kafka:` counts from the folder"));
    ck_assert_ptr_nonnull(strstr(err, "ssl.certificate.location: file \"/nowhere/us.crt\" cannot be opened"));
    ck_assert_ptr_nonnull(strstr(err, "ssl.key.location: file \"/nowhere/us.key\" cannot be opened"));
    ck_assert_ptr_null(strstr(out, "c.yaml: good"));
    write_file("c.yaml", "model: m.yaml\nkafka: {bootstrap.servers: a}\nsources: [{topic: t}]\n"
                         "registry: {url: \"https://here\", ca_file: none.pem}\n");
    char config[256];
    ck_assert_int_eq(CHECK("-c", in_folder("c.yaml", config)), EXIT_INPUT);
    ck_assert_ptr_nonnull(strstr(err, "none.pem: registry.ca_file cannot be read: No such file or directory"));
}
END_TEST

static void make_certificates(void) {
    char command[1024];
    snprintf(command, sizeof command,
             "exec >/dev/null 2>&1; bash " LEADSTREAM_SOURCE_DIR "/ops/kafka/certificates.sh %s/tls && cd %s/tls &&"
             " openssl ec -in client.key -aes128 -passout pass:right -out locked.key && echo -n wrong >wrong &&"
             " echo -n right >right",
             folder, folder);
    ck_assert_int_eq(system(command), 0);
}

static const struct {
    const char *certificate, *key, *password;
    const char *words; /* NULL: all is well */
} pairs[] = {
    {"client.crt", "client.key", NULL, NULL},
    {"client.crt", "locked.key", "right", NULL},
    {"client.crt", "locked.key", "wrong", "ssl.key.location failed"},
    {"client.crt", "server.key", NULL, "key values mismatch"},
    {"wrong", "client.key", NULL, "ssl.certificate.location failed"},
};

START_TEST(certificates_that_do_not_fit_are_told_without_a_broker) {
    char text[1024], password[300] = "";
    make_certificates();
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (pairs[i].password)
            snprintf(password, sizeof password, ", ssl.key.password: {file: %s/tls/%s}", folder, pairs[i].password);
        snprintf(text, sizeof text,
                 "security.protocol: ssl, ssl.ca.location: %s/tls/ca.pem, ssl.certificate.location: %s/tls/%s,"
                 " ssl.key.location: %s/tls/%s%s",
                 folder, folder, pairs[i].certificate, folder, pairs[i].key, pairs[i].password ? password : "");
        check_kafka(text);
        if (pairs[i].words)
            ck_assert_msg(strstr(err, pairs[i].words) && !strstr(out, "c.yaml: good"), "%zu: %s", i, err);
        else
            ck_assert_msg(strstr(out, "c.yaml: good"), "%zu: %s", i, err);
        ck_assert_msg(!strstr(err, "level="), "%zu: %s", i, err); /* nothing but what concerns the user */
    }
}
END_TEST

/* librdkafka finds them out only when a consumer or a producer is made, and `run` ends there. */
START_TEST(properties_that_contradict_each_other_are_told_without_a_broker) {
    static const struct {
        const char *kafka, *words;
    } clashes[] = {
        {"acks: 1", "`acks` must be set to `all`"},
        {"retries: 0", "`retries` must be set >= 1"},
        {"max.poll.interval.ms: 10", "must be >= `session.timeout.ms`"},
        {"socket.timeout.ms: 300000", "must be set <= `transaction.timeout.ms`"},
        {"acks: all, socket.timeout.ms: 5000, linger.ms: 5, debug: all, security.protocol: sasl_plaintext", NULL},
    };
    for (size_t i = 0; i < sizeof clashes / sizeof *clashes; i++) {
        check_kafka(clashes[i].kafka);
        if (clashes[i].words)
            ck_assert_msg(strstr(err, clashes[i].words) && !strstr(out, "c.yaml: good"), "%zu: %s", i, err);
        else
            ck_assert_msg(strstr(out, "c.yaml: good"), "%zu: %s", i, err);
        ck_assert_msg(!strstr(err, "level="), "%zu: %s", i, err);
    }
}
END_TEST

/* `run` would refuse it: `check` must not call it good. */
START_TEST(a_registry_has_an_address) {
    write_file("m.yaml", "model: m\nversion: 1\n");
    write_file("c.yaml", "model: m.yaml\nkafka: {bootstrap.servers: a}\nsources: [{topic: t}]\n"
                         "registry: {url: \"ftp://here\"}\n");
    char config[256];
    ck_assert_int_eq(CHECK("-c", in_folder("c.yaml", config)), EXIT_INPUT);
    ck_assert_ptr_nonnull(strstr(err, "c.yaml: registry.url is not of the form http://host:port"));
}
END_TEST

static void add(TCase *all) {
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, the_shipped_files_are_good);
    tcase_add_test(all, usage_is_two);
    tcase_add_test(all, the_tables_print);
    tcase_add_test(all, errors_of_both_files_are_told);
    tcase_add_test(all, files_that_are_named_are_read);
    tcase_add_test(all, files_of_certificates_are_missed);
    tcase_add_test(all, certificates_that_do_not_fit_are_told_without_a_broker);
    tcase_add_test(all, properties_that_contradict_each_other_are_told_without_a_broker);
    tcase_add_test(all, a_registry_has_an_address);
}

SUITE_MAIN("cmd_check", add)
