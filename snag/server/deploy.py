"""`snag deploy`: brings a new version of a model into the running server; no request fails meanwhile."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pydantic import Field

from snag.cli.program import as_typed
from snag.cli.settings import from_flags, run
from snag.core.errors import GoldenMismatch, ServerFailed, SnagError, VersionRefused
from snag.server.change import ServerSession, now
from snag.server.settings import ChangeSettings
from snag.server.state.archive import Archive, copy_archive, verify_archive
from snag.server.state.golden import check_over_http
from snag.server.state.instance import Instance
from snag.server.state.served import Model, ServedVersion, version_of, with_default
from snag.server.supervise.bring_up import Result, Task, register, wait_for
from snag.server.torchserve.log import ServerLog


class DeploySettings(ChangeSettings):
    """Bring a new version of a model, or a new model, into a running server."""

    version: str | None = Field(None, description="version that the archive must hold (default: whatever it does)")
    model_store: Path = Field(Path("model_store"), description="folder of archives; MODEL_STORE/MODEL.mar is deployed")
    timeout: float = Field(120.0, gt=0, description="seconds that the new version may take to come up")


def main(argv: list[str] | None = None) -> int:
    """Entry point of `snag deploy`."""
    return run(lambda: print(as_typed(deploy(from_flags(DeploySettings, argv)))))


def deploy(settings: DeploySettings) -> str:
    """Register, wait for the workers, check a golden picture, make it the default; the one before stays for going back.

    Returns what was done. Raises BadArtifact, ServerBusy, ServerUnreachable or VersionRefused; what was served goes on then.
    """
    archive = verify_archive(settings.model_store, settings.model)
    if settings.version not in (None, archive.version):
        detail = f"{archive.path.name} holds version {archive.version}; `make archive VERSION={settings.version}` packs it"
        raise VersionRefused(model=settings.model, version=settings.version, detail=detail)
    instance = Instance(settings.folder)
    with instance.changing():
        server = ServerSession.of(instance)
        before = server.model(archive.model)
        _check_digest(before, archive)
        if before.default is not None and before.default.version == archive.version:
            return f"{archive.model} {archive.version} answers already"
        new = version_of(archive, copy_archive(archive, instance.store))
        _bring_in(server, before, new, settings.timeout)
        after = with_default(before, new, now())
        server.make_default(after)
    return _said(after)


def _check_digest(model: Model, archive: Archive) -> None:
    """Refuse another archive under a version that is served: nobody could tell whose verdict an answer is."""
    for one in (*model.versions, *model.retiring):
        if one.version == archive.version and one.digest != archive.digest:
            detail = "this version is served already, from another archive; pack this one under a new VERSION"
            raise VersionRefused(model=model.name, version=archive.version, detail=detail)


def _bring_in(server: ServerSession, model: Model, new: ServedVersion, timeout: float) -> None:
    """Register the version and wait until it has proved itself. Raises VersionRefused, with nothing left of it, otherwise."""
    management, instance = server.management, server.instance
    is_registered = new.version in {one.version for one in management.versions(model.name)}
    archive = instance.store / new.archive
    if is_registered and new in (*model.versions, *model.retiring):
        _prove(server, model, new)
        return
    if is_registered:  # left by a command that was killed
        management.unregister(model.name, new.version)
    log, task = ServerLog(instance.logs), Task(model.name, new.version, archive)
    try:
        result = register(management, [task]).get(task) or _awaited(server, log, task, timeout)
        if result.failed is not None:
            raise VersionRefused(model=model.name, version=new.version, detail=f"{result.failed}; what was served goes on")
    except BaseException:
        with suppress(SnagError):
            management.unregister(model.name, new.version)
        if new not in server.models.get(model.name, model).versions:  # what should serve is tried again, from this very file
            archive.unlink(missing_ok=True)
        raise


def _awaited(server: ServerSession, log: ServerLog, task: Task, timeout: float) -> Result:
    try:
        return wait_for(server.upstream, log, [task], server.is_the_same, timeout)[0]
    except ServerFailed:
        return Result(task.model, task.version, failed="TorchServe was started again meanwhile, try once more")


def _prove(server: ServerSession, model: Model, version: ServedVersion) -> None:
    """A version that is there still must have its workers and score as it should."""
    workers = next((one for one in server.management.versions(model.name) if one.version == version.version), None)
    if workers is None or not workers.all_ready:
        detail = f"it has {workers.ready} of {workers.wanted} workers" if workers else "TorchServe has lost it, try once more"
        raise VersionRefused(model=model.name, version=version.version, detail=detail)
    try:
        check_over_http(server.upstream, model.name, version.version, server.instance.store / version.archive)
    except GoldenMismatch as error:
        raise VersionRefused(model=model.name, version=version.version, detail=str(error)) from error


def _said(model: Model) -> str:
    assert model.default is not None  # noqa: S101  # it has just been made the default  # nosec B101
    lines = [f"{model.name} {model.default.version} answers now"]
    if model.previous is not None:
        lines.append(f"{model.previous.version} is kept; `make rollback MODEL={model.name}` goes back to it")
    lines += [f"{one.version} goes as soon as nothing of it is under way" for one in model.retiring]
    return "; ".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
