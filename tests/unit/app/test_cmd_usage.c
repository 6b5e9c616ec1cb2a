/* What commands say of arguments that are no good: the exit code that the help names, and one short line. */
#define _XOPEN_SOURCE 700 /* strdup */

#include "app/cmd.h"
#include "support/suite.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODEL LEADSTREAM_SOURCE_DIR "/config/model.yaml"

enum { LONG = 5000, MOST_TEXT = 8192 };
static char err[MOST_TEXT], much[LONG + 1], option[LONG + 3];

typedef int command(int argc, char **argv);

/* Runs a command with one or two arguments; what it says on stderr goes to `err`. */
static int run(command *f, const char *name, const char *a, const char *b) {
    char *argv[] = {strdup(name), strdup(a), b ? strdup(b) : NULL, NULL};
    FILE *to = tmpfile();
    ck_assert_ptr_nonnull(to);
    int saved = dup(2);
    fflush(stderr);
    dup2(fileno(to), 2);
    optind = 1;
    int code = f(b ? 3 : 2, argv);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    rewind(to);
    err[fread(err, 1, sizeof err - 1, to)] = 0;
    fclose(to);
    for (int i = 0; i < 3; i++)
        free(argv[i]);
    return code;
}

static void setup(void) {
    memset(much, 'x', LONG);
    snprintf(option, sizeof option, "--%s", much);
}

START_TEST(a_long_argument_is_quoted_in_part) {
    static const struct {
        command *f;
        const char *name, *option; /* one whose value this is not; NULL: an argument too many */
    } ways[] = {
        {cmd_check, "check", NULL},          {cmd_topics, "topics", NULL},
        {cmd_topics, "topics", "--replication"}, {cmd_redrive, "redrive", NULL},
        {cmd_redrive, "redrive", "--code"},  {cmd_redrive, "redrive", "--output"},
        {cmd_redrive, "redrive", "--since"}, {cmd_redrive, "redrive", "--limit"},
        {cmd_redrive, "redrive", "--generation"}, {cmd_generate, "generate", NULL},
        {cmd_generate, "generate", "--leads"}, {cmd_generate, "generate", "--from"},
        {cmd_score, "score", "--at"},        {cmd_score, "score", "--output"},
        {cmd_inspect, "inspect", "--at"},    {cmd_inspect, "inspect", "--output"},
        {cmd_demo, "demo", NULL},            {cmd_demo, "demo", "--rate"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int code = ways[i].option ? run(ways[i].f, ways[i].name, ways[i].option, much)
                                  : run(ways[i].f, ways[i].name, much, NULL);
        ck_assert_msg(code == EXIT_USAGE, "%s: %d", ways[i].name, code);
        ck_assert_msg(strstr(err, "xxxx") && strlen(err) < 400, "%s %s: %zu bytes: %.100s", ways[i].name,
                      ways[i].option ? ways[i].option : "", strlen(err), err);
        code = run(ways[i].f, ways[i].name, option, NULL);
        ck_assert_msg(code == EXIT_USAGE && strstr(err, " is no option (see `leadstream ") && strlen(err) < 400, "%s: %s",
                      ways[i].name, err);
    }
}
END_TEST

START_TEST(a_model_that_cannot_be_read_is_the_worlds) {
    char words[300];
    snprintf(words, sizeof words, "leadstream score: %s: Is a directory\n", LEADSTREAM_SOURCE_DIR);
    ck_assert_int_eq(run(cmd_score, "score", "-m" LEADSTREAM_SOURCE_DIR, MODEL), EXIT_WORLD);
    ck_assert_str_eq(err, words);
    ck_assert_int_eq(run(cmd_score, "score", "-m/nowhere/m.yaml", MODEL), EXIT_WORLD);
    ck_assert_str_eq(err, "leadstream score: /nowhere/m.yaml: No such file or directory\n");
    ck_assert_int_eq(run(cmd_score, "score", "-m/dev/null", MODEL), EXIT_INPUT); /* it is read, and no model */
}
END_TEST

static void add(TCase *all) {
    tcase_add_unchecked_fixture(all, setup, NULL);
    tcase_add_test(all, a_long_argument_is_quoted_in_part);
    tcase_add_test(all, a_model_that_cannot_be_read_is_the_worlds);
}

SUITE_MAIN("commands, arguments that are no good", add)
