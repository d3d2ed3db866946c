/**
 * A small, strict view of an XML file: elements with local names, attributes and text.
 *
 * fast-xml-parser does the reading; what it lets through and Hadoop's parser (Woodstox) does not is
 * checked here: two roots, a bare `&`, an undeclared entity. Entities are decoded here too, so that
 * declared ones (`<!ENTITY q "text">`) work as in Java while their growth is bounded and nothing
 * is ever read from another file or the network because a document says so.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser'

export const XML_BYTES_MAX = 8 * 1024 * 1024
const ENTITY_DEPTH_MAX = 8
const EXPANDED_LENGTH_MAX = 1_048_576
const NESTED_TAGS_MAX = 64

export interface XmlElement {
  /** Without a prefix: `xi:include` is `include`. */
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  /** All text below it, CDATA included, comments left out. */
  readonly text: string
  readonly children: readonly XmlElement[]
}

export class XmlError extends Error {
  override readonly name = 'XmlError'
  /** Counted from 1; undefined where the parser does not say. */
  readonly line: number | undefined
  constructor(message: string, line?: number) {
    super(message)
    this.line = line
  }
}

type RawNode = Readonly<Record<string, unknown>>

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: '#cdata',
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: NESTED_TAGS_MAX,
})

/** The root element. Throws `XmlError`, with a line number wherever one is known. */
export function parseXml(text: string): XmlElement {
  const content = text.startsWith('\ufeff') ? text.slice(1) : text
  const valid = XMLValidator.validate(content)
  if (valid !== true) throw validityError(valid.err, content)
  // The parser drops what stands behind the root without a word.
  if (!content.trimEnd().endsWith('>')) throw new XmlError('text behind the root element')
  const entities = new Entities(checkReferences(content))
  let nodes: readonly RawNode[]
  try {
    nodes = parser.parse(content) as readonly RawNode[]
  } catch (error) {
    throw new XmlError((error as Error).message)
  }
  const roots = nodes.map(node => toElement(node, entities)).filter(found => found !== undefined)
  const [root] = roots
  if (root === undefined) throw new XmlError('it holds no element', 1)
  if (roots.length > 1) throw new XmlError(`a second root element <${roots[1]?.name}>`)
  return root
}

/** Where several elements are left open the parser names them as JSON, and line 1. */
function validityError(error: { msg: string; line: number }, content: string): XmlError {
  const open = /^Invalid '(\[[\s\S]*\])' found\.$/.exec(error.msg)?.[1]
  if (open === undefined) return new XmlError(error.msg, error.line)
  const names = [...open.matchAll(/"([^"]*)"/g)].map(found => `<${found[1] ?? ''}>`)
  return new XmlError(
    `at its end ${names.join(' ')} are still open`,
    lineAt(content, content.length),
  )
}

function toElement(node: RawNode, entities: Entities): XmlElement | undefined {
  const tag = Object.keys(node).find(key => key !== ':@')
  if (tag === undefined || tag.startsWith('#')) return undefined
  const children: XmlElement[] = []
  let text = ''
  for (const child of node[tag] as readonly RawNode[]) {
    const element = toElement(child, entities)
    if (element !== undefined) children.push(element)
    text += element === undefined ? textOf(child, entities) : element.text
  }
  const attributes = new Map<string, string>()
  for (const [key, value] of Object.entries((node[':@'] ?? {}) as Record<string, unknown>)) {
    attributes.set(key, entities.decode(normalizeLines(String(value))))
  }
  return { name: tag.slice(tag.indexOf(':') + 1), attributes, text, children }
}

function textOf(node: RawNode, entities: Entities): string {
  if (typeof node['#text'] === 'string') return entities.decode(normalizeLines(node['#text']))
  const cdata = node['#cdata'] as readonly RawNode[] | undefined
  const inner = cdata?.[0]?.['#text']
  return inner === undefined ? '' : normalizeLines(String(inner))
}

/** XML 1.0, section 2.11: every line end reaches the reader as one newline. */
function normalizeLines(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text
}

/**
 * What may stand outside of text, then a reference; the alternatives are tried left to right, and
 * no two of them match at one place, so that no text makes the search slow.
 */
const PIECE = new RegExp(
  [
    /<!--[\s\S]*?-->/,
    /<!\[CDATA\[[\s\S]*?\]\]>/,
    /<\?[\s\S]*?\?>/,
    /<!DOCTYPE[^[>]*(?:\[[^\]]*\]\s*)?>/,
    /&([^;&<\s]*)(;?)/,
  ]
    .map(piece => piece.source)
    .join('|'),
  'g',
)
const DECLARATION =
  /<!--[\s\S]*?-->|<!ENTITY\s+(%\s+)?([^\s%]+)\s+(?:(SYSTEM|PUBLIC)|"([^"]*)"|'([^']*)')/g
const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

/** Reads the declarations, and refuses references to what is not declared, with the line. */
function checkReferences(content: string): ReadonlyMap<string, string> {
  let declared: ReadonlyMap<string, string> = new Map()
  for (const piece of content.matchAll(PIECE)) {
    if (piece[0].startsWith('<!DOCTYPE'))
      declared = declarations(piece[0], lineAt(content, piece.index))
    const name = piece[1]
    if (name === undefined) continue
    const line = lineAt(content, piece.index)
    if (piece[2] !== ';') throw new XmlError('a bare "&": write &amp;', line)
    if (name.startsWith('#')) characterOf(name, line)
    else if (!PREDEFINED.has(name) && !declared.has(name)) {
      throw new XmlError(`the entity "&${name};" is not declared`, line)
    }
  }
  return declared
}

function declarations(doctype: string, line: number): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [, parameter, name, external, double, single] of doctype.matchAll(DECLARATION)) {
    if (name === undefined) continue
    if (parameter !== undefined || external !== undefined) {
      throw new XmlError(`the entity "${name}" is external: only texts in place are read`, line)
    }
    const value = double ?? single ?? ''
    if (value.includes('<')) throw new XmlError(`the entity "${name}" holds markup`, line)
    if (!found.has(name)) found.set(name, value)
  }
  return found
}

function lineAt(content: string, index: number): number {
  let line = 1
  for (let at = content.indexOf('\n'); at >= 0 && at < index; at = content.indexOf('\n', at + 1)) {
    line += 1
  }
  return line
}

function characterOf(reference: string, line?: number): string {
  const hexadecimal = /^#x([0-9a-fA-F]{1,6})$/.exec(reference)
  const decimal = /^#([0-9]{1,7})$/.exec(reference)
  const code = hexadecimal !== null ? parseInt(hexadecimal[1] ?? '', 16) : Number(decimal?.[1])
  const control = code < 32 && code !== 9 && code !== 10 && code !== 13
  const surrogate = code >= 0xd800 && code <= 0xdfff
  if (!Number.isInteger(code) || control || surrogate || code > 0x10ffff) {
    throw new XmlError(`"&${reference};" is not a character`, line)
  }
  return String.fromCodePoint(code)
}

/** Decodes references, with one budget of expanded characters for the whole document. */
class Entities {
  readonly #declared: ReadonlyMap<string, string>
  #expandedLength = 0

  constructor(declared: ReadonlyMap<string, string>) {
    this.#declared = declared
  }

  decode(text: string, depth = 0): string {
    if (!text.includes('&')) return text
    if (depth > ENTITY_DEPTH_MAX) throw new XmlError('entities refer to each other too deeply')
    return text.replace(/&([^;&<\s]+);/g, (_, name: string) => this.#expand(name, depth))
  }

  #expand(name: string, depth: number): string {
    if (name.startsWith('#')) return characterOf(name)
    const predefined = PREDEFINED.get(name)
    if (predefined !== undefined) return predefined
    const value = this.#declared.get(name)
    if (value === undefined) throw new XmlError(`the entity "&${name};" is not declared`)
    this.#expandedLength += value.length + 1
    if (this.#expandedLength > EXPANDED_LENGTH_MAX) {
      throw new XmlError(`entities grow beyond ${EXPANDED_LENGTH_MAX} characters`)
    }
    return this.decode(value, depth + 1)
  }
}
