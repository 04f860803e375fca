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
#include <unistd.h>

#define MESSAGE_BYTES_MAX 512

typedef struct Request {
        union {
                struct nlmsghdr header;
                char bytes[MESSAGE_BYTES_MAX];
        };
} Request;

typedef struct Address {
        int family;
        unsigned char bytes[sizeof(struct in6_addr)];
        unsigned n;
} Address;

static int fail(const char *what) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        return EXIT_FAILURE;
}

static bool is_same(int fd, const char *path) {
        struct stat a, b;

        return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* First the user namespace that owns the network one: there we may do everything. Never in the host's own network. */
static int enter(const char *pid) {
        char path[64];
        int net, user;

        (void) snprintf(path, sizeof(path), "/proc/%.20s/ns/net", pid);
        net = open(path, O_RDONLY | O_CLOEXEC);
        if (net < 0)
                return fail(path);
        if (is_same(net, "/proc/self/ns/net")) {
                fprintf(stderr, "process %s is in the network of the host\n", pid);
                return EXIT_FAILURE;
        }
        user = ioctl(net, NS_GET_USERNS);
        if (user < 0)
                return fail("finding the owner of the network namespace");
        if (!is_same(user, "/proc/self/ns/user") && setns(user, CLONE_NEWUSER) < 0)
                return fail("entering the user namespace");
        if (setns(net, CLONE_NEWNET) < 0)
                return fail("entering the network namespace");
        close(user);
        close(net);
        return EXIT_SUCCESS;
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
        request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
        request->header.nlmsg_len = NLMSG_LENGTH((unsigned) n);
        return NLMSG_DATA(&request->header);
}

/* The kernel's answer: 0 or a positive errno. */
static int send_request(int fd, Request *request) {
        Request answer;
        const struct nlmsgerr *error = NLMSG_DATA(&answer.header);
        ssize_t n;

        if (send(fd, request, request->header.nlmsg_len, 0) < 0)
                return errno;
        n = recv(fd, &answer, sizeof(answer), 0);
        if (n < 0)
                return errno;
        return n >= (ssize_t) NLMSG_LENGTH(sizeof(*error)) && answer.header.nlmsg_type == NLMSG_ERROR ? -error->error
                                                                                                      : EPROTO;
}

static int block_tcp(int fd, const Address *address) {
        const unsigned char tcp = IPPROTO_TCP;
        Request request;
        struct fib_rule_hdr *rule = begin(&request, RTM_NEWRULE, sizeof(*rule));

        rule->family = (unsigned char) address->family;
        rule->dst_len = (unsigned char) (address->n * 8);
        rule->action = FR_ACT_PROHIBIT;
        add_attribute(&request, FRA_DST, address->bytes, address->n);
        add_attribute(&request, FRA_IP_PROTO, &tcp, sizeof(tcp));
        return send_request(fd, &request);
}

/* Where the kernel has no rules. */
static int block_all(int fd, const Address *address) {
        Request request;
        struct rtmsg *route = begin(&request, RTM_NEWROUTE, sizeof(*route));

        route->rtm_family = (unsigned char) address->family;
        route->rtm_dst_len = (unsigned char) (address->n * 8);
        route->rtm_table = RT_TABLE_MAIN;
        route->rtm_protocol = RTPROT_STATIC;
        route->rtm_scope = RT_SCOPE_UNIVERSE;
        route->rtm_type = RTN_PROHIBIT;
        add_attribute(&request, RTA_DST, address->bytes, address->n);
        return send_request(fd, &request);
}

static int parse(const char *text, Address *ret) {
        *ret = (Address) { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
        ret->n = ret->family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
        return inet_pton(ret->family, text, ret->bytes) == 1 ? 0 : -1;
}

/* A namespace without IPv6 reaches no such address anyway. */
static int block(int fd, const char *text) {
        Address address;
        int error;

        if (parse(text, &address) < 0) {
                fprintf(stderr, "'%s' is no address\n", text);
                return EXIT_FAILURE;
        }
        error = block_tcp(fd, &address);
        if (error == EAFNOSUPPORT || error == EOPNOTSUPP || error == EINVAL)
                error = block_all(fd, &address);
        if (error == 0 || error == EEXIST ||
            (address.family == AF_INET6 && (error == EAFNOSUPPORT || error == EOPNOTSUPP)))
                return EXIT_SUCCESS;
        errno = error;
        return fail(text);
}

int block_addresses(char **argv) {
        int fd, status;

        if (!argv[0] || argv[0][strspn(argv[0], "0123456789")] || !argv[0][0]) {
                fprintf(stderr, "no pid\n");
                return EXIT_FAILURE;
        }
        status = enter(argv[0]);
        if (status != EXIT_SUCCESS)
                return status;
        fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        if (fd < 0)
                return fail("talking to the kernel");
        for (char **text = argv + 1; *text && status == EXIT_SUCCESS; text++)
                status = block(fd, *text);
        close(fd);
        return status;
}
