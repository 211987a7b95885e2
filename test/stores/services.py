"""Real object services for tests.

scripts/store_servers.sh fetches the servers; one that is not there is skipped. Each listens on this machine only, on
a free port, keeps its data in a folder of the test, and is stopped by its process id.
"""

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import hmac
import os
import pathlib
import socket
import subprocess
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVERS = pathlib.Path(os.environ.get("VARVE_STORE_SERVERS", ROOT / "third_party" / "store_servers"))
START_SECONDS_MAX = 30
BUCKET = "varve-test"
KEY, SECRET = "varve-test-key", "varve-test-secret"
# The account that every Azure emulator has.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclasses.dataclass
class Service:
    """One that listens."""

    kind: str
    port: int
    location: str  # of its bucket
    secrets: list[str]

    def environment(self, port=None) -> dict[str, str]:
        """What a client is told, which reaches it at its own port, or at that of a proxy."""
        endpoint = f"127.0.0.1:{port or self.port}"
        if self.kind == "s3":
            return {"AWS_ENDPOINT_URL": f"http://{endpoint}", "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
        if self.kind == "gcs":
            return {"STORAGE_EMULATOR_HOST": endpoint}
        return {"AZURE_STORAGE_CONNECTION_STRING": f"AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
                                                   f"BlobEndpoint=http://{endpoint}/{ACCOUNT}"}

    def options(self, port=None) -> dict[str, str]:
        """The same as options of an export or import."""
        endpoint = f"http://127.0.0.1:{port or self.port}"
        if self.kind == "s3":
            return {"endpoint": endpoint, "access_key_id": KEY, "secret_access_key": SECRET}
        if self.kind == "gcs":
            return {"endpoint": endpoint, "anonymous": "true"}
        return {"endpoint": f"{endpoint}/{ACCOUNT}", "account": ACCOUNT, "account_key": ACCOUNT_KEY}


def program(path: str) -> str:
    file = SERVERS / path
    if not file.exists():
        pytest.skip(f"{file.name} is not there: run scripts/store_servers.sh")
    return str(file)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, port, log, env=None):
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=os.environ | (env or {}))
    try:
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            assert process.poll() is None, f"{command[0]} ended:\n{log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"{command[0]} does not listen:\n{log.read_text()[-2000:]}"
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def versitygw(folder):
    port = free_port()
    (folder / "root" / BUCKET).mkdir(parents=True)
    (folder / "iam").mkdir()
    command = [program("bin/versitygw"), "--port", f"127.0.0.1:{port}", "--iam-dir", str(folder / "iam"), "--quiet",
               "posix", str(folder / "root")]
    with running(command, port, folder / "log", {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}):
        yield Service("s3", port, f"s3://{BUCKET}", [SECRET])


@contextlib.contextmanager
def minio(folder):
    port, console = free_port(), free_port()
    (folder / "root" / BUCKET).mkdir(parents=True)
    command = [program("bin/minio"), "server", "--quiet", "--anonymous", "--address", f"127.0.0.1:{port}",
               "--console-address", f"127.0.0.1:{console}", str(folder / "root")]
    settings = {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off", "MINIO_UPDATE": "off",
                "MINIO_CALLHOME_ENABLE": "off"}
    with running(command, port, folder / "log", settings):
        url = f"http://127.0.0.1:{port}/minio/health/ready"
        deadline = time.monotonic() + START_SECONDS_MAX
        while requests.get(url, timeout=5).status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        yield Service("s3", port, f"s3://{BUCKET}", [SECRET])


@contextlib.contextmanager
def fake_gcs(folder):
    port = free_port()
    (folder / "data" / BUCKET).mkdir(parents=True)  # becomes a bucket
    command = [program("bin/fake-gcs-server"), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend",
               "memory", "-data", str(folder / "data"), "-public-host", f"127.0.0.1:{port}", "-log-level", "error"]
    with running(command, port, folder / "log"):
        yield Service("gcs", port, f"gs://{BUCKET}", [])


def make_container(port):
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    text = ("PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:2021-12-02\n"
            f"/{ACCOUNT}/{ACCOUNT}/{BUCKET}\nrestype:container")
    signature = base64.b64encode(hmac.new(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256).digest())
    answer = requests.put(f"http://127.0.0.1:{port}/{ACCOUNT}/{BUCKET}?restype=container", timeout=30,
                          headers={"x-ms-date": date, "x-ms-version": "2021-12-02",
                                   "Authorization": f"SharedKey {ACCOUNT}:{signature.decode()}"})
    assert answer.status_code == 201, answer.text


@contextlib.contextmanager
def azurite(folder):
    port = free_port()
    command = ["node", program("azurite/node_modules/azurite/dist/src/blob/main.js"), "--blobHost", "127.0.0.1",
               "--blobPort", str(port), "--inMemoryPersistence", "--skipApiVersionCheck", "--silent"]
    with running(command, port, folder / "log"):
        make_container(port)
        yield Service("azure", port, f"azblob://{BUCKET}", [ACCOUNT_KEY])


each = pytest.mark.parametrize("service", [versitygw, minio, fake_gcs, azurite], ids=lambda service: service.__name__)
