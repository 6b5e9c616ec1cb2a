/* Mapping + writer's schema -> plan. Two ways in: a mapping that names places, and the shipped layout, where every
 * scalar member of the record is a field by its own name and the map `fields` holds more.
 *
 * What an event cannot be without (lead, id, time, type) must be somewhere in the schema, or nothing written with it is
 * readable: that is said once, here, and not for every record anew. Other places may be missing: a writer's schema may
 * be older than the mapping. */
#include "codec/avro_plan.h"

#include "codec/schema_tree.h"
#include <stdio.h>
#include <stdlib.h>

const char *const plan_part_names[PLAN_PARTS] = {"lead", "id", "time", "type", "machine"};

enum { PATH_TEXT = 160 };

static bool plan_shipped(struct plan *plan);
static bool plan_mapped(struct plan *plan, const struct mapping *mapping);
static bool plan_fits(struct plan *plan, const struct mapping *mapping);

struct plan *plan_new(const struct mapping *mapping, const struct schema *schema,
                      bool (*asked)(const void *self, struct bytes name), const void *self) {
    struct plan *plan = calloc(1, sizeof *plan);
    MUST(plan != NULL);
    plan->schema = schema;
    for (int part = 0; part < PLAN_PARTS; part++)
        plan->parts[part].slot = -1;
    if (!(mapping->shipped ? plan_shipped(plan) : plan_mapped(plan, mapping)))
        return plan;
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        plan->fields[i].asked = asked(self, plan->fields[i].name);
        plan->name_bits |= plan_name_bit(plan->fields[i].name);
    }
    plan->program = avro_program_new(schema_root(schema), plan->wants, plan->n_wants, &plan->err);
    if (plan->program && !plan_fits(plan, mapping))
        avro_program_free(&plan->program);
    return plan;
}

void plan_free(struct plan **plan) {
    if (!*plan)
        return;
    avro_program_free(&(*plan)->program);
    free(*plan);
    *plan = NULL;
}

static bool too_many(struct plan *plan) {
    return err_set(&plan->err, ERR_SCHEMA, NULL, "more than %d places of a record are wanted", AVRO_MAX_WANTS);
}

/* ---- the shipped layout ---- */

static bool is_scalar(const struct schema_node *node) {
    bool scalar = false;
    for (uint32_t i = 0; node->type == SCHEMA_UNION && i < node->n; i++)
        scalar |= is_scalar(node->members[i].type) && node->members[i].type->type != SCHEMA_NULL;
    return scalar || node->type <= SCHEMA_STRING || node->type == SCHEMA_ENUM || node->type == SCHEMA_FIXED;
}

static bool is_map(const struct schema_node *node) {
    bool map = node->type == SCHEMA_MAP;
    for (uint32_t i = 0; node->type == SCHEMA_UNION && i < node->n; i++)
        map |= node->members[i].type->type == SCHEMA_MAP;
    return map;
}

/* A member by its name, once, though several branches of a union may have it. */
static bool plan_member(struct plan *plan, const struct schema_member *member) {
    bool entries = bytes_is(member->name, "fields") && is_map(member->type);
    if (!entries && !is_scalar(member->type))
        return true;
    for (uint32_t i = 0; i < plan->n_wants; i++)
        if (bytes_equal(plan->names[i].name, member->name))
            return true;
    if (plan->n_wants == AVRO_MAX_WANTS)
        return too_many(plan);
    uint32_t slot = plan->n_wants++;
    plan->names[slot].name = member->name;
    plan->wants[slot] = (struct avro_want){.n_steps = 1, .steps = &plan->names[slot], .entries = entries};
    for (int part = 0; part < PLAN_PARTS; part++) {
        if (!bytes_is(member->name, plan_part_names[part]))
            continue;
        plan->parts[part].slot = (int)slot;
        plan->wants[slot].qualified = part == PLAN_TYPE;
        return true;
    }
    if (!entries)
        plan->fields[plan->n_fields++] = (struct plan_field){.name = member->name, .slot = (int)slot};
    return true;
}

static bool plan_record(struct plan *plan, const struct schema_node *record) {
    for (uint32_t i = 0; record->type == SCHEMA_RECORD && i < record->n; i++)
        if (!plan_member(plan, &record->members[i]))
            return false;
    return true;
}

static bool plan_shipped(struct plan *plan) {
    const struct schema_node *root = schema_root(plan->schema);
    for (uint32_t i = 0; root->type == SCHEMA_UNION && i < root->n; i++)
        if (!plan_record(plan, root->members[i].type))
            return false;
    return plan_record(plan, root);
}

/* ---- a mapping ---- */

static bool same_path(const struct avro_want *want, const struct mapping_value *value) {
    bool same = want->n_steps == value->n_steps;
    for (uint32_t i = 0; same && i < value->n_steps; i++)
        same = bytes_equal(want->steps[i].name, value->steps[i].name) && want->steps[i].index == value->steps[i].index;
    return same;
}

/* The slot of a path, which several may name; -1 for what is no path, and a literal's text. False: too many. */
static bool plan_value(struct plan *plan, const struct mapping_value *value, int *slot, struct found *literal) {
    *slot = -1;
    if (value->kind == MAPPING_LITERAL)
        *literal = (struct found){.kind = FOUND_TEXT, .text = value->literal};
    if (value->kind != MAPPING_PATH)
        return true;
    uint32_t i = 0;
    while (i < plan->n_wants && !same_path(&plan->wants[i], value))
        i++;
    if (i == AVRO_MAX_WANTS)
        return too_many(plan);
    if (i == plan->n_wants)
        plan->wants[plan->n_wants++] = (struct avro_want){.n_steps = value->n_steps, .steps = value->steps};
    *slot = (int)i;
    return true;
}

static bool plan_mapped(struct plan *plan, const struct mapping *mapping) {
    const struct mapping_value *const hows[] = {&mapping->lead, &mapping->id, &mapping->time, &mapping->type,
                                                &mapping->machine};
    for (int i = 0; i < PLAN_PARTS; i++) {
        plan->parts[i].how = hows[i];
        if (!plan_value(plan, hows[i], &plan->parts[i].slot, &plan->parts[i].literal))
            return false;
    }
    if (mapping->n_fields > AVRO_MAX_WANTS)
        return too_many(plan);
    for (uint32_t i = 0; i < mapping->n_fields; i++) {
        struct plan_field *to = &plan->fields[plan->n_fields++];
        to->name = mapping->fields[i].name;
        if (!plan_value(plan, &mapping->fields[i].value, &to->slot, &to->literal))
            return false;
    }
    return true;
}

/* ---- does it fit? ---- */

static const char *path_text(const struct avro_want *want, char out[PATH_TEXT]) {
    size_t n = 0;
    for (uint32_t i = 0; i < want->n_steps && n < PATH_TEXT - 1; i++) {
        struct bytes name = want->steps[i].name;
        int wrote = name.n ? snprintf(out + n, PATH_TEXT - n, "%s%.*s", i ? "." : "", event_quoted(name),
                                      (const char *)name.at)
                           : snprintf(out + n, PATH_TEXT - n, "[%u]", want->steps[i].index);
        n += wrote > 0 ? (size_t)wrote : 0;
    }
    return out;
}

static bool misfit(struct plan *plan, const char *what, const struct avro_want *want) {
    char path[PATH_TEXT] = "";
    struct bytes name = schema_name(plan->schema);
    return err_set(&plan->err, ERR_SCHEMA, NULL, "%s: the schema %.*s has %s at \"%s\"", what,
                   name.n ? event_quoted(name) : 9, name.n ? (const char *)name.at : "(no name)",
                   want->blocked ? "no single value (a record, array or map)" : "nothing", path_text(want, path));
}

static bool plan_fits(struct plan *plan, const struct mapping *mapping) {
    for (int part = 0; part < PLAN_PARTS; part++) {
        int slot = plan->parts[part].slot;
        if (slot >= 0 && !plan->wants[slot].found && (part != PLAN_MACHINE || plan->wants[slot].blocked))
            return misfit(plan, plan_part_names[part], &plan->wants[slot]);
        if (slot < 0 && mapping->shipped && part != PLAN_MACHINE)
            return misfit(plan, plan_part_names[part],
                          &(struct avro_want){.n_steps = 1, .steps = &(struct mapping_step){
                                                                .name = bytes_of(plan_part_names[part])}});
    }
    for (uint32_t i = 0; i < plan->n_fields; i++) {
        const struct avro_want *want = plan->fields[i].slot >= 0 ? &plan->wants[plan->fields[i].slot] : NULL;
        if (want && want->blocked && !want->found)
            return misfit(plan, "fields", want);
    }
    return true;
}
