/* Text that grows. */
#include "sim/story.h"

#include "sim/sim.h"

#include <stdarg.h>
#include <stdlib.h>

enum { LONGEST = 700 };

void story_tell(struct sim *sim, const char *format, ...) {
    struct story *story = sim->story;
    if (!story)
        return;
    if (story->cap - story->n < LONGEST) {
        story->cap = story->cap ? story->cap * 2 : 65536;
        story->text = realloc(story->text, story->cap);
        MUST(story->text != NULL);
    }
    int n = snprintf(story->text + story->n, LONGEST / 2, "%5u %7lld ms  ", sim->step, (long long)sim->now);
    story->n += (size_t)n;
    va_list args;
    va_start(args, format);
    n = vsnprintf(story->text + story->n, LONGEST / 2, format, args);
    va_end(args);
    story->n += n < LONGEST / 2 ? (size_t)n : LONGEST / 2 - 1;
    story->text[story->n++] = '\n';
    story->text[story->n] = 0;
}

void story_print(const struct story *story, FILE *to) {
    if (story->n)
        fwrite(story->text, 1, story->n, to);
}

void story_free(struct story *story) {
    free(story->text);
    *story = (struct story){NULL, 0, 0};
}
