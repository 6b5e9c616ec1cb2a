/* The configuration file, read: every key by the table (app/settings_table), `kafka:` and `sources:` by code of their
 * own, then what only the whole can tell (topics that collide, what is missing). */
#include "app/settings_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

enum { MAX_FILE = 1024 * 1024, LEAST_FETCH_WAIT = 4, MOST_FETCH_WAIT = 20 /* ms */ };
#define ARENA_LIMIT ((size_t)64 * 1024 * 1024)

/* The keys at the top, and those of a section, are what the table says before and after the dot. */
enum { MOST_KEYS = 48 };

static bool in_section(const char *name, const char *section, size_t n) {
    return !strncmp(name, section, n) && name[n] == '.';
}

static void add_key(const char **keys, size_t *n, const char *key) {
    for (size_t i = 0; i < *n; i++)
        if (!strcmp(keys[i], key))
            return;
    MUST(*n < MOST_KEYS);
    keys[(*n)++] = key;
    keys[*n] = NULL;
}

/* ------------------------------------------------------------------------------------------------ by the table */

static const struct param *find_param(const char *name) {
    size_t n;
    const struct param *params = settings_params(&n);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(params[i].name, name))
            return &params[i];
    return NULL;
}

static void read_param(struct settings_read *r, const struct param *param, const struct yaml_node *node) {
    struct err e;
    struct bytes text = node->text;
    if (node->kind == YAML_NULL && !param->fallback)
        return;
    if (param->type == PARAM_SECRET || param->type == PARAM_LOGIN) {
        const char *value = settings_elsewhere(r, node, param->name, param->type == PARAM_SECRET);
        if (!value)
            return;
        text = bytes_of(value);
    } else if (!settings_is(r, node, YAML_TEXT, param->name)) {
        return;
    }
    if (!param_set(param, r->settings, text, r->arena, &e)) {
        settings_error(r, node, "%s", e.words);
        return;
    }
    if (param->type == PARAM_SECRET)
        settings_wipe((const char *)text.at); /* the table has a copy of its own */
    const char **path = (const char **)(void *)((char *)r->settings + param->offset);
    if (param->type == PARAM_PATH)
        *path = settings_resolve(r, *path);
}

static void read_section(struct settings_read *r, const struct yaml_pair *section) {
    size_t n_params, n = 0;
    const struct param *params = settings_params(&n_params);
    const char *keys[MOST_KEYS + 1] = {NULL};
    char name[32];
    snprintf(name, sizeof name, "%.*s", (int)section->key.n, (const char *)section->key.at);
    if (!settings_is(r, section->value, YAML_MAP, name))
        return;
    for (size_t i = 0; i < n_params; i++)
        if (in_section(params[i].name, name, section->key.n))
            add_key(keys, &n, params[i].name + section->key.n + 1);
    settings_known(r, section->value, keys);
    for (size_t i = 0; keys[i]; i++) {
        const struct yaml_node *value = yaml_tree_get(section->value, keys[i]);
        char full[64];
        snprintf(full, sizeof full, "%s.%s", name, keys[i]);
        if (value)
            read_param(r, find_param(full), value);
    }
}

static bool is_section(struct bytes key) {
    size_t n;
    if (memchr(key.at, '[', key.n))
        return false; /* the table's name for the entries of a list */
    const struct param *params = settings_params(&n);
    for (size_t i = 0; i < n; i++)
        if (strlen(params[i].name) > key.n && !memcmp(params[i].name, key.at, key.n) && params[i].name[key.n] == '.')
            return true;
    return false;
}

static void refuse_unknown_top(struct settings_read *r, const struct yaml_pair *pair) {
    size_t n_params, n = 0;
    const struct param *params = settings_params(&n_params);
    const char *keys[MOST_KEYS + 1] = {NULL};
    char names[MOST_KEYS][32];
    for (size_t i = 0; i < n_params; i++) {
        MUST(n < MOST_KEYS);
        snprintf(names[n], sizeof names[n], "%.*s", (int)strcspn(params[i].name, ".["), params[i].name);
        add_key(keys, &n, names[n]);
    }
    settings_unknown(r, pair, keys);
}

static void read_top(struct settings_read *r, const struct yaml_pair *pair) {
    char name[32] = "";
    if (pair->key.n < sizeof name && !memchr(pair->key.at, 0, pair->key.n))
        snprintf(name, sizeof name, "%.*s", (int)pair->key.n, (const char *)pair->key.at);
    const struct param *param = find_param(name);
    if (!strcmp(name, "kafka"))
        settings_kafka_map(r, pair->value);
    else if (!strcmp(name, "sources"))
        settings_sources(r, pair->value);
    else if (param && param->type != PARAM_PART && !strchr(name, '.'))
        read_param(r, param, pair->value);
    else if (pair->key.n && is_section(pair->key) && !strchr(name, '.'))
        read_section(r, pair);
    else
        refuse_unknown_top(r, pair);
}

/* ------------------------------------------------------------------------------------------------ defaults */

/* The host's name, with what a name cannot have made a dash. */
static void default_instance(struct settings_read *r) {
    char host[65] = "";
    if (gethostname(host, sizeof host - 1) || !host[0])
        memcpy(host, "localhost", sizeof "localhost");
    for (char *c = host; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-", *c))
            *c = '-';
    r->settings->instance = arena_copy(r->arena, host, strlen(host) + 1);
    MUST(r->settings->instance != NULL);
}

static void set_defaults(struct settings_read *r) {
    size_t n;
    const struct param *params = settings_params(&n);
    for (size_t i = 0; i < n; i++) {
        param_set_default(&params[i], r->settings, r->arena);
        const char **path = (const char **)(void *)((char *)r->settings + params[i].offset);
        if (params[i].type == PARAM_PATH && params[i].fallback)
            *path = settings_resolve(r, *path);
    }
    default_instance(r);
}

/* ------------------------------------------------------------------------------------------------ the whole */

/* Where a key stands, for problems that its value alone does not show; the file as a whole if it is not there. */
static const struct yaml_node *place_of(const struct yaml_node *root, const char *section, const char *key) {
    static const struct yaml_node nowhere = {.kind = YAML_NULL};
    const struct yaml_node *map = yaml_tree_get(root, section);
    const struct yaml_node *node = map && key ? yaml_tree_get(map, key) : map;
    return node ? node : map ? map : &nowhere;
}

static void check_topics(struct settings_read *r, const struct yaml_node *root) {
    const struct settings *s = r->settings;
    char changelog[200];
    snprintf(changelog, sizeof changelog, "%s.%s.changelog", s->app, s->generation);
    const struct {
        const char *key, *topic;
    } outputs[] = {{"scores", s->outputs.scores},
                   {"sales_ready", s->outputs.sales_ready},
                   {"dead_letters", s->outputs.dead_letters}};
    enum { N = sizeof outputs / sizeof *outputs };
    for (size_t i = 0; i < N; i++) {
        const struct yaml_node *at = place_of(root, "outputs", outputs[i].key);
        if (!settings_is_topic(bytes_of(outputs[i].topic)))
            settings_error(r, at, "outputs.%s \"%s\" is no topic name (1 to 249 of A-Z a-z 0-9 . _ -)", outputs[i].key,
                           yaml_quote(bytes_of(outputs[i].topic)).text);
        for (size_t j = 0; j < i; j++)
            if (!strcmp(outputs[i].topic, outputs[j].topic))
                settings_error(r, at, "outputs.%s is the same topic as outputs.%s: each needs its own", outputs[i].key,
                               outputs[j].key);
        for (size_t j = 0; j < s->n_sources; j++)
            if (s->sources[j].topic && !strcmp(outputs[i].topic, s->sources[j].topic))
                settings_error(r, at, "outputs.%s is also a source: what is written there would be read again",
                               outputs[i].key);
        if (!strcmp(outputs[i].topic, changelog))
            settings_error(r, at, "outputs.%s is the changelog's topic (app.generation.changelog)", outputs[i].key);
    }
    for (size_t j = 0; j < s->n_sources; j++)
        if (s->sources[j].topic && !strcmp(s->sources[j].topic, changelog))
            settings_error(r, place_of(root, "sources", NULL),
                           "source \"%s\" is the changelog's topic (app.generation.changelog)", changelog);
}

/* "host:port", "[::1]:port" or "none". */
static void check_listen(struct settings_read *r, const struct yaml_node *root) {
    struct settings *s = r->settings;
    const struct yaml_node *at = place_of(root, "http", "listen");
    if (!strcmp(s->http.listen, "none")) {
        s->http.listen = NULL;
        return;
    }
    static const struct param port = {.name = "the port of http.listen", .type = PARAM_INTEGER, .min = 0, .max = 65535};
    struct bytes listen = bytes_of(s->http.listen);
    const char *colon = strrchr(s->http.listen, ':');
    struct err e;
    if (!colon || colon == s->http.listen) {
        settings_error(r, at, "http.listen \"%s\" is not HOST:PORT, like 127.0.0.1:9464 (or none)",
                       yaml_quote(listen).text);
        return;
    }
    if (!param_set(&port, &s->http.port, bytes_of(colon + 1), r->arena, &e))
        settings_error(r, at, "%s", e.words);
    bool brackets = s->http.listen[0] == '[' && colon[-1] == ']';
    const char *from = s->http.listen + brackets;
    size_t n = (size_t)(colon - from) - brackets;
    char *host = arena_take(r->arena, n + 1);
    MUST(host != NULL);
    memcpy(host, from, n);
    host[n] = 0;
    s->http.host = host;
}

static bool is_this_host(const char *url) {
    const char *host = url + strcspn(url, ":") + strspn(url + strcspn(url, ":"), ":/");
    return !strncmp(host, "localhost", 9) || !strncmp(host, "127.", 4) || !strncmp(host, "[::1]", 5);
}

/* A password that would go over a network for all to read. */
static void check_ways(struct settings_read *r, const struct yaml_node *root) {
    const struct settings *s = r->settings;
    const struct yaml_node *url = place_of(root, "registry", "url");
    if (s->registry.password && s->registry.url && !strncmp(s->registry.url, "http:", 5) &&
        !is_this_host(s->registry.url))
        problems_add(r->problems, url->line, url->column, true,
                     "registry.password goes over the network unencrypted: use https");
    const struct yaml_node *kafka = place_of(root, "kafka", NULL);
    struct kafka_conf conf = settings_kafka(s, 0);
    const char *protocol = kafka_conf_get(&conf, "security.protocol", "");
    const char *mechanism = kafka_conf_get(&conf, "sasl.mechanism", kafka_conf_get(&conf, "sasl.mechanisms", ""));
    if (!strcasecmp(protocol, "sasl_plaintext") && !strcasecmp(mechanism, "PLAIN"))
        problems_add(r->problems, kafka->line, kafka->column, true,
                     "sasl.password goes over the network unencrypted: use security.protocol sasl_ssl");
    if (!strcasecmp(kafka_conf_get(&conf, "enable.ssl.certificate.verification", "true"), "false"))
        problems_add(r->problems, kafka->line, kafka->column, true,
                     "enable.ssl.certificate.verification is false: anyone on the way can play the broker");
}

static void check_whole(struct settings_read *r, const struct yaml_node *root) {
    struct settings *s = r->settings;
    const struct yaml_node *model = yaml_tree_get(root, "model");
    if (!model || model->kind == YAML_NULL)
        problems_add(r->problems, 0, 0, false, "needs the key model: the model file");
    if (!yaml_tree_get(root, "sources"))
        problems_add(r->problems, 0, 0, false, "needs the key sources: the topics to read");
    if (!yaml_tree_get(place_of(root, "kafka", NULL), "bootstrap.servers"))
        settings_error(r, place_of(root, "kafka", NULL), "needs kafka: {bootstrap.servers: \"HOST:PORT\"}");
    if ((s->registry.user || s->registry.password) && !s->registry.url)
        settings_error(r, place_of(root, "registry", NULL), "registry has user or password, but no url");
    check_ways(r, root);
    check_topics(r, root);
    check_listen(r, root);
    const struct yaml_node *erasure = place_of(root, "erasure", "key_file");
    if (s->erasure.key_file)
        settings_warn_readable(r, erasure, "erasure.key_file", s->erasure.key_file);
    else
        problems_add(r->problems, erasure->line, erasure->column, true,
                     "no erasure.key_file: the hash by which an erased lead is known is of its id alone, and can be "
                     "guessed by trying ids");
}

static const char *directory_of(const char *path, struct arena *arena) {
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    char *directory = arena_take(arena, n + 1);
    MUST(directory != NULL);
    memcpy(directory, path, n);
    directory[n] = 0;
    return directory;
}

static void read_root(struct settings_read *r, const struct yaml_node *root) {
    if (!settings_is(r, root, YAML_MAP, "a configuration"))
        return;
    set_defaults(r);
    for (uint32_t i = 0; i < root->n; i++)
        read_top(r, &root->pairs[i]);
    check_whole(r, root);
}

/* Gives what could be read, whatever is wrong with it. */
static struct settings *read_text(struct bytes text, const char *path, bool forget, struct problems *problems) {
    problems->file = path;
    struct settings *settings = calloc(1, sizeof *settings);
    MUST(settings != NULL);
    settings->arena = arena_new(ARENA_LIMIT);
    struct arena *tree = arena_new(ARENA_LIMIT);
    struct settings_read r = {settings, problems, settings->arena, directory_of(path, settings->arena), NULL};
    settings->file = arena_copy(settings->arena, path, strlen(path) + 1);
    const struct yaml_node *root = yaml_tree_parse(text, tree, problems);
    if (root && root->kind == YAML_NULL)
        problems_add(problems, 0, 0, false, "the file is empty");
    else if (root)
        read_root(&r, root);
    if (forget)
        settings_forget_env(&r);
    arena_free(&tree);
    problems_sort(problems);
    return settings;
}

static struct settings *if_good(struct settings *settings, const struct problems *problems, size_t errors) {
    if (problems->errors > errors)
        settings_free(&settings);
    return settings;
}

struct settings *settings_read(struct bytes text, const char *path, struct problems *problems) {
    size_t errors = problems->errors;
    return if_good(read_text(text, path, false, problems), problems, errors);
}

struct settings *settings_load(const char *path, struct problems *problems) {
    size_t errors = problems->errors;
    return if_good(settings_look(path, problems), problems, errors);
}

struct settings *settings_look(const char *path, struct problems *problems) {
    size_t n;
    problems->file = path;
    uint8_t *text = yaml_tree_file(path, MAX_FILE, &n, problems);
    struct settings *settings = text ? read_text((struct bytes){text, n}, path, true, problems) : NULL;
    free(text);
    return settings;
}

/* The arena's blocks go back to malloc as they are, so secrets are wiped first. */
void settings_free(struct settings **settings) {
    struct settings *s = *settings;
    if (!s)
        return;
    settings_wipe(s->registry.password);
    for (size_t i = 0; i < s->n_kafka; i++)
        settings_wipe(s->kafka[i].value);
    arena_free(&s->arena);
    free(s);
    *settings = NULL;
}

/* Events wait in two places, for a fetch and for their batch's end: the first is made a tenth of the second. */
static unsigned fetch_wait(int64_t batch_time) {
    int64_t ms = batch_time / 10;
    return (unsigned)(ms < LEAST_FETCH_WAIT ? LEAST_FETCH_WAIT : ms > MOST_FETCH_WAIT ? MOST_FETCH_WAIT : ms);
}

struct kafka_conf settings_kafka(const struct settings *settings, unsigned worker) {
    return (struct kafka_conf){.properties = settings->kafka,
                               .n_properties = settings->n_kafka,
                               .app = settings->app,
                               .generation = settings->generation,
                               .instance = settings->instance,
                               .worker = worker,
                               .fetch_wait = fetch_wait(settings->batch.max_time)};
}

struct kafka_topics_options settings_topics(const struct settings *settings, const struct model *model,
                                            const char **inputs) {
    for (size_t i = 0; i < settings->n_sources; i++)
        inputs[i] = settings->sources[i].topic;
    return (struct kafka_topics_options){.conf = settings_kafka(settings, 0),
                                         .inputs = inputs,
                                         .n_inputs = settings->n_sources,
                                         .scores = settings->outputs.scores,
                                         .sales_ready = settings->outputs.sales_ready,
                                         .dead_letters = settings->outputs.dead_letters,
                                         .worst_value = model->worst_value,
                                         .worst_output = model->worst_output};
}
