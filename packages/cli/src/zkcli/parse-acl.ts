import { Perms, type ACL } from '@baton/client'
import { WordsError } from './words.ts'

const LETTERS: Readonly<Record<string, number>> = {
  r: Perms.read,
  w: Perms.write,
  c: Perms.create,
  d: Perms.delete,
  a: Perms.admin,
}

/** `scheme:id:perms,...`; the id may hold colons. Throws `WordsError`. */
export function parseAcl(text: string): readonly ACL[] {
  return text.split(',').map(entry => {
    const first = entry.indexOf(':')
    const last = entry.lastIndexOf(':')
    if (first < 1 || last === first)
      throw new WordsError(`${entry} does not have the form scheme:id:perm`)
    const id = { scheme: entry.slice(0, first), id: entry.slice(first + 1, last) }
    return { perms: parsePerms(entry.slice(last + 1), entry), id }
  })
}

function parsePerms(text: string, entry: string): number {
  let perms = 0
  for (const letter of text) {
    const bit = LETTERS[letter]
    if (bit === undefined) throw new WordsError(`${entry}: unknown permission "${letter}"`)
    perms |= bit
  }
  return perms
}
