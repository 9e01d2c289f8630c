// A worker that lets the Go tests drive npm jose. It reads one JSON object a
// line from stdin and answers each with one JSON object a line on stdout, in
// the same order. Whatever goes wrong is answered as {"error": "..."}.
//
//   {"cmd":"generate", alg}
//     -> {private, public}                        JWKs with kid, use and alg
//   {"cmd":"seal", claims, sign:{jwk,alg,kid,typ}, encrypt:{jwk,alg,enc,kid}}
//     -> {token}                                  signed, then encrypted
//   {"cmd":"open", token, decrypt:{jwk,algs,encs}, verify:{jwk,algs,typ,iss,aud}}
//     -> {claims, outer, inner}                   and both protected headers
import { webcrypto } from 'node:crypto'
import { createInterface } from 'node:readline'

globalThis.crypto ??= webcrypto // Node.js 18 does not have it as a global, and jose wants one

const {
  CompactEncrypt, SignJWT, calculateJwkThumbprint, compactDecrypt, exportJWK,
  generateKeyPair, importJWK, jwtVerify,
} = await import('jose')

const decryption = ['ECDH-ES', 'ECDH-ES+A256KW', 'RSA-OAEP-256']

const commands = {
  async generate({ alg }) {
    const pair = await generateKeyPair(alg, { extractable: true })
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

  async seal({ claims, sign, encrypt }) {
    const signed = await new SignJWT(claims)
      .setProtectedHeader({ alg: sign.alg, kid: sign.kid, typ: sign.typ })
      .sign(await importJWK(sign.jwk, sign.alg))
    const token = await new CompactEncrypt(new TextEncoder().encode(signed))
      .setProtectedHeader({ alg: encrypt.alg, enc: encrypt.enc, kid: encrypt.kid, cty: 'JWT' })
      .encrypt(await importJWK(encrypt.jwk, encrypt.alg))
    return { token }
  },

  async open({ token, decrypt, verify }) {
    const outer = await compactDecrypt(token, await importJWK(decrypt.jwk, decrypt.algs[0]), {
      keyManagementAlgorithms: decrypt.algs,
      contentEncryptionAlgorithms: decrypt.encs,
    })
    if (outer.protectedHeader.cty?.toUpperCase() !== 'JWT') throw new Error('cty is not JWT')
    const signed = new TextDecoder('utf-8', { fatal: true }).decode(outer.plaintext)
    const inner = await jwtVerify(signed, await importJWK(verify.jwk, verify.algs[0]), {
      algorithms: verify.algs,
      typ: verify.typ,
      issuer: verify.iss,
      audience: verify.aud,
      requiredClaims: ['exp'],
    })
    return { claims: inner.payload, outer: outer.protectedHeader, inner: inner.protectedHeader }
  },
}

async function answer(line) {
  try {
    const { cmd, ...args } = JSON.parse(line)
    if (!Object.hasOwn(commands, cmd)) throw new Error(`unknown command ${cmd}`)
    return await commands[cmd](args)
  } catch (err) {
    return { error: `${err.code ?? err.name}: ${err.message}` }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(line)) + '\n')
}
