// A worker (worker.mjs) that runs one of two OpenID Providers on a free port of this
// machine, until its stdin ends:
//
//   {"cmd":"version"}               -> {version}
//       of Node.js
//   {"cmd":"oidcProvider", clients} -> {origin, version}
//       oidc-provider, whose issuer is the origin, with these registrations. It logs the user
//       u-42 in and grants what a client asks for, without asking anything
//   {"cmd":"mockpass", jwks}        -> {origin, version}
//       @opengovsg/mockpass, for a relying party whose JWK Set is at this URL
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { serve } from './worker.mjs'

// The providers log to stdout, which is for answers, and warn of what the test wants, such as
// a redirect.
const write = process.stdout.write.bind(process.stdout)
process.stdout.write = () => true
console.warn = () => {}

// listen returns the origin once the server accepts connections.
function listen(server) {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`))
  })
}

function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version
}

async function signingKey(alg) {
  const { exportJWK, generateKeyPair } = await import('jose')
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: `the-${alg}-key` }
}

const person = { sub: 'u-42', email: 'ada@example.com', email_verified: true }

// configuration enables what a test needs and leaves the rest as oidc-provider has it.
async function configuration(clients) {
  return {
    clients,
    jwks: { keys: await Promise.all(['ES256', 'RS256', 'PS256'].map(signingKey)) },
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    features: {
      devInteractions: { enabled: false },
      encryption: { enabled: true },
      introspection: { enabled: true },
      jwtIntrospection: { enabled: true },
      jwtResponseModes: { enabled: true },
      jwtUserinfo: { enabled: true },
    },
    clientDefaults: { token_endpoint_auth_method: 'client_secret_basic' },
    cookies: { keys: ['a key that signs the cookies of a test'] },
    pkce: { required: () => false },
    ttl: { Grant: 600, Interaction: 600, Session: 600, AccessToken: 600, IdToken: 600 },
    findAccount: () => ({ accountId: person.sub, claims: () => person }),
    interactions: { url: (_, { uid }) => `/login/${uid}` },
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId })
      grant.addOIDCScope('openid email')
      await grant.save()
      return grant
    },
  }
}

const commands = {
  async version() {
    return { version: process.versions.node }
  },

  async oidcProvider({ clients }) {
    const { Provider } = await import('oidc-provider')
    const server = createServer()
    const origin = await listen(server) // which the provider has to know from the start
    const provider = new Provider(origin, await configuration(clients))
    provider.on('server_error', (_, err) => console.error(err))
    provider.use(async (ctx, next) => {
      if (!ctx.path.startsWith('/login/')) return next()
      ctx.respond = false
      await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: person.sub } })
    })
    server.on('request', provider.callback())
    return { origin, version: versionOf('oidc-provider') }
  },

  async mockpass({ jwks }) {
    process.env.SP_RP_JWKS_ENDPOINT = process.env.CP_RP_JWKS_ENDPOINT = jwks
    const { app } = createRequire(import.meta.url)('@opengovsg/mockpass')
    return { origin: await listen(createServer(app)), version: versionOf('@opengovsg/mockpass') }
  },
}

await serve(commands, write)
process.exit()
