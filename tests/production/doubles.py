"""Processes that only count, and a name server that names them, for HAProxy's file for containers."""

from __future__ import annotations

import http.client
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.website.conftest import free_port

NAME = "mesoguide.here.svc.cluster.local"


class Process:
    """Answers every request with its address, after ``seconds``; ``most`` is how many it had at once."""

    def __init__(self, address: str, port: int) -> None:
        self.address, self.seconds, self.most = address, 0.0, 0
        process, now, lock = self, [0], threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path != "/chat/ready":
                    with lock:
                        now[0] += 1
                        process.most = max(process.most, now[0])
                    time.sleep(process.seconds)
                    with lock:
                        now[0] -= 1
                body = address.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer((address, port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Be away."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Names:
    """A name server, two processes with one port on two addresses of this machine, and HAProxy before them."""

    haproxy: str
    settings: Path
    folder: Path
    known: list[str] = field(default_factory=lambda: ["127.0.0.2", "127.0.0.3"])

    def start(self) -> None:
        """Start all; returns when both processes are found."""
        self.port, port = free_port(), free_port()
        self.processes = [Process(address, port) for address in self.known]
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._answer, daemon=True).start()
        text = self.settings.read_text("utf-8").replace(":8080", f"127.0.0.1:{self.port}")
        here = f"nameserver here 127.0.0.1:{self._socket.getsockname()[1]}"
        file = self.folder / "haproxy.cfg"
        file.write_text(text.replace("parse-resolv-conf", here), "utf-8")
        self._balancer = subprocess.Popen(
            [self.haproxy, "-f", str(file)], stderr=subprocess.DEVNULL,
            env={"MESOGUIDE_SERVERS": f"{NAME}:{port}"},
        )  # fmt: skip
        end = time.monotonic() + 20
        while len({self._tried(f"try-{number}") for number in range(20)}) != 2:
            assert time.monotonic() < end, "HAProxy does not find the processes"

    def stop(self) -> None:
        """End all."""
        self._balancer.kill()
        self._balancer.wait(10)
        self._socket.close()
        for process in self.processes:
            process.stop()

    def ask(self, token: str) -> tuple[int, str]:
        """Send a request of the conversation ``token``; return the status and who answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/chat/history", headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        found = response.status, response.read().decode()
        connection.close()
        return found

    def _tried(self, token: str) -> str:
        try:
            status, address = self.ask(token)
        except OSError:
            status, address = 0, ""
        if status != 200:
            time.sleep(0.1)
        return address if status == 200 else "nobody"

    def _answer(self) -> None:
        import dns.flags
        import dns.message
        import dns.rrset

        while True:
            try:
                asked, where = self._socket.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(asked)
            (question,) = query.question
            answer = dns.message.make_response(query)
            if question.name.to_text().rstrip(".") == NAME and question.rdtype == 1:
                answer.answer.append(dns.rrset.from_text(question.name, 1, "IN", "A", *self.known))
            self._socket.sendto(answer.to_wire(), where)
