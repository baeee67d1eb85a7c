"""A PostgreSQL server of one's own: in a temporary folder, on a free port of the loopback interface."""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path


class Server:
    """Started and stopped as often as a test likes."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, _free_port()
        self.password = "open-sesame"
        self.url = f"postgresql://searcher:{self.password}@127.0.0.1:{self.port}/studies"
        if os.getuid() == 0:  # the server refuses to run as root
            user = pwd.getpwnam("postgres")
            os.chown(directory, user.pw_uid, user.pw_gid)
        password = directory / "password"
        password.write_text("open-sesame")
        password.chmod(0o644)
        self._run(
            "initdb",
            "-D",
            f"{directory}/data",
            "-U",
            "searcher",
            "-A",
            "scram-sha-256",
            f"--pwfile={password}",
        )
        self.start()
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "searcher", "studies")

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.directory,
            "fsync": "off",
        }
        options = f"-p {self.port} " + " ".join(f"-c {name}={value}" for name, value in settings.items())
        log = self.directory / "log.txt"
        self._run("pg_ctl", "-D", f"{self.directory}/data", "-o", options, "-l", str(log), "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", f"{self.directory}/data", "-m", "immediate", "-w", "-t", "120", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [_program(program), *arguments]
        identity = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        environment = os.environ | {"PGPASSWORD": "open-sesame"}
        subprocess.run(
            command, check=True, cwd=self.directory, env=environment, stdout=subprocess.DEVNULL, **identity
        )


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    # Not below pytest's folder, which only its owner may enter, and every pytest sees to that.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as directory:
        server = Server(Path(directory))
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop()


def is_installed() -> bool:
    with contextlib.suppress(FileNotFoundError):
        return bool(_program("initdb"))
    return False


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"PostgreSQL's {name} is not installed.")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
