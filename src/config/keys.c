#include "config/key-rows.h"

#define OWNER Config

static const char *const network_words[] = { "auto", "pod", "bridge", NULL };
static const char *const color_words[] = { "auto", "always", "never", NULL };

static const ConfigKey top_rows[] = {
        { "trusted", TRUST(policy.trusted), .fallback = "none",
          .doc = "What files may ask for beyond plain containers: a list of ``network``, ``volumes``, ``security``; or "
                 "``all``, ``none``." },
        { "color", WORD(color), .words = color_words, .fallback = "auto",
          .doc = "Colours: ``always``, ``never``, or ``auto``: on a terminal, and without ``NO_COLOR``." },
        { 0 },
};

static const ConfigKey engine_rows[] = {
        { "url", TEXT(engine.url), .check = config_check_url,
          .variables = { "CONTAINER_HOST", "DOCKER_HOST", "DOCKER_SOCK", "WOODPECKER_BACKEND_DOCKER_HOST" },
          .doc = "Where the engine's API is: ``unix:///PATH``, ``tcp://HOST:PORT``, ``ssh://USER@HOST/PATH``. Without "
                 "it podstep looks for Podman's connections and the well-known sockets." },
        { "cert_directory", TEXT(engine.cert_directory), .check = config_check_path,
          .variables = { "DOCKER_CERT_PATH", "WOODPECKER_BACKEND_DOCKER_CERT_PATH" },
          .doc = "``ca.pem``, ``cert.pem`` and ``key.pem`` for ``tcp://``." },
        { "tls_verify", CHOICE(engine.tls_verify), .fallback = "true",
          .variables = { "DOCKER_TLS_VERIFY", "WOODPECKER_BACKEND_DOCKER_TLS_VERIFY" },
          .doc = "Whether the engine has to prove who it is, over ``tcp://`` with certificates." },
        { "api_version", TEXT(engine.api_version), .check = config_check_version,
          .variables = { "DOCKER_API_VERSION", "WOODPECKER_BACKEND_DOCKER_API_VERSION" },
          .doc = "The version of Docker's API to speak: ``1.41``. Without it the newest that both sides know." },
        { 0 },
};

static const ConfigKey job_rows[] = {
        { "timeout", DURATION(jobs.timeout_usec), .fallback = "1h",
          .doc = "How long a run may take: ``90s``, ``10min``, ``1h30m``." },
        { "grace", DURATION(jobs.grace_usec), .fallback = "20s",
          .variables = { "WOODPECKER_BACKEND_DOCKER_STOP_TIMEOUT" },
          .doc = "What a step gets between TERM and KILL when it is stopped." },
        { "keep_failed", BOOL(jobs.keep_failed), .fallback = "false",
          .doc = "After a failure leaves the containers in place, as ``--keep`` does." },
        { "runner", TEXT(policy.runner), .check = config_check_runner, .fallback = "podstep",
          .doc = "The name of this runner, a part of the names of caches: runners of one user that are to have their "
                 "own have different ones." },
        { "keep_time", DURATION(jobs.keep_usec), .fallback = "24h",
          .doc = "What ``run --keep`` left in place is removed after this time, by whatever podstep runs then. Of the "
                 "agent's jobs its option ``--keep-time`` says it." },
        { "shell", TEXT(policy.shell), .check = config_check_program,
          .doc = "The shell of the image that runs the commands of GitLab jobs: ``bash``, ``sh``, or a path. Without "
                 "it bash where the image has it, else sh." },
        { "environment", MAP(policy.environment), .check = config_check_variable,
          .doc = "Variables of all steps and services. What the file sets counts more." },
        { "labels", MAP(policy.labels), .check = config_check_label,
          .doc = "Labels on all that is made for a job: ``com.example.team: web``." },
        { "log_size", SIZE(policy.log_bytes_max),
          .doc = "Output of a step that is kept and shown; what is more is cut, and the log tells so. 0: no limit." },
        { "refuse_unenforced", BOOL(policy.refuse_unenforced), .fallback = "false",
          .doc = "A limit that this machine cannot enforce refuses the job. Else the job's log tells it." },
        { 0 },
};

static const ConfigKey image_rows[] = {
        { "default", TEXT(policy.images.default_image),
          .doc = "The image of GitLab jobs that name none. Always allowed. A step of a Woodpecker workflow has to name "
                 "one, as there." },
        { "registry", TEXT(policy.images.registry), .fallback = "docker.io",
          .doc = "What short names stand in: ``alpine`` is ``docker.io/library/alpine``." },
        { "platform", TEXT(policy.images.platform), .check = config_check_platform,
          .doc = "``linux/arm64``: in place of the engine's own." },
        { "allowed", TEXTS(policy.images.allowed),
          .doc = "Patterns of images that steps may use, of the whole name as written: ``registry.example.com/**``, "
                 "``alpine:*``. A ``*`` stops at a ``/``, ``**`` does not. Without it all." },
        { "allowed_services", TEXTS(policy.images.allowed_services), .doc = "The same for services." },
        { "allowed_privileged", TEXTS(policy.images.allowed_privileged),
          .doc = "Patterns of images that may run privileged, where that is allowed at all. Others run without, and "
                 "the log tells so." },
        { "allowed_privileged_services", TEXTS(policy.images.allowed_privileged_services),
          .doc = "The same for services." },
        { "pull", PULLS(policy.images.pull),
          .doc = "When to pull, where the file leaves it open: ``always``, ``missing`` (or ``if-not-present``), "
                 "``newer``, ``never``; or a list that is tried in order, in which one may stand twice." },
        { "allowed_pull", PULLS(policy.images.allowed_pull),
          .doc = "What a file or ``--pull`` may ask for. Without it a file may ask for what ``pull`` names; all, if "
                 "that is not set either." },
        { "retries", SMALL(policy.images.retries), .fallback = "0",
          .doc = "How often a pull is tried again after some seconds (up to 10) when the registry does not answer, has "
                 "no address, or says that something is wrong with it. Podman by itself tries four times within 3 "
                 "seconds where nobody listens." },
        { "keep_entrypoint", BOOL(policy.images.keep_entrypoint), .fallback = "false",
          .doc = "A file cannot replace the entrypoint of an image: it is warned, and the image's own runs." },
        { "auth_file", TEXT(auth_file), .check = config_check_path,
          .variables = { "REGISTRY_AUTH_FILE", "WOODPECKER_DOCKER_CONFIG" },
          .doc = "Credentials for registries, as **podman-login**\\(1) writes them: then no other file is looked at, "
                 "unless ``--authfile`` names one. Without it the files of Podman and Docker." },
        { 0 },
};

static const ConfigKey step_rows[] = {
        { "hostname", TEXT(policy.steps.hostname), .doc = "The host name that steps see." },
        { 0 },
};

static const ConfigKey service_rows[] = {
        { "always", CONFIG_SERVICES, FIELD(policy.always, PolicyService *),
          .doc = "Services that every workflow gets, beside its own: a list of images, or of maps with ``image``, "
                 "``alias`` (how it is reached; without it by the image's name), ``command``, ``entrypoint`` and "
                 "``environment``. Always allowed." },
        { "max", CONFIG_LIMIT, FIELD(policy.services_max, unsigned), .fallback = "unlimited",
          .doc = "How many services a workflow may have; 0 for none." },
        { "timeout", DURATION_OR_NONE(policy.service_wait_usec), .fallback = "60s",
          .doc = "How long a service may take until it is ready; ``off``: steps do not wait for services." },
        { 0 },
};

static const ConfigKey volume_rows[] = {
        { "allowed", TEXTS(policy.allowed_volumes), .check = config_check_path,
          .doc = "Directories of the host, each with all below it, that files may mount, if they are trusted with "
                 "volumes. Without it any. What counts is where a path leads: on an engine whose socket is on this "
                 "machine links are followed, and what is not there, or out of reach of podstep's user, is refused." },
        { "mounts", TEXTS(policy.volumes.mounts), .check = config_check_mount,
          .variables = { "WOODPECKER_BACKEND_DOCKER_VOLUMES" },
          .doc = "Mounted in every container: ``/PATH:/TARGET[:OPTIONS]``, ``NAME:/TARGET``; ``/TARGET`` alone is a "
                 "cache of the project that lasts. Of jobs that run at once each has one of its own." },
        { "cache_directory", TEXT(policy.volumes.cache_directory), .check = config_check_path,
          .doc = "The directory of the host that holds these caches. Without it they are volumes of the engine." },
        { "disable_cache", BOOL(policy.volumes.disable_cache), .fallback = "false",
          .doc = "These caches last as long as the job." },
        { "driver", TEXT(policy.volumes.driver), .fallback = "local", .doc = "The driver of volumes that are made." },
        { "driver_options", MAP(policy.volumes.driver_options), .doc = "Its options: ``size: 10g``." },
        { 0 },
};

static const ConfigKey network_rows[] = {
        { "kind", WORD(network), .words = network_words, .fallback = "auto",
          .doc = "``pod``: the containers of a job share one network; ``bridge``: each has its own address; ``auto``: "
                 "a pod, unless two containers want the same port." },
        { "mode", TEXT(policy.network.mode),
          .doc = "The network of all containers: ``host``, ``none``, or the name of one that exists." },
        { "join", TEXT(policy.network.join), .variables = { "WOODPECKER_BACKEND_DOCKER_NETWORK" },
          .doc = "A network that exists and that all containers are in, too." },
        { "ipv6", BOOL(policy.network.ipv6), .fallback = "false",
          .variables = { "WOODPECKER_BACKEND_DOCKER_ENABLE_IPV6" },
          .doc = "IPv6 on networks that are made for a job." },
        { "mtu", SMALL(policy.network.mtu), .doc = "Largest packet on networks that are made for a job, in bytes." },
        { "dns", TEXTS(policy.network.dns), .check = config_check_address, .doc = "Addresses of DNS servers." },
        { "dns_search", TEXTS(policy.network.dns_search), .doc = "Domains that short names are looked up in." },
        { "dns_options", TEXTS(policy.network.dns_options), .doc = "As in **resolv.conf**\\(5): ``ndots:2``." },
        { "extra_hosts", TEXTS(policy.network.extra_hosts), .check = config_check_host,
          .doc = "Names in ``/etc/hosts``: ``db.example.com:10.0.0.5``; the address may be ``host-gateway``." },
        { "allow_metadata", BOOL(policy.network.allow_metadata), .fallback = "false",
          .doc = "Jobs can reach the addresses where clouds hand out credentials (169.254.169.254 and others, over "
                 "TCP). Otherwise a step fails whose network could be closed to them and was not; where it cannot be "
                 "closed, a note says so." },
        { 0 },
};

static const ConfigKey lint_rows[] = {
        { "strict", BOOL(lint.strict), .fallback = "false", .doc = "Warnings are errors." },
        { "privileged_plugins", TEXTS(lint.privileged_plugins), .variables = { "WOODPECKER_PLUGINS_PRIVILEGED" },
          .doc = "Plugins that the server lets run privileged." },
        { "trusted_clones", TEXTS(lint.trusted_clones), .variables = { "WOODPECKER_PLUGINS_TRUSTED_CLONE" },
          .doc = "Images that the server trusts to clone with credentials, beside Woodpecker's own." },
        { 0 },
};

const ConfigSection config_sections[] = {
        { "", top_rows, 0 },
        { "engine", engine_rows, 0 },
        { "jobs", job_rows, 0 },
        { "images", image_rows, 0 },
        { "steps", step_rows, 0 },
        { "steps", config_container_rows, offsetof(Config, policy.steps) },
        { "services", service_rows, 0 },
        { "services", config_container_rows, offsetof(Config, policy.services) },
        { "volumes", volume_rows, 0 },
        { "network", network_rows, 0 },
        { "lint", lint_rows, 0 },
        { 0 },
};
