/* What only a store on disk can meet: other owners, damage, full disks, kill -9. Each refusal has its code and names
 * its remedy, and nothing is deleted.
 *
 * The test program is its own helper: called with words it plays another process, and so needs no fork of a process in
 * which RocksDB has threads. */
#define _XOPEN_SOURCE 700
#include "adapters/rocks_db.h"
#include "rocks_roles.h"
#include "store_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NONE LEAD_NO_DUE
enum { NOBODY = 65534 };

/* Runs this program as another process: "<role> <path>"; returns its exit code, or 128 + the signal. */
extern char **environ;

static int play(const char *role, const char *path) {
    char self[] = "/proc/self/exe";
    char *argv[] = {self, strdup(role), strdup(path), NULL};
    pid_t pid;
    int status;
    ck_assert_int_eq(posix_spawn(&pid, self, NULL, NULL, argv, environ), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    free(argv[1]);
    free(argv[2]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The store must not open; its words must have both texts. */
static void refused(struct fixture *f, enum err_code code, const char *why, const char *remedy) {
    struct err e = {.code = ERR_NONE};
    struct rocks_store *rs = rocks_store_open(&f->options, &e);
    ck_assert_msg(rs == NULL, "it opened");
    ck_assert_msg(e.code == code, "%s: %s: %s", err_name(e.code), e.where, e.words);
    ck_assert_msg(strstr(e.words, why) != NULL, "\"%s\" is not in: %s", why, e.words);
    ck_assert_msg(strstr(e.words, remedy) != NULL, "\"%s\" is not in: %s", remedy, e.words);
    ck_assert_msg(strncmp(e.where, f->path, strlen(f->path)) == 0, "%s", e.where);
}

/* A store with a thousand leads, closed. */
static void filled(struct fixture *f) {
    char key[16];
    fixture_init(f, FIXTURE_ROCKS);
    fixture_take(&f->a, 0);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "L%04d", i);
        struct store_put put = fixture_put(key, "a value that is a little longer than its key", 1000 + i, NONE);
        fixture_write(&f->a, 0, &put, 1, i + 1);
    }
    f->a.close(f->a.self, 0);
    fixture_close(f);
}

/* The first file in the store's directory whose name begins or ends so; false: none. */
static bool find_file(const struct fixture *f, const char *text, char path[640]) {
    char dir[300];
    snprintf(dir, sizeof dir, "%s/g1", f->path);
    DIR *entries = opendir(dir);
    ck_assert_ptr_nonnull(entries);
    bool found = false;
    for (struct dirent *entry; !found && (entry = readdir(entries));) {
        found = strstr(entry->d_name, text) != NULL;
        snprintf(path, 640, "%s/%s", dir, entry->d_name);
    }
    closedir(entries);
    return found;
}

static void damage(const char *path) {
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    long n = ftell(file);
    for (long at = 10; at < n; at += 20) {
        fseek(file, at, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 0x55, file);
    }
    fclose(file);
}

START_TEST(another_process_has_it) {
    struct fixture f;
    fixture_init(&f, FIXTURE_ROCKS);
    refused(&f, ERR_REFUSED, "this process has the store open", "a store.path each");
    ck_assert_int_eq(play("open-is-refused", f.path), 0);
    fixture_fini(&f);
}
END_TEST

START_TEST(of_another_cluster_app_or_generation) {
    struct fixture f;
    filled(&f);
    f.options.cluster_id = "cluster-2";
    refused(&f, ERR_REFUSED, "\"cluster-1\", but the brokers are cluster \"cluster-2\"", "kafka.bootstrap.servers");
    f.options.cluster_id = "cluster-1";
    f.options.app = "other";
    refused(&f, ERR_REFUSED, "app \"leadstream\", not \"other\"", "store.path");
    f.options.app = "leadstream";
    char from[300], to[300];
    snprintf(from, sizeof from, "%s/g1", f.path);
    snprintf(to, sizeof to, "%s/g2", f.path);
    ck_assert_int_eq(rename(from, to), 0);
    f.options.generation = "g2";
    refused(&f, ERR_REFUSED, "generation \"g1\", not \"g2\"", "`generation: g1`");
    ck_assert_int_eq(rename(to, from), 0);
    f.options.generation = "g1";
    f.options.cluster_id = NULL;
    fixture_open(&f);
    ck_assert(fixture_take(&f.a, 0).upto == 1000);
    f.a.close(f.a.self, 0);
    fixture_fini(&f);
}
END_TEST

START_TEST(a_store_without_a_cluster_takes_the_first_that_it_meets) {
    struct fixture f;
    filled(&f);
    fixture_remove(f.path);
    f.options.cluster_id = NULL;
    fixture_open(&f);
    fixture_close(&f);
    f.options.cluster_id = "cluster-7";
    fixture_open(&f);
    fixture_close(&f);
    f.options.cluster_id = "cluster-8";
    refused(&f, ERR_REFUSED, "\"cluster-7\"", "kafka.bootstrap.servers");
    fixture_fini(&f);
}
END_TEST

START_TEST(of_a_newer_format) {
    struct fixture f;
    filled(&f);
    ck_assert_int_eq(play("make-newer", f.path), 0);
    refused(&f, ERR_REFUSED, "format 99, newer than this version's 1", "run the newer leadstream");
    ck_assert_int_eq(play("add-family", f.path), 0);
    refused(&f, ERR_REFUSED, "parts that this version does not know", "run the newer leadstream");
    fixture_fini(&f);
}
END_TEST

START_TEST(not_a_store_of_ours) {
    struct fixture f;
    fixture_init(&f, FIXTURE_ROCKS);
    fixture_close(&f);
    ck_assert_int_eq(play("make-foreign", f.path), 0);
    refused(&f, ERR_REFUSED, "leadstream did not make", "store.path");
    fixture_fini(&f);
}
END_TEST

START_TEST(damaged_tables_are_noticed) {
    struct fixture f;
    char path[640];
    filled(&f);
    /* Opened once more the log becomes tables. */
    fixture_open(&f);
    fixture_close(&f);
    while (find_file(&f, ".log", path))
        unlink(path);
    ck_assert(find_file(&f, ".sst", path));
    char dir[300];
    snprintf(dir, sizeof dir, "%s/g1", f.path);
    DIR *entries = opendir(dir);
    for (struct dirent *entry; (entry = readdir(entries));) {
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (strstr(entry->d_name, ".sst"))
            damage(path);
    }
    closedir(entries);
    struct err e = {.code = ERR_NONE};
    f.rocks = rocks_store_open(&f.options, &e);
    if (f.rocks) {
        struct store_shard state;
        struct bytes key = bytes_of("L0500"), value;
        f.a = rocks_store_port(f.rocks, 0);
        if (f.a.open(f.a.self, 0, &state, &e)) {
            ck_assert(!f.a.load(f.a.self, 0, &key, 1, &value, &e));
            f.a.close(f.a.self, 0);
        }
    }
    ck_assert_msg(e.code == ERR_CORRUPT, "%s: %s", err_name(e.code), e.words);
    ck_assert_ptr_nonnull(strstr(e.words, "rebuild from the changelog"));
    fixture_fini(&f);
}
END_TEST

START_TEST(a_damaged_list_of_files_is_noticed) {
    struct fixture f;
    char path[640];
    filled(&f);
    ck_assert(find_file(&f, "MANIFEST-", path));
    damage(path);
    refused(&f, ERR_CORRUPT, "damaged", "rebuild from the changelog");
    ck_assert_msg(access(path, F_OK) == 0, "it is still there");
    fixture_fini(&f);
}
END_TEST

START_TEST(tables_without_a_list_of_files_are_not_thrown_away) {
    struct fixture f;
    char path[640], current[300];
    filled(&f);
    snprintf(current, sizeof current, "%s/g1/CURRENT", f.path);
    ck_assert_int_eq(unlink(current), 0);
    refused(&f, ERR_CORRUPT, "CURRENT is missing", "rebuild from the changelog");
    ck_assert(find_file(&f, "MANIFEST-", path));
    fixture_fini(&f);
}
END_TEST

/* kill -9 in the first moments of a store leaves this. Nothing was in it, so it is made again, without a person. */
START_TEST(a_store_that_was_not_yet_made_is_made) {
    static const char *const left[] = {"MANIFEST-000001", "000001.dbtmp", "IDENTITY", "LOCK"};
    struct fixture f;
    struct err e;
    char path[640];
    fixture_init(&f, FIXTURE_ROCKS);
    fixture_close(&f);
    f.options.generation = "g2";
    snprintf(path, sizeof path, "%s/g2", f.path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        snprintf(path, sizeof path, "%s/g2/%s", f.path, left[i]);
        FILE *file = fopen(path, "w");
        ck_assert(file && fputs("half of it", file) >= 0);
        fclose(file);
    }
    struct rocks_store *rs = rocks_store_open(&f.options, &e);
    ck_assert_msg(rs != NULL, "%s", e.words);
    rocks_store_close(&rs);
    fixture_fini(&f);
}
END_TEST

START_TEST(a_missing_table_is_noticed) {
    struct fixture f;
    char path[640];
    filled(&f);
    fixture_open(&f);
    fixture_close(&f);
    while (find_file(&f, ".sst", path))
        unlink(path);
    refused(&f, ERR_CORRUPT, "a file of the store is missing", "rebuild from the changelog");
    fixture_fini(&f);
}
END_TEST

START_TEST(kill_9_loses_nothing_that_was_written) {
    struct fixture f;
    fixture_init(&f, FIXTURE_ROCKS);
    fixture_close(&f);
    ck_assert_int_eq(play("write-and-die", f.path), 128 + SIGKILL);
    fixture_open(&f);
    ck_assert(fixture_take(&f.a, 0).upto == 42);
    fixture_expect(&f.a, 0, "La", "1");
    fixture_expect(&f.a, 0, "Lhalf", NULL);
    fixture_expect_due(&f.a, 0, 100, "7 La");
    ck_assert(fixture_take(&f.a, 1).upto == 42);
    fixture_expect(&f.a, 1, "Llast", "1");
    f.a.close(f.a.self, 1);
    /* The build that died is swept by the next. */
    struct store_shard state = {.known = true, .upto = 43};
    ck_assert(f.a.build(f.a.self, 0, NULL));
    ck_assert(f.a.build_done(f.a.self, 0, &state, NULL));
    fixture_expect(&f.a, 0, "La", NULL);
    fixture_expect(&f.a, 0, "Lhalf", NULL);
    f.a.close(f.a.self, 0);
    fixture_fini(&f);
}
END_TEST

/* Keys in a family of a closed store, whatever build they belong to. */
static size_t count_keys(const struct fixture *f, enum rocks_family family) {
    struct rocks_db db;
    char dir[300];
    size_t n = 0;
    snprintf(dir, sizeof dir, "%s/g1", f->path);
    ck_assert(rocks_db_open(&db, dir, 0, false, NULL));
    rocksdb_iterator_t *all = rocksdb_create_iterator_cf(db.db, db.read, db.family[family]);
    for (rocksdb_iter_seek_to_first(all); rocksdb_iter_valid(all); rocksdb_iter_next(all))
        n++;
    rocksdb_iter_destroy(all);
    rocks_db_close(&db);
    return n;
}

START_TEST(a_write_without_ownership_ends_the_process) {
    struct fixture f;
    fixture_init(&f, FIXTURE_ROCKS);
    fixture_close(&f);
    ck_assert_int_eq(play("write-unowned", f.path), 128 + SIGABRT);
    fixture_fini(&f);
}
END_TEST

START_TEST(a_build_leaves_nothing_of_the_one_before) {
    struct fixture f;
    struct store_shard state = {.known = true};
    struct store_put put = fixture_put("La", "new", 9, NONE);
    filled(&f);
    ck_assert_uint_eq(count_keys(&f, ROCKS_LEADS), 1000);
    fixture_open(&f);
    fixture_take(&f.a, 0);
    ck_assert(f.a.build(f.a.self, 0, NULL));
    ck_assert(f.a.build_put(f.a.self, 0, &put, 1, NULL));
    ck_assert(f.a.build_done(f.a.self, 0, &state, NULL));
    f.a.close(f.a.self, 0);
    fixture_close(&f);
    ck_assert_uint_eq(count_keys(&f, ROCKS_LEADS), 1);
    ck_assert_uint_eq(count_keys(&f, ROCKS_TIMERS), 1);
    fixture_fini(&f);
}
END_TEST

START_TEST(without_permission) {
    struct fixture f;
    char dir[300];
    filled(&f);
    snprintf(dir, sizeof dir, "%s/g1", f.path);
    if (geteuid() == 0) {
        ck_assert_int_eq(chmod(f.path, 0711), 0);
        ck_assert_int_eq(play("open-as-nobody", f.path), 0);
        ck_assert_int_eq(chown(dir, NOBODY, NOBODY), 0);
        refused(&f, ERR_DISK, "belongs to user 65534, but this process is user 0", "run as the owner");
    } else {
        ck_assert_int_eq(chmod(dir, 0), 0);
        refused(&f, ERR_DISK, "permission denied", "give the directory to that user");
        ck_assert_int_eq(chmod(dir, 0500), 0);
        refused(&f, ERR_DISK, "permission denied", "give the directory to that user");
        ck_assert_int_eq(chmod(dir, 0700), 0);
    }
    fixture_fini(&f);
}
END_TEST

START_TEST(a_path_that_is_a_file) {
    struct fixture f;
    char file[300];
    fixture_init(&f, FIXTURE_ROCKS);
    fixture_close(&f);
    snprintf(file, sizeof file, "%s/file", f.path);
    fclose(fopen(file, "w"));
    f.options.path = file;
    refused(&f, ERR_DISK, "is a file", "store.path");
    f.options.path = f.path;
    f.options.generation = "../g1";
    refused(&f, ERR_CONFIG, "\"../g1\"", "use letters");
    fixture_fini(&f);
}
END_TEST

START_TEST(the_directory_is_ours_alone) {
    struct fixture f;
    struct stat st;
    char dir[300];
    fixture_init(&f, FIXTURE_ROCKS);
    fixture_close(&f);
    snprintf(dir, sizeof dir, "%s/deep/er", f.path);
    f.options.path = dir;
    fixture_open(&f);
    fixture_close(&f);
    ck_assert_int_eq(stat(dir, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0700);
    f.options.path = f.path;
    fixture_fini(&f);
}
END_TEST

/* Files may not grow past a limit, which is how a full disk looks to a process that may not mount one. */
START_TEST(a_full_disk) {
    struct fixture f;
    filled(&f);
    ck_assert_int_eq(play("fill-disk", f.path), 0);
    ck_assert_int_eq(play("fill-small-disk", f.path), 0);
    fixture_open(&f);
    ck_assert(fixture_take(&f.a, 0).upto >= 1000);
    fixture_expect(&f.a, 0, "L0500", "a value that is a little longer than its key");
    f.a.close(f.a.self, 0);
    fixture_fini(&f);
}
END_TEST

START_TEST(inspecting_beside_the_daemon_and_at_rest) {
    struct fixture f;
    filled(&f);
    fixture_open(&f);
    fixture_take(&f.a, 0);
    ck_assert_int_eq(play("inspect", f.path), 0);
    fixture_expect_due(&f.a, 0, 1000, "1000 L0000");
    f.a.close(f.a.self, 0);
    fixture_close(&f);
    ck_assert_int_eq(play("inspect", f.path), 0);
    f.options.read_only = true;
    f.options.generation = "g2";
    refused(&f, ERR_REFUSED, "no store here", "check store.path and generation");
    fixture_fini(&f);
}
END_TEST

START_TEST(the_shards_of_a_store_are_listed) {
    struct fixture f;
    uint32_t shards[4] = {0};
    size_t n;
    filled(&f);
    fixture_open(&f);
    fixture_take(&f.a, 300);
    fixture_write(&f.a, 300, NULL, 0, 1);
    f.a.close(f.a.self, 300);
    ck_assert(rocks_store_shards(f.rocks, shards, 4, &n, NULL));
    ck_assert(n == 2 && shards[0] == 0 && shards[1] == 300);
    struct metric_set *figures = metric_set_new(&rocks_store_metrics, "");
    rocks_store_report(f.rocks, figures);
    ck_assert(metric_get(figures, ROCKS_STORE_MEMORY) > 0 && metric_get(figures, ROCKS_STORE_STALLS) == 0);
    ck_assert(metric_get(figures, ROCKS_STORE_DISK) > 0);
    metric_set_free(&figures);
    fixture_fini(&f);
}
END_TEST

/* Tables of leads that wait to be merged. */
static long waiting(const struct rocks_db *db) {
    char *text = rocksdb_property_value_cf(db->db, db->family[ROCKS_LEADS], "rocksdb.num-files-at-level0");
    ck_assert_ptr_nonnull(text);
    long n = strtol(text, NULL, 10);
    rocksdb_free(text);
    return n;
}

START_TEST(leads_are_compacted_once_a_start_is_over) {
    char path[256], *message = NULL;
    struct rocks_db db;
    struct err e;
    fixture_directory(path);
    ck_assert_msg(rocks_db_open(&db, path, ROCKS_DB_MIN_MEMORY, false, &e), "%s", e.words);
    rocksdb_flushoptions_t *flush = rocksdb_flushoptions_create();
    for (int i = 0; i < 12; i++) {
        rocksdb_put_cf(db.db, db.write, db.family[ROCKS_LEADS], "a lead", 6, "its value", 9, &message);
        ck_assert_ptr_null(message);
        rocksdb_flush_cf(db.db, flush, db.family[ROCKS_LEADS], &message);
        ck_assert_ptr_null(message);
    }
    rocksdb_flushoptions_destroy(flush);
    nanosleep(&(struct timespec){0, 100000000}, NULL); /* in which a merge that was due would have begun */
    ck_assert_int_eq(waiting(&db), 12);
    ck_assert_msg(rocks_db_restored(&db, &e), "%s", e.words);
    for (int i = 0; waiting(&db) > 1; i++) {
        ck_assert_int_lt(i, 2000);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    rocks_db_close(&db);
    fixture_remove(path);
}
END_TEST

static void add(TCase *all) {
    tcase_add_test(all, another_process_has_it);
    tcase_add_test(all, of_another_cluster_app_or_generation);
    tcase_add_test(all, a_store_without_a_cluster_takes_the_first_that_it_meets);
    tcase_add_test(all, of_a_newer_format);
    tcase_add_test(all, not_a_store_of_ours);
    tcase_add_test(all, damaged_tables_are_noticed);
    tcase_add_test(all, a_damaged_list_of_files_is_noticed);
    tcase_add_test(all, tables_without_a_list_of_files_are_not_thrown_away);
    tcase_add_test(all, a_store_that_was_not_yet_made_is_made);
    tcase_add_test(all, a_missing_table_is_noticed);
    tcase_add_test(all, kill_9_loses_nothing_that_was_written);
    tcase_add_test(all, a_write_without_ownership_ends_the_process);
    tcase_add_test(all, a_build_leaves_nothing_of_the_one_before);
    tcase_add_test(all, without_permission);
    tcase_add_test(all, a_path_that_is_a_file);
    tcase_add_test(all, the_directory_is_ours_alone);
    tcase_add_test(all, a_full_disk);
    tcase_add_test(all, inspecting_beside_the_daemon_and_at_rest);
    tcase_add_test(all, the_shards_of_a_store_are_listed);
    tcase_add_test(all, leads_are_compacted_once_a_start_is_over);
}

int main(int argc, char **argv) {
    return argc == 3 ? rocks_roles_play(argv[1], argv[2]) : suite_run("rocks_disk", add);
}
