/* getopt_long and what it is told. */
#include "sim/options.h"

#include <leadstream/when.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
    "usage: leadstream_sim [OPTION..]\n"
    "\n"
    "Runs the real engine in simulated worlds: a Kafka, disks, clocks and workers that fail in every way that the seed\n"
    "draws. What must be so is asked after every commit and every write; a seed that fails is made small and told as a\n"
    "story.\n"
    "\n"
    "      --seed N         this seed alone\n"
    "      --seeds A..B     these seeds (default: 1..300)\n"
    "      --for TIME       seeds from the first one on, for so long (90s, 10m)\n"
    "      --mode MODE      backlog, live or wild (default: the seed draws it)\n"
    "      --workers N      1 to 3 (default: the seed draws it)\n"
    "      --faults LIST    only these of the seed's faults: 1,4,9-12, or - for none\n"
    "      --events LIST    only these of its events\n"
    "      --story          tell what happens also if nothing goes wrong\n"
    "      --no-shrink      tell a seed that fails as it is\n"
    "      --sweep          no faults but one: a crash at the 1st call, the 2nd, .. of each seed's run, in three ways\n"
    "      --scenario NAME  a named scenario; `all` of them\n"
    "      --list           their names\n"
    "      --without GUARD  with one guard of tests/guards/README.md taken away (preset mutants)\n"
    "\n"
    "Exit codes: 0 all is as it must be, 1 it is not, 2 usage.\n"
    "\n"
    "example: leadstream_sim --for 10m --seeds 100000..\n"
    "         leadstream_sim --seed 1340 --story\n";

static bool usage(int *code, const char *what, const char *given) {
    fprintf(stderr, "leadstream_sim: %s \"%s\" (see --help)\n", what, given);
    *code = OPTIONS_USAGE;
    return false;
}

static bool read_number(const char *text, uint64_t *out) {
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return end != text && !*end && *text >= '0' && *text <= '9' && !errno;
}

static bool read_seeds(struct options *o, const char *text) {
    char first[32];
    const char *dots = strstr(text, "..");
    if (!dots || (size_t)(dots - text) >= sizeof first)
        return false;
    snprintf(first, sizeof first, "%.*s", (int)(dots - text), text);
    if (!read_number(first, &o->from))
        return false;
    o->to = UINT64_MAX;
    return !dots[2] || (read_number(dots + 2, &o->to) && o->to >= o->from);
}

static bool read_mode(struct options *o, const char *text) {
    for (o->mode = 0; o->mode < PLAN_MODES; o->mode++)
        if (!strcmp(text, plan_mode_name(o->mode)))
            return true;
    return false;
}

static bool read_value(struct options *o, int option, const char *text) {
    uint64_t number;
    switch (option) {
    case 's':
        o->one = read_number(text, &o->from);
        o->to = o->from;
        return o->one;
    case 'S':
        return read_seeds(o, text);
    case 'f':
        return when_duration(bytes_of(text), &o->duration) && o->duration > 0;
    case 'm':
        return read_mode(o, text);
    case 'w':
        o->seats = read_number(text, &number) && number <= PLAN_SEATS ? (uint32_t)number : 0;
        return o->seats > 0;
    case 'F':
        return plan_set_parse(&o->faults, text);
    default:
        return plan_set_parse(&o->events, text);
    }
}

bool options_read(struct options *o, int argc, char **argv, int *code) {
    static const struct option table[] = {
        {"seed", required_argument, NULL, 's'},    {"seeds", required_argument, NULL, 'S'},
        {"for", required_argument, NULL, 'f'},     {"mode", required_argument, NULL, 'm'},
        {"workers", required_argument, NULL, 'w'}, {"faults", required_argument, NULL, 'F'},
        {"events", required_argument, NULL, 'e'},  {"story", no_argument, NULL, 't'},
        {"no-shrink", no_argument, NULL, 'n'},     {"sweep", no_argument, NULL, 'p'},
        {"scenario", required_argument, NULL, 'c'}, {"without", required_argument, NULL, 'g'},
        {"list", no_argument, NULL, 'l'},          {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    *o = (struct options){.from = 1, .to = 300, .mode = PLAN_MODES};
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (option) {
        case 'h':
            fputs(help, stdout);
            *code = OPTIONS_DONE;
            return false;
        case '?':
            *code = OPTIONS_USAGE; /* getopt has said why */
            return false;
        case 't':
            o->story = true;
            break;
        case 'n':
            o->no_shrink = true;
            break;
        case 'p':
            o->sweep = true;
            break;
        case 'l':
            o->list = true;
            break;
        case 'c':
            o->scenario = optarg;
            break;
        case 'g':
            o->without = optarg;
            break;
        default:
            if (!read_value(o, option, optarg))
                return usage(code, "this value is not known:", optarg);
        }
    }
    if (o->duration && o->to == 300)
        o->to = UINT64_MAX;
    return optind == argc || usage(code, "unexpected argument", argv[optind]);
}
