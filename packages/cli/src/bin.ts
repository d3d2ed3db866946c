#!/usr/bin/env node
import { main } from './main.ts'
import { nodeIo } from './node-io.ts'

// Not process.exit: what was written to a pipe has to get there first.
process.exitCode = await main(process.argv.slice(2), nodeIo())
// Nothing a command left behind (an idle link, a timer) may keep a finished program alive.
setImmediate(() => {
  process.stdin.unref?.()
})
