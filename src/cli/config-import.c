#include "cli/config-import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "cli/output.h"
#include "cli/report.h"
#include "config/import.h"
#include "job/event.h"

#define OUTPUT_MODE 0600 /* addresses and names of a company may stand in it */

static int read_file(const ConfigValues *values, const char *path, Import *ret) {
        _cleanup_(diag_list_done) DiagList diags = { 0 };
        _cleanup_(source_freep) Source *source = NULL;
        _cleanup_(error_freep) Error *error = NULL;
        _cleanup_str_ Str text = STR_INIT(STR_MAX_DEFAULT);
        int r;

        r = source_read(path, &source, &error);
        if (r < 0) {
                log_error("%s", error_message(error, r));
                return EXIT_USAGE;
        }
        r = import_read(source, &diags, ret);
        diag_sort(&diags);
        diag_print(&diags, source, report_options_for(&values->run, STDERR_FILENO).color, &text);
        fputs(str_get(&text), stderr);
        if (r == -ENOMEM)
                log_error("out of memory");
        return r == 0 ? 0 : r == -ENOMEM ? EXIT_ENGINE : EXIT_USAGE;
}

static char *list_names(const Import *import) {
        _cleanup_str_ Str names = STR_INIT(STR_MAX_DEFAULT);

        for (size_t i = 0; i < import->n_runners; i++)
                (void) str_appendf(&names, "%s'%s'", i > 0 ? ", " : "", import->runners[i].name);
        return str_take(&names);
}

/* A file holds one configuration; on a terminal several can be looked at. */
static int choose(const ConfigValues *values, const Import *import, const ImportRunner **ret) {
        _cleanup_free_ char *names = list_names(import);

        if (values->runner)
                *ret = import_find(import, values->runner);
        else if (import->n_runners == 1)
                *ret = &import->runners[0];
        if (values->runner && !*ret) {
                log_error("there is no runner '%s' in it, but %s", values->runner, names ? names : "others");
                return EXIT_USAGE;
        }
        if (values->output && !*ret) {
                log_error("there are several runners in it, and a file is for one: choose with --runner, of %s",
                          names ? names : "them");
                return EXIT_USAGE;
        }
        return 0;
}

static int write_new(const char *path, const Str *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, OUTPUT_MODE);

        return fd < 0 ? -errno : file_write_fd(fd, str_get(text), text->n);
}

static int put_out(const ConfigValues *values, const Str *text) {
        int r = 0;

        if (values->output)
                r = write_new(values->output, text);
        else {
                fputs(str_get(text), stdout);
                r = output_stdout();
        }
        if (r == -EEXIST)
                log_error("'%s' is there already; remove it, or choose another name", values->output);
        else if (r < 0)
                log_error("cannot write %s: %s", values->output ? values->output : "the configuration", strerror(-r));
        return r == 0 ? 0 : r == -EEXIST ? EXIT_USAGE : EXIT_ENGINE;
}

static bool is_all_refused(const Import *import, const ImportRunner *only) {
        for (size_t i = 0; i < import->n_runners; i++)
                if ((!only || only == &import->runners[i]) && !import->runners[i].is_refused)
                        return false;
        return true;
}

static int tell(const ConfigValues *values, const Import *import, const ImportRunner *only, const char *path) {
        _cleanup_str_ Str yaml = STR_INIT(STR_MAX_DEFAULT), report = STR_INIT(STR_MAX_DEFAULT);
        bool is_refused = is_all_refused(import, only);
        int r = 0, code = 0;

        if (!values->run.json || values->output)
                r = import_write(import, only, &yaml);
        if (r == 0 && !is_refused && yaml.n > 0)
                code = put_out(values, &yaml);
        if (r == 0)
                r = values->run.json ? import_report_json(import, only, &report)
                                     : import_report(import, only, path, &report);
        if (r < 0) {
                log_error("out of memory");
                return EXIT_ENGINE;
        }
        fputs(str_get(&report), values->run.json ? stdout : stderr);
        return code != 0 ? code : is_refused ? EXIT_REFUSED : 0;
}

int config_import(const ConfigValues *values, const char *path) {
        _cleanup_(import_done) Import import = { 0 };
        const ImportRunner *only = NULL;
        int code = read_file(values, path, &import);

        if (code == 0)
                code = choose(values, &import, &only);
        return code == 0 ? tell(values, &import, only, path) : code;
}
