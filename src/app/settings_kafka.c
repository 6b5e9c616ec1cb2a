/* `kafka:` of a configuration: properties of librdkafka, each tried at once (adapters/kafka_conf); of those that hold
 * secrets it must say where the value is (settings_secrets). */
#include "app/settings_parts.h"

void settings_kafka_map(struct settings_read *r, const struct yaml_node *map) {
    struct settings *s = r->settings;
    if (!settings_is(r, map, YAML_MAP, "kafka"))
        return;
    if (map->n > SETTINGS_MAX_KAFKA)
        settings_error(r, map, "kafka has %u properties, at most %d are taken", map->n, SETTINGS_MAX_KAFKA);
    s->n_kafka = 0; /* the key may be given twice, which was told */
    s->kafka = arena_take(r->arena, (map->n + 1u) * sizeof *s->kafka);
    MUST(s->kafka != NULL);
    for (uint32_t i = 0; i < map->n && i < SETTINGS_MAX_KAFKA; i++) {
        const struct yaml_pair *pair = &map->pairs[i];
        if (!pair->key.n || memchr(pair->key.at, 0, pair->key.n)) {
            settings_error_at(r, pair, "a property of kafka has no name");
            continue;
        }
        const char *name = settings_copy(r, pair->key);
        const char *value = settings_elsewhere(r, pair->value, name, kafka_conf_is_secret(name));
        if (!value)
            continue;
        if (!strcmp(name, "ssl.key.location") || !strcmp(name, "ssl.keystore.location"))
            settings_warn_readable(r, pair->value, name, value);
        struct kafka_conf_property property = {name, value};
        struct err e;
        if (!kafka_conf_check(&property, &e))
            settings_error_at(r, pair, "%s", e.words);
        s->kafka[s->n_kafka++] = property;
    }
}
