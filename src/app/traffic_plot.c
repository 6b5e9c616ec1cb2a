/* The tables. Weights of personas sum to 100. Gaps: 100 is usual, less is eager, 1000 is a long silence. */
#include "app/traffic_plot.h"

enum { MOMENT = 20, MINUTES = 180, HOURS = 3 * 3600, DAYS = 3 * 86400 };

#define SCENE(name, ...)                                                                                               \
    static const struct plot_step name##_steps[] = {__VA_ARGS__};                                                      \
    static const struct plot_scene name = {sizeof name##_steps / sizeof *name##_steps, name##_steps}

/* ---- scenes ---- */
SCENE(visit, {"web.page_viewed", 0, false, NULL}, {"web.page_viewed", MINUTES, false, NULL});
SCENE(read_blog, {"web.page_viewed", 0, false, "/blog"}, {"web.page_viewed", MINUTES, false, "/blog"},
      {"social.engaged", MINUTES, false, NULL});
SCENE(look_around, {"web.page_viewed", 0, false, "/"}, {"web.searched", MOMENT, false, NULL},
      {"web.page_viewed", MOMENT, false, "/features"}, {"web.page_viewed", MINUTES, false, "/customers"});
SCENE(study, {"web.page_viewed", 0, false, "/features"}, {"web.downloaded", MINUTES, false, "whitepaper"},
      {"web.video_played", HOURS, false, "product-tour"});
SCENE(ask_price, {"web.page_viewed", 0, false, "/features"}, {"web.page_viewed", MINUTES, false, "/pricing"},
      {"web.page_viewed", MINUTES, false, "/pricing"}, {"web.chat_started", MINUTES, false, NULL});
SCENE(seek_job, {"web.page_viewed", 0, false, "/careers"}, {"web.page_viewed", MINUTES, false, "/careers/engineer"});
SCENE(mail_ignored, {"email.sent", 0, false, NULL}, {"email.delivered", MOMENT, false, NULL});
SCENE(mail_opened, {"email.sent", 0, false, NULL}, {"email.delivered", MOMENT, false, NULL},
      {"email.opened", HOURS, false, NULL});
SCENE(mail_clicked, {"email.sent", 0, false, NULL}, {"email.delivered", MOMENT, false, NULL},
      {"email.opened", HOURS, false, NULL}, {"email.clicked", MOMENT, false, NULL},
      {"web.page_viewed", MOMENT, false, NULL});
SCENE(mail_answered, {"email.sent", 0, false, NULL}, {"email.delivered", MOMENT, false, NULL},
      {"email.opened", HOURS, false, NULL}, {"email.replied", HOURS, false, NULL});
SCENE(mail_passed_on, {"email.sent", 0, false, NULL}, {"email.delivered", MOMENT, false, NULL},
      {"email.opened", HOURS, false, NULL}, {"email.forwarded", MOMENT, false, NULL});
SCENE(mail_scanned, {"email.sent", 0, false, NULL}, {"email.delivered", 2, false, NULL},
      {"email.opened", 1, true, NULL}, {"email.clicked", 1, true, NULL}, {"email.clicked", 1, true, "/pricing"},
      {"email.clicked", 1, true, "/demo"}, {"email.clicked", 1, true, "/unsubscribe"});
SCENE(mail_bounced, {"email.sent", 0, false, NULL}, {"email.bounced", MOMENT, false, NULL});
SCENE(mail_unwanted, {"email.sent", 0, false, NULL}, {"email.delivered", MOMENT, false, NULL},
      {"email.opened", HOURS, false, NULL}, {"email.unsubscribed", MOMENT, false, NULL},
      {"privacy.consent_changed", 1, false, "denied"});
SCENE(mail_hated, {"email.sent", 0, false, NULL}, {"email.delivered", MOMENT, false, NULL},
      {"email.complained", HOURS, false, NULL}, {"privacy.consent_changed", 1, false, "denied"});
SCENE(fill_form, {"form.viewed", 0, false, "contact"}, {"form.started", MOMENT, false, "contact"},
      {"form.submitted", MINUTES, false, "contact"}, {"privacy.consent_changed", 1, false, "granted"});
SCENE(leave_form, {"form.viewed", 0, false, "demo"}, {"form.started", MOMENT, false, "demo"},
      {"form.abandoned", MINUTES, false, "demo"});
SCENE(ask_demo, {"web.page_viewed", 0, false, "/pricing"}, {"form.viewed", MINUTES, false, "demo"},
      {"form.submitted", MINUTES, false, "demo"});
SCENE(webinar, {"meeting.registered", 0, false, NULL}, {"meeting.attended", DAYS, false, NULL},
      {"web.downloaded", MINUTES, false, "slides"});
SCENE(webinar_missed, {"meeting.registered", 0, false, NULL}, {"meeting.missed", DAYS, false, NULL});
SCENE(follow, {"social.followed", 0, false, NULL}, {"social.engaged", HOURS, false, NULL});
SCENE(share, {"social.shared", 0, false, NULL}, {"social.mentioned", HOURS, false, NULL});
SCENE(sales_look, {"crm.profile_updated", 0, false, NULL}, {"crm.accepted", HOURS, false, NULL},
      {"crm.opportunity", DAYS, false, NULL});
SCENE(sales_no, {"crm.profile_updated", 0, false, NULL}, {"crm.rejected", HOURS, false, "no budget"},
      {"crm.recycled", 10 * DAYS, false, NULL});
SCENE(buy, {"crm.won", 0, false, NULL});
SCENE(not_buy, {"crm.lost", 0, false, "chose another"}, {"crm.recycled", 20 * DAYS, false, NULL});
SCENE(be_forgotten, {"privacy.erased", 0, false, NULL});

/* ---- stories ---- */
static const struct plot_chapter browser[] = {
    {2, 6, 120, {{&visit, 50}, {&read_blog, 20}, {&mail_ignored, 20}, {&mail_opened, 10}}},
    {1, 1, 1000, {{&visit, 40}, {&leave_form, 20}, {&mail_ignored, 40}}},
};
static const struct plot_chapter reader[] = {
    {1, 2, 80, {{&fill_form, 60}, {&read_blog, 40}}},
    {4, 12, 100, {{&mail_opened, 45}, {&mail_clicked, 25}, {&mail_ignored, 15}, {&read_blog, 10}, {&webinar, 5}}},
    {1, 2, 600, {{&mail_ignored, 80}, {&mail_passed_on, 20}}},
};
static const struct plot_chapter buyer[] = {
    {1, 3, 60, {{&look_around, 50}, {&read_blog, 30}, {&mail_clicked, 20}}},
    {1, 1, 40, {{&fill_form, 100}}},
    {2, 6, 40, {{&study, 30}, {&mail_clicked, 25}, {&webinar, 15}, {&ask_price, 20}, {&follow, 10}}},
    {1, 3, 800, {{&mail_ignored, 60}, {&mail_opened, 40}}},
    {2, 4, 20, {{&ask_price, 40}, {&mail_answered, 20}, {&ask_demo, 25}, {&webinar, 15}}},
    {1, 1, 10, {{&sales_look, 80}, {&sales_no, 20}}},
    {1, 1, 60, {{&buy, 55}, {&not_buy, 45}}},
    {2, 5, 300, {{&mail_opened, 50}, {&visit, 30}, {&mail_clicked, 20}}},
};
static const struct plot_chapter student[] = {
    {1, 1, 80, {{&fill_form, 100}}},
    {4, 10, 60, {{&study, 40}, {&read_blog, 25}, {&visit, 15}, {&seek_job, 20}}},
    {1, 1, 1000, {{&seek_job, 60}, {&share, 40}}},
};
static const struct plot_chapter scanned[] = {
    {1, 1, 80, {{&fill_form, 100}}},
    {3, 9, 100, {{&mail_scanned, 75}, {&visit, 15}, {&mail_clicked, 10}}},
};
static const struct plot_chapter leaving[] = {
    {2, 5, 100, {{&mail_opened, 40}, {&visit, 40}, {&webinar_missed, 20}}},
    {1, 1, 100, {{&mail_unwanted, 60}, {&mail_hated, 15}, {&mail_bounced, 20}, {&be_forgotten, 5}}},
    {1, 2, 1500, {{&visit, 100}}},
};
static const struct plot_chapter returning[] = {
    {1, 3, 60, {{&look_around, 60}, {&fill_form, 40}}},
    {1, 1, 1500, {{&mail_ignored, 100}}},
    {2, 5, 30, {{&mail_clicked, 40}, {&ask_price, 30}, {&study, 30}}},
    {1, 1, 20, {{&ask_demo, 50}, {&visit, 50}}},
};

static const char *const anyone[] = {"Engineer", "Analyst",        "Marketing Manager", "Consultant",
                                     "Buyer",    "Office Manager", "Team Lead",         NULL};
static const char *const deciders[] = {
    "VP Sales", "Head of Marketing", "Director IT", "Chief Operating Officer", "Procurement Manager", NULL};
static const char *const students[] = {"Student", "PhD Student", "Research Assistant", NULL};

#define STORY(chapters) sizeof(chapters) / sizeof *(chapters), 1, chapters
const struct plot_persona plot_personas[] = {
    {"browser", 34, STORY(browser), anyone, false},       {"reader", 22, STORY(reader), anyone, false},
    {"buyer", 12, STORY(buyer), deciders, false},         {"student", 8, STORY(student), students, true},
    {"scanned", 8, STORY(scanned), anyone, false},        {"leaving", 6, STORY(leaving), anyone, false},
    {"returning", 10, STORY(returning), deciders, false},
};
const size_t plot_n_personas = sizeof plot_personas / sizeof *plot_personas;
