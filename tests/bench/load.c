/* The benchmark's input: marketing events over 30 days, Zipf (s = 1) over the leads, one in a hundred sent twice, as
 * Confluent-framed Avro with schema ids 1 (email), 2 (web), 3 (form) on PREFIX.email, PREFIX.web and PREFIX.form.
 *
 *   load fill BOOTSTRAP PREFIX EVENTS LEADS SEED            as fast as they go
 *   load each BOOTSTRAP PREFIX EVENTS LEADS SEED            so too, but first one event for each lead
 *   load pace BOOTSTRAP PREFIX RATE SECONDS LEADS SEED      stamped now, at a steady rate
 *
 * The same seed gives the same bytes. */
#include <librdkafka/rdkafka.h>

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIE(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), exit(1))

static uint64_t state;

static uint64_t rnd(void) { /* splitmix64 */
    uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double unit(void) {
    return (double)(rnd() >> 11) * 0x1p-53;
}

static unsigned below(unsigned n) {
    return (unsigned)(((rnd() >> 32) * n) >> 32);
}

/* ---- Zipf by the alias method ---- */

static uint64_t each; /* so many events are of one lead after the other */
static unsigned leads, *alias_of;
static float *keep;

static void zipf(unsigned n) {
    double *p = malloc(n * sizeof *p), h = 0;
    unsigned *stack = malloc(n * sizeof *stack), small = 0, large = n;
    leads = n;
    alias_of = malloc(n * sizeof *alias_of);
    keep = malloc(n * sizeof *keep);
    for (unsigned i = 0; i < n; i++)
        h += 1.0 / (i + 1);
    for (unsigned i = 0; i < n; i++) {
        p[i] = n / (h * (i + 1));
        if (p[i] < 1)
            stack[small++] = i;
        else
            stack[--large] = i;
    }
    while (small && large < n) {
        unsigned s = stack[--small], l = stack[large];
        keep[s] = (float)p[s];
        alias_of[s] = l;
        p[l] -= 1 - p[s];
        if (p[l] < 1) {
            large++;
            stack[small++] = l;
        }
    }
    while (small)
        keep[stack[--small]] = 1;
    while (large < n)
        keep[stack[large++]] = 1;
    free(p);
    free(stack);
}

static unsigned pick_lead(void) {
    unsigned i = below(leads);
    if (unit() >= (double)keep[i])
        i = alias_of[i];
    return (unsigned)((i * UINT64_C(2654435761) + 12345) % leads); /* ranks spread over the ids */
}

/* ---- Avro ---- */

static uint8_t *w;

static void num(int64_t v) {
    uint64_t u = ((uint64_t)v << 1) ^ (uint64_t)(v >> 63);
    for (; u > 127; u >>= 7)
        *w++ = (uint8_t)(u | 128);
    *w++ = (uint8_t)u;
}

static void str(const char *s) {
    size_t n = strlen(s);
    num((int64_t)n);
    memcpy(w, s, n);
    w += n;
}

static void opt(const char *s) {
    num(s != NULL);
    if (s)
        str(s);
}

#define PICK(a) a[below(sizeof a / sizeof *a)]

static const char *const path[] = {"/",           "/about",     "/blog/lead-scoring-101", "/blog/q3-release",
                                   "/features",   "/integrations", "/customers",          "/contact",
                                   "/blog/how-to-nurture", "/security", "/partners",      "/events/webinar-series"};
static const char *const agent[] = {"Mozilla/5.0 (Windows NT 10.0; Win64; x64)", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4)",
                                    "Mozilla/5.0 (Macintosh; Intel Mac OS X)", "GoogleImageProxy"};
static const char *const title[] = {"VP Marketing", "Marketing Director", "Engineer", "Student", "Analyst", "CTO", "Manager"};
static const char *const size[] = {"1-10", "11-50", "51-200", "201-1000", "1001+"};
static const char *const country[] = {"US", "GB", "DE", "FR", "BR", "IN"};
static const char *const industry[] = {"software", "education", "retail", "finance", "health"};
static const char *const revenue[] = {"<1M", "1M-10M", "10M-50M", "50M+"};
static const char *const utm[] = {"google", "linkedin", "newsletter"};

static void page(char *o, size_t n) {
    unsigned r = below(100);
    if (r < 6)
        snprintf(o, n, "https://www.example.com/pricing?plan=%u", below(4));
    else if (r < 9)
        snprintf(o, n, "https://www.example.com/demo");
    else if (r < 24)
        snprintf(o, n, "https://docs.example.com/guide/%u", below(200));
    else if (r < 30)
        snprintf(o, n, "https://www.example.com/case-studies/%u", below(30));
    else if (r < 32)
        snprintf(o, n, "https://www.example.com/careers");
    else
        snprintf(o, n, "https://www.example.com%s", PICK(path));
}

struct load {
    int source;
    size_t n;
    char key[16];
    uint8_t bytes[512];
};

static void make_email(void) {
    char url[100], text[64];
    unsigned r = below(1000);
    const char *type = r < 300   ? "sent"
                       : r < 600 ? "delivered"
                       : r < 850 ? "open"
                       : r < 970 ? "click"
                       : r < 980 ? "reply"
                       : r < 985 ? "unsubscribe"
                                 : "bounce";
    int click = *type == 'c', seen = click || *type == 'o';
    str(type);
    snprintf(text, sizeof text, "campaign-2026-%03u", below(120));
    str(text);
    snprintf(text, sizeof text, "msg-%016llx", (unsigned long long)rnd());
    str(text);
    page(url, sizeof url);
    opt(click ? url : NULL);
    opt(seen ? PICK(agent) : NULL);
    *w++ = *type == 'o' && below(100) < 30;
}

static void make_web(void) {
    char url[100], text[64];
    unsigned r = below(100);
    str(r < 85 ? "page_view" : r < 88 ? "video_play" : r < 93 ? "search" : "download");
    page(url, sizeof url);
    str(url);
    str("Example - the platform for pipelines");
    opt(below(2) ? "https://www.google.com/" : NULL);
    snprintf(text, sizeof text, "s-%012llx", (unsigned long long)(rnd() & 0xffffffffffff));
    str(text);
    num(below(300000));
    int u = below(100) < 30;
    opt(u ? PICK(utm) : NULL);
    opt(u ? "cpc" : NULL);
    opt(u ? "spring-launch" : NULL);
}

static void make_form(const char *key) {
    char text[64];
    str(below(100) < 80 ? "submit" : "view");
    snprintf(text, sizeof text, "form-%u", below(20));
    str(text);
    opt("https://www.example.com/forms/contact");
    num(6);
    str("title");
    str(PICK(title));
    str("company_size");
    str(PICK(size));
    str("country");
    str(PICK(country));
    str("industry");
    str(PICK(industry));
    str("revenue");
    str(PICK(revenue));
    snprintf(text, sizeof text, "%s@example.com", key);
    str("email");
    str(text);
    num(0);
}

static void make(struct load *e, uint64_t serial, int64_t time) {
    char id[40];
    unsigned r = below(100), l = serial < each ? (unsigned)serial : pick_lead();
    e->source = r < 60 ? 0 : r < 95 ? 1 : 2;
    snprintf(e->key, sizeof e->key, "lead-%09u", l % 1000000000u);
    snprintf(id, sizeof id, "ev-%08llx-%012llx", (unsigned long long)(rnd() & 0xffffffff), (unsigned long long)serial);
    w = e->bytes;
    memset(w, 0, 4);
    w[4] = (uint8_t)(e->source + 1);
    w += 5;
    str(id);
    str(e->key);
    num(time);
    if (e->source == 0)
        make_email();
    else if (e->source == 1)
        make_web();
    else
        make_form(e->key);
    e->n = (size_t)(w - e->bytes);
}

/* ---- Kafka ---- */

static rd_kafka_t *client(const char *bootstrap, const char *linger) {
    const char *const conf[] = {"bootstrap.servers", bootstrap, "socket.nagle.disable", "true", "partitioner", "murmur2_random",
                                "linger.ms", linger, "batch.num.messages", "20000", "batch.size", "1000000",
                                "queue.buffering.max.messages", "1000000", "queue.buffering.max.kbytes", "1000000", "acks",
                                "all", NULL};
    char err[512];
    rd_kafka_conf_t *c = rd_kafka_conf_new();
    for (int i = 0; conf[i]; i += 2)
        if (rd_kafka_conf_set(c, conf[i], conf[i + 1], err, sizeof err))
            DIE("%s", err);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, c, err, sizeof err);
    if (!rk)
        DIE("%s", err);
    return rk;
}

static void send_one(rd_kafka_t *rk, rd_kafka_topic_t **t, struct load *e, int64_t ts) {
    for (;;) {
        rd_kafka_resp_err_t err = rd_kafka_producev(
            rk, RD_KAFKA_V_RKT(t[e->source]), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(e->key, strlen(e->key)),
            RD_KAFKA_V_VALUE((void *)e->bytes, e->n), RD_KAFKA_V_TIMESTAMP(ts), RD_KAFKA_V_END);
        if (!err)
            return;
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            DIE("produce: %s", rd_kafka_err2str(err));
        rd_kafka_poll(rk, 20);
    }
}

static double now_s(clockid_t c) {
    struct timespec t;
    clock_gettime(c, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Waits until the i-th event of a paced run is due; its time is then now. */
static int64_t pace(rd_kafka_t *rk, double t0, long i, long rate) {
    for (double d; (d = t0 + (double)i / (double)rate - now_s(CLOCK_MONOTONIC)) > 0;) {
        rd_kafka_poll(rk, 0);
        long ns = d > 0.001 ? 1000000 : (long)(d * 1e9);
        nanosleep(&(struct timespec){0, ns}, NULL);
    }
    return (int64_t)(now_s(CLOCK_REALTIME) * 1000);
}

static void load(rd_kafka_t *rk, rd_kafka_topic_t **t, long n, long rate) {
    static struct load recent[256];
    const int64_t base = 1767225600000, span = INT64_C(30) * 86400000; /* from 2026-01-01 */
    double t0 = now_s(CLOCK_MONOTONIC);
    for (long i = 0; i < n; i++) {
        if (!rate && i % 1000 == 0)
            rd_kafka_poll(rk, 0);
        int64_t at = rate ? pace(rk, t0, i, rate) : base + (int64_t)((double)i * (double)span / (double)n) + below(2000);
        struct load *e = &recent[i & 255];
        if (i > 256 && (uint64_t)i >= each && below(100) == 0)
            e = &recent[below(256)];
        else
            make(e, (uint64_t)i, at);
        send_one(rk, t, e, at);
    }
    rd_kafka_flush(rk, 60000);
}

int main(int argc, char **argv) {
    int paced = argc == 8 && !strcmp(argv[1], "pace"), swept = argc == 7 && !strcmp(argv[1], "each");
    if (!paced && !swept && (argc != 7 || strcmp(argv[1], "fill")))
        DIE("usage: load fill|each BOOTSTRAP PREFIX EVENTS LEADS SEED | load pace BOOTSTRAP PREFIX RATE SECONDS LEADS SEED");
    state = strtoull(argv[paced ? 7 : 6], NULL, 10);
    zipf((unsigned)atoi(argv[paced ? 6 : 5]));
    each = swept ? leads : 0;
    rd_kafka_t *rk = client(argv[2], paced ? "10" : "50");
    rd_kafka_topic_t *t[3];
    static const char *const kind[] = {"email", "web", "form"};
    for (int i = 0; i < 3; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s.%s", argv[3], kind[i]);
        t[i] = rd_kafka_topic_new(rk, name, NULL);
    }
    long rate = paced ? atol(argv[4]) : 0;
    load(rk, t, paced ? rate * atol(argv[5]) : atol(argv[4]), rate);
    for (int i = 0; i < 3; i++)
        rd_kafka_topic_destroy(t[i]);
    rd_kafka_destroy(rk);
    return 0;
}
