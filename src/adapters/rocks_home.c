/* The store's directory and whose it is; see the header. */
#include "adapters/rocks_home.h"

#include "base/guard.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static bool errno_error(const char *path, struct err *e) {
    switch (errno) {
    case EACCES:
    case EPERM:
        return err_set(e, ERR_DISK, path,
                       "permission denied for user %u: give the directory to that user, or set another "
                       "store.path",
                       (unsigned)geteuid());
    case EROFS:
        return err_set(e, ERR_DISK, path, "the file system is read-only: mount it writable, or set another store.path");
    case ENOSPC:
    case EDQUOT: return err_set(e, ERR_DISK, path, "the disk is full: make room and start again; nothing is lost");
    case ENOTDIR:
    case EEXIST: return err_set(e, ERR_DISK, path, "a part of this path is a file: set another store.path");
    default: return err_set(e, ERR_DISK, path, "%s", strerror(errno));
    }
}

/* Makes every directory of the path that is not there. */
static bool make_directories(const char *path, struct err *e) {
    char part[ROCKS_DB_MAX_PATH];
    size_t n = strlen(path);
    MUST(n < sizeof part);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != 0)
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        struct stat there;
        if (stat(part, &there) == 0 && S_ISDIR(there.st_mode))
            continue;
        if (mkdir(part, S_IRWXU) != 0)
            return errno_error(part, e);
    }
    return true;
}

static bool check_access(const char *dir, bool read_only, struct err *e) {
    struct stat st;
    if (stat(dir, &st) != 0 && read_only && errno == ENOENT)
        return err_set(e, ERR_REFUSED, dir, "there is no store here: check store.path and generation; `run` makes it");
    if (stat(dir, &st) != 0 || access(dir, R_OK | X_OK) != 0)
        return errno_error(dir, e);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_DISK, dir, "not a directory: set another store.path");
    if (read_only)
        return true;
    struct statvfs fs;
    if (statvfs(dir, &fs) == 0 && (fs.f_flag & ST_RDONLY)) {
        errno = EROFS;
        return errno_error(dir, e);
    }
    if (access(dir, W_OK) != 0)
        return errno_error(dir, e);
    if (st.st_uid != geteuid())
        return err_set(e, ERR_DISK, dir,
                       "belongs to user %u, but this process is user %u and would leave files that the "
                       "owner cannot read: run as the owner, or change it (chown -R)",
                       (unsigned)st.st_uid, (unsigned)geteuid());
    return true;
}

static bool ends_with(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

/* What a store that was in use leaves: tables, write-ahead logs, or a later list of files than the first. The first alone
 * is from a process that died while it made the store, before CURRENT, which RocksDB writes last. */
static bool is_remains(const char *name) {
    return ends_with(name, ".sst") || ends_with(name, ".log") ||
           (strncmp(name, "MANIFEST-", 9) == 0 && strcmp(name, "MANIFEST-000001") != 0);
}

/* Without its file CURRENT a database is a new one to RocksDB, and the tables that lie there are rubbish to it. */
static bool check_whole(const char *dir, bool read_only, struct err *e) {
    DIR *entries = opendir(dir);
    if (!entries)
        return errno_error(dir, e);
    bool current = false, remains = false;
    for (struct dirent *entry; (entry = readdir(entries));) {
        current = current || strcmp(entry->d_name, "CURRENT") == 0;
        remains = remains || is_remains(entry->d_name);
    }
    closedir(entries);
    if (GUARD(store_whole) && !current && remains)
        return err_set(e, ERR_CORRUPT, dir,
                       "the file CURRENT is missing, but tables are here: bring it back, or " ROCKS_DB_REBUILD);
    if (!current && read_only)
        return err_set(e, ERR_REFUSED, dir, "there is no store here: check store.path and generation; `run` makes it");
    return true;
}

bool rocks_home_prepare(const char *path, const char *generation, bool read_only, char dir[ROCKS_DB_MAX_PATH],
                        struct err *e) {
    if (!*path || !*generation || strchr(generation, '/') || generation[0] == '.')
        return err_set(e, ERR_CONFIG, path,
                       "generation \"%.60s\" cannot be a directory's name: use letters, digits, - _", generation);
    int n = snprintf(dir, ROCKS_DB_MAX_PATH, "%s/%s", path, generation);
    if (n < 0 || n >= ROCKS_DB_MAX_PATH)
        return err_set(e, ERR_CONFIG, path, "store.path is longer than %d bytes", ROCKS_DB_MAX_PATH - 1);
    return (read_only || make_directories(dir, e)) && check_access(dir, read_only, e) && check_whole(dir, read_only, e);
}

/* True where no lead and no shard is in the store: it was made just now, or by a process that died at once. */
static bool is_empty(struct rocks_db *db) {
    bool empty = true;
    for (size_t i = 0; i < ROCKS_FAMILIES && empty; i++) {
        rocksdb_iterator_t *all = rocksdb_create_iterator_cf(db->db, db->read, db->family[i]);
        rocksdb_iter_seek_to_first(all);
        empty = !rocksdb_iter_valid(all);
        rocksdb_iter_destroy(all);
    }
    return empty;
}

static bool write_identity(struct rocks_db *db, const struct rocks_identity *identity, struct err *e) {
    uint8_t value[ROCKS_KEYS_MAX_IDENTITY];
    struct writer w = writer_of(value, sizeof value);
    rocks_keys_identity_write(&w, identity);
    char *message = NULL;
    rocksdb_put_cf(db->db, db->write, db->family[ROCKS_META], ROCKS_KEYS_IDENTITY, strlen(ROCKS_KEYS_IDENTITY),
                   (const char *)value, writer_done(&w).n, &message);
    return !message || rocks_db_error(db, message, e);
}

static bool compare(const struct rocks_db *db, const struct rocks_identity *its, const struct rocks_identity *ours,
                    struct err *e) {
    if (its->format > ours->format)
        return err_set(e, ERR_REFUSED, db->dir,
                       "the store has format %u, newer than this version's %u: run the newer "
                       "leadstream that wrote it, or set another generation",
                       (unsigned)its->format, (unsigned)ours->format);
    if (strcmp(its->app, ours->app) != 0)
        return err_set(e, ERR_REFUSED, db->dir,
                       "the store belongs to app \"%.60s\", not \"%.60s\": set another "
                       "store.path",
                       its->app, ours->app);
    if (GUARD(generation_same) && strcmp(its->generation, ours->generation) != 0)
        return err_set(e, ERR_REFUSED, db->dir,
                       "the store belongs to generation \"%.60s\", not \"%.60s\" (was the "
                       "directory renamed?): set `generation: %.60s`, or another store.path",
                       its->generation, ours->generation, its->generation);
    if (GUARD(cluster_same) && *its->cluster && *ours->cluster && strcmp(its->cluster, ours->cluster) != 0)
        return err_set(e, ERR_REFUSED, db->dir,
                       "the store was built from Kafka cluster \"%.60s\", but the brokers are "
                       "cluster \"%.60s\": set kafka.bootstrap.servers back, or another store.path or generation",
                       its->cluster, ours->cluster);
    return true;
}

bool rocks_home_claim(struct rocks_db *db, const struct rocks_identity *ours, bool read_only, struct err *e) {
    char *message = NULL;
    rocksdb_pinnableslice_t *found = rocksdb_get_pinned_cf(db->db, db->read, db->family[ROCKS_META],
                                                           ROCKS_KEYS_IDENTITY, strlen(ROCKS_KEYS_IDENTITY), &message);
    if (message)
        return rocks_db_error(db, message, e);
    if (!found && !is_empty(db))
        return err_set(e, ERR_REFUSED, db->dir,
                       "a RocksDB database that leadstream did not make: set another store.path");
    if (!found)
        return read_only || write_identity(db, ours, e);
    size_t n;
    const char *value = rocksdb_pinnableslice_value(found, &n);
    struct rocks_identity its;
    bool read = rocks_keys_identity_read((struct bytes){(const uint8_t *)value, n}, &its);
    rocksdb_pinnableslice_destroy(found);
    if (!read)
        return err_set(e, ERR_CORRUPT, db->dir, "the store's identity cannot be read: " ROCKS_DB_REBUILD);
    if (!compare(db, &its, ours, e))
        return false;
    if (*its.cluster || !*ours->cluster || read_only)
        return true;
    return write_identity(db, ours, e);
}
