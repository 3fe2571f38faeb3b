"""LineServer: the nodes of the OPC UA server.

    Objects/Snag                    State, Running, Troubles, Heartbeat
    Objects/Snag/SOURCE             Number, Id, Time, Decision, Reject, Cause, Anomaly, Score, Threshold, PValue, Picture,
                                    Drifting; Acknowledged and Trigger, which a client writes
A node's id is a string that stays the same, `ns=2;s=SOURCE.Number`, `ns=2;s=Heartbeat`.
"""

from __future__ import annotations

import hmac
import math
import os
import socket
from collections.abc import Callable, Sequence
from typing import Any, Final

from asyncua import ua
from asyncua.common.node import Node
from asyncua.crypto.permission_rules import SimpleRoleRuleset, User, UserRole
from asyncua.server.server import Server

from snag.line.event import LineEvent
from snag.line.sink_tables import OpcUaTable
from snag.line.status import OFFLINE, RUNNING, Beat

NAMESPACE: Final = "urn:snag:line"
PASSWORD: Final = "SNAG_OPCUA_PASSWORD"  # noqa: S105  # the variable's name
_PERIOD: Final = 20  #: milliseconds between two looks at what clients have written
_WRAP: Final = 2**32  #: of numbers that are UInt32

_TYPES: Final = {
    "State": ua.VariantType.String,
    "Running": ua.VariantType.Boolean,
    "Troubles": ua.VariantType.String,
    "Heartbeat": ua.VariantType.UInt32,
    "Id": ua.VariantType.String,
    "Time": ua.VariantType.String,
    "Decision": ua.VariantType.String,
    "Reject": ua.VariantType.Boolean,
    "Cause": ua.VariantType.String,
    "Anomaly": ua.VariantType.Boolean,
    "Score": ua.VariantType.Double,
    "Threshold": ua.VariantType.Double,
    "PValue": ua.VariantType.Double,
    "Picture": ua.VariantType.String,
    "Drifting": ua.VariantType.Boolean,
    "Number": ua.VariantType.UInt32,
    "Acknowledged": ua.VariantType.UInt32,
    "Trigger": ua.VariantType.UInt32,
}
_EMPTY: Final = {
    ua.VariantType.String: "",
    ua.VariantType.Boolean: False,
    ua.VariantType.UInt32: 0,
    ua.VariantType.Double: math.nan,
}
_OF_LINE: Final = ("State", "Running", "Troubles", "Heartbeat")
_WRITTEN: Final = ("Acknowledged", "Trigger")  #: by clients


class LineServer:
    """Lives in one loop. `written(source, node, value)` is called when a client has written."""

    def __init__(
        self, table: OpcUaTable, sources: Sequence[str], triggered: Sequence[str], written: Callable[[str, str, Any], None]
    ) -> None:
        self._table = table
        self._sources = sources
        self._triggered = triggered
        self._written = written
        self._nodes: dict[str, Node] = {}
        self._seen: set[str] = set()  #: nodes whose first value has been told
        self._server: Server | None = None

    async def start(self) -> None:
        """Make the nodes and listen. Raises whatever the library does."""
        table = self._table
        socket.create_server((table.host, table.port), family=_family(table.host)).close()  # what follows takes seconds
        users: Any = _OneUser(table.username) if table.username else _Everybody()  # of the shape of its UserManager
        server = Server(user_manager=users)
        await server.init()
        host = f"[{table.host}]" if ":" in table.host else table.host
        server.set_endpoint(f"opc.tcp://{host}:{table.port}/snag/")
        server.set_server_name("Snag line")
        policy = ua.SecurityPolicyType.NoSecurity
        if table.cert_file is not None and table.key_file is not None:
            await server.load_certificate(str(table.cert_file))
            await server.load_private_key(str(table.key_file))
            policy = ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt
        server.set_security_policy([policy], permission_ruleset=SimpleRoleRuleset())
        await self._make_nodes(server)
        await server.start()
        self._server = server
        nodes = [node for name, node in self._nodes.items() if name.rpartition(".")[2] in _WRITTEN]
        subscription = await server.create_subscription(_PERIOD, self)
        await subscription.subscribe_data_change(nodes)

    async def tell(self, event: LineEvent) -> None:
        """Write an event."""
        numbers = {"Score": event.score, "Threshold": event.threshold, "PValue": event.p_value}
        values = {
            "Id": event.id,
            "Time": event.time,
            "Decision": event.decision,
            "Reject": event.decision != "pass",
            "Cause": event.cause,
            "Anomaly": bool(event.anomaly),
            "Picture": event.picture,
            "Drifting": event.drifting,
            **{name: math.nan if value is None else value for name, value in numbers.items()},
            "Number": event.number % _WRAP,  # last
        }
        for name, value in values.items():
            await self._write(f"{event.source}.{name}", value)

    async def beat(self, beat: Beat) -> None:
        """Write state and heartbeat; one that ends leaves the number as it is."""
        await self._write("State", beat.state)
        await self._write("Running", beat.state == RUNNING)
        await self._write("Troubles", ", ".join(beat.troubles))
        if beat.state != OFFLINE:
            await self._write("Heartbeat", beat.heartbeat % _WRAP)

    async def stop(self) -> None:
        """No longer listen."""
        if self._server is not None:
            await self._server.stop()

    def datachange_notification(self, node: Node, value: Any, data: Any) -> None:
        """Of a node that clients write; the library calls it so. What a node holds at first is no writing."""
        key = str(node.nodeid.Identifier)
        if value or key in self._seen:  # a controller may write 0, but at first every node holds that
            source, _, name = key.rpartition(".")
            self._written(source, name, value)
        self._seen.add(key)

    async def _make_nodes(self, server: Server) -> None:
        space = await server.register_namespace(NAMESPACE)
        top = await server.nodes.objects.add_object(_node_id("Snag", space), ua.QualifiedName("Snag", space))
        for name in _OF_LINE:
            await self._add(top, space, name, name)
        for source in self._sources:
            folder = await top.add_object(_node_id(source, space), ua.QualifiedName(source, space))
            for name in _TYPES:
                if name not in _OF_LINE and (name != "Trigger" or source in self._triggered):
                    await self._add(folder, space, name, f"{source}.{name}")

    async def _add(self, parent: Node, space: int, name: str, key: str) -> None:
        kind = _TYPES[name]
        node = await parent.add_variable(_node_id(key, space), ua.QualifiedName(name, space), _EMPTY[kind], kind)
        if name in _WRITTEN:
            await node.set_writable()
        self._nodes[key] = node

    async def _write(self, key: str, value: Any) -> None:
        await self._nodes[key].write_value(ua.Variant(value, _TYPES[key.rpartition(".")[2]]))


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _node_id(key: str, space: int) -> Any:
    return ua.NodeId(ua.String(key), ua.Int16(space))


class _Everybody:
    """Who reaches the port may read, and write what clients write; nobody may change the nodes."""

    def get_user(self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None) -> User | None:
        """The one role."""
        return User(role=UserRole.User)


class _OneUser:
    """The one user of the file, with the password of the environment; without one there, nobody gets in."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._password = os.environ.get(PASSWORD, "")

    def get_user(self, iserver: Any, username: Any = None, password: Any = None, certificate: Any = None) -> User | None:
        """That one, or nobody."""
        given = password.decode(errors="replace") if isinstance(password, bytes) else str(password or "")
        if not self._password or username != self._name:
            return None
        return User(role=UserRole.User) if hmac.compare_digest(given.encode(), self._password.encode()) else None
