#include "ctl/refusal.h"

#include "base/str.h"
#include "ctl/access.h"
#include "ctl/client.h"
#include "ctl/shown.h"

#include <stdlib.h>
#include <string.h>

char *refusal_words(const struct answer *answer)
{
    json_t *message = json_object_get(answer->json, "message");
    if (!json_string_length(message))
        return NULL;
    char *words = shown_copy(span_of(json_string_value(message)));
    words[shown_fit(span_of(words), 300)] = '\0'; /* a line has its end */
    return words;
}

static bool say_no_hub(const struct client *client, const struct answer *answer,
                       struct error *error)
{
    const char *url = client_access(client)->url;
    if (answer->status >= 500)
        return error_set(error, "%s answers %ld, and not for a hub: is the hub behind it up?", url,
                         answer->status);
    return error_set(error,
                     "%s answers %ld and is no hub's API: --url or HUBGATE_HUB_URL should be like "
                     "http://127.0.0.1:8081/hub/api",
                     url, answer->status);
}

/* A token that may not do this is told from one that is nobody's: /user answers to any good one. */
static bool say_forbidden(struct client *client, const char *words, struct error *error)
{
    const struct access *access = client_access(client);
    struct answer self = {0};
    struct error ignored;
    if (!access->token)
        return error_set(error, "the hub wants a token: its page /hub/token makes one; put it into "
                                "HUBGATE_HUB_TOKEN, or a file of mode 0600 for --token-file");
    bool known = client_call(client, "GET", "/user", NULL, &self, &ignored) && self.status == 200;
    answer_release(&self);
    if (!known)
        return error_set(error,
                         "the hub does not know the token of %s: revoked or expired? Its page "
                         "/hub/token makes another",
                         access->source);
    return error_set(error, "the token of %s may not do this: %s (hubctl whoami lists what it may)",
                     access->source, words);
}

bool refusal_say(struct client *client, const struct answer *answer, const char *what,
                 struct error *error)
{
    if (!answer->from_hub)
        return say_no_hub(client, answer, error);
    char *words = refusal_words(answer);
    const char *says = words ? words : "it did not say why";
    if (answer->status == 401 || answer->status == 403)
        say_forbidden(client, says, error);
    else if (answer->status == 404 && what)
        error_set(error, "there is no %s", what);
    else if (answer->status == 429 && answer->retry_after_s)
        error_set(error, "the hub is busy: %s (try again in %ld s)", says, answer->retry_after_s);
    else if (answer->status == 429)
        error_set(error, "the hub is busy: %s (try again in a minute)", says);
    else if (answer->status >= 500)
        error_set(error, "the hub failed with %ld: %s (its log says more)", answer->status, says);
    else if (answer->status >= 400)
        error_set(error, "the hub says no with %ld: %s", answer->status, says);
    else
        error_set(error,
                  "%s: an answer that makes no sense (%ld): is that the address of the API, "
                  "with /hub/api at its end?",
                  client_access(client)->url, answer->status);
    free(words);
    return false;
}
