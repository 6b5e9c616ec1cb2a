/* How a command says what is wrong: one line on stderr that begins with the command's name. */
#ifndef LEADSTREAM_CMD_SAY_H
#define LEADSTREAM_CMD_SAY_H

#include <leadstream/err.h>

/* "leadstream COMMAND: words", and returns the exit code, so that a command can end with `return cmd_say(...)`. */
int cmd_say(int code, const char *command, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same of an error, with its place if it has one. */
int cmd_say_err(int code, const char *command, const struct err *e);

/* What getopt_long refused (it returned `option`, ':' or '?', at argv[optind - 1]): EXIT_USAGE. */
int cmd_say_option(const char *command, int option, char **argv);

#endif
