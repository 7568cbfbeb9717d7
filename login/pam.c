#include "login/pam.h"

#include "base/str.h"
#include "login/hash.h"
#include "login/turnstile.h"

#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WAITING_MAX = 32,
    REFUSAL_MS = 1000,
    GROUPS_MAX = 256,
    ENTRY_BYTES = 16384,
    SERVICE_BYTES = 128,
};

struct pam {
    struct way way;
    struct loop *loop;
    const struct login_settings *settings;
    struct turnstile *turnstile;
    struct question *resting; /* refused, and not told yet */
};

/* One attempt in PAM's hands. */
struct question {
    struct turn turn;
    struct deadline deadline;
    struct question *next, **back; /* among those that rest */
    struct pam *pam;
    struct attempt *attempt;
    char service[SERVICE_BYTES];
    int64_t from_ms;
    bool answered; /* the password was given, once */
    int code;      /* PAM's */
    bool account;  /* the code is that of account management: the password was right */
};

static void on_work(struct turn *turn);
static void on_done(struct turn *turn);
static void on_rested(struct deadline *deadline);
static int on_messages(int n, const struct pam_message **messages, struct pam_response **answers,
                       void *arg);
static void on_fail_delay(int code, unsigned usec, void *arg);

/* As libpam looks for it. */
static bool service_is_there(const char *service)
{
    static const char *const folders[] = {"/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d"};
    char path[256];
    for (size_t i = 0; i < COUNT(folders); i++) {
        snprintf(path, sizeof path, "%s/%s", folders[i], service);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

static const char *service_of(const struct login_settings *settings)
{
    return settings->pam_service ? settings->pam_service : "login";
}

static struct way *make(const struct way_needs *needs, struct error *error)
{
    const char *service = service_of(needs->settings);
    if (!*service || strlen(service) >= SERVICE_BYTES || strchr(service, '/') ||
        !service_is_there(service)) {
        error_set(error, "pam_service: there is no /etc/pam.d/%.80s", service);
        return NULL;
    }
    struct pam *pam = must_alloc(sizeof *pam);
    pam->way.driver = &way_pam;
    pam->loop = needs->loop;
    pam->settings = needs->settings;
    pam->turnstile = turnstile_new(needs->jobs, 1, WAITING_MAX);
    return &pam->way;
}

static void check(struct way *way, struct attempt *attempt)
{
    struct pam *pam = CONTAINER(way, struct pam, way);
    struct question *question = must_alloc(sizeof *question);
    *question = (struct question){
        .turn = {.work = on_work, .done = on_done},
        .deadline = {.expire = on_rested},
        .pam = pam,
        .attempt = attempt,
        .from_ms = loop_now_ms(pam->loop),
    };
    snprintf(question->service, sizeof question->service, "%s", service_of(pam->settings));
    if (turnstile_pass(pam->turnstile, &question->turn))
        return;
    free(question);
    attempt_busy(attempt);
}

/* Whether the code says something of the one who asks rather than of the system behind. */
static bool is_refusal(int code)
{
    switch (code) {
    case PAM_AUTH_ERR:
    case PAM_PERM_DENIED:
    case PAM_CRED_INSUFFICIENT:
    case PAM_USER_UNKNOWN:
    case PAM_MAXTRIES:
    case PAM_NEW_AUTHTOK_REQD:
    case PAM_ACCT_EXPIRED:
    case PAM_CRED_EXPIRED:
    case PAM_AUTHTOK_EXPIRED:
    case PAM_CONV_ERR: /* it asked for more than a password */
        return true;
    default:
        return false;
    }
}

static void end(struct question *question)
{
    struct attempt *attempt = question->attempt;
    const char *why = pam_strerror(NULL, question->code);
    if (question->answered) /* modules that run programs have errors for what is a refusal */
        attempt_counts(attempt);
    if (!is_refusal(question->code))
        attempt_end(attempt, END_UNAVAILABLE, "PAM service %s: %s", question->service, why);
    else
        attempt_end(attempt, question->account ? END_NOT_ALLOWED : END_FAILED, "PAM: %s", why);
    free(question);
}

static void rest(struct question *question)
{
    struct pam *pam = question->pam;
    int64_t left_ms = question->from_ms + REFUSAL_MS - loop_now_ms(pam->loop);
    question->next = pam->resting;
    question->back = &pam->resting;
    if (question->next)
        question->next->back = &question->next;
    pam->resting = question;
    deadline_set(pam->loop, &question->deadline, left_ms > 1 ? left_ms : 1);
}

static void wake(struct question *question)
{
    deadline_clear(&question->deadline);
    *question->back = question->next;
    if (question->next)
        question->next->back = question->back;
    end(question);
}

static void let_go(struct way *way)
{
    struct pam *pam = CONTAINER(way, struct pam, way);
    turnstile_free(pam->turnstile);
    while (pam->resting)
        wake(pam->resting);
    free(pam);
}

const struct way_driver way_pam = {
    .word = "pam", .kind = LOGIN_FORM, .make = make, .check = check, .free = let_go};

/* --- on a thread --- */

static int ask(struct question *question, pam_handle_t *handle)
{
    const struct attempt *attempt = question->attempt;
    int code = pam_set_item(handle, PAM_RHOST, attempt->address);
    if (code == PAM_SUCCESS)
        code = pam_set_item(handle, PAM_FAIL_DELAY, (const void *)(uintptr_t)on_fail_delay);
    if (code == PAM_SUCCESS)
        code = pam_authenticate(handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
    question->account = code == PAM_SUCCESS;
    return code == PAM_SUCCESS ? pam_acct_mgmt(handle, PAM_SILENT) : code;
}

static void add_groups(struct attempt *attempt)
{
    gid_t ids[GROUPS_MAX];
    int n = GROUPS_MAX;
    char *bytes = must_alloc(ENTRY_BYTES);
    struct passwd user, *found = NULL;
    if (getpwnam_r(attempt->username, &user, bytes, ENTRY_BYTES, &found) != 0 || !found ||
        getgrouplist(attempt->username, user.pw_gid, ids, &n) < 0)
        n = 0;
    for (int i = 0; i < n; i++) {
        struct group group, *named = NULL;
        if (getgrgid_r(ids[i], &group, bytes, ENTRY_BYTES, &named) == 0 && named)
            attempt_add_group(attempt, span_of(group.gr_name));
    }
    free(bytes);
}

static void on_work(struct turn *turn)
{
    struct question *question = CONTAINER(turn, struct question, turn);
    struct attempt *attempt = question->attempt;
    struct pam_conv conversation = {on_messages, question};
    pam_handle_t *handle = NULL;
    if (!*attempt->password || strlen(attempt->password) > PASSWORD_BYTES_MAX) {
        question->code = PAM_AUTH_ERR;
        return;
    }
    question->code = pam_start(question->service, attempt->username, &conversation, &handle);
    if (question->code != PAM_SUCCESS)
        return;
    question->code = ask(question, handle);
    pam_end(handle, question->code);
    if (question->code == PAM_SUCCESS)
        add_groups(attempt);
}

/* The answer to one message; false: it asks for what we do not have. */
static bool answer(struct question *question, const struct pam_message *message,
                   struct pam_response *answer)
{
    switch (message->msg_style) {
    case PAM_PROMPT_ECHO_ON:
        answer->resp = strdup(question->attempt->username);
        return answer->resp;
    case PAM_PROMPT_ECHO_OFF:
        if (question->answered) /* a second secret */
            return false;
        question->answered = true;
        answer->resp = strdup(question->attempt->password);
        return answer->resp;
    case PAM_ERROR_MSG:
    case PAM_TEXT_INFO:
        return true;
    default:
        return false;
    }
}

static int on_messages(int n, const struct pam_message **messages, struct pam_response **answers,
                       void *arg)
{
    if (n <= 0 || n > PAM_MAX_NUM_MSG)
        return PAM_CONV_ERR;
    struct pam_response *all = must_alloc((size_t)n * sizeof *all);
    bool good = true;
    for (int i = 0; good && i < n; i++)
        good = answer(arg, messages[i], &all[i]);
    if (good) {
        *answers = all; /* libpam wipes and frees them */
        return PAM_SUCCESS;
    }
    for (int i = 0; i < n; i++) {
        if (all[i].resp)
            explicit_bzero(all[i].resp, strlen(all[i].resp));
        free(all[i].resp);
    }
    free(all);
    return PAM_CONV_ERR;
}

static void on_fail_delay(int code, unsigned usec, void *arg)
{
    (void)code, (void)usec, (void)arg;
}

/* --- on the loop --- */

static void on_done(struct turn *turn)
{
    struct question *question = CONTAINER(turn, struct question, turn);
    struct attempt *attempt = question->attempt;
    if (turn->worked && question->code != PAM_SUCCESS) {
        rest(question);
        return;
    }
    if (turn->worked)
        attempt_grant(attempt, span_of(attempt->username));
    else
        attempt_busy(attempt);
    free(question);
}

static void on_rested(struct deadline *deadline)
{
    wake(CONTAINER(deadline, struct question, deadline));
}
