/* One voice for the commands' errors. */
#include "app/cmd_say.h"

#include "app/cmd.h"
#include <getopt.h>
#include <stdio.h>

int cmd_say(int code, const char *command, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "leadstream %s: ", command);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return code;
}

int cmd_say_err(int code, const char *command, const struct err *e) {
    return cmd_say(code, command, "%s%s%s", e->where, *e->where ? ": " : "", e->words);
}

int cmd_say_option(const char *command, int option, char **argv) {
    const char *given = argv[optind - 1];
    if (option == ':')
        return cmd_say(EXIT_USAGE, command, "%.200s needs a value (see `leadstream %s --help`)", given, command);
    if (given[0] == '-' && given[1] == '-')
        return cmd_say(EXIT_USAGE, command, "%.200s is no option (see `leadstream %s --help`)", given, command);
    return cmd_say(EXIT_USAGE, command, "-%c is no option (see `leadstream %s --help`)", optopt, command);
}
