/* The program: a table of subcommands. Each has a file of its own, cmd_<name>.c. */
#include "app/cmd.h"
#include "host/secrecy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"score", cmd_score, "event files in, leads or records out; no broker"},
    {"generate", cmd_generate, "realistic traffic to a file or a topic"},
    {"check", cmd_check, "is this configuration good, is this model? every error at once"},
    {"topics", cmd_topics, "the topics that a configuration needs; what is missing, and making it"},
    {"run", cmd_run, "the daemon: topics in, score changes and sales-ready leads out, exactly once"},
    {"inspect", cmd_inspect, "what is remembered of a lead, its score with reasons, its next timer"},
    {"redrive", cmd_redrive, "dead letters: why, how many, from where; and sending them back, each exactly once"},
    {"demo", cmd_demo, "all in one process, no server: generated leads get hot and cold on a live board"},
    {NULL, NULL, NULL},
};

static void usage(FILE *to) {
    fputs("usage: leadstream COMMAND [OPTION..]\n\n", to);
    for (size_t i = 0; commands[i].name; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n`leadstream COMMAND --help` says more, with an example.\n"
          "Exit codes: 0 done, 1 the input was at fault, 2 usage, 3 the world was (broker, disk).\n", to);
}

/* Started with one of its three files closed, the next that is opened would get the number: the log would go into a file
 * of the store. What is closed stays of no use: nothing can be read from the one, nothing written to the other. */
static void fill_standard_files(void) {
    static const int of_no_use[] = {O_WRONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", of_no_use[fd]) != fd)
            _Exit(EXIT_WORLD);
}

/* What was to be printed and could not be (a full disk, a closed output) is no success; scripts go by the code. */
static int printed(int code) {
    if (code != EXIT_DONE || (fflush(stdout) == 0 && !ferror(stdout)))
        return code;
    fputs("leadstream: the standard output takes no more: a full disk, or it is closed\n", stderr);
    return EXIT_WORLD;
}

int main(int argc, char **argv) {
    fill_standard_files();
    secrecy_begin();
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return printed(EXIT_DONE);
    }
    if (!strcmp(argv[1], "--version")) {
        puts("leadstream 0.1.0");
        return printed(EXIT_DONE);
    }
    for (size_t i = 0; commands[i].name; i++)
        if (!strcmp(argv[1], commands[i].name))
            return printed(commands[i].run(argc - 1, argv + 1));
    fprintf(stderr, "leadstream: \"%.200s\" is not a command (see `leadstream --help`)\n", argv[1]);
    return EXIT_USAGE;
}
