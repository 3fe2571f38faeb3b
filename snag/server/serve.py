"""`snag serve`: starts a server and returns when it judges pictures, or says why it does not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from snag.cli.model_name import EVERY
from snag.cli.settings import from_flags, run
from snag.core.errors import BadArtifact, ServerAnswer, ServerUnreachable
from snag.core.files import write_bytes, write_text
from snag.server.authentication import token_file
from snag.server.background import in_background
from snag.server.settings import ServeSettings
from snag.server.startup_message import curl, say, startup_message
from snag.server.state.archive import Archive, archive_names, verify_archive
from snag.server.state.golden import golden_set
from snag.server.state.instance import Instance
from snag.server.state.launch import Launch, write_launch
from snag.server.state.ports import check_addresses, check_free
from snag.server.state.served import read_state
from snag.server.state.stage_archives import stage_archives
from snag.server.supervise.keeper import keep
from snag.server.supervise.report import Report
from snag.server.torchserve.configuration import read_template
from snag.server.torchserve.management import Management
from snag.server.torchserve.process import LOG_CONFIGURATION, METRICS, find_upstream


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag serve`."""
    codes = [0]
    return run(lambda: codes.append(serve(from_flags(ServeSettings, argv)))) or codes[-1]


def serve(settings: ServeSettings) -> int:
    """Start the server unless the same one already runs. Raises BadArtifact, BadConfig, ServerBusy, ServerFailed."""
    check_addresses(settings.listeners)
    archives, failures = _verified(settings)
    template = read_template(settings.config)
    instance = Instance(settings.folder)
    launch = _launch(settings, template)
    with instance.changing():
        if not settings.foreground and _already_serves(instance, launch.fingerprint, archives):
            names_of = ", ".join(archive.model for archive in archives)
            say(f"{names_of} is already served with this archive\n{curl(instance, launch, archives[0].model)}")
            return 0
        if instance.stop():
            say("stopped the server that ran here with another archive or configuration")
        check_free(settings.listeners)
        write_bytes(instance.golden, golden_set(archives[0].path).pictures[0])
        write_text(instance.configuration, template)
        write_launch(instance.launch, launch)
        stage_archives(instance, archives, failures)
        if not settings.foreground:
            _announce(instance, launch, in_background(instance))
            return 0
    return keep(instance, True, lambda report: _announce(instance, launch, report))


def _announce(instance: Instance, launch: Launch, report: Report) -> None:
    say(startup_message(instance, launch, read_state(instance.served), report))


def _verified(settings: ServeSettings) -> tuple[list[Archive], dict[str, str]]:
    """The archives asked for, and why others of them can't be served. Raises BadArtifact when none can."""
    wanted = archive_names(settings.model_store) if EVERY in settings.model else list(dict.fromkeys(settings.model))
    archives, failures = [], {}
    for model in wanted:
        try:
            archives.append(verify_archive(settings.model_store, model))
        except BadArtifact as error:
            if len(wanted) == 1:
                raise
            failures[model] = str(error)
    if not archives:
        detail = next(iter(failures.values()), "there is no archive in it; run `make archive`")
        raise BadArtifact(path=settings.model_store, detail=detail)
    return archives, failures


def _launch(settings: ServeSettings, template: str) -> Launch:
    tokens = token_file(settings)
    flags = (settings.drain, settings.log_level, settings.spool, settings.spool_days, settings.allowed_origins)
    said = (settings.listeners, tokens, *flags)
    parts = [template, repr(said), METRICS.read_text(), LOG_CONFIGURATION.read_text()]
    return Launch(
        inference=settings.listeners["--inference-port"],
        management=settings.listeners["--management-port"],
        metrics=settings.listeners["--metrics-port"],
        tokens=None if tokens is None else str(tokens),
        timeout=settings.timeout,
        drain=settings.drain,
        log_level=settings.log_level,
        spool=settings.spool,
        spool_days=settings.spool_days,
        allowed_origins=tuple(settings.allowed_origins),
        fingerprint=hashlib.sha256("\0".join(parts).encode()).hexdigest(),
    )


def _already_serves(instance: Instance, fingerprint: str, archives: Sequence[Archive]) -> bool:
    """Whether a server with these settings runs here that has these archives, and no other model, with all their workers."""
    note = instance.note()
    if note is None or note.fingerprint != fingerprint:
        return False
    models = {model.name: model for model in read_state(instance.served)}
    known = {(model.name, version.digest) for model in models.values() for version in model.versions}
    if set(models) != {archive.model for archive in archives} or not {(one.model, one.digest) for one in archives} <= known:
        return False
    try:
        management = Management(find_upstream(instance))
        workers = [management.versions(model) for model in models]
    except (ServerUnreachable, ServerAnswer):
        return False
    return all(versions and all(one.all_ready for one in versions) for versions in workers)


if __name__ == "__main__":
    raise SystemExit(main())
