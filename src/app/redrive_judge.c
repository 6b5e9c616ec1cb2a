/* A letter goes back to the topic that it came from, if that is a source of this configuration: a header alone may not
 * make us write to any topic. */
#include "app/redrive_judge.h"

#include "adapters/murmur2.h"
#include "codec/json_tree.h"
#include <leadstream/when.h>

const char *redrive_fate_state(enum redrive_fate fate) {
    static const char *const states[] = {
#define X(fate, state, words) state,
        REDRIVE_FATES(X)
#undef X
    };
    return states[fate];
}

const char *redrive_fate_words(enum redrive_fate fate) {
    static const char *const all[] = {
#define X(fate, state, words) words,
        REDRIVE_FATES(X)
#undef X
    };
    return all[fate];
}

int64_t redrive_time(const struct kafka_letter *letter) {
    return letter->says.timestamp >= 0 ? letter->says.timestamp : letter->written;
}

static bool contains(struct bytes b, const char *what) {
    size_t n = strlen(what);
    for (size_t i = 0; i + n <= b.n; i++)
        if (!memcmp(b.at + i, what, n))
            return true;
    return false;
}

/* Where the lead could not be read, the key is what is known of it. */
static bool of_lead(const struct kafka_letter *letter, const char *lead) {
    return bytes_is(letter->says.lead.n ? letter->says.lead : letter->key, lead);
}

bool redrive_meant(const struct redrive_filter *filter, const struct kafka_letter *letter) {
    const struct dead_letter *says = &letter->says;
    int64_t time = redrive_time(letter);
    return (!filter->code || bytes_is(says->code, filter->code)) &&
           (!filter->topic || bytes_is(says->topic, filter->topic)) &&
           (filter->partition < 0 || filter->partition == (int64_t)says->partition) && time >= filter->since &&
           time <= filter->until && (!filter->lead || of_lead(letter, filter->lead)) &&
           (!filter->words || contains(says->words, filter->words));
}

/* As the daemon will look for it: by the lead where that is known, else by the key, as Java's clients do; where neither
 * is known, and where producers partition in their own way, it stays where it was. */
static uint32_t destination(const struct redrive_source *source, const struct kafka_letter *letter) {
    if (source->trust_partition)
        return letter->says.partition;
    if (letter->says.lead.n)
        return murmur2_partition(letter->says.lead, source->partitions);
    return letter->key.n ? murmur2_partition(letter->key, source->partitions) : letter->says.partition;
}

/* An hour is left for the sending, the reading and clocks that differ. */
static bool is_old(const struct redrive_rules *rules, const struct redrive_source *source,
                   const struct kafka_letter *letter) {
    return source->retention >= 0 && letter->says.timestamp >= 0 &&
           letter->says.timestamp < rules->now - source->retention + WHEN_HOUR;
}

enum redrive_fate redrive_judge(const struct redrive_rules *rules, const struct kafka_letter *letter, bool was_sent,
                                size_t *source, uint32_t *partition) {
    const struct dead_letter *says = &letter->says;
    size_t i = 0;
    if (was_sent)
        return REDRIVE_SENT;
    while (i < rules->n_sources && !bytes_is(says->topic, rules->sources[i].topic))
        i++;
    if (i == rules->n_sources || says->partition >= rules->sources[i].partitions)
        return REDRIVE_NO_SOURCE;
    if (says->cut_from >= 0)
        return REDRIVE_CUT;
    if (bytes_is(says->code, err_name(ERR_POISON)) && !rules->filter.code)
        return REDRIVE_POISON;
    if (says->sent >= REDRIVE_SENT_MOST && !rules->again)
        return REDRIVE_AGAIN;
    if (is_old(rules, &rules->sources[i], letter) && !rules->old)
        return REDRIVE_OLD;
    *source = i;
    *partition = destination(&rules->sources[i], letter);
    return REDRIVE_GO;
}

bool redrive_value(const struct kafka_letter *letter, struct arena *arena, struct bytes *value) {
    *value = letter->value;
    if (letter->says.index == DEAD_LETTER_NONE)
        return true;
    struct err e;
    arena_reset(arena);
    const struct json_node *array = json_tree_parse(letter->value, arena, &e);
    if (!array || array->kind != JSON_ARRAY || letter->says.index >= (int64_t)array->n)
        return false;
    const struct json_node *entry = array->first;
    for (int64_t i = 0; i < letter->says.index; i++)
        entry = entry->next;
    *value = (struct bytes){letter->value.at + entry->start, entry->end - entry->start};
    return entry->kind == JSON_OBJECT;
}
