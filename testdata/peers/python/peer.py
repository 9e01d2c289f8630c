"""A worker that lets the Go tests drive jwcrypto. Its commands are those that
node/peer.mjs describes: one JSON object a line in, one a line out."""

import json
import sys
from importlib.metadata import version as version_of

from jwcrypto.jwe import JWE
from jwcrypto.jwk import JWK, JWKSet
from jwcrypto.jwt import JWT

# What to generate for a suite, and for which use.
KINDS = {
    "ES256": ("sig", {"kty": "EC", "crv": "P-256"}),
    "EdDSA": ("sig", {"kty": "OKP", "crv": "Ed25519"}),
    "RS256": ("sig", {"kty": "RSA", "size": 2048}),
    "PS256": ("sig", {"kty": "RSA", "size": 2048}),
    "ECDH-ES": ("enc", {"kty": "EC", "crv": "P-256"}),
    "ECDH-ES+A256KW": ("enc", {"kty": "EC", "crv": "P-256"}),
    "ECDH-ES/X25519": ("enc", {"kty": "OKP", "crv": "X25519"}),
    "ECDH-ES+A256KW/X25519": ("enc", {"kty": "OKP", "crv": "X25519"}),
    "RSA-OAEP-256": ("enc", {"kty": "RSA", "size": 2048}),
    "RSA-OAEP": ("enc", {"kty": "RSA", "size": 2048}),
}


def version():
    return {"version": version_of("jwcrypto")}


def generate(suite):
    use, kind = KINDS[suite]
    key = JWK.generate(**kind)
    key.update(kid=key.thumbprint(), use=use, alg=suite.partition("/")[0])
    return {
        "private": key.export_private(as_dict=True),
        "public": key.export_public(as_dict=True),
    }


def republish(set):
    keys = JWKSet.from_json(json.dumps(set))
    return {"set": keys.export(private_keys=False, as_dict=True)}


def sign(claims, header, jwk):
    token = JWT(header=header, claims=claims)
    token.make_signed_token(JWK(**jwk))
    return {"token": token.serialize()}


def verify(token, jwk, alg, typ, iss, aud):
    # check_claims knows claims only, so typ is compared here.
    verified = JWT(
        jwt=token, key=JWK(**jwk), algs=[alg],
        check_claims={"iss": iss, "aud": aud, "exp": None},
    )
    header = json.loads(verified.header)
    if header.get("typ") != typ:
        raise ValueError("unexpected typ")
    return {"claims": json.loads(verified.claims), "header": header}


def encrypt(plaintext, header, jwk):
    token = JWE(plaintext.encode(), protected=header)
    token.add_recipient(JWK(**jwk))
    return {"token": token.serialize(compact=True)}


def decrypt(token, jwk, alg, enc):
    opened = JWE(algs=[alg, enc])
    opened.deserialize(token, JWK(**jwk))
    return {"plaintext": opened.plaintext.decode(), "header": opened.jose_header}


COMMANDS = {f.__name__: f for f in (version, generate, republish, sign, verify, encrypt, decrypt)}


def answer(line):
    try:
        args = json.loads(line)
        return COMMANDS[args.pop("cmd")](**args)
    except Exception as err:  # every one is an answer
        return {"error": f"{type(err).__name__}: {err}"}


for line in sys.stdin:
    print(json.dumps(answer(line)), flush=True)
