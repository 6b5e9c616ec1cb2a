/* Secrets of a configuration: they come from files and the environment only, and leave no copies behind. Copies that must
 * be there for as long as the process runs (librdkafka and libcurl are given them again for each new client) are in the
 * settings' arena, and wiped with it; host/secrecy keeps others from reading the process's memory. */
#include "app/settings_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 64 * 1024 };

struct settings_env {
    const char *name;
    struct settings_env *next;
};

/* Through volatile, as a compiler may leave out writes that nobody reads. */
static void wipe(void *at, size_t n) {
    for (volatile uint8_t *byte = at; n; n--)
        *byte++ = 0;
}

void settings_wipe(const char *secret) {
    if (secret)
        wipe((void *)(uintptr_t)secret, strlen(secret));
}

/* The whole file, by read: stdio would leave a copy in a buffer of its own. False: it cannot be read, or is too long. */
static bool read_all(int fd, uint8_t *to, size_t *n) {
    ssize_t got;
    for (*n = 0; *n <= MOST && (got = read(fd, to + *n, MOST + 1 - *n)) != 0; *n += (size_t)got)
        if (got < 0)
            return false;
    return *n <= MOST;
}

static const char *take_file(struct settings_read *r, const struct yaml_node *node, const char *what, const char *path,
                             int fd) {
    const char *secret = NULL, *quoted = yaml_quote(bytes_of(path)).text;
    size_t n;
    uint8_t *text = malloc(MOST + 1);
    MUST(text != NULL);
    bool read = read_all(fd, text, &n);
    size_t all = n;
    n -= n && text[n - 1] == '\n';
    n -= n && text[n - 1] == '\r';
    if (!read)
        settings_error(r, node, "%s: file \"%s\" cannot be read, or has more than 64 KiB", what, quoted);
    else if (!n || memchr(text, 0, n))
        settings_error(r, node, "%s: file \"%s\" is empty, or has a zero byte in it", what, quoted);
    else
        secret = settings_copy(r, (struct bytes){text, n});
    wipe(text, all);
    free(text);
    return secret;
}

static const char *of_file(struct settings_read *r, const struct yaml_node *node, const char *what) {
    const char *path = settings_path(r, node, what);
    if (!path)
        return NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        settings_error(r, node, "%s: file \"%s\" cannot be opened: %s", what, yaml_quote(bytes_of(path)).text,
                       strerror(errno));
        return NULL;
    }
    settings_warn_readable(r, node, what, path);
    const char *secret = take_file(r, node, what, path, fd);
    close(fd);
    return secret;
}

static const char *of_env(struct settings_read *r, const struct yaml_node *node, const char *what) {
    const char *name = settings_text(r, node, what);
    const char *value = name ? getenv(name) : NULL;
    if (name && (!value || !*value))
        settings_error(r, node, "%s: the environment has no variable \"%s\"", what, yaml_quote(node->text).text);
    if (!value || !*value)
        return NULL;
    struct settings_env *env = arena_take(r->arena, sizeof *env);
    MUST(env != NULL);
    *env = (struct settings_env){name, r->env};
    r->env = env;
    return settings_copy(r, bytes_of(value));
}

const char *settings_elsewhere(struct settings_read *r, const struct yaml_node *node, const char *what, bool secret) {
    if (secret && node->kind == YAML_TEXT && node->text.n) {
        settings_error(r, node,
                       "%s stands here for all to read: give {file: PATH} or {env: NAME}, which say where it is", what);
        return NULL;
    }
    if (node->kind != YAML_MAP)
        return settings_text(r, node, what);
    const struct yaml_node *file = yaml_tree_get(node, "file"), *env = yaml_tree_get(node, "env");
    settings_known(r, node, (const char *const[]){"file", "env", NULL});
    if (!file == !env) {
        settings_error(r, node, "%s: give {file: PATH} or {env: NAME}", what);
        return NULL;
    }
    return file ? of_file(r, file, what) : of_env(r, env, what);
}

/* A pipe or a device (a shell's /dev/fd/63) is nobody else's. */
void settings_warn_readable(struct settings_read *r, const struct yaml_node *node, const char *what, const char *path) {
    struct stat is;
    if (stat(path, &is) == 0 && S_ISREG(is.st_mode) && is.st_mode & (S_IROTH | S_IWOTH))
        problems_add(r->problems, node->line, node->column, true,
                     "%s: file \"%s\" is open to every user of this host (mode %03o): chmod o-rw keeps them out", what,
                     yaml_quote(bytes_of(path)).text, (unsigned)is.st_mode & 0777);
}

/* In place first: what the process was started with stays in /proc/PID/environ, whatever unsetenv does. */
void settings_forget_env(struct settings_read *r) {
    for (const struct settings_env *env = r->env; env; env = env->next) {
        settings_wipe(getenv(env->name));
        unsetenv(env->name);
    }
}
