/** The commands of zkcli, one row each: words as in zkCli.sh of ZooKeeper 3.9, plus `--json`. */
import { CreateMode, ZooKeeperError, type ErrorName, type ZooKeeper } from '@baton/client'
import { formatStat, statRecord } from './format-stat.ts'
import { parseAcl } from './parse-acl.ts'
import { parseNumber, WordsError, type OptionTable, type ParsedCommand } from './words.ts'

export interface CommandContext {
  readonly zk: ZooKeeper
  readonly stdout: (text: string) => void
}

interface CommandRow extends OptionTable {
  readonly usage: string
  readonly help: string
  /** Least and most words behind the options. */
  readonly args: readonly [number, number]
  run(context: CommandContext, words: ParsedCommand, path: string): Promise<void>
}

export const ZKCLI_COMMANDS: Readonly<Record<string, CommandRow>> = {
  ls: {
    usage: 'ls [-s] [-R] path',
    help: 'children of a znode; -s with its stat, -R everything below it',
    flags: ['s', 'R', 'json'],
    values: [],
    args: [1, 1],
    run: list,
  },
  get: {
    usage: 'get [-s] [-b] path',
    help: 'data of a znode; -s with its stat, -b as base64',
    flags: ['s', 'b', 'json'],
    values: [],
    args: [1, 1],
    run: get,
  },
  stat: {
    usage: 'stat path',
    help: 'the stat of a znode',
    flags: ['json'],
    values: [],
    args: [1, 1],
    run: stat,
  },
  create: {
    usage: 'create [-s] [-e] [-c] [-t ttl] path [data] [acl]',
    help: 'make a znode; -s sequential, -e ephemeral, -c container, -t time to live in ms',
    flags: ['s', 'e', 'c', 'json'],
    values: ['t'],
    args: [1, 3],
    run: create,
  },
  set: {
    usage: 'set [-s] [-v version] [-b] path data',
    help: 'replace the data of a znode; -s prints its stat, -b data is base64',
    flags: ['s', 'b', 'json'],
    values: ['v'],
    args: [2, 2],
    run: set,
  },
  delete: {
    usage: 'delete [-v version] path',
    help: 'delete a znode without children',
    flags: ['json'],
    values: ['v'],
    args: [1, 1],
    run: async ({ zk }, words, path) => zk.delete(path, versionOf(words)),
  },
  deleteall: {
    usage: 'deleteall path',
    help: 'delete a znode and everything below it',
    flags: ['json'],
    values: [],
    args: [1, 1],
    run: async ({ zk }, _, path) => zk.deleteRecursive(path),
  },
  sync: {
    usage: 'sync path',
    help: 'wait until this server has seen every change committed before',
    flags: ['json'],
    values: [],
    args: [1, 1],
    run: async (context, words, path) => {
      await context.zk.sync(path)
      print(context, { path, synced: true }, 'Sync is OK\n', words.flags.has('json'))
    },
  },
}

function print(context: CommandContext, record: object, text: string, json: boolean): void {
  context.stdout(json ? `${JSON.stringify(record)}\n` : text)
}

async function list(context: CommandContext, words: ParsedCommand, path: string): Promise<void> {
  const json = words.flags.has('json')
  if (words.flags.has('R')) {
    const paths = await pathsBelow(context.zk, path)
    return print(context, paths, paths.map(found => `${found}\n`).join(''), json)
  }
  const found = await context.zk.getChildren(path)
  const children = [...found.children].sort()
  const withStat = words.flags.has('s')
  const text = `[${children.join(', ')}]\n${withStat ? formatStat(found.stat) : ''}`
  print(context, { path, children, stat: statRecord(found.stat) }, text, json)
}

/** Depth first, sorted; what is deleted meanwhile is left out. */
async function pathsBelow(zk: ZooKeeper, root: string): Promise<readonly string[]> {
  const found: string[] = []
  const open = [root]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const here = path
    try {
      const { children } = await zk.getChildren(here)
      found.push(here)
      const below = [...children].sort().reverse()
      open.push(...below.map(child => (here === '/' ? `/${child}` : `${here}/${child}`)))
    } catch (error) {
      const gone = error instanceof ZooKeeperError && error.codeName === 'noNode'
      if (!gone || here === root) throw error
    }
  }
  return found
}

async function get(context: CommandContext, words: ParsedCommand, path: string): Promise<void> {
  const found = await context.zk.getData(path)
  const bytes = Buffer.from(found.data ?? [])
  const base64 = words.flags.has('b') || !isText(bytes)
  const encoding = base64 ? 'base64' : 'utf8'
  const shown = words.flags.has('b') ? bytes.toString('base64') : bytes.toString('utf8')
  const data = found.data === null ? null : bytes.toString(encoding)
  const text = `${found.data === null ? 'null' : shown}\n`
  const record = { path, data, encoding, stat: statRecord(found.stat) }
  const stats = words.flags.has('s') ? formatStat(found.stat) : ''
  print(context, record, text + stats, words.flags.has('json'))
}

function isText(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}

async function stat(context: CommandContext, words: ParsedCommand, path: string): Promise<void> {
  const found = await context.zk.exists(path)
  if (found === undefined) throw new CommandError(`Node does not exist: ${path}`)
  print(context, { path, ...statRecord(found) }, formatStat(found), words.flags.has('json'))
}

async function create(context: CommandContext, words: ParsedCommand, path: string): Promise<void> {
  const [, data, acl] = words.args
  const ttl = words.values.get('t')
  const bytes = data === undefined ? null : Buffer.from(data, 'utf8')
  const created = await context.zk.create(path, bytes, {
    mode: createMode(words.flags, ttl !== undefined),
    ...(acl === undefined ? {} : { acl: parseAcl(acl) }),
    ...(ttl === undefined ? {} : { ttlMs: parseNumber(ttl, '-t', 1) }),
  })
  print(context, { path: created }, `Created ${created}\n`, words.flags.has('json'))
}

/** Key: the flags in the order s, e, c, t. */
const MODES: Readonly<Record<string, CreateMode>> = {
  '': CreateMode.persistent,
  s: CreateMode.persistentSequential,
  e: CreateMode.ephemeral,
  se: CreateMode.ephemeralSequential,
  c: CreateMode.container,
  t: CreateMode.persistentWithTtl,
  st: CreateMode.persistentSequentialWithTtl,
}

function createMode(flags: ReadonlySet<string>, hasTtl: boolean): CreateMode {
  const key = [...'sec'].filter(flag => flags.has(flag)).join('') + (hasTtl ? 't' : '')
  const mode = MODES[key]
  if (mode !== undefined) return mode
  const first = flags.has('c') ? '-c cannot be combined with -s, -e or -t' : ''
  throw new WordsError(first === '' ? '-t cannot be combined with -e' : first)
}

async function set(context: CommandContext, words: ParsedCommand, path: string): Promise<void> {
  const data = Buffer.from(words.args[1] ?? '', words.flags.has('b') ? 'base64' : 'utf8')
  const found = await context.zk.setData(path, data, versionOf(words))
  const text = words.flags.has('s') ? formatStat(found) : ''
  print(context, { path, stat: statRecord(found) }, text, words.flags.has('json'))
}

function versionOf(words: ParsedCommand): number {
  const text = words.values.get('v')
  return text === undefined ? -1 : parseNumber(text, '-v', -1)
}

/** A command that failed, in the words of zkCli.sh. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

const ERROR_TEXTS: Partial<Record<ErrorName, string>> = {
  noNode: 'Node does not exist: ',
  noChildrenForEphemerals: 'Ephemerals cannot have children: ',
  nodeExists: 'Node already exists: ',
  notEmpty: 'Node not empty: ',
  notReadOnly: 'Not a read-only call: ',
  invalidACL: 'Acl is not valid : ',
  noAuth: 'Insufficient permission : ',
  badArguments: 'Arguments are not valid : ',
  badVersion: 'version No is not valid : ',
}

export function errorText(error: Error, path: string | undefined): string {
  if (!(error instanceof ZooKeeperError)) return error.message
  const text = ERROR_TEXTS[error.codeName]
  return text === undefined ? error.message : text + (error.path ?? path ?? '')
}

export function zkcliHelp(): string {
  const rows = Object.values(ZKCLI_COMMANDS).map(({ usage, help }) => `\t${usage}\n\t\t${help}\n`)
  return (
    'baton zkcli -server host:port[,host:port...][/chroot] [-timeout ms] command [--json] words\n' +
    `${rows.join('')}\thelp\n\t\tthis text\n\tquit\n\t\tend the shell\n`
  )
}
