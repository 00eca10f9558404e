"""Makes a document signer certificate for a private key: document_signer.py KEY.pem -> PEM on standard output."""

import datetime
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

with open(sys.argv[1], "rb") as file:
    key = serialization.load_pem_private_key(file.read(), password=None)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Siaga test signer")])
now = datetime.datetime.now(datetime.timezone.utc)
certificate = (
    x509.CertificateBuilder()
    .subject_name(name)
    .issuer_name(name)
    .public_key(key.public_key())
    .serial_number(x509.random_serial_number())
    .not_valid_before(now - datetime.timedelta(days=1))
    .not_valid_after(now + datetime.timedelta(days=730))
    .sign(key, hashes.SHA256())
)
sys.stdout.write(certificate.public_bytes(serialization.Encoding.PEM).decode())
