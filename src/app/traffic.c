/* Traffic from the tables of traffic_plot: every lead has a persona and stands at a place of its story; a heap says
 * whose next step comes first. Events that come again, or late, wait as copies in a second heap.
 *
 * All is integer arithmetic on one random generator, and leads of one instant go by number, so that the same options
 * give the same traffic on every machine. */
#include "app/traffic.h"

#include "app/traffic_draft.h"
#include "codec/event_line.h"
#include <leadstream/when.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WAITING = 4096,    /* copies that may wait; when there are so many, events simply come in time */
    COPY = 1024,       /* bytes of a copy's texts */
    EVENTS_A_SCENE = 3 /* about, for the pace */
};

struct actor {
    int64_t next; /* its next step */
    const struct plot_scene *scene;
    uint8_t persona, chapter;
    uint8_t scenes; /* still to come in the chapter */
    uint8_t step;   /* next of the scene */
    uint16_t mails; /* number of its campaign */
};

/* A copy of an event that arrives later. */
struct waiting {
    int64_t at;
    struct event event;
    struct event_field fields[TRAFFIC_MAX_FIELDS];
    uint8_t texts[COPY];
};

struct traffic {
    struct traffic_options o;
    uint64_t random;
    uint64_t n;  /* events made */
    int64_t gap; /* usual time between two scenes of a lead */
    int64_t now;
    struct actor *actors;
    uint32_t *heap;           /* numbers of actors */
    struct waiting **waiting; /* a heap by `at` */
    size_t n_waiting;
};

/* ---- chance ---- */

static uint64_t draw(struct traffic *t) {
    return traffic_mix(t->random += UINT64_C(0x9e3779b97f4a7c15));
}

/* 0 <= result < n */
static uint32_t below(struct traffic *t, uint32_t n) {
    return (uint32_t)((draw(t) >> 32) * n >> 32);
}

/* True so many times of a million. */
static bool chance(struct traffic *t, uint32_t per_million) {
    return below(t, 1000000) < per_million;
}

/* A waiting time with that mean, as of things that come by themselves (exponential; the logarithm by its leading bit
 * and a straight line between, which is near enough). */
static int64_t wait_of(struct traffic *t, int64_t mean) {
    uint64_t u = draw(t) | 1;
    int zeros = 0;
    while (!(u >> 63)) {
        u <<= 1;
        zeros++;
    }
    int64_t bits = ((int64_t)(zeros + 1) << 16) - (int64_t)(u >> 47 & 0xffff); /* -log2, in 1/65536 */
    return mean / 1000 * (bits * 693 >> 16) + 1;
}

/* ---- stories ---- */

/* People write and read in working hours: most of what falls outside waits for the next morning. */
static int64_t working_hours(struct traffic *t, int64_t at) {
    int64_t hour = at % WHEN_DAY / WHEN_HOUR;
    int64_t morning = at / WHEN_DAY * WHEN_DAY + 7 * WHEN_HOUR + below(t, 3 * WHEN_HOUR);
    bool night = hour < 6 || hour > 19;
    if (night && below(t, 100) < 85)
        at = morning + (hour > 19 ? WHEN_DAY : 0);
    int64_t day = (at / WHEN_DAY + 3) % 7; /* 0: Monday */
    if (day > 4 && below(t, 100) < 80)
        at += (7 - day) * WHEN_DAY;
    return at;
}

static const struct plot_chapter *chapter_of(const struct actor *actor) {
    return &plot_personas[actor->persona].chapters[actor->chapter];
}

/* The actor's next scene, after a gap; the next chapter when this one is over. */
static void next_scene(struct traffic *t, struct actor *actor) {
    const struct plot_persona *persona = &plot_personas[actor->persona];
    if (!actor->scenes) {
        if (actor->scene)
            actor->chapter = actor->chapter + 1 < persona->n ? (uint8_t)(actor->chapter + 1) : persona->again;
        const struct plot_chapter *chapter = chapter_of(actor);
        actor->scenes = (uint8_t)(chapter->least + below(t, chapter->most - chapter->least + 1u));
    }
    const struct plot_chapter *chapter = chapter_of(actor);
    uint32_t weights = 0;
    size_t i = 0;
    for (; i < sizeof chapter->choices / sizeof *chapter->choices; i++)
        weights += chapter->choices[i].weight;
    uint32_t drawn = below(t, weights);
    for (i = 0; drawn >= chapter->choices[i].weight; i++)
        drawn -= chapter->choices[i].weight;
    if (actor->scene)
        actor->next = working_hours(t, actor->next + wait_of(t, t->gap / 100 * chapter->gap));
    actor->scene = chapter->choices[i].scene;
    actor->scenes--;
    actor->step = 0;
    actor->mails++;
}

/* ---- the two heaps ---- */

static bool sooner(const struct traffic *t, uint32_t a, uint32_t b) {
    int64_t x = t->actors[a].next, y = t->actors[b].next;
    return x != y ? x < y : a < b;
}

static void sink(struct traffic *t, size_t at) {
    uint32_t number = t->heap[at];
    for (size_t child; (child = 2 * at + 1) < t->o.leads; at = child) {
        if (child + 1 < t->o.leads && sooner(t, t->heap[child + 1], t->heap[child]))
            child++;
        if (!sooner(t, t->heap[child], number))
            break;
        t->heap[at] = t->heap[child];
    }
    t->heap[at] = number;
}

static void push_waiting(struct traffic *t, struct waiting *one) {
    size_t at = t->n_waiting++;
    for (; at && one->at < t->waiting[(at - 1) / 2]->at; at = (at - 1) / 2)
        t->waiting[at] = t->waiting[(at - 1) / 2];
    t->waiting[at] = one;
}

static struct waiting *pop_waiting(struct traffic *t) {
    struct waiting *first = t->waiting[0], *last = t->waiting[--t->n_waiting];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < t->n_waiting; at = child) {
        if (child + 1 < t->n_waiting && t->waiting[child + 1]->at < t->waiting[child]->at)
            child++;
        if (t->waiting[child]->at >= last->at)
            break;
        t->waiting[at] = t->waiting[child];
    }
    t->waiting[at] = last;
    return first;
}

/* ---- copies ---- */

/* Copies b behind what the writer holds. */
static struct bytes moved(struct writer *w, struct bytes b) {
    struct bytes copy = {w->at, b.n};
    writer_bytes(w, b.at, b.n);
    return copy;
}

/* The event with texts in `texts`, its fields in `fields`. False: too long to wait. */
static bool copy_event(const struct event *event, struct event_field *fields, struct writer *texts,
                       struct event *copy) {
    MUST(event->n_fields <= TRAFFIC_MAX_FIELDS);
    *copy = *event;
    copy->lead = moved(texts, event->lead);
    copy->id = moved(texts, event->id);
    copy->type = moved(texts, event->type);
    copy->fields = fields;
    for (uint32_t i = 0; i < event->n_fields; i++)
        fields[i] = (struct event_field){moved(texts, event->fields[i].name), moved(texts, event->fields[i].value)};
    return texts->ok;
}

/* The event arrives (once more) at `at`. False: it cannot wait. */
static bool wait_until(struct traffic *t, const struct event *event, int64_t at) {
    struct waiting *one = t->n_waiting < WAITING ? malloc(sizeof *one) : NULL;
    if (!one)
        return false;
    struct writer texts = writer_of(one->texts, sizeof one->texts);
    one->at = at;
    if (!copy_event(event, one->fields, &texts, &one->event)) {
        free(one);
        return false;
    }
    push_waiting(t, one);
    return true;
}

static void arrive(struct traffic *t, struct arena *arena, struct traffic_item *item) {
    struct waiting *one = pop_waiting(t);
    uint8_t *room = arena_take(arena, COPY);
    struct event_field *fields = arena_take(arena, sizeof one->fields);
    MUST(room != NULL && fields != NULL);
    struct writer texts = writer_of(room, COPY);
    MUST(copy_event(&one->event, fields, &texts, &item->event));
    item->at = one->at;
    free(one);
}

/* ---- the traffic ---- */

static uint8_t draw_persona(struct traffic *t) {
    uint32_t drawn = below(t, 100);
    uint8_t persona = 0;
    for (; drawn >= plot_personas[persona].weight; persona++)
        drawn -= plot_personas[persona].weight;
    return persona;
}

struct traffic *traffic_new(const struct traffic_options *options) {
    struct traffic *t = calloc(1, sizeof *t);
    MUST(t != NULL && options->leads > 0 && options->days > 0);
    t->o = *options;
    t->random = options->seed;
    int64_t length = options->days * WHEN_DAY;
    int64_t scenes = (int64_t)(options->events / options->leads / EVENTS_A_SCENE) + 1;
    /* The longer its story, the more of a lead's time are long silences: measured, so that events end with the days. */
    int64_t slower = 40 + 15 * scenes < 330 ? 40 + 15 * scenes : 330;
    t->gap = length / scenes * 100 / slower;
    t->actors = calloc(options->leads, sizeof *t->actors);
    t->heap = calloc(options->leads, sizeof *t->heap);
    t->waiting = calloc(WAITING, sizeof(struct waiting *));
    MUST(t->actors != NULL && t->heap != NULL && t->waiting != NULL);
    for (uint32_t i = 0; i < options->leads; i++) {
        struct actor *actor = &t->actors[i];
        actor->persona = draw_persona(t);
        int64_t into = length / 2000 * below(t, 1000) + below(t, 86400) * WHEN_SECOND;
        actor->next = working_hours(t, options->from + into % length);
        next_scene(t, actor);
        t->heap[i] = i;
    }
    for (uint32_t i = options->leads / 2 + 1; i-- > 0;)
        if (i < options->leads)
            sink(t, i);
    return t;
}

void traffic_free(struct traffic **traffic) {
    struct traffic *t = *traffic;
    if (!t)
        return;
    for (size_t i = 0; i < t->n_waiting; i++)
        free(t->waiting[i]);
    free(t->waiting);
    free(t->actors);
    free(t->heap);
    free(t);
    *traffic = NULL;
}

/* The next step of the story that comes first; the actor goes on to its next step or scene. */
static void act(struct traffic *t, struct arena *arena, struct traffic_item *item) {
    uint32_t lead = t->heap[0];
    struct actor *actor = &t->actors[lead];
    const struct plot_step *step = &actor->scene->steps[actor->step];
    struct traffic_draft draft = {.seed = t->o.seed,
                                  .lead = lead,
                                  .number = t->n++,
                                  .mail = actor->mails,
                                  .time = actor->next,
                                  .persona = &plot_personas[actor->persona],
                                  .step = step};
    traffic_draft(&draft, arena, &item->event);
    item->at = actor->next;
    if (++actor->step < actor->scene->n)
        actor->next += wait_of(t, actor->scene->steps[actor->step].after * WHEN_SECOND);
    else
        next_scene(t, actor);
    sink(t, 0);
}

void traffic_next(struct traffic *t, struct arena *arena, struct traffic_item *item) {
    *item = (struct traffic_item){.at = t->now};
    if (t->o.rubbish && chance(t, t->o.rubbish)) {
        item->rubbish = true;
        uint32_t lead = below(t, t->o.leads);
        item->text = traffic_rubbish(t->o.seed, lead, below(t, 1000), arena);
        item->event.lead = traffic_lead(lead, arena);
        return;
    }
    for (;;) {
        if (t->n_waiting && t->waiting[0]->at <= t->actors[t->heap[0]].next) {
            arrive(t, arena, item);
            break;
        }
        struct arena_mark mark = arena_mark(arena);
        act(t, arena, item);
        int64_t late = WHEN_MINUTE + wait_of(t, 4 * WHEN_HOUR) % (2 * WHEN_DAY);
        if (chance(t, t->o.late) && wait_until(t, &item->event, item->at + late)) {
            arena_rewind(arena, mark);
            continue;
        }
        if (chance(t, t->o.duplicates))
            (void)wait_until(t, &item->event, item->at + wait_of(t, WHEN_HOUR));
        break;
    }
    MUST(item->at >= t->now);
    t->now = item->at;
}

void traffic_item_text(struct text *text, const struct traffic_item *item) {
    if (item->rubbish)
        text_put(text, (const char *)item->text.at, item->text.n);
    else
        event_line_json(text, &item->event);
}
