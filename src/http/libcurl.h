#pragma once

/*
 * libcurl, loaded when it is needed: with its thirty libraries it takes 10 ms and 8 MB, more than a whole job
 * may cost that talks to a unix socket only.
 */

/* The checks of curl's own macros do not see calls through a table. */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/error.h"

#define LIBCURL_FUNCTIONS(F)                                                                                         \
        F(global_init)                                                                                               \
        F(easy_init) F(easy_cleanup) F(easy_setopt) F(easy_getinfo) F(easy_strerror) F(easy_send) F(easy_recv)       \
        F(slist_append) F(slist_free_all)                                                                            \
        F(multi_init) F(multi_cleanup) F(multi_setopt) F(multi_add_handle) F(multi_remove_handle) F(multi_assign)    \
        F(multi_socket_action) F(multi_info_read) F(multi_strerror)

typedef struct Libcurl {
#define LIBCURL_MEMBER(name) typeof(curl_##name) *name;
        LIBCURL_FUNCTIONS(LIBCURL_MEMBER)
#undef LIBCURL_MEMBER
} Libcurl;

/** libcurl_get() - loads and initialises it the first time; -ENOPKG if it is not installed. It stays till the end. */
int libcurl_get(const Libcurl **ret, Error **reterr);
