#include "base/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

void metrics_family(struct text *page, const char *name, const char *kind, const char *help)
{
    text_format(page, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static void sample(struct text *page, const char *name, const char *labels)
{
    text_put(page, name);
    if (labels)
        text_format(page, "{%s}", labels);
}

void metrics_count(struct text *page, const char *name, const char *labels, uint64_t value)
{
    sample(page, name, labels);
    text_format(page, " %" PRIu64 "\n", value);
}

void metrics_value(struct text *page, const char *name, const char *labels, double value)
{
    sample(page, name, labels);
    if (isinf(value))
        text_put(page, value > 0 ? " +Inf\n" : " -Inf\n");
    else
        text_format(page, " %.15g\n", value);
}

/* --- the process, as Linux shows it (proc(5)) --- */

/* Reads up to room - 1 bytes of a small file; an empty string if there is none. */
static void read_small(const char *path, char *text, size_t room)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(text, 1, room - 1, file) : 0;
    text[n] = '\0';
    if (file)
        fclose(file);
}

/* The number that follows `name` in a file of "name value" lines. */
static double number_after(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    double value = 0;
    if (at && sscanf(at + strlen(name), "%lf", &value) != 1)
        value = 0;
    return value;
}

static uint64_t open_descriptors(void)
{
    uint64_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n ? n - 1 : 0; /* opendir's own */
}

/* Seconds since 1970: when the machine booted, and in ticks after it, we (field 22 of stat). */
static double started_at(const char *stat)
{
    const char *after_name = strrchr(stat, ')');
    unsigned long long ticks = 0;
    if (!after_name || sscanf(after_name + 1,
                              " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                              "%*d %*d %*d %llu",
                              &ticks) != 1)
        return 0;
    struct timespec now, up;
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    double booted = (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) / 1e9;
    return booted + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void gauge(struct text *page, const char *name, const char *help, double value)
{
    metrics_family(page, name, "gauge", help);
    metrics_value(page, name, NULL, value);
}

static void cpu(struct text *page)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    double user = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    double system = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
    metrics_family(page, "process_cpu_user_seconds_total", "counter",
                   "Total user CPU time spent in seconds.");
    metrics_value(page, "process_cpu_user_seconds_total", NULL, user);
    metrics_family(page, "process_cpu_system_seconds_total", "counter",
                   "Total system CPU time spent in seconds.");
    metrics_value(page, "process_cpu_system_seconds_total", NULL, system);
    metrics_family(page, "process_cpu_seconds_total", "counter",
                   "Total user and system CPU time spent in seconds.");
    metrics_value(page, "process_cpu_seconds_total", NULL, user + system);
}

void metrics_process(struct text *page)
{
    char stat[1024], status[4096];
    read_small("/proc/self/stat", stat, sizeof stat);
    read_small("/proc/self/status", status, sizeof status);
    cpu(page);
    gauge(page, "process_start_time_seconds",
          "Start time of the process since unix epoch in seconds.", started_at(stat));
    gauge(page, "process_resident_memory_bytes", "Resident memory size in bytes.",
          number_after(status, "VmRSS:") * 1024);
    gauge(page, "process_virtual_memory_bytes", "Virtual memory size in bytes.",
          number_after(status, "VmSize:") * 1024);
    gauge(page, "process_heap_bytes", "Process heap size in bytes.",
          number_after(status, "VmData:") * 1024);
    gauge(page, "process_open_fds", "Number of open file descriptors.", (double)open_descriptors());
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    gauge(page, "process_max_fds", "Maximum number of open file descriptors.",
          (double)limit.rlim_cur);
}
