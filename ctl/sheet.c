#include "ctl/sheet.h"

#include "base/date.h"
#include "base/str.h"
#include "ctl/model.h"
#include "ctl/shown.h"
#include "ctl/units.h"
#include "ctl/yaml.h"

#include <stdlib.h>
#include <string.h>

enum { LABEL_COLUMNS = 17 };

static void add_label(struct text *out, const char *label)
{
    text_format(out, "%s:%*s", label, (int)(LABEL_COLUMNS - strlen(label) - 1), "");
}

void sheet_text(struct text *out, const char *label, const char *value)
{
    add_label(out, label);
    shown_add(out, span_of(value && *value ? value : "-"));
    text_put(out, "\n");
}

void sheet_flag(struct text *out, const char *label, bool value)
{
    sheet_text(out, label, value ? "yes" : "no");
}

void sheet_date(struct text *out, const char *label, const json_t *model, const char *name)
{
    int64_t ms, now_ms = units_now_ms();
    if (!model_date(model, name, &ms)) {
        sheet_text(out, label, NULL);
        return;
    }
    char date[DATE_ROOM];
    struct text value = {0};
    date_print(ms, date);
    text_format(&value, "%.19sZ (%s", date, ms > now_ms ? "in " : "");
    units_age(&value, ms > now_ms ? ms - now_ms : now_ms - ms);
    text_put(&value, ms > now_ms ? ")" : " ago)");
    char *text = text_take(&value);
    sheet_text(out, label, text);
    free(text);
}

void sheet_list(struct text *out, const char *label, const json_t *model, const char *name)
{
    struct text list = {0};
    model_list(model, name, &list);
    char *text = text_take(&list);
    sheet_text(out, label, text);
    free(text);
}

void sheet_indented(struct text *out, struct span lines)
{
    while (lines.p && lines.n) {
        struct span line = span_cut(lines, '\n', &lines);
        text_put(out, "  ");
        text_add(out, line);
        text_put(out, "\n");
    }
}

void sheet_object(struct text *out, const char *label, const json_t *value)
{
    struct text lines = {0};
    if (json_object_size(value) == 0)
        return;
    yaml_add(&lines, value);
    text_format(out, "%s:\n", label);
    sheet_indented(out, (struct span){lines.p, lines.n});
    text_release(&lines);
}
