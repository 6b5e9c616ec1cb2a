/* The subcommands; main.c has their table. Each takes its own argv (argv[0] is its name) and returns an exit code. */
#ifndef LEADSTREAM_CMD_H
#define LEADSTREAM_CMD_H

enum { EXIT_DONE = 0, EXIT_INPUT = 1, EXIT_USAGE = 2, EXIT_WORLD = 3 };

int cmd_demo(int argc, char **argv);
int cmd_score(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_topics(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_redrive(int argc, char **argv);
int cmd_generate(int argc, char **argv);

#endif
