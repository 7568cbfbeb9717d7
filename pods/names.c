#include "pods/names.h"
#include "base/str.h"
#include "pods/traits.h"

#include <stdio.h>
#include <string.h>

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Labels of letters, digits and dashes between dots, no dash at an end of one (RFC 1123 2.1). */
static bool is_subdomain(struct span name)
{
    bool after_end = true; /* of a label: a letter or digit must come */
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool is_good = is_alphanumeric(c) || (!after_end && c == '-') ||
                       (!after_end && c == '.' && name.p[i - 1] != '-');
        if (!is_good)
            return false;
        after_end = c == '.';
    }
    return name.n > 0 && name.n <= NAME_BYTES_MAX && is_alphanumeric(name.p[name.n - 1]);
}

/* The text as the name of an object; *error says which template it is. */
static bool make_name(char out[NAME_ROOM], const char *trait, const char *pattern,
                      const struct pod_owner *owner, struct error *error)
{
    struct error why;
    struct text text = {0};
    bool good =
        expand_text(&text, pattern, owner, &why) || error_set(error, "%s%.400s", trait, why.text);
    struct span name = {text.p, text.n};
    if (good && !is_subdomain(name))
        good = error_set(
            error,
            "%s: '%.80s' makes '%.*s' of this server, which is no name for an object of "
            "Kubernetes: at most %d small letters, digits and dashes",
            trait, pattern, name.n > 120 ? 120 : (int)name.n, name.n ? name.p : "", NAME_BYTES_MAX);
    if (good)
        snprintf(out, NAME_ROOM, "%.*s", (int)name.n, name.p);
    text_release(&text);
    return good;
}

/* A pod's name has the user in it: no two servers have one. */
static bool names_user(const char *pattern)
{
    for (const char *p = pattern; (p = strchr(p, '{')); p++) {
        struct span field = {p + 1, strcspn(p + 1, "}")};
        if (memmem(field.p, field.n, "user", 4) || span_is(field, SPAN("pod_name")))
            return true;
    }
    return false;
}

bool names_make(struct pod_names *names, const json_t *traits, const struct pod_owner *owner,
                struct error *error)
{
    struct error ignored;
    struct pod_owner named = *owner;
    const char *pod = traits_text(traits, "pod_name_template");
    const char *claim = traits_text(traits, "pvc_name_template");
    *names = (struct pod_names){0};
    named.pod = named.claim = NULL;
    named.escapes = traits_escape(traits);
    if (!make_name(names->pod, "pod_name_template", pod, &named, error))
        return false;
    named.pod = names->pod;
    if (!make_name(names->claim, "pvc_name_template", claim, &named, error))
        return false;
    names->claim_is_own = !*owner->server || strstr(claim, "{user_server}");
    names->claim_names_user = names_user(claim);
    named.escapes = true;
    if (!traits_flag(traits, "handle_legacy_names") ||
        !make_name(names->claim_before, "pvc_name_template", claim, &named, &ignored) ||
        strcmp(names->claim_before, names->claim) == 0)
        *names->claim_before = '\0';
    return true;
}
