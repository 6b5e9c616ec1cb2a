/* Files that say of themselves what is wrong with them: the lines `# expect: ..` at the top of each, one for each
 * problem, in the order of their places. For the folders of tests/bad/. */
#ifndef LEADSTREAM_TESTS_EXPECT_H
#define LEADSTREAM_TESTS_EXPECT_H

#include <stddef.h>
#include <stdio.h>

/* Text that grows. */
struct expect_text {
    char *at;
    size_t n, cap;
};

void expect_put(struct expect_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Calls `check` for every .yaml of a folder: it appends what it finds in the file, a problem a line, as `expect` lines
 * have it. What differs fails the test and shows both. Returns the number of files. In both, DIR stands for the folder. */
int expect_folder(const char *folder, void (*check)(const char *path, struct expect_text *found));

#endif
