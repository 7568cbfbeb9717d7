/* The smallest single-user server: answers every request with 200 and a version, at the address
 * that a hub gives it (JUPYTERHUB_SERVICE_URL). One connection at a time, libc alone, so that
 * hundreds of them start at once and what is measured is the hub. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int fail(const char *what)
{
    perror(what);
    return EXIT_FAILURE;
}

/* Of "http://127.0.0.1:41233/user/ada/". */
static int read_address(const char *url, struct sockaddr_in *address)
{
    char ip[INET_ADDRSTRLEN];
    unsigned port;
    if (!url || sscanf(url, "http://%15[0-9.]:%5u/", ip, &port) != 2 || port > 65535)
        return -1;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    return inet_pton(AF_INET, ip, &address->sin_addr) == 1 ? 0 : -1;
}

static void answer(int client)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                "Content-Length: 19\r\nConnection: close\r\n\r\n"
                                "{\"version\": \"stub\"}";
    const struct timeval patience = {.tv_sec = 5};
    char head[4096];
    size_t n = 0;
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    while (n < sizeof head - 1) {
        ssize_t more = read(client, head + n, sizeof head - 1 - n);
        if (more <= 0)
            return;
        n += (size_t)more;
        head[n] = '\0';
        if (strstr(head, "\r\n\r\n"))
            break;
    }
    if (write(client, reply, sizeof reply - 1) < 0)
        perror("write");
}

int main(void)
{
    struct sockaddr_in address;
    const int on = 1;
    if (read_address(getenv("JUPYTERHUB_SERVICE_URL"), &address) != 0) {
        fputs("stub: JUPYTERHUB_SERVICE_URL is not http://IP:PORT/…\n", stderr);
        return EXIT_FAILURE;
    }
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0)
        return fail("socket");
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        return fail("bind");
    if (listen(listener, 64) != 0)
        return fail("listen");
    puts("stub: listening");
    fflush(stdout);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        answer(client);
        close(client);
    }
}
