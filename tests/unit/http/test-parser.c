#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/parser.h"

typedef struct Story {
        Str headers, body; /* headers each ended by '|' */
        unsigned n_left;   /* callbacks until one refuses; 0: never */
} Story;

static int on_header(const char *line, size_t n, void *userdata) {
        Story *story = userdata;

        assert_int_equal(strlen(line), n);
        (void) str_append_n(&story->headers, line, n);
        (void) str_append_char(&story->headers, '|');
        return 0;
}

static int on_body(const char *bytes, size_t n, void *userdata) {
        Story *story = userdata;

        assert_true(n > 0);
        (void) str_append_n(&story->body, bytes, n);
        if (story->n_left > 0 && --story->n_left == 0)
                return -ECANCELED;
        return 0;
}

typedef struct ReplyRow {
        const char *text;
        bool is_head;
        int want_r;       /* 1: done; 0: goes on until the end of the connection; or why not */
        int status;
        bool keeps_open;
        const char *headers, *body;
        size_t n_rest; /* bytes behind it */
        const char *error;
} ReplyRow;

#define NOT "the answer is not HTTP: "
#define OK "HTTP/1.1 200 OK\r\n"

static const ReplyRow replies[] = {
        { OK "Content-Length: 5\r\n\r\nhello", false, 1, 200, true, "HTTP/1.1 200 OK|Content-Length: 5|", "hello", 0,
          NULL },
        { OK "Content-Length: 5\r\n\r\nhelloHTTP", false, 1, 200, true, "HTTP/1.1 200 OK|Content-Length: 5|", "hello",
          4, NULL },
        { OK "Content-Length: 0\r\n\r\n", false, 1, 200, true, "HTTP/1.1 200 OK|Content-Length: 0|", "", 0, NULL },
        { "HTTP/1.1 404 \nContent-Length:2\n\nno", false, 1, 404, true, "HTTP/1.1 404 |Content-Length:2|", "no", 0,
          NULL },
        { "HTTP/1.1 500\r\ncontent-length:\t 1 \r\nCoNNection: x, Close\r\n\r\n!", false, 1, 500, false,
          "HTTP/1.1 500|content-length:\t 1 |CoNNection: x, Close|", "!", 0, NULL },
        { "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", false, 1, 200, false, "HTTP/1.0 200 OK|Content-Length: 1|",
          "x", 0, NULL },
        { OK "Content-Length: 5\r\n\r\n", true, 1, 200, true, "HTTP/1.1 200 OK|Content-Length: 5|", "", 0, NULL },
        { "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", false, 1, 204, true, "HTTP/1.1 204 No|Content-Length: 5|", "",
          0, NULL },
        { "HTTP/1.1 304 No\r\n\r\n", false, 1, 304, true, "HTTP/1.1 304 No|", "", 0, NULL },
        { "HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx", false, 1, 201,
          true, "HTTP/1.1 100 Continue|A: b|HTTP/1.1 201 Created|Content-Length: 1|", "x", 0, NULL },
        { OK "Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n00a;x=\"y\"\r\n0123456789\r\n0\r\nT: x\r\n\r\nX", false,
          1, 200, true, "HTTP/1.1 200 OK|Transfer-Encoding: Chunked|", "hello0123456789", 1, NULL },
        { OK "Transfer-Encoding: chunked\r\n\r\nF \n0123456789abcde\n0\n\n", false, 1, 200, true,
          "HTTP/1.1 200 OK|Transfer-Encoding: chunked|", "0123456789abcde", 0, NULL },
        { OK "\r\nall that comes", false, 0, 200, false, "HTTP/1.1 200 OK|", "all that comes", 0, NULL },
        { OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", false, 1, 200, true,
          "HTTP/1.1 200 OK|Content-Length: 5|Content-Length: 5|", "hello", 0, NULL },

        { "\r\n", false, -EPROTO, 0, false, "", "", 0, NOT "its first line: ''" },
        { "HTTP/2 200\r\n", false, -EPROTO, 0, false, "", "", 0, NOT "its first line: 'HTTP/2 200'" },
        { "HTTP/1.1 099 x\r\n", false, -EPROTO, 0, false, "", "", 0, NOT "its first line: 'HTTP/1.1 099 x'" },
        { "HTTP/1.1 2000 x\r\n", false, -EPROTO, 0, false, "", "", 0, NOT "its first line: 'HTTP/1.1 2000 x'" },
        { "HTTP/1.1 20\r\n", false, -EPROTO, 0, false, "", "", 0, NOT "its first line: 'HTTP/1.1 20'" },
        { "SSH-2.0-x\x01\r\n", false, -EPROTO, 0, false, "", "", 0, NOT "its first line: 'SSH-2.0-x\\x01'" },
        { "HTTP/1.1 101 Up\r\n", false, -EPROTO, 101, false, "", "", 0,
          NOT "an upgrade that nobody asked for: 'HTTP/1.1 101 Up'" },
        { OK "no colon\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0, NOT "a header: 'no colon'" },
        { OK "A : b\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0, NOT "a header: 'A : b'" },
        { OK ": b\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0, NOT "a header: ': b'" },
        { OK "A: b\r\n c\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|A: b|", "", 0, NOT "a header: ' c'" },
        { OK "A: b\rc: d\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0,
          NOT "a control character in a line: 'A: b\\x0dc: d'" },
        { OK "Content-Length: 5x\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0,
          NOT "its length: 'Content-Length: 5x'" },
        { OK "Content-Length: -5\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0,
          NOT "its length: 'Content-Length: -5'" },
        { OK "Content-Length: +5\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0,
          NOT "its length: 'Content-Length: +5'" },
        { OK "Content-Length:\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0,
          NOT "its length: 'Content-Length:'" },
        { OK "Content-Length: 9999999999999999999\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0,
          NOT "its length: 'Content-Length: 9999999999999999999'" },
        { OK "Content-Length: 5\r\nContent-Length: 6\r\n", false, -EPROTO, 200, true,
          "HTTP/1.1 200 OK|Content-Length: 5|", "", 0, NOT "its length: 'Content-Length: 6'" },
        { OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", false, -EPROTO, 200, true,
          "HTTP/1.1 200 OK|Content-Length: 5|Transfer-Encoding: chunked|", "", 0,
          NOT "it has both a length and chunks" },
        { OK "Transfer-Encoding: gzip, chunked\r\n", false, -EPROTO, 200, true, "HTTP/1.1 200 OK|", "", 0,
          NOT "its encoding: 'Transfer-Encoding: gzip, chunked'" },
        { OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", false, -EPROTO, 200, true,
          "HTTP/1.1 200 OK|Transfer-Encoding: chunked|", "", 0, NOT "the size of a chunk: 'xyz'" },
        { OK "Transfer-Encoding: chunked\r\n\r\n\r\n", false, -EPROTO, 200, true,
          "HTTP/1.1 200 OK|Transfer-Encoding: chunked|", "", 0, NOT "the size of a chunk: ''" },
        { OK "Transfer-Encoding: chunked\r\n\r\n1000000000000000\r\n", false, -EPROTO, 200, true,
          "HTTP/1.1 200 OK|Transfer-Encoding: chunked|", "", 0, NOT "the size of a chunk: '1000000000000000'" },
        { OK "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", false, -EPROTO, 200, true,
          "HTTP/1.1 200 OK|Transfer-Encoding: chunked|", "ab", 0, NOT "the end of a chunk: 'c'" },
};

/* Each reply in two pieces, cut at every place; then byte by byte. */
static void test_replies(void **state) {
        FOREACH_ROW(row, replies) {
                size_t n = strlen(row->text);

                print_message("case '%s'\n", row->text);
                for (size_t cut = 0; cut <= n + 1; cut++) {
                        Story story = { .headers = STR_INIT(10000), .body = STR_INIT(10000) };
                        _cleanup_(parser_done) Parser parser = { 0 };
                        _cleanup_(error_freep) Error *error = NULL;
                        size_t at = 0;
                        int r = 0;

                        parser_init(&parser, row->is_head, on_header, on_body, &story);
                        while (at < n && r == 0) {
                                size_t end = cut == n + 1 ? at + 1 : at < cut ? cut : n, used = 0;

                                r = parser_feed(&parser, row->text + at, end - at, &used, &error);
                                assert_true(used <= end - at);
                                assert_true(r != 0 || used == end - at);
                                at += used;
                        }
                        assert_int_equal(r, row->want_r);
                        assert_int_equal(parser.status, row->status);
                        assert_int_equal(parser.keeps_open, row->keeps_open);
                        assert_string_equal(str_get(&story.headers), row->headers);
                        assert_string_equal(str_get(&story.body), row->body);
                        if (row->want_r >= 0) {
                                assert_int_equal(n - at, row->n_rest);
                                assert_int_equal(parser_end(&parser, NULL), 1);
                        } else {
                                assert_string_equal(error_message(error, 0), row->error);
                        }
                        str_done(&story.headers);
                        str_done(&story.body);
                }
        }
}

/* A connection that ends too early, at every place. */
static void test_cut(void **state) {
        static const char *const texts[] = {
                OK "Content-Length: 5\r\n\r\nhello",
                OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        };

        FOREACH_ROW(text, texts)
                for (size_t cut = 0; cut < strlen(*text); cut++) {
                        Story story = { .headers = STR_INIT(10000), .body = STR_INIT(10000) };
                        _cleanup_(parser_done) Parser parser = { 0 };
                        _cleanup_(error_freep) Error *error = NULL;
                        size_t used;

                        parser_init(&parser, false, on_header, on_body, &story);
                        assert_int_equal(parser_feed(&parser, *text, cut, &used, NULL), 0);
                        assert_int_equal(parser_end(&parser, &error), -ECONNRESET);
                        assert_string_equal(error_message(error, 0),
                                            cut > 0 ? "the connection was cut in the middle of the answer"
                                                    : "the connection was cut before an answer came");
                        str_done(&story.headers);
                        str_done(&story.body);
                }
}

static void test_flood(void **state) {
        static const struct {
                const char *first, *again;
        } rows[] = {
                { "", "x" },
                { "", "HTTP/1.1 100 Continue\r\n\r\n" },
                { OK, "A: b\r\n" },
                { OK "A: ", "b" },
                { OK "Transfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n" },
                { OK "Transfer-Encoding: chunked\r\n\r\n0", "0" },
        };

        FOREACH_ROW(row, rows) {
                Story story = { .headers = STR_INIT(1000000), .body = STR_INIT(10000) };
                _cleanup_(parser_done) Parser parser = { 0 };
                size_t used, n = 0;
                int r;

                print_message("case '%s'\n", row->again);
                parser_init(&parser, false, on_header, on_body, &story);
                r = parser_feed(&parser, row->first, strlen(row->first), &used, NULL);
                while (r == 0 && n < 2 * PARSER_HEAD_MAX) {
                        r = parser_feed(&parser, row->again, strlen(row->again), &used, NULL);
                        n += used;
                }
                assert_int_equal(r, -EMSGSIZE);
                str_done(&story.headers);
                str_done(&story.body);
        }
}

static void test_many_chunks(void **state) {
        Story story = { .headers = STR_INIT(10000), .body = STR_INIT(1000000) };
        _cleanup_(parser_done) Parser parser = { 0 };
        size_t used;

        parser_init(&parser, false, on_header, on_body, &story);
        assert_int_equal(parser_feed(&parser, OK "Transfer-Encoding: chunked\r\n\r\n", 47, &used, NULL), 0);
        for (unsigned i = 0; i < 100000; i++)
                assert_int_equal(parser_feed(&parser, "1\r\nx\r\n", 6, &used, NULL), 0);
        assert_int_equal(parser_feed(&parser, "0\r\n\r\n", 5, &used, NULL), 1);
        assert_int_equal(story.body.n, 100000);
        str_done(&story.headers);
        str_done(&story.body);
}

static void test_refusing(void **state) {
        Story story = { .headers = STR_INIT(10000), .body = STR_INIT(10000), .n_left = 1 };
        _cleanup_(parser_done) Parser parser = { 0 };
        const char *text = OK "Content-Length: 5\r\n\r\nhello";
        size_t used;

        parser_init(&parser, false, on_header, on_body, &story);
        assert_int_equal(parser_feed(&parser, text, strlen(text), &used, NULL), -ECANCELED);
        str_done(&story.headers);
        str_done(&story.body);
}

static void test_upgrade(void **state) {
        const char *text =
                "HTTP/1.1 100 Go on\r\n\r\nHTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nContent-Length: 99\r\n\r\n\1\2";
        Story story = { .headers = STR_INIT(10000), .body = STR_INIT(10000) };
        _cleanup_(parser_done) Parser parser = { 0 };
        size_t used;

        parser_init(&parser, false, on_header, on_body, &story);
        parser.takes_upgrade = true;
        assert_int_equal(parser_feed(&parser, text, strlen(text), &used, NULL), 1);
        assert_int_equal(parser.status, 101);
        assert_int_equal(used, strlen(text) - 2);
        assert_int_equal(story.body.n, 0);
        str_done(&story.headers);
        str_done(&story.body);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_replies),     cmocka_unit_test(test_cut),      cmocka_unit_test(test_flood),
                cmocka_unit_test(test_many_chunks), cmocka_unit_test(test_refusing), cmocka_unit_test(test_upgrade),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
