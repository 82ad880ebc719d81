# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a test's own: an authority, and what it signs."""
import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """Its own certificate is `path`, a PEM file in `folder`."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        self.key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(name, self.key, 10, 10).add_extension(
            x509.BasicConstraints(True, None), True).sign(self.key, hashes.SHA256())
        self.path = self._write(name + ".pem", certificate)

    def _builder(self, subject, key, days_ago, days):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(self.name))
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=days_ago))
                .not_valid_after(now + datetime.timedelta(days=days)))

    def _write(self, name, certificate):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def sign(self, *names, days=10):
        """For host names and addresses. Returns the paths of the certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(names[0], key, 10, days).add_extension(
            x509.SubjectAlternativeName([_alternative(name) for name in names]), False).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False).sign(self.key, hashes.SHA256())
        path = self._write("%s-%d.pem" % (names[0].replace(":", "_"), days), certificate)
        with open(path + ".key", "wb") as file:
            file.write(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                         serialization.NoEncryption()))
        return path, path + ".key"
