"""Keys and certificates for the TLS tests, made with the openssl command in a directory of their
own: two authorities and what they signed. Names are those of the files: `server` is server.pem and
server.key."""

import pathlib
import ssl
import subprocess
import tempfile

PASSPHRASE = "correct horse"
LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1"
EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
RSA = ["-newkey", "rsa:2048", "-nodes"]


class Certs:
    def __init__(self):
        self.home = tempfile.TemporaryDirectory(prefix="e2e-certs-")
        self.directory = pathlib.Path(self.home.name)
        self.authority("ca")
        self.authority("other-ca")
        self.leaf("server", "ca", LOCAL)
        self.leaf("rsa", "ca", LOCAL, RSA)
        self.leaf("client", "ca", "DNS:client.test")
        self.leaf("stranger", "other-ca", LOCAL)
        self.leaf("elsewhere", "ca", "DNS:elsewhere.test")
        self.leaf("self-signed", None, LOCAL)
        self.expired("expired", "ca")
        self.openssl("ec", "-in", "server.key", "-aes256", "-passout", f"pass:{PASSPHRASE}",
                     "-out", "locked.key")
        self.openssl("genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048",
                     "-out", "dh.pem")
        bundle = "".join(self[name].read_text() for name in ("other-ca.pem", "ca.pem"))
        self["bundle.pem"].write_text(bundle)

    def __getitem__(self, name):
        return self.directory / name

    def openssl(self, *arguments):
        done = subprocess.run(["openssl", *arguments], cwd=self.directory, capture_output=True,
                              text=True, check=False)
        assert done.returncode == 0, f"openssl {arguments}: {done.stderr}"

    def authority(self, name):
        self.openssl("req", "-x509", *EC, "-keyout", f"{name}.key", "-out", f"{name}.pem",
                     "-days", "30", "-subj", f"/CN={name}")

    def leaf(self, name, issuer, names, key=None):
        signed = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else []
        self.openssl("req", "-x509", *signed, *(key or EC), "-keyout", f"{name}.key",
                     "-out", f"{name}.pem", "-days", "20", "-subj", f"/CN={name}",
                     "-addext", "basicConstraints=CA:FALSE", "-addext", f"subjectAltName={names}")

    def expired(self, name, issuer):
        self["extensions"].write_text(f"subjectAltName={LOCAL}\n")
        self.openssl("req", "-new", *EC, "-keyout", f"{name}.key", "-out", f"{name}.csr",
                     "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem",
                     "-CAkey", f"{issuer}.key", "-days", "-1", "-extfile", "extensions",
                     "-out", f"{name}.pem")

    def flags(self, side, name=None, ca=None, key=None):
        """--<side>-key, -cert and -ca for a certificate and an authority."""
        flags = []
        if name:
            flags += [f"--{side}-key={self[key or name + '.key']}",
                      f"--{side}-cert={self[name + '.pem']}"]
        if ca:
            flags.append(f"--{side}-ca={self[ca + '.pem']}")
        return flags

    def client(self, name=None, ca="ca", versions=None, ciphers=None):
        """What a client trusts and shows. ca None: trusts anybody."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if ca:
            context.load_verify_locations(self[ca + ".pem"])
        else:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return self.finish(context, name, versions, ciphers)

    def server(self, name="server", ca=None, versions=None, ciphers=None):
        """What a server shows; with ca it wants client certificates of that authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if ca:
            context.load_verify_locations(self[ca + ".pem"])
            context.verify_mode = ssl.CERT_REQUIRED
        return self.finish(context, name, versions, ciphers)

    def finish(self, context, name, versions, ciphers):
        if name:
            context.load_cert_chain(self[name + ".pem"], self[name + ".key"])
        if ciphers:
            context.set_ciphers(ciphers)
        if versions:
            context.minimum_version, context.maximum_version = versions
        return context

    def close(self):
        self.home.cleanup()
