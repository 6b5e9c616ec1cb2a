/* The program: a table of subcommands. Each has a file of its own, cmd_<name>.c. */
#include "app/cmd.h"
#include "host/secrecy.h"

#include <stdio.h>
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

int main(int argc, char **argv) {
    secrecy_begin();
    if (argc < 2) {
        usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("leadstream 0.1.0");
        return EXIT_DONE;
    }
    for (size_t i = 0; commands[i].name; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "leadstream: \"%s\" is not a command (see `leadstream --help`)\n", argv[1]);
    return EXIT_USAGE;
}
