/* The command line of `score`. */
#ifndef LEADSTREAM_SCORE_OPTIONS_H
#define LEADSTREAM_SCORE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum score_output { SCORE_OUTPUT_AUTO, SCORE_OUTPUT_TABLE, SCORE_OUTPUT_JSONL };

struct score_options {
    const char *model;
    int64_t at; /* INT64_MAX: not given */
    bool changes, reasons;
    enum score_output output; /* AUTO: a table if stdout is a terminal */
    const char *dead_letters;
    char **files;
    size_t n_files;
};

/* Reads the arguments (argv[0] is "score"). Returns an exit code, having said what is wrong; 0 with *done: help was
 * asked for, and printed. Texts are lent from argv. */
int score_options_read(int argc, char **argv, struct score_options *o, bool *done);

#endif
