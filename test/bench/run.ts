import { parseArgs } from 'node:util'
import { benchFailover } from './failover.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '10' },
    only: { type: 'string', default: '' },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const USAGE = `npm run bench -- failover [--runs 10] [--only kill,hang] [--short]

Real Hadoop NameNodes and JournalNodes and one Apache ZooKeeper on loopback; stock Java and Baton
controllers take turns on them. Prints medians, ranges and ratios. The whole takes about 45 minutes;
--only picks figures (sent kill hang bounce lost term
handOver away failover query start memory), --short uses
ha.health-monitor.rpc-timeout.ms 5,000 and a graceful fence of 1,000 ms.
`

if (values.help || positionals[0] !== 'failover') {
  process.stdout.write(USAGE)
  process.exitCode = values.help ? 0 : 2
} else {
  const only = values.only.split(',').filter(name => name !== '')
  const table = await benchFailover({ runs: Number(values.runs), only, short: values.short })
  process.stdout.write(`${table}\n`)
}
