"""Debian's dovecot on a free port, from a configuration of its own in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from core.settings import MailAccount

PROGRAM = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PASSWORD = "secret"


class Dovecot:
    """One server with one user; a context manager."""

    def __init__(self) -> None:
        # not below a private folder: as root, dovecot reads the mail as nobody
        self.folder = Path(tempfile.mkdtemp(prefix="comptoir-dovecot-", dir="/var/tmp"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.chmod(0o755)
        mail = self.folder / "mail"
        mail.mkdir()
        root = os.geteuid() == 0
        owner = "nobody" if root else _me()
        if root:
            shutil.chown(mail, "nobody", "nogroup")
        (self.folder / "dovecot.conf").write_text(_configuration(self.folder, self.port, owner, root=root))
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self) -> None:
        """Stop, which drops every connection, and start on the same port."""
        self._stop()
        self._start()

    def _start(self) -> None:
        assert PROGRAM is not None
        configuration = self.folder / "dovecot.conf"
        self.process = subprocess.Popen([PROGRAM, "-F", "-c", configuration], stderr=subprocess.PIPE)
        self._await_port()

    def _stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            if self.process.stderr is not None:
                self.process.stderr.close()

    def account(self, **changes: Any) -> MailAccount:
        settings: dict[str, Any] = {
            "address": "commandes@comptoir.example",
            "imap_host": "127.0.0.1",
            "imap_port": self.port,
            "imap_tls": False,
            "user": "commandes",
            "password": SecretStr(PASSWORD),
        }
        return MailAccount(**(settings | changes))

    def _await_port(self) -> None:
        """Until the greeting comes; the socket listens before dovecot answers on it."""
        for _ in range(200):
            assert self.process is not None
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    connection.settimeout(10)
                    if connection.recv(10).startswith(b"* OK"):
                        return
            except ConnectionError:
                try:
                    self.process.wait(timeout=0.05)
                except subprocess.TimeoutExpired:
                    continue
                raise RuntimeError(f"dovecot ended: {self.log()}") from None
        raise RuntimeError(f"dovecot did not answer: {self.log()}")

    def log(self) -> str:
        log = self.folder / "log"
        return log.read_text() if log.exists() else ""


def _me() -> str:
    import pwd

    return pwd.getpwuid(os.geteuid()).pw_name


def _configuration(folder: Path, port: int, owner: str, *, root: bool) -> str:
    group = "nogroup" if root else ""
    unprivileged = "" if root else f"default_internal_user = {owner}\ndefault_login_user = {owner}\n"
    jail = "" if root else "  chroot =\n"
    return f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
first_valid_gid = 1
default_vsz_limit = 0
{unprivileged}
service imap-login {{
{jail}  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
{jail}}}
service stats {{
{jail}}}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={owner} gid={group or os.getegid()} home={folder}/mail/%u
}}
"""
