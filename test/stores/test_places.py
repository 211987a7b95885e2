"""Runs the suite that every ObjectStore must pass over real object services, which are started here.

scripts/store_servers.sh fetches the servers; one that is not there is skipped. Each listens on this machine only, on
a free port, keeps its data in a folder of the test, and is stopped by its process id.
"""

import base64
import contextlib
import datetime
import hashlib
import hmac
import os
import pathlib
import re
import socket
import subprocess
import time

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVERS = pathlib.Path(os.environ.get("VARVE_STORE_SERVERS", ROOT / "third_party" / "store_servers"))
START_SECONDS_MAX = 30
SUITE_SECONDS_MAX = 120
BUCKET = "varve-test"
KEY, SECRET = "varve-test-key", "varve-test-secret"
# The account that every Azure emulator has.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def suite_program() -> pathlib.Path:
    """VARVE_STORE_TEST, or the sanitized build."""
    return pathlib.Path(os.environ.get("VARVE_STORE_TEST", ROOT / "build" / "asan" / "src" / "varve_store_test"))


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


def s3_environment(port):
    return {"VARVE_TEST_STORE_S3": f"s3://{BUCKET}", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


@contextlib.contextmanager
def versitygw(folder):
    port = free_port()
    (folder / "root" / BUCKET).mkdir(parents=True)
    (folder / "iam").mkdir()
    command = [program("bin/versitygw"), "--port", f"127.0.0.1:{port}", "--iam-dir", str(folder / "iam"), "--quiet",
               "posix", str(folder / "root")]
    with running(command, port, folder / "log", {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}):
        yield "s3", s3_environment(port)


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
        yield "s3", s3_environment(port)


@contextlib.contextmanager
def fake_gcs(folder):
    port = free_port()
    (folder / "data" / BUCKET).mkdir(parents=True)  # becomes a bucket
    command = [program("bin/fake-gcs-server"), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend",
               "memory", "-data", str(folder / "data"), "-public-host", f"127.0.0.1:{port}", "-log-level", "error"]
    with running(command, port, folder / "log"):
        yield "gcs", {"VARVE_TEST_STORE_GCS": f"gs://{BUCKET}", "STORAGE_EMULATOR_HOST": f"127.0.0.1:{port}"}


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
        yield "azure", {"VARVE_TEST_STORE_AZURE": f"azblob://{BUCKET}",
                        "AZURE_STORAGE_CONNECTION_STRING": f"AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
                                                           f"BlobEndpoint=http://127.0.0.1:{port}/{ACCOUNT}"}


@pytest.mark.parametrize("server", [versitygw, minio, fake_gcs, azurite], ids=lambda server: server.__name__)
def test_a_real_service_keeps_the_promises_of_a_store(server, tmp_path):
    if not suite_program().exists():
        pytest.skip(f"{suite_program()} is not built")
    with server(tmp_path) as (kind, env):
        run = subprocess.run([str(suite_program()), f"--gtest_filter=*/{kind}"], env=os.environ | env | {"NO_PROXY": "*"}, text=True,
                             capture_output=True, timeout=SUITE_SECONDS_MAX)
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-5000:]
    passed = re.search(r"\[  PASSED  \] (\d+) tests?\.", run.stdout)
    assert passed and int(passed.group(1)) > 0 and "SKIPPED" not in run.stdout, run.stdout[-2000:]
