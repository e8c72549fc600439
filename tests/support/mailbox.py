"""A mail server of one's own (RFC 5321, what a client needs of it), which keeps what it is sent."""

import socketserver
import threading
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Self


@dataclass(frozen=True)
class Mail:
    sender: str
    receivers: tuple[str, ...]
    message: EmailMessage


class _Conversation(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        self._say(220)
        sender = ""
        receivers: list[str] = []
        while line := self.rfile.readline().decode().strip():
            verb, _, rest = line.partition(":")
            if verb.upper() == "MAIL FROM":
                sender = rest.partition(" ")[0]
            elif verb.upper() == "RCPT TO":
                receivers.append(rest)
            elif verb.upper() == "DATA":
                self._say(354)
                mail = Mail(sender, tuple(receivers), self._message())
                if self.server.box.code == 250:
                    self.server.box.mails.append(mail)
                self._say(self.server.box.code)
                continue
            self._say(221 if verb.upper() == "QUIT" else 250)

    def _message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        return message_from_bytes(b"".join(lines), policy=policy.default)

    def _say(self, code: int) -> None:
        self.wfile.write(f"{code} told\r\n".encode())


class _Server(socketserver.ThreadingTCPServer):
    box: "Mailbox"


class Mailbox:
    """Listens on loopback; answers `DATA` with `code`."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.code = 250
        self._server = _Server(("127.0.0.1", 0), _Conversation)
        self._server.box = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
