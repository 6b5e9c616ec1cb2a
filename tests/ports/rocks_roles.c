/* The other process of test_rocks_disk; see the header. Each role returns false with words on stderr if it did not go
 * as it should. */
#define _GNU_SOURCE /* unshare */
#include "rocks_roles.h"

#include "adapters/rocks_home.h"
#include "adapters/rocks_store.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

static bool wrong(const char *what, const struct err *e) {
    fprintf(stderr, "%s: %s: %s: %s\n", what, err_name(e->code), e->where, e->words);
    return false;
}

static struct rocks_store *open_store(const char *path, bool read_only, struct err *e) {
    *e = (struct err){.code = ERR_NONE};
    struct erasure *erasure = erasure_new(NULL, e);
    struct rocks_store_options options = {.path = path,
                                          .app = "leadstream",
                                          .generation = "g1",
                                          .cluster_id = "cluster-1",
                                          .memory = (size_t)8 << 20,
                                          .read_only = read_only,
                                          .erasure = erasure};
    struct rocks_store *rs = rocks_store_open(&options, e);
    erasure_free(&erasure);
    return rs;
}

static bool open_is_refused(const char *path) {
    struct err e;
    struct rocks_store *rs = open_store(path, false, &e);
    bool right = !rs && e.code == ERR_REFUSED && strstr(e.words, "another process has this store open");
    rocks_store_close(&rs);
    return right || wrong("another process", &e);
}

static bool open_as_nobody(const char *path) {
    struct err e;
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return perror("setuid"), false;
    struct rocks_store *rs = open_store(path, false, &e);
    bool right = !rs && e.code == ERR_DISK && strstr(e.words, "permission denied for user 65534");
    rocks_store_close(&rs);
    return right || wrong("nobody", &e);
}

static bool write_and_die(const char *path) {
    struct err e;
    struct store_shard state;
    struct rocks_store *rs = open_store(path, false, &e);
    if (!rs)
        return wrong("open", &e);
    struct store s = rocks_store_port(rs, 0);
    struct store_put put = {bytes_of("La"), bytes_of("1"), 7, LEAD_NO_DUE};
    struct store_put half = {bytes_of("Lhalf"), bytes_of("1"), 8, LEAD_NO_DUE};
    bool done = s.open(s.self, 0, &state, &e);
    state.upto = 42;
    done = done && s.write(s.self, 0, &put, 1, &state, &e) && s.build(s.self, 0, &e);
    /* More than a table's worth, so that a part of the build is on disk already. */
    for (int i = 0; done && i < 100000; i++)
        done = s.build_put(s.self, 0, &half, 1, &e);
    /* What was written before a table is added goes to a table too; this is in the log alone. */
    put.key = bytes_of("Llast");
    done = done && s.open(s.self, 1, &state, &e);
    state.upto = 42;
    done = done && s.write(s.self, 1, &put, 1, &state, &e);
    return done ? raise(SIGKILL) != 0 : wrong("write", &e);
}

/* The directory of the store opened as a bare database. */
static bool open_bare(struct rocks_db *db, const char *path, char dir[ROCKS_DB_MAX_PATH]) {
    struct err e;
    return (rocks_home_prepare(path, "g1", false, dir, &e) && rocks_db_open(db, dir, 0, false, &e)) ||
           wrong("bare", &e);
}

static bool put_meta(const char *path, const char *key, struct bytes value) {
    struct rocks_db db;
    char dir[ROCKS_DB_MAX_PATH];
    char *message = NULL;
    if (!open_bare(&db, path, dir))
        return false;
    rocksdb_put_cf(db.db, db.write, db.family[ROCKS_META], key, strlen(key), (const char *)value.at, value.n, &message);
    rocks_db_close(&db);
    return message == NULL;
}

static bool make_newer(const char *path) {
    const uint8_t format[] = {99, 0, 0, 0, 'n', 'e', 'w'};
    return put_meta(path, ROCKS_KEYS_IDENTITY, (struct bytes){format, sizeof format});
}

static bool add_family(const char *path) {
    struct rocks_db db;
    char dir[ROCKS_DB_MAX_PATH];
    char *message = NULL;
    if (!open_bare(&db, path, dir))
        return false;
    rocksdb_column_family_handle_t *made = rocksdb_create_column_family(db.db, db.options[0], "visitors", &message);
    if (made)
        rocksdb_column_family_handle_destroy(made);
    rocks_db_close(&db);
    return message == NULL;
}

/* A database as others make them: the key of theirs, and no identity. */
static bool make_foreign(const char *path) {
    struct rocks_db db;
    char dir[ROCKS_DB_MAX_PATH];
    char *message = NULL;
    if (!open_bare(&db, path, dir))
        return false;
    rocksdb_delete_cf(db.db, db.write, db.family[ROCKS_META], ROCKS_KEYS_IDENTITY, strlen(ROCKS_KEYS_IDENTITY),
                      &message);
    rocks_db_close(&db);
    return !message && put_meta(path, "theirs", bytes_of("x"));
}

/* Writes until the disk says no, and expects it to say so clearly. */
static bool write_until_full(struct store *s) {
    static uint8_t value[60000];
    struct err e;
    struct store_shard state;
    /* Noise, so that it does not shrink when it is packed. */
    for (uint32_t i = 0, x = 1; i < sizeof value; i++)
        value[i] = (uint8_t)((x = x * 1103515245 + 12345) >> 16);
    struct store_put put = {bytes_of("Lbig"), {value, sizeof value}, LEAD_NO_DUE, LEAD_NO_DUE};
    if (!s->open(s->self, 0, &state, &e))
        return wrong("shard", &e);
    bool done = true;
    for (int i = 0; done && i < 200; i++) {
        state.upto++;
        done = s->write(s->self, 0, &put, 1, &state, &e);
    }
    s->close(s->self, 0);
    if (done)
        return fprintf(stderr, "the disk was never full\n"), false;
    return (e.code == ERR_DISK && err_class(e.code) == ERR_CLASS_FATAL) || wrong("full", &e);
}

static bool fill_disk(const char *path) {
    struct err e;
    struct rlimit limit = {(rlim_t)1 << 18, (rlim_t)1 << 18};
    signal(SIGXFSZ, SIG_IGN);
    struct rocks_store *rs = open_store(path, false, &e);
    if (!rs || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return wrong("open", &e);
    struct store s = rocks_store_port(rs, 0);
    bool right = write_until_full(&s);
    rocks_store_close(&rs);
    return right;
}

/* A disk that is really full: one in memory, seen by this process only, and large enough that a flush fails and not
 * only the log. Where that may not be had there is nothing to see. */
static bool fill_small_disk(const char *path) {
    struct err e;
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", path, "tmpfs", 0, "size=3m,mode=0700") != 0) {
        printf("skipped: no right to mount a small disk\n");
        return true;
    }
    struct rocks_store *rs = open_store(path, false, &e);
    if (!rs)
        return wrong("open", &e);
    struct store s = rocks_store_port(rs, 0);
    bool right = write_until_full(&s);
    rocks_store_close(&rs);
    return right;
}

/* Writing to a shard that another worker has is a bug of ours, and ends the process. */
static bool write_unowned(const char *path) {
    struct err e;
    struct store_shard state;
    struct rocks_store *rs = open_store(path, false, &e);
    if (!rs)
        return wrong("open", &e);
    struct store a = rocks_store_port(rs, 0), b = rocks_store_port(rs, 1);
    return a.open(a.self, 0, &state, &e) && b.write(b.self, 0, NULL, 0, &state, &e);
}

static bool inspect(const char *path) {
    struct err e;
    struct store_shard state;
    struct bytes key = bytes_of("L0500"), value;
    struct rocks_store *rs = open_store(path, true, &e);
    if (!rs)
        return wrong("read only", &e);
    struct store s = rocks_store_port(rs, 0);
    bool right = s.open(s.self, 0, &state, &e) && state.upto == 1000 && s.load(s.self, 0, &key, 1, &value, &e) &&
                 bytes_is(value, "a value that is a little longer than its key");
    s.close(s.self, 0);
    rocks_store_close(&rs);
    return right || wrong("inspect", &e);
}

int rocks_roles_play(const char *role, const char *path) {
    static const struct {
        const char *name;
        bool (*play)(const char *path);
    } roles[] = {
        {"open-is-refused", open_is_refused}, {"open-as-nobody", open_as_nobody},
        {"write-and-die", write_and_die},     {"write-unowned", write_unowned},
        {"make-newer", make_newer},           {"add-family", add_family},
        {"make-foreign", make_foreign},       {"fill-disk", fill_disk},
        {"fill-small-disk", fill_small_disk}, {"inspect", inspect},
    };
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(role, roles[i].name) == 0)
            return roles[i].play(path) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    fprintf(stderr, "no such role: %s\n", role);
    return EXIT_FAILURE;
}
