"""Outputs: the tensors of an answer, one element for each picture, and the protocol's shape of an error."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from snag.core.wire import JSON
from snag.gate.proxy.answer import GateAnswer

#: Score of a picture that was not judged: above any real one, as `snag.core.artifact.UNJUDGED_SCORE`, which loads torch.
NOT_JUDGED: Final = 1e6


@dataclass(frozen=True)
class Output:
    """One tensor."""

    datatype: str
    meaning: str
    of: Callable[[dict[str, Any]], Any]  #: its element, of what a picture was answered with


def _bytes(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data


#: By name. Whoever reads `anomaly` or `score` alone rejects a part that nobody has judged.
OUTPUTS: Final = {
    "verdict": Output("BYTES", "JSON: the answer of `/predictions` to this picture, its verdict or its error", json.dumps),
    "anomaly": Output(
        "BOOL", "the verdict; true as well where the picture was not judged", lambda said: said.get("Anomaly", True)
    ),
    "score": Output(
        "FP64", "anomaly score; 1000000 where the picture was not judged", lambda said: said.get("score", NOT_JUDGED)
    ),
    "p_value": Output(
        "FP64",
        "share of good pictures that look at least as anomalous; 0 where the picture was not judged",
        lambda said: said.get("p_value", 0.0),
    ),
}
_PACKED: Final[dict[str, Callable[[Any], bytes]]] = {
    "BYTES": _bytes,
    "BOOL": lambda value: struct.pack("<?", value),
    "FP64": lambda value: struct.pack("<d", value),
}


def infer_answer(
    answers: Sequence[GateAnswer], model: str, identity: str | None, outputs: Sequence[tuple[str, bool]], length_header: str
) -> GateAnswer:
    """One answer to all pictures of a request; where none of them was judged, the first one's error."""
    if not any(answer.status == HTTPStatus.OK for answer in answers):
        return answers[0]
    said = [json.loads(answer.body) for answer in answers]
    version = next(one["version"] for one in said if "version" in one)
    tensors, binary = [], []
    for name, is_binary in outputs:
        output = OUTPUTS[name]
        values = [output.of(one) for one in said]
        tensor: dict[str, Any] = {"name": name, "datatype": output.datatype, "shape": [len(values)]}
        if is_binary:
            binary.append(b"".join(_PACKED[output.datatype](value) for value in values))
            tensor["parameters"] = {"binary_data_size": len(binary[-1])}
        else:
            tensor["data"] = values
        tensors.append(tensor)
    whole = {"model_name": model, "model_version": version, "outputs": tensors}
    head = json.dumps(whole if identity is None else {**whole, "id": identity}).encode()
    if not binary:
        return GateAnswer(HTTPStatus.OK, head)
    return GateAnswer(
        HTTPStatus.OK, head + b"".join(binary), "application/octet-stream", headers=((length_header, str(len(head))),)
    )


def in_protocol(answer: GateAnswer) -> GateAnswer:
    """An error in the protocol's shape, its sentence alone under `error`, with our code beside it; any other as it is."""
    if answer.status < HTTPStatus.BAD_REQUEST or answer.content_type != JSON:
        return answer
    error = json.loads(answer.body).get("error")
    if not isinstance(error, dict):
        return answer
    return replace(answer, body=json.dumps({"error": error["message"], "code": error["code"]}).encode())
