/** Random operations of three sessions over a few paths; the same seed makes the same script. */
import type { ACL } from '@baton/jute'
import {
  acl,
  addWatch,
  check,
  checkWatches,
  closeSession,
  create,
  create2,
  createContainer,
  createTtl,
  del,
  deleteContainer,
  exists,
  getAcl,
  getAllChildrenNumber,
  getChildren,
  getChildren2,
  getData,
  getEphemerals,
  multi,
  multiRead,
  OPEN,
  ping,
  removeWatches,
  setAcl,
  setData,
  setWatches,
  sync,
  whoAmI,
} from './operations.ts'
import type { Operation } from './operations.ts'
import type { Link, Side } from './side.ts'

/** A small generator of our own (mulberry32), so that a printed seed is enough to play again. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % limit
  }

  one<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }
}

const ROOT = '/random'
/** Nobody may write it, so no step takes it away. */
const LOCKED = '/random-locked'
const NAMES = ['a', 'b', 'a/x', 'a/y', 'b/x', 'a/x/p', 'e/x', 'none/x']
const PATHS = [...NAMES.map(name => `${ROOT}/${name}`), `${LOCKED}/x`]
/** Parents of these are never closed. */
const WATCHED = ['a', 'b', 'e'].map(name => `${ROOT}/${name}`)
const ODD = ['bad', `${ROOT}/a/`, `${ROOT}/a/..`, `${ROOT}//`, `${ROOT}/\u0001`]
const CLOSED = [acl(1, 'world', 'anyone')]

function path(dice: Dice): string {
  return dice.chance(6) ? dice.one(ODD) : dice.one(PATHS)
}

const version = (dice: Dice): number => dice.one([-1, -1, -1, 0, 1, 2])
const flag = (dice: Dice): number => dice.one([0, 0, 0, 1, 1, 2, 3, 4, 5, 9])

function list(dice: Dice): readonly ACL[] {
  return dice.chance(12) ? [] : dice.chance(5) ? CLOSED : (OPEN ?? [])
}

type Maker = (dice: Dice, lastZxid: number) => Operation

const creation: Maker = dice =>
  dice.one([create, create2, createContainer])(path(dice), { flags: flag(dice), acl: list(dice) })
const removal: Maker = dice => del(path(dice), version(dice))
const change: Maker = dice => setData(path(dice), dice.one(['u', '', null]), version(dice))
const checked: Maker = dice => check(path(dice), version(dice))

const listed: Maker = (dice, zxid) =>
  multi(...few(dice).map(() => dice.one([creation, removal, change, checked])(dice, zxid)))

const listedReads: Maker = dice =>
  multiRead(...few(dice).map(() => dice.one([getData, getChildren])(path(dice))))

const rearmed: Maker = (dice, zxid) =>
  setWatches(Math.max(0, zxid - dice.below(20)), {
    data: few(dice).map(() => path(dice)),
    exist: few(dice).map(() => path(dice)),
    child: few(dice).map(() => path(dice)),
    ...(dice.chance(50) ? { recursive: [path(dice)] } : {}),
  })

function few(dice: Dice): readonly undefined[] {
  return Array.from({ length: 1 + dice.below(3) }, () => undefined)
}

/** How often each is drawn, in parts of the sum. */
const makers: readonly (readonly [number, Maker])[] = [
  [20, creation],
  [3, dice => create(`${ROOT}/e`, { flags: 1, data: dice.one([null, Buffer.from('e')]) })],
  [2, () => create(`${ROOT}/e/x`)],
  [1, () => del(`${ROOT}/e`)],
  [1, () => create(`${LOCKED}/x`)],
  [2, dice => dice.one([setData(LOCKED), setAcl(LOCKED, OPEN)])],
  [1, dice => multi(setData(path(dice)), getData(path(dice)))],
  [12, removal],
  [12, change],
  [8, listed],
  [3, listedReads],
  [6, dice => setAcl(path(dice), dice.one([OPEN, OPEN, CLOSED, [], []]), version(dice))],
  [2, dice => createTtl(path(dice), { flags: 5, ttl: 1000 })],
  // Where the parent is closed, Baton refuses on purpose what ZooKeeper lets a client do.
  [2, dice => deleteContainer(dice.one(WATCHED))],
  [6, dice => exists(path(dice), dice.chance(60))],
  [6, dice => getData(path(dice), dice.chance(60))],
  [4, dice => getChildren(path(dice), dice.chance(60))],
  [4, dice => getChildren2(path(dice), dice.chance(60))],
  [4, dice => getAcl(path(dice))],
  [2, dice => getEphemerals(path(dice))],
  [2, dice => getAllChildrenNumber(path(dice))],
  [2, dice => sync(path(dice))],
  [2, () => whoAmI()],
  [4, dice => addWatch(dice.one(WATCHED), dice.one([0, 1, 1, 7]))],
  [4, dice => removeWatches(dice.one(WATCHED), dice.one([1, 2, 3, 3, 4, 5, 6, 6]))],
  [4, dice => checkWatches(dice.one(WATCHED), dice.one([1, 2, 3, 3, 3, 5, 6, 6]))],
  [4, rearmed],
]

const parts = makers.reduce((sum, [weight]) => sum + weight, 0)

function draw(dice: Dice, lastZxid: number): Operation {
  let at = dice.below(parts)
  for (const [weight, maker] of makers) {
    if (at < weight) return maker(dice, lastZxid)
    at -= weight
  }
  return ping()
}

/** Plays `count` steps on one side. */
export async function playRandomly(side: Side, seed: number, count: number): Promise<void> {
  const dice = new Dice(seed)
  const links: Link[] = []
  for (const name of ['a', 'b', 'c']) links.push(await side.connect(name))
  const [first] = links as [Link]
  await first.do(create(ROOT), create(LOCKED, { acl: CLOSED }))
  for (let step = 0; step < count; step++) {
    const at = dice.below(links.length)
    const link = links[at] as Link
    if (dice.chance(2)) {
      links[at] = await leave(side, links, link, dice.chance(50))
      continue
    }
    await link.do(draw(dice, link.lastZxid))
    // Events of the others are looked at now and then; in between they queue up in order.
    if (dice.chance(25)) for (const each of links) await each.do(ping())
  }
  for (const link of links) await link.do(getChildren2(ROOT), getEphemerals('/'))
  for (const each of PATHS) await first.do(exists(each), getData(each), getAcl(each))
}

/** Ends the session, or only its connection; goes on with a new one in its place. */
async function leave(side: Side, links: readonly Link[], link: Link, end: boolean): Promise<Link> {
  const others = links.filter(each => each !== link)
  for (const each of others) await each.do(ping())
  if (!end) {
    const { sessionId: session, password } = link
    return side.connect('again', { session, password })
  }
  // In which order a session's ephemerals go is not said: each connection's lines are sorted.
  const sorted = async (run: () => Promise<unknown>): Promise<void> => {
    const begin = side.lines.length
    await run()
    side.lines.push(...side.lines.splice(begin).sort())
  }
  await sorted(() => link.do(closeSession()))
  await link.untilClosed()
  for (const each of others) await sorted(() => each.do(ping()))
  return side.connect('new')
}

/** How often each operation came to each error, from a transcript. */
export function histogram(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  let name = ''
  for (const line of lines) {
    name = / > -?\d+ (\w+)/.exec(line)?.[1] ?? name
    const reply = / < reply .* err (-?\d+)(.*)$/.exec(line)
    if (reply === null) continue
    count(counts, `${name} ${reply[1]}`)
    if (name.startsWith('create')) count(counts, `any create ${reply[1]}`)
    if (name === 'multi')
      for (const part of (reply[2] ?? '').matchAll(/"err":(-?\d+)/g)) {
        count(counts, `part ${part[1]}`)
      }
  }
  return counts
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
