"""An S3 server on loopback (moto's), whom it lets in, and what an environment needs to know."""

import json
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest

REGION = "us-east-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test-key", "AWS_SECRET_ACCESS_KEY": "test-secret"}
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@dataclass(frozen=True)
class S3:
    """A server with a bucket ``bucket``; client: boto3's. environment: what a process needs."""

    endpoint: str
    client: Any
    environment: dict[str, str]

    def put(self, key: str, data: bytes) -> None:
        """Put an object into the bucket."""
        self.client.put_object(Bucket="bucket", Key=key, Body=data)

    def names(self, prefix: str = "") -> list[str]:
        """The keys of the bucket's objects."""
        found = self.client.list_objects_v2(Bucket="bucket", Prefix=prefix).get("Contents", [])
        return [one["Key"] for one in found]

    def user(self, *actions: str) -> dict[str, str]:
        """The environment of a user who may do this, and nothing else."""
        import boto3

        iam = boto3.client("iam", endpoint_url=self.endpoint, region_name=REGION,
                           aws_access_key_id="test-key", aws_secret_access_key="test-secret")
        iam.create_user(UserName="user")
        key = iam.create_access_key(UserName="user")["AccessKey"]
        iam.put_user_policy(UserName="user", PolicyName="rights", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}))
        return {"AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def lock(self) -> None:
        """From now on look at who asks."""
        self._post("reset-auth", b"0")

    def reset(self) -> None:
        """Let everybody in, and have nothing."""
        self._post("reset-auth", b"inf")
        self._post("reset", b"")

    def _post(self, what: str, data: bytes) -> None:
        request = urllib.request.Request(f"{self.endpoint}/moto-api/{what}", data, method="POST",
                                         headers={"Content-Type": "text/plain"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request):
            pass


@pytest.fixture(scope="session")
def s3_server():
    """The server, for all tests of a process."""
    pytest.importorskip("pyarrow")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False)
    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The server, empty but for a bucket, and this process set up for it."""
    import boto3

    from zsl_cli.photos.cluster import object_store

    environment = {**KEYS, "AWS_REGION": REGION, "AWS_ENDPOINT_URL": s3_server,
                   "AWS_EC2_METADATA_DISABLED": "true"}
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    object_store.connected.cache_clear()  # the credentials of another test
    made = S3(s3_server, boto3.client("s3", region_name=REGION), environment)
    made.reset()
    made.client.create_bucket(Bucket="bucket")
    yield made
    made.reset()
    object_store.connected.cache_clear()
