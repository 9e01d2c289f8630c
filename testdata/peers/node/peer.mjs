// A worker that lets the Go tests drive npm jose. worker.mjs has the protocol. The
// workers of other languages have the same commands:
//
//   {"cmd":"version"}                                     -> {version}
//   {"cmd":"generate", suite}                             -> {private, public}
//       JWKs with kid, use and alg; the suite is the alg, with /X25519 behind it for
//       that curve
//   {"cmd":"republish", set}                              -> {set}
//       a public JWK Set, read key by key and written anew
//   {"cmd":"sign", claims, header, jwk}                   -> {token}
//   {"cmd":"verify", token, jwk, alg, typ, iss, aud}      -> {claims, header}
//       a signed JWT, which needs an exp as well
//   {"cmd":"verifyRemote", token, url, alg, iss, aud, typ, required} -> {claims, header}
//       the same with the JWK Set at a URL, fetched anew; alg, typ and required claims may
//       be left out; only here
//   {"cmd":"login", issuer, registered, jwk, code, nonce} -> {claims}
//       openid-client, the relying party with this registration and private key, gets an
//       ID token for the code; only here
//   {"cmd":"encrypt", plaintext, header, jwk}             -> {token}
//   {"cmd":"decrypt", token, jwk, alg, enc}               -> {plaintext, header}
//       a JWE of any text
import { webcrypto } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { serve } from './worker.mjs'

globalThis.crypto ??= webcrypto // Node.js 18 does not have it as a global, and jose wants one

const {
  CompactEncrypt, SignJWT, calculateJwkThumbprint, compactDecrypt, createRemoteJWKSet,
  exportJWK, generateKeyPair, importJWK, jwtVerify,
} = await import('jose')

const decryption = ['ECDH-ES', 'ECDH-ES+A256KW', 'RSA-OAEP-256', 'RSA-OAEP']

const commands = {
  async version() {
    const { version } = JSON.parse(readFileSync(new URL('node_modules/jose/package.json', import.meta.url)))
    return { version }
  },

  async generate({ suite }) {
    const [alg, crv] = suite.split('/')
    const pair = await generateKeyPair(alg, { crv, extractable: true })
    const key = await exportJWK(pair.publicKey)
    const about = {
      kid: await calculateJwkThumbprint(key),
      use: decryption.includes(alg) ? 'enc' : 'sig',
      alg,
    }
    return {
      private: { ...(await exportJWK(pair.privateKey)), ...about },
      public: { ...key, ...about },
    }
  },

  async republish({ set }) {
    const keys = set.keys.map(async (jwk) => {
      const { kid, use, alg } = jwk
      return { ...(await exportJWK(await importJWK({ ...jwk, ext: true }, alg))), kid, use, alg }
    })
    return { set: { keys: await Promise.all(keys) } }
  },

  async sign({ claims, header, jwk }) {
    return { token: await new SignJWT(claims).setProtectedHeader(header).sign(await importJWK(jwk, header.alg)) }
  },

  async verify({ token, jwk, alg, typ, iss, aud }) {
    const { payload, protectedHeader } = await jwtVerify(token, await importJWK(jwk, alg), {
      algorithms: [alg], typ, issuer: iss, audience: aud, requiredClaims: ['exp'],
    })
    return { claims: payload, header: protectedHeader }
  },

  async verifyRemote({ token, url, alg, iss, aud, typ, required = [] }) {
    const { payload, protectedHeader } = await jwtVerify(token, createRemoteJWKSet(new URL(url)), {
      algorithms: alg && [alg], issuer: iss, audience: aud, typ, requiredClaims: ['exp', ...required],
    })
    return { claims: payload, header: protectedHeader }
  },

  async login({ issuer, registered, jwk, code, nonce }) {
    const oidc = await import('openid-client')
    const config = await oidc.discovery(new URL(issuer), registered.client_id, registered, oidc.None(), {
      execute: [oidc.allowInsecureRequests], // on this machine
    })
    oidc.enableNonRepudiationChecks(config) // verify the signature, though the token came straight from its issuer
    const { alg, kid } = jwk
    oidc.enableDecryptingResponses(config, [registered.id_token_encrypted_response_enc], { key: await importJWK(jwk, alg), alg, kid })
    const callback = new URL(registered.redirect_uris[0])
    callback.searchParams.set('code', code)
    const tokens = await oidc.authorizationCodeGrant(config, callback, { expectedNonce: nonce, idTokenExpected: true })
    return { claims: tokens.claims() }
  },

  async encrypt({ plaintext, header, jwk }) {
    const token = await new CompactEncrypt(new TextEncoder().encode(plaintext))
      .setProtectedHeader(header)
      .encrypt(await importJWK(jwk, header.alg))
    return { token }
  },

  async decrypt({ token, jwk, alg, enc }) {
    const { plaintext, protectedHeader } = await compactDecrypt(token, await importJWK(jwk, alg), {
      keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc],
    })
    return { plaintext: new TextDecoder('utf-8', { fatal: true }).decode(plaintext), header: protectedHeader }
  },
}

await serve(commands)
