#include "kubeapi/credential.h"

#include "base/encode.h"
#include "base/jobs.h"
#include "base/str.h"
#include "kubeapi/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the files said. */
struct files {
    char *ca_pem, *cert_pem, *key_pem, *token;
};

struct credential {
    struct loop *loop;
    struct jobs *jobs;
    const struct cluster *cluster;
    bool may_ask;
    credential_looked *looked;
    void *arg;
    int cancel; /* an eventfd: the program that runs is not wanted any more */
    bool over;
    struct look *look; /* NULL: none is under way */
    struct files files;
    struct plugin_credential program;
    char *authorization;
    uint64_t version;
    int64_t read_ms;
};

/* One look, by a thread: its results are its own until it is back. */
struct look {
    struct job job;
    struct credential *credential;
    bool run;        /* the program too */
    bool files_read; /* what follows is good */
    struct files files;
    bool program_done;
    struct plugin_credential program;
    struct error error;
};

static void on_work(struct job *job);
static void on_looked(struct job *job);

/* ---- files ---- */

static void free_secret(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

static void files_release(struct files *files)
{
    free(files->ca_pem);
    free(files->cert_pem);
    free_secret(files->key_pem);
    free_secret(files->token);
    *files = (struct files){0};
}

static bool refuse(const char *path, const char *why, struct error *error)
{
    return error_set(error, "%.300s: %s", path, why);
}

static bool read_open(int fd, const char *path, char **out, struct error *error)
{
    struct stat about;
    if (fstat(fd, &about) < 0)
        return refuse(path, strerror(errno), error);
    if (!S_ISREG(about.st_mode) || about.st_size > CREDENTIAL_FILE_MAX)
        return refuse(path, "is no file of at most a megabyte", error);
    char *text = must_alloc(CREDENTIAL_FILE_MAX + 1);
    size_t n = 0;
    ssize_t more;
    while ((more = read(fd, text + n, CREDENTIAL_FILE_MAX - n)) > 0)
        n += (size_t)more;
    bool good =
        more == 0 ? n > 0 || refuse(path, "is empty", error) : refuse(path, strerror(errno), error);
    if (good)
        *out = must_copy_span((struct span){text, strnlen(text, n)});
    explicit_bzero(text, n);
    free(text);
    return good;
}

/* path NULL: nothing is to be read. */
static bool read_file(const char *path, char **out, struct error *error)
{
    if (!path)
        return true;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return refuse(path, strerror(errno), error);
    bool good = read_open(fd, path, out, error);
    close(fd);
    return good;
}

/* One word, in place. */
static bool trim_token(char *token, const char *path, struct error *error)
{
    static const char blanks[] = " \t\r\n";
    if (!token)
        return true;
    size_t start = strspn(token, blanks), n = strlen(token) - start;
    memmove(token, token + start, n + 1);
    while (n && strchr(blanks, token[n - 1]))
        n--;
    token[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if (token[i] <= ' ' || token[i] > '~')
            n = 0;
    return n || refuse(path, "holds no token", error);
}

static bool read_pem(const char *pem, const char *path, char **out, struct error *error)
{
    return pem || !path ||
           (read_file(path, out, error) &&
            (strstr(*out, "-----BEGIN ") || refuse(path, "holds no PEM", error)));
}

static bool read_files(const struct cluster *cluster, struct files *files, struct error *error)
{
    bool good = read_pem(cluster->ca_pem, cluster->ca_file, &files->ca_pem, error) &&
                read_pem(cluster->cert_pem, cluster->cert_file, &files->cert_pem, error) &&
                read_pem(cluster->key_pem, cluster->key_file, &files->key_pem, error) &&
                read_file(cluster->token_file, &files->token, error) &&
                trim_token(files->token, cluster->token_file, error);
    if (!good)
        files_release(files);
    return good;
}

static bool has_files(const struct cluster *cluster)
{
    return cluster->ca_file || cluster->cert_file || cluster->key_file || cluster->token_file;
}

/* ---- what is shown ---- */

static const char *first(const char *a, const char *b, const char *c)
{
    return a ? a : b ? b : c;
}

struct credential_shown credential_shown(const struct credential *credential)
{
    const struct cluster *cluster = credential->cluster;
    const struct files *files = &credential->files;
    const struct plugin_credential *program = &credential->program;
    return (struct credential_shown){
        .authorization = credential->authorization,
        .ca_pem = first(cluster->ca_pem, files->ca_pem, NULL),
        .cert_pem = first(cluster->cert_pem, files->cert_pem, program->cert_pem),
        .key_pem = first(cluster->key_pem, files->key_pem, program->key_pem),
    };
}

static void put_basic(struct text *text, const struct cluster *cluster)
{
    struct text pair = {0};
    text_format(&pair, "%s:%s", cluster->username, cluster->password ? cluster->password : "");
    text_put(text, "Basic ");
    text_base64(text, (struct span){pair.p, pair.n});
    explicit_bzero(pair.p, pair.n);
    text_release(&pair);
}

static char *authorization_of(const struct credential *credential)
{
    const struct cluster *cluster = credential->cluster;
    const char *token = first(credential->files.token, cluster->token,
                              cluster->username ? NULL : credential->program.token);
    struct text text = {0};
    if (token)
        text_format(&text, "Bearer %s", token);
    else if (cluster->username)
        put_basic(&text, cluster);
    else
        return NULL;
    return text_take(&text);
}

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* Takes what was read, and tells whether anything changed. */
static void take(struct credential *credential, struct look *look)
{
    struct files before = credential->files;
    struct plugin_credential program = credential->program;
    char *authorization = credential->authorization;
    struct credential_shown was = credential_shown(credential);
    if (look->files_read)
        credential->files = look->files;
    if (look->program_done)
        credential->program = look->program;
    credential->authorization = authorization_of(credential);
    struct credential_shown is = credential_shown(credential);
    if (!same(was.authorization, is.authorization) || !same(was.ca_pem, is.ca_pem) ||
        !same(was.cert_pem, is.cert_pem) || !same(was.key_pem, is.key_pem))
        credential->version++;
    if (look->files_read)
        files_release(&before);
    if (look->program_done)
        plugin_release(&program);
    free_secret(authorization);
}

/* ---- looks ---- */

static bool program_is_due(const struct credential *credential)
{
    const struct plugin_credential *program = &credential->program;
    bool has_run = program->token || program->cert_pem;
    bool has_expired = program->expires_ms && program->expires_ms <= loop_wall_ms();
    return credential->cluster->exec && (!has_run || has_expired);
}

static bool files_are_due(const struct credential *credential)
{
    return has_files(credential->cluster) &&
           loop_now_ms(credential->loop) - credential->read_ms >= CREDENTIAL_FRESH_MS;
}

bool credential_is_fresh(const struct credential *credential, uint64_t refused)
{
    return refused != credential->version && !files_are_due(credential) &&
           !program_is_due(credential);
}

bool credential_is_usable(const struct credential *credential, uint64_t refused)
{
    return refused != credential->version && !program_is_due(credential);
}

void credential_look(struct credential *credential, uint64_t refused)
{
    if (credential->look)
        return;
    struct look *look = credential->look = must_alloc(sizeof *look);
    *look = (struct look){.job = {.work = on_work, .done = on_looked}, .credential = credential};
    look->run =
        program_is_due(credential) || (credential->cluster->exec && refused == credential->version);
    jobs_do(credential->jobs, &look->job);
}

bool credential_looks(const struct credential *credential)
{
    return credential->look != NULL;
}

uint64_t credential_version(const struct credential *credential)
{
    return credential->version;
}

/* On the thread. */
static void work(struct look *look)
{
    const struct credential *credential = look->credential;
    const struct cluster *cluster = credential->cluster;
    look->files_read = read_files(cluster, &look->files, &look->error);
    if (!look->run || !look->files_read)
        return;
    const struct plugin_order order = {.cluster = cluster,
                                       .ca_pem =
                                           cluster->ca_pem ? cluster->ca_pem : look->files.ca_pem,
                                       .may_ask = credential->may_ask,
                                       .cancel = credential->cancel};
    look->program_done = plugin_run(&order, &look->program, &look->error);
}

static void look_free(struct look *look)
{
    if (look->files_read)
        files_release(&look->files);
    if (look->program_done)
        plugin_release(&look->program);
    free(look);
}

static void looked(struct look *look)
{
    struct credential *credential = look->credential;
    credential->look = NULL;
    if (credential->over) {
        look_free(look);
        return;
    }
    bool good = look->files_read && (!look->run || look->program_done);
    char error[sizeof look->error.text] = "";
    memcpy(error, look->error.text, sizeof error);
    credential->read_ms = loop_now_ms(credential->loop);
    if (look->files_read)
        take(credential, look);
    free(look);
    credential->looked(credential->arg, good ? NULL : error);
}

/* ---- its life ---- */

static bool begin(struct credential *credential, struct error *error)
{
    struct look look = {.credential = credential};
    if (!read_files(credential->cluster, &look.files, error))
        return false;
    look.files_read = true;
    credential->read_ms = loop_now_ms(credential->loop);
    take(credential, &look);
    return true;
}

struct credential *credential_new(struct loop *loop, const struct cluster *cluster, bool may_ask,
                                  credential_looked *looked_, void *arg, struct error *error)
{
    struct credential *credential = must_alloc(sizeof *credential);
    *credential = (struct credential){.loop = loop,
                                      .cluster = cluster,
                                      .may_ask = may_ask,
                                      .looked = looked_,
                                      .arg = arg,
                                      .version = 1,
                                      .cancel = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (begin(credential, error)) {
        credential->jobs = jobs_new(loop, 1);
        return credential;
    }
    credential_free(credential);
    return NULL;
}

void credential_free(struct credential *credential)
{
    if (!credential)
        return;
    credential->over = true;
    eventfd_write(credential->cancel, 1);
    jobs_free(credential->jobs);
    close(credential->cancel);
    files_release(&credential->files);
    plugin_release(&credential->program);
    free_secret(credential->authorization);
    free(credential);
}

/* ---- callbacks ---- */

static void on_work(struct job *job)
{
    work(CONTAINER(job, struct look, job));
}

static void on_looked(struct job *job)
{
    looked(CONTAINER(job, struct look, job));
}
