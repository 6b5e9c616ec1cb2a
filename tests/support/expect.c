/* Files that say of themselves what is wrong with them. */
#define _XOPEN_SOURCE 700

#include "support/expect.h"
#include "support/suite.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>

void expect_put(struct expect_text *text, const char *format, ...) {
    enum { MOST = 8192 };
    if (text->cap - text->n < MOST) {
        text->cap = text->cap ? text->cap * 2 : 8 * MOST;
        text->at = realloc(text->at, text->cap);
        ck_assert_ptr_nonnull(text->at);
    }
    va_list args;
    va_start(args, format);
    text->n += (size_t)vsnprintf(text->at + text->n, text->cap - text->n, format, args);
    va_end(args);
}

static void read_expected(const char *path, struct expect_text *expected) {
    static const char mark[] = "# expect: ";
    char line[1024];
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "%s", path);
    while (fgets(line, sizeof line, file) && line[0] == '#')
        if (!strncmp(line, mark, sizeof mark - 1))
            expect_put(expected, "%s", line + sizeof mark - 1);
    fclose(file);
}

/* The text with every `folder` in it made DIR. */
static void put_relative(struct expect_text *to, const char *text, const char *folder) {
    for (const char *at; (at = strstr(text, folder)); text = at + strlen(folder))
        expect_put(to, "%.*sDIR", (int)(at - text), text);
    expect_put(to, "%s", text);
}

static void check_file(const char *folder, const char *path,
                       void (*check)(const char *path, struct expect_text *found)) {
    struct expect_text expected = {0}, found = {0}, relative = {0};
    expect_put(&found, "%s", "");
    expect_put(&expected, "%s", "");
    read_expected(path, &expected);
    check(path, &found);
    put_relative(&relative, found.at, folder);
    ck_assert_msg(relative.n > 0 && !strcmp(expected.at, relative.at), "%s: expected\n%sfound\n%s", path, expected.at,
                  relative.at);
    free(expected.at);
    free(found.at);
    free(relative.at);
}

int expect_folder(const char *folder, void (*check)(const char *path, struct expect_text *found)) {
    struct dirent **entries;
    int cases = 0, n = scandir(folder, &entries, NULL, alphasort);
    ck_assert_msg(n > 0, "%s", folder);
    for (int i = 0; i < n; i++) {
        char path[1024];
        const char *name = entries[i]->d_name;
        size_t length = strlen(name);
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (length > 5 && !strcmp(name + length - 5, ".yaml")) {
            check_file(folder, path, check);
            cases++;
        }
        free(entries[i]);
    }
    free(entries);
    return cases;
}
