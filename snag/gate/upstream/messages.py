"""TorchServe's words on which it depends what Snag does: of its answers, of its log, of the names of its threads.

They are those of TorchServe 0.12.0, which gets no more releases. One test looks for each of them in TorchServe's own code,
another provokes them in a real one. They stand in the gate, which may not import the server room, and serve both.
"""

from __future__ import annotations

import re
from typing import Final

#: Status of a worker in management's answers, once it can take a request.
WORKER_READY: Final = "READY"

# The field `type` of an error, which is the name of a Java class.
MODEL_UNKNOWN: Final = "ModelNotFoundException"
VERSION_UNKNOWN: Final = "ModelVersionNotFoundException"
NO_WORKER: Final = "ServiceUnavailableException"  #: said of a full queue too, in the same words
KEY_REFUSED: Final = "InvalidKeyException"
#: Said when the handler has failed or the worker is lost: the message beside it is TorchServe's own then, and quotes no client.
SERVER_FAULT: Final = "InternalServerException"

#: How the message begins that comes beside SERVER_FAULT when a worker is lost over a request, with status 500 or 507.
WORKER_DIED: Final = "Worker died"

# In the log.
PORT_TAKEN: Final = "Failed to bind to address"
WORKER_FAILED: Final = "Backend worker error"
WORKER_ENDED: Final = "Backend worker process died"

#: What means that a model or a worker is lost: TorchServe tries again for minutes, but the reason will not go away.
FATAL: Final = (WORKER_ENDED, WORKER_FAILED, PORT_TAKEN)


def is_thread_of(thread: str, model: str, version: str) -> bool:
    """Whether a line of the log, told by its thread, is about a worker of that version, or was printed by one."""
    return re.fullmatch(rf"W-\d+-{re.escape(f'{model}_{version}')}(-\w+)?", thread) is not None
