#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

enum { LINE_MAX_BYTES = 8192, LOCAL_BYTES = 32768, WAITING_BYTES = 4 << 20, STOP_S = 1 };

static const struct {
    const char *word, *colour;
} levels[] = {
    [LOG_ERROR] = {"error", "31"}, [LOG_WARN] = {"warn", "33"},       [LOG_INFO] = {"info", "32"},
    [LOG_HTTP] = {"http", "32"},   [LOG_VERBOSE] = {"verbose", "36"}, [LOG_DEBUG] = {"debug", "34"},
    [LOG_SILLY] = {"silly", "35"},
};

/* What the writer's thread shares with the others, under the mutex; json, colour and level are set
 * before there are others. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t filled;
    pthread_t thread;
    bool running, stopping, json, colour;
    enum log_level level;
    const char *name;
    char *waiting;
    size_t waiting_n;
    uint64_t dropped;
} writer = {.mutex = PTHREAD_MUTEX_INITIALIZER,
            .filled = PTHREAD_COND_INITIALIZER,
            .level = LOG_INFO,
            .name = "ConfigProxy"};

/* Lines of one thread on their way to the writer: no lock a line. */
static _Thread_local struct {
    char *bytes;
    size_t n;
    bool lazy;
    time_t second;
    char stamp[24]; /* "2026-11-23T02:21:53" */
} mine;

bool log_wants(enum log_level level)
{
    return level <= writer.level;
}

bool log_is_json(void)
{
    return writer.json;
}

uint64_t log_dropped(void)
{
    pthread_mutex_lock(&writer.mutex);
    uint64_t dropped = writer.dropped;
    pthread_mutex_unlock(&writer.mutex);
    return dropped;
}

static void write_all(const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0 && errno == EAGAIN) { /* somebody made the pipe non-blocking */
            struct pollfd room = {.fd = STDOUT_FILENO, .events = POLLOUT};
            poll(&room, 1, -1);
            continue;
        }
        if (written <= 0)
            return; /* nobody reads the log any more: not a reason to end */
        bytes += written;
        n -= (size_t)written;
    }
}

static void *write_waiting(void *unused)
{
    (void)unused;
    char *bytes = must_alloc(WAITING_BYTES);
    pthread_mutex_lock(&writer.mutex);
    for (;;) {
        while (writer.waiting_n == 0 && !writer.stopping)
            pthread_cond_wait(&writer.filled, &writer.mutex);
        if (writer.waiting_n == 0)
            break;
        char *full = writer.waiting;
        size_t n = writer.waiting_n;
        writer.waiting = bytes;
        writer.waiting_n = 0;
        pthread_mutex_unlock(&writer.mutex);
        write_all(full, n);
        bytes = full;
        pthread_mutex_lock(&writer.mutex);
    }
    pthread_mutex_unlock(&writer.mutex);
    free(bytes);
    return NULL;
}

void log_name(const char *name)
{
    writer.name = name;
}

void log_start(enum log_level level, bool json)
{
    writer.level = level;
    writer.json = json;
    writer.colour = !json && isatty(STDOUT_FILENO);
    writer.waiting = must_alloc(WAITING_BYTES);
    writer.stopping = false;
    writer.running = pthread_create(&writer.thread, NULL, write_waiting, NULL) == 0;
}

void log_stop(void)
{
    log_flush();
    if (!writer.running)
        return;
    pthread_mutex_lock(&writer.mutex);
    writer.stopping = true;
    pthread_cond_signal(&writer.filled);
    pthread_mutex_unlock(&writer.mutex);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += STOP_S;
    if (pthread_timedjoin_np(writer.thread, NULL, &soon) != 0) {
        pthread_detach(writer.thread); /* nobody reads the pipe: the end does not wait for that */
        return;
    }
    writer.running = false;
    free(writer.waiting);
    writer.waiting = NULL;
}

void log_flush(void)
{
    if (mine.n == 0)
        return;
    if (!writer.running) {
        write_all(mine.bytes, mine.n);
        mine.n = 0;
        return;
    }
    pthread_mutex_lock(&writer.mutex);
    if (writer.waiting_n + mine.n <= WAITING_BYTES) {
        memcpy(writer.waiting + writer.waiting_n, mine.bytes, mine.n);
        writer.waiting_n += mine.n;
    } else {
        for (size_t i = 0; i < mine.n; i++)
            writer.dropped += mine.bytes[i] == '\n';
    }
    pthread_cond_signal(&writer.filled);
    pthread_mutex_unlock(&writer.mutex);
    mine.n = 0;
}

void log_leave(void)
{
    log_flush();
    free(mine.bytes);
    mine.bytes = NULL;
}

static void append(const char *bytes, size_t n)
{
    if (!mine.bytes)
        mine.bytes = must_alloc(LOCAL_BYTES);
    if (mine.n + n > LOCAL_BYTES)
        log_flush();
    if (n > LOCAL_BYTES)
        return;
    memcpy(mine.bytes + mine.n, bytes, n);
    mine.n += n;
}

/* "2026-11-23T02:21:53.831Z", CHP point 16; the date is worked out once a second. */
static int print_stamp(char *out, size_t size)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != mine.second || mine.stamp[0] == 0) {
        struct tm utc;
        mine.second = now.tv_sec;
        gmtime_r(&now.tv_sec, &utc);
        strftime(mine.stamp, sizeof mine.stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    }
    return snprintf(out, size, "%s.%03ldZ", mine.stamp, now.tv_nsec / 1000000);
}

void log_fields(enum log_level level, struct span text, struct span json)
{
    char head[160], stamp[40];
    if (!log_wants(level))
        return;
    print_stamp(stamp, sizeof stamp);
    int n;
    if (writer.json)
        n = snprintf(head, sizeof head, "{\"time\":\"%s\",\"level\":\"%s\",", stamp,
                     levels[level].word);
    else if (writer.colour)
        n = snprintf(head, sizeof head, "%s [%s] \033[%sm%s\033[39m: ", stamp, writer.name,
                     levels[level].colour, levels[level].word);
    else
        n = snprintf(head, sizeof head, "%s [%s] %s: ", stamp, writer.name, levels[level].word);
    struct span body = writer.json ? json : text;
    append(head, (size_t)n);
    append(body.p, body.n);
    append(writer.json ? "}\n" : "\n", writer.json ? 2 : 1);
    if (level <= LOG_WARN || !mine.lazy)
        log_flush();
}

void log_lazily(void)
{
    mine.lazy = true;
}

/* Quotes and backslashes escaped, for a JSON string. */
static size_t quote(const char *text, size_t n, char *out)
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"' || text[i] == '\\')
            out[length++] = '\\';
        out[length++] = text[i];
    }
    return length;
}

/* For one line, and for readers that are strict about UTF-8. */
static void make_fit(char *text, size_t n)
{
    for (size_t i = 0, taken; i < n; i += taken ? taken : 1) {
        taken = utf8_sequence((struct span){text + i, n - i});
        if (taken == 0 || (unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    }
}

void log_line(enum log_level level, const char *format, ...)
{
    static const char key[] = "\"message\":\"";
    char text[LINE_MAX_BYTES], json[2 * LINE_MAX_BYTES + sizeof key + 1];
    if (!log_wants(level))
        return;
    va_list args;
    va_start(args, format);
    int printed = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (printed < 0)
        return;
    size_t n = (size_t)printed < sizeof text ? (size_t)printed : sizeof text - 1;
    make_fit(text, n);
    size_t json_n = 0;
    if (writer.json) {
        memcpy(json, key, sizeof key - 1);
        json_n = sizeof key - 1 + quote(text, n, json + sizeof key - 1);
        json[json_n++] = '"';
    }
    log_fields(level, (struct span){text, n}, (struct span){json, json_n});
}
