/* Judgements of the user: session, lingering, subordinate ids. */

#include "doctor/check-internal.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "base/str.h"

#define IDS_WANTED 65536          /* what distributions give, and what images count on: nobody is 65534 */
#define IDS_START_MIN 100000      /* where useradd(8) begins */
#define IDS_END_MAX UINT32_MAX

void check_session(const Check *check, const Facts *facts, Findings *findings) {
        const char *directory = facts->runtime_directory;
        Finding *finding;

        if (facts->uid == 0) {
                finding = finding_add(findings, check, LEVEL_NOTE, "you are root: jobs run with root's Podman");
                finding_advise(
                        finding, findings,
                        "a job that gets out of its container is root then; make a user for it: 'useradd -m ci'");
                return;
        }
        if (str_is_empty(directory)) {
                finding = finding_add(findings, check, LEVEL_FAULT,
                                      "XDG_RUNTIME_DIR is not set: this is no login session");
                finding_advise(finding, findings,
                               "log in as %s instead of changing to it with su or sudo, as with this:", facts->user);
                finding_mend(finding, findings, true, "machinectl shell %s@", facts->user);
        } else if (!facts->runtime_exists) {
                finding = finding_add(findings, check, LEVEL_FAULT, "XDG_RUNTIME_DIR is %s, and that is no directory",
                                      directory);
                finding_advise(finding, findings,
                               "log in anew; where pam_systemd is not used, root makes it at each boot:");
                finding_mend(finding, findings, true, "install -d -m 700 -o %s %s", facts->user, directory);
        } else if (facts->runtime_uid != facts->uid) {
                finding = finding_add(findings, check, LEVEL_FAULT, "XDG_RUNTIME_DIR is %s, of user %u and not yours",
                                      directory, (unsigned) facts->runtime_uid);
                finding_advise(finding, findings, "log in as %s instead of changing to it with su or sudo",
                               facts->user);
                finding_mend(finding, findings, false, "export XDG_RUNTIME_DIR=/run/user/%u", (unsigned) facts->uid);
        } else if (facts->runtime_mode & 077) {
                finding =
                        finding_add(findings, check, LEVEL_WARNING, "others may enter XDG_RUNTIME_DIR, %s (mode %04o)",
                                    directory, (unsigned) facts->runtime_mode);
                finding_mend(finding, findings, false, "chmod 700 %s", directory);
        } else
                (void) finding_add(findings, check, LEVEL_OK, "%s", directory);
}

void check_linger(const Check *check, const Facts *facts, Findings *findings) {
        Finding *finding;

        if (facts->uid == 0)
                (void) finding_add(findings, check, LEVEL_OK, "not needed by root");
        else if (facts->lingers == ANSWER_YES)
                (void) finding_add(findings, check, LEVEL_OK, "on: jobs go on when you log out");
        else if (facts->lingers == ANSWER_UNKNOWN)
                (void) finding_add(findings, check, LEVEL_OK,
                                   "no systemd here, so nothing ends your processes when you log out");
        else {
                finding = finding_add(findings, check, LEVEL_WARNING, "off: jobs end when you log out");
                if (facts->has_logind)
                        finding_mend(finding, findings, false, "podstep setup");
                finding_mend(finding, findings, true, "loginctl enable-linger %s", facts->user);
        }
}

static bool is_of(const IdRange *range, const Facts *facts) {
        uint64_t uid;

        return str_equal(range->owner, facts->user) || (parse_u64(range->owner, &uid) >= 0 && uid == facts->uid);
}

static uint64_t count_ids(const IdRanges *ranges, const Facts *facts) {
        uint64_t n = 0;

        for (size_t i = 0; i < ranges->n_ranges; i++)
                if (is_of(&ranges->ranges[i], facts))
                        n += ranges->ranges[i].count;
        return n;
}

/* Behind all that others have: what usermod(8) does not look for by itself. */
static uint64_t free_start(const Facts *facts) {
        const IdRanges *const both[] = { &facts->subuid, &facts->subgid };
        uint64_t start = IDS_START_MIN;

        FOREACH_ROW(ranges, both)
                for (size_t i = 0; i < (*ranges)->n_ranges; i++)
                        start = MAX(start, (*ranges)->ranges[i].start + (*ranges)->ranges[i].count);
        return start;
}

static void mend_ids(Finding *finding, Findings *findings, const Facts *facts, const char *option) {
        uint64_t start = free_start(facts);

        if (start + IDS_WANTED - 1 > IDS_END_MAX)
                finding_advise(finding, findings, "all ids behind %llu are taken: let root find a free range of %d",
                               (unsigned long long) start, IDS_WANTED);
        else
                finding_mend(finding, findings, true, "usermod --%s %llu-%llu %s", option, (unsigned long long) start,
                             (unsigned long long) (start + IDS_WANTED - 1), facts->user);
        finding_mend(finding, findings, false, "podman system migrate");
}

/* The first range of someone else that shares ids with one of ours. */
static const IdRange *find_overlap(const IdRanges *ranges, const Facts *facts, const IdRange **ret_mine) {
        for (size_t i = 0; i < ranges->n_ranges; i++) {
                const IdRange *mine = &ranges->ranges[i];

                for (size_t j = 0; j < ranges->n_ranges && is_of(mine, facts); j++) {
                        const IdRange *other = &ranges->ranges[j];

                        if (!is_of(other, facts) && other->start < mine->start + mine->count &&
                            mine->start < other->start + other->count) {
                                *ret_mine = mine;
                                return other;
                        }
                }
        }
        return NULL;
}

static void check_ids(const Check *check, const Facts *facts, Findings *findings, const IdRanges *ranges,
                      const char *file, const char *option) {
        uint64_t n = count_ids(ranges, facts);
        const IdRange *mine = NULL, *other;
        Finding *finding;

        if (facts->uid == 0 || facts->ids_elsewhere) {
                (void) finding_add(findings, check, LEVEL_OK,
                                   facts->uid == 0 ? "not needed by root"
                                                   : "kept elsewhere than in %s (subid in nsswitch.conf)",
                                   file);
                return;
        }
        if (n == 0) {
                finding = finding_add(findings, check, LEVEL_FAULT, "%s has no line for %s", file, facts->user);
                mend_ids(finding, findings, facts, option);
                return;
        }
        if (n < IDS_WANTED) {
                finding = finding_add(findings, check, LEVEL_WARNING,
                                      "only %llu ids in %s: images with files of higher ids cannot be unpacked, nobody "
                                      "(65534) is not there",
                                      (unsigned long long) n, file);
                mend_ids(finding, findings, facts, option);
        }
        other = find_overlap(ranges, facts, &mine);
        if (other) {
                finding = finding_add(findings, check, LEVEL_WARNING,
                                      "your ids from %llu on are also %s's, whose containers can then reach your files",
                                      (unsigned long long) MAX(mine->start, other->start), other->owner);
                finding_advise(finding, findings,
                               "let root give one of you other ids in %s, then run 'podman system migrate'", file);
        }
        if (ranges->n_bad_lines > 0) {
                finding = finding_add(findings, check, LEVEL_NOTE, "%u line%s of %s cannot be understood",
                                      ranges->n_bad_lines, ranges->n_bad_lines == 1 ? "" : "s", file);
                finding_advise(finding, findings, "a line is NAME:FIRST:COUNT, without blanks or remarks");
        }
        if (n >= IDS_WANTED && !other && ranges->n_bad_lines == 0)
                (void) finding_add(findings, check, LEVEL_OK, "%llu ids", (unsigned long long) n);
}

void check_subuid(const Check *check, const Facts *facts, Findings *findings) {
        check_ids(check, facts, findings, &facts->subuid, "/etc/subuid", "add-subuids");
}

void check_subgid(const Check *check, const Facts *facts, Findings *findings) {
        check_ids(check, facts, findings, &facts->subgid, "/etc/subgid", "add-subgids");
}

void check_idmap_programs(const Check *check, const Facts *facts, Findings *findings) {
        const struct {
                const char *name, *capability;
                ProgramPower power;
        } rows[] = {
                { "newuidmap", "cap_setuid", facts->newuidmap },
                { "newgidmap", "cap_setgid", facts->newgidmap },
        };
        bool is_fine = true;

        FOREACH_ROW(row, rows) {
                Finding *finding;

                if (facts->uid == 0 || row->power == PROGRAM_ABLE)
                        continue;
                is_fine = false;
                if (row->power == PROGRAM_MISSING) {
                        finding = finding_add(findings, check, LEVEL_FAULT, "%s is not installed", row->name);
                        finding_advise(finding, findings,
                                       "it is in the package uidmap (Debian, Ubuntu) or shadow-utils (Fedora, RHEL)");
                } else if (row->power == PROGRAM_NOSUID) {
                        finding = finding_add(findings, check, LEVEL_FAULT,
                                              "%s is on a file system mounted nosuid, so it may do nothing", row->name);
                        finding_advise(finding, findings,
                                       "in a container, run podstep beside the host's socket instead");
                } else {
                        finding = finding_add(findings, check, LEVEL_FAULT,
                                              "%s is neither setuid nor has it the capability it needs", row->name);
                        finding_mend(finding, findings, true, "setcap %s+ep /usr/bin/%s", row->capability, row->name);
                }
        }
        if (is_fine)
                (void) finding_add(findings, check, LEVEL_OK, "%s",
                                   facts->uid == 0 ? "not needed by root" : "newuidmap and newgidmap are able");
}

static uint64_t mapped(const IdMapping *map, size_t n) {
        uint64_t end = 0;

        for (size_t i = 0; i < n; i++)
                end = MAX(end, map[i].container_id + map[i].size);
        return end;
}

/* What Podman maps: fewer than the files say if they were changed after its first container started. */
void check_mapping(const Check *check, const Facts *facts, Findings *findings) {
        const EngineDetails *details = &facts->details;
        uint64_t uids = mapped(details->uid_map, details->n_uid_map),
                 gids = mapped(details->gid_map, details->n_gid_map),
                 told = MIN(count_ids(&facts->subuid, facts), count_ids(&facts->subgid, facts));
        unsigned n_unfit = 0;
        Finding *finding;

        if (!facts->knows_details || !details->is_rootless || uids == 0)
                return;
        if (facts->engine_is_local && MIN(uids, gids) < told) {
                finding = finding_add(findings, check, LEVEL_WARNING, "Podman maps only %llu ids, though you have %llu",
                                      (unsigned long long) MIN(uids, gids), (unsigned long long) told);
                finding_mend(finding, findings, false, "podman system migrate");
        }
        for (size_t i = 0; i < details->n_image_users; i++) {
                const ImageUser *image = &details->image_users[i];

                if (image->uid < uids && image->gid < gids)
                        continue;
                if (n_unfit++ > 0)
                        continue;
                finding = finding_add(findings, check, LEVEL_WARNING,
                                      "image '%s' runs as user %llu:%llu, and ids end at %llu", image->image,
                                      (unsigned long long) image->uid, (unsigned long long) image->gid,
                                      (unsigned long long) MIN(uids, gids) - 1);
                mend_ids(finding, findings, facts, image->uid < uids ? "add-subgids" : "add-subuids");
        }
        if (n_unfit == 0 && (!facts->engine_is_local || MIN(uids, gids) >= told))
                (void) finding_add(findings, check, LEVEL_OK, "ids up to %llu",
                                   (unsigned long long) MIN(uids, gids) - 1);
}
