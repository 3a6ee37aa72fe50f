// A function of the `provided` runtimes: echoes every event over the Runtime API, with nothing but sockets.
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

static char answer[1 << 20];

// Sends one request on a connection of its own and keeps the answer; returns where its body begins.
static char *ask(const char *host, const char *port, const char *request, size_t length) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(port))};
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        fprintf(stderr, "the Runtime API is at no IPv4 address: %s\n", host);
        exit(1);
    }
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("connect");
        exit(1);
    }
    if (write(connection, request, length) != (ssize_t)length) exit(1);
    size_t got = 0;
    for (ssize_t read_now; (read_now = read(connection, answer + got, sizeof answer - 1 - got)) > 0;)
        got += (size_t)read_now;
    answer[got] = 0;
    close(connection);
    char *body = strstr(answer, "\r\n\r\n");
    if (!body) exit(1);
    return body + 4;
}

int main(void) {
    char host[256], request[1 << 16], id[64];
    snprintf(host, sizeof host, "%s", getenv("AWS_LAMBDA_RUNTIME_API"));
    char *port = strchr(host, ':');
    if (!port) return 1;
    *port++ = 0;
    for (;;) {
        int length = snprintf(request, sizeof request,
            "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
        char *event = ask(host, port, request, (size_t)length);
        char *header = strcasestr(answer, "lambda-runtime-aws-request-id:");
        if (!header || sscanf(header + 30, " %63[^\r]", id) != 1) return 1;
        printf("event of %s\n", id);
        fflush(stdout);
        char body[1 << 15];
        snprintf(body, sizeof body, "{\"echo\": %s, \"handler\": \"%s\"}", event, getenv("_HANDLER"));
        length = snprintf(request, sizeof request,
            "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
            "Content-Length: %zu\r\n\r\n%s", id, host, strlen(body), body);
        ask(host, port, request, (size_t)length);
    }
}
