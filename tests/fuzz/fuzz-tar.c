/* An archive from an engine: read whole, and cut at places that the first byte chooses. */

#include "fuzz.h"

#include <errno.h>

#include "engine/tar.h"

#define PIECE_MAX 700

typedef struct Sums {
        uint64_t n_bytes, n_entries;
} Sums;

static int on_entry(const TarEntry *entry, void *userdata) {
        Sums *sums = userdata;

        sums->n_entries += 1 + strlen(entry->path) + (entry->link ? strlen(entry->link) : 0);
        return 0;
}

static int on_bytes(const char *bytes, size_t n, void *userdata) {
        ((Sums *) userdata)->n_bytes += n;
        return 0;
}

static int read_all(const char *bytes, size_t n, size_t piece, Sums *ret) {
        static const TarReaderClass class = { .entry = on_entry, .bytes = on_bytes };
        _cleanup_(tar_reader_freep) TarReader *reader = NULL;
        int r = 0;

        *ret = (Sums) { 0 };
        if (tar_reader_new(&class, ret, &reader) < 0)
                return -ENOMEM;
        for (size_t at = 0; r >= 0 && at < n; at += piece)
                r = tar_reader_feed(reader, bytes + at, MIN(piece, n - at));
        return r < 0 ? r : tar_reader_is_whole(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Sums whole, cut;
        int r;

        if (size < 1)
                return 0;
        r = read_all((const char *) data + 1, size - 1, size, &whole);
        require(read_all((const char *) data + 1, size - 1, 1 + data[0] % PIECE_MAX, &cut) == r);
        require(r < 0 || (whole.n_bytes == cut.n_bytes && whole.n_entries == cut.n_entries));
        return 0;
}
