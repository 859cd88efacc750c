"""An S3 server on loopback."""

from s3_server import s3, s3_server  # noqa: F401
