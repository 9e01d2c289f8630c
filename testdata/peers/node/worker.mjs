// What a worker of the Go tests does: it reads one JSON object a line from stdin and
// answers each with one JSON object a line on stdout, in the same order. Whatever goes
// wrong is answered as {"error": "..."}.
import { createInterface } from 'node:readline'

async function answer(commands, line) {
  try {
    const { cmd, ...args } = JSON.parse(line)
    if (!Object.hasOwn(commands, cmd)) throw new Error(`unknown command ${cmd}`)
    return await commands[cmd](args)
  } catch (err) {
    const { cause } = err // where openid-client names the claim
    const because = cause instanceof Error ? `: ${cause.code ?? cause.name}: ${cause.message}` : ''
    return { error: `${err.code ?? err.name}: ${err.message}${because}` }
  }
}

// serve runs the commands until stdin ends. Only it may write to write.
export async function serve(commands, write = process.stdout.write.bind(process.stdout)) {
  for await (const line of createInterface({ input: process.stdin })) {
    write(JSON.stringify(await answer(commands, line)) + '\n')
  }
}
