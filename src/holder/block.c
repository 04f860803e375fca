#include "block.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fib_rules.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REQUEST_BYTES_MAX 128
#define ANSWER_BYTES_MAX 512
#define BATCH_MAX 16 /* addresses that the kernel is told of at once */

typedef struct Request {
        union {
                struct nlmsghdr header;
                char bytes[REQUEST_BYTES_MAX];
        };
} Request;

typedef struct Address {
        int family;
        unsigned char bytes[sizeof(struct in6_addr)];
        unsigned n;
} Address;

typedef struct Why {
        char *text;
        size_t size;
} Why;

static int fail(const Why *why, const char *what, int error) {
        (void) snprintf(why->text, why->size, "%s: %s", what, strerror(error));
        return error;
}

static bool is_same(int fd, const char *path) {
        struct stat a, b;

        return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* First the user namespace that owns the network one: there we may do everything. */
static int enter_both(int net, const Why *why) {
        int user = ioctl(net, NS_GET_USERNS), error = 0;

        if (user < 0)
                return fail(why, "finding the owner of the network namespace", errno);
        if (setns(user, CLONE_NEWUSER) < 0)
                error = errno;
        if (error == EINVAL && is_same(user, "/proc/self/ns/user")) /* one's own is not entered again */
                error = 0;
        if (error != 0)
                (void) fail(why, "entering the user namespace", error);
        else if (setns(net, CLONE_NEWNET) < 0)
                error = fail(why, "entering the network namespace", errno);
        close(user);
        return error;
}

/* Never in the host's own network. */
static int enter(const char *pid, const Why *why) {
        char path[64];
        int net, error = EPERM;

        (void) snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
        net = open(path, O_RDONLY | O_CLOEXEC);
        if (net < 0)
                return fail(why, path, errno);
        if (is_same(net, "/proc/self/ns/net"))
                (void) snprintf(why->text, why->size, "process %.20s is in the network of the host", pid);
        else
                error = enter_both(net, why);
        close(net);
        return error;
}

static void add_attribute(Request *request, unsigned short type, const void *bytes, unsigned n) {
        struct rtattr *attribute = (struct rtattr *) (void *) (request->bytes + NLMSG_ALIGN(request->header.nlmsg_len));

        attribute->rta_type = type;
        attribute->rta_len = (unsigned short) RTA_LENGTH(n);
        memcpy(RTA_DATA(attribute), bytes, n);
        request->header.nlmsg_len = NLMSG_ALIGN(request->header.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static void *begin(Request *request, unsigned short type, size_t n) {
        memset(request, 0, sizeof(*request));
        request->header.nlmsg_type = type;
        request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
        request->header.nlmsg_len = NLMSG_LENGTH((unsigned) n);
        return NLMSG_DATA(&request->header);
}

/* One answer: to which request, and 0 or a positive errno. */
static int receive(int fd, unsigned n_requests, unsigned *ret_number, int *ret_error) {
        union {
                struct nlmsghdr header;
                char bytes[ANSWER_BYTES_MAX];
        } answer;
        const struct nlmsgerr *error = NLMSG_DATA(&answer.header);
        ssize_t n = recv(fd, &answer, sizeof(answer), MSG_DONTWAIT); /* all are there before sendmsg() returns */

        if (n < 0)
                return errno;
        if (n < (ssize_t) NLMSG_LENGTH(sizeof(*error)) || answer.header.nlmsg_type != NLMSG_ERROR ||
            answer.header.nlmsg_seq == 0 || answer.header.nlmsg_seq > n_requests)
                return EPROTO;
        *ret_number = answer.header.nlmsg_seq;
        *ret_error = -error->error;
        return 0;
}

/* All at once, done in order: an answer to each that failed, and in any case to the last. 0 or a positive errno. */
static int send_requests(int fd, Request *requests, unsigned n, int *errors) {
        struct iovec parts[BATCH_MAX];
        const struct msghdr message = { .msg_iov = parts, .msg_iovlen = n };
        unsigned number = 0;

        for (unsigned i = 0; i < n; i++) {
                requests[i].header.nlmsg_seq = i + 1;
                parts[i] = (struct iovec) { &requests[i], requests[i].header.nlmsg_len };
                errors[i] = 0;
        }
        requests[n - 1].header.nlmsg_flags |= NLM_F_ACK;
        if (sendmsg(fd, &message, 0) < 0)
                return errno;
        do {
                int error = 0, r = receive(fd, n, &number, &error);

                if (r != 0)
                        return r;
                errors[number - 1] = error;
        } while (number < n);
        return 0;
}

static void ask_for_tcp(Request *request, const Address *address) {
        const unsigned char tcp = IPPROTO_TCP;
        struct fib_rule_hdr *rule = begin(request, RTM_NEWRULE, sizeof(*rule));

        rule->family = (unsigned char) address->family;
        rule->dst_len = (unsigned char) (address->n * 8);
        rule->action = FR_ACT_PROHIBIT;
        add_attribute(request, FRA_DST, address->bytes, address->n);
        add_attribute(request, FRA_IP_PROTO, &tcp, sizeof(tcp));
}

/* Where the kernel has no rules. */
static int block_all(int fd, const Address *address) {
        Request request;
        struct rtmsg *route = begin(&request, RTM_NEWROUTE, sizeof(*route));
        int error, r;

        route->rtm_family = (unsigned char) address->family;
        route->rtm_dst_len = (unsigned char) (address->n * 8);
        route->rtm_table = RT_TABLE_MAIN;
        route->rtm_protocol = RTPROT_STATIC;
        route->rtm_scope = RT_SCOPE_UNIVERSE;
        route->rtm_type = RTN_PROHIBIT;
        add_attribute(&request, RTA_DST, address->bytes, address->n);
        r = send_requests(fd, &request, 1, &error);
        return r != 0 ? r : error;
}

static int parse(const char *text, Address *ret) {
        *ret = (Address) { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
        ret->n = ret->family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
        return inet_pton(ret->family, text, ret->bytes) == 1 ? 0 : -1;
}

/* After the kernel's answer. A namespace without IPv6 reaches no such address anyway. */
static int settle(int fd, const Address *address, int error) {
        if (error == EAFNOSUPPORT || error == EOPNOTSUPP || error == EINVAL)
                error = block_all(fd, address);
        if (error == EEXIST || (address->family == AF_INET6 && (error == EAFNOSUPPORT || error == EOPNOTSUPP)))
                return 0;
        return error;
}

static int block_some(int fd, const char *const *texts, unsigned n, const Why *why) {
        Address addresses[BATCH_MAX];
        Request requests[BATCH_MAX];
        int errors[BATCH_MAX], error;

        for (unsigned i = 0; i < n; i++) {
                if (parse(texts[i], &addresses[i]) < 0)
                        return fail(why, texts[i], EINVAL);
                ask_for_tcp(&requests[i], &addresses[i]);
        }
        error = send_requests(fd, requests, n, errors);
        if (error != 0)
                return fail(why, "talking to the kernel", error);
        for (unsigned i = 0; i < n; i++) {
                error = settle(fd, &addresses[i], errors[i]);
                if (error != 0)
                        return fail(why, texts[i], error);
        }
        return 0;
}

int block_addresses(const char *pid, const char *const *addresses, char *text, size_t size) {
        const Why why = { text, size };
        int fd, error;

        error = enter(pid, &why);
        if (error != 0)
                return error;
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return fail(&why, "talking to the kernel", errno);
        while (*addresses && error == 0) {
                unsigned n = 0;

                while (n < BATCH_MAX && addresses[n])
                        n++;
                error = block_some(fd, addresses, n, &why);
                addresses += n;
        }
        close(fd);
        return error;
}

int block(char **argv) {
        char why[BLOCK_WHY_BYTES];

        if (!argv[0] || argv[0][strspn(argv[0], "0123456789")] || !argv[0][0]) {
                fprintf(stderr, "no pid\n");
                return EXIT_FAILURE;
        }
        if (block_addresses(argv[0], (const char *const *) argv + 1, why, sizeof(why)) == 0)
                return EXIT_SUCCESS;
        fprintf(stderr, "%s\n", why);
        return EXIT_FAILURE;
}
