/**
 * Reads the site files in Hadoop's order: core defaults, core-site.xml, hdfs defaults,
 * hdfs-site.xml, hdfs-rbf-site.xml, then `-D`. Later wins, except over a key that an earlier file
 * marked `final`; `-D` wins always. An empty `<value/>` sets nothing: what stood before remains.
 *
 * An include is looked for in the configuration directory (Hadoop's class path) and then beside
 * the including file. A missing one needs a `<fallback>`; a present one that is broken is an error.
 */
import { DiskError, parentDirectory, readFile, type Disk } from '@baton/runtime'
import { ProblemCollector } from './configuration-error.ts'
import type { ConfigurationEntry } from './configuration.ts'
import { CORE_DEFAULTS, currentName, HDFS_DEFAULTS } from './defaults.ts'
import { parseXml, XML_BYTES_MAX, XmlError, type XmlElement } from './xml-document.ts'

export const INCLUDE_DEPTH_MAX = 16
export const INCLUDED_FILES_MAX = 256

/** What loading needs to know. */
export interface LoadRequest {
  readonly directory?: string
  readonly files?: readonly string[]
  readonly overrides?: readonly (readonly [string, string])[]
  readonly disk: Disk
  readonly warn: (text: string) => void
}

const FILES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['core-site.xml', CORE_DEFAULTS],
  ['hdfs-site.xml', HDFS_DEFAULTS],
  ['hdfs-rbf-site.xml', {}],
]

/** Rejects with a `ConfigurationError` that names every broken file. */
export async function loadEntries(
  request: LoadRequest,
): Promise<ReadonlyMap<string, ConfigurationEntry>> {
  const loading = new Loading(request)
  let foundCount = 0
  for (const [name, defaults] of FILES) {
    loading.addDefaults(defaults)
    if (request.directory === undefined) continue
    if (await loading.addFile(joinPath(request.directory, name))) foundCount += 1
  }
  if (request.directory !== undefined && foundCount === 0) {
    loading.problems.add(
      `configuration directory ${request.directory}: neither core-site.xml nor hdfs-site.xml` +
        ' is in it; name the right one with --conf DIR or HADOOP_CONF_DIR',
    )
  }
  for (const path of request.files ?? []) {
    if (!(await loading.addFile(path))) loading.problems.add(`${path}: no such file`)
  }
  loading.addOverrides(request.overrides ?? [])
  loading.problems.throwIfAny()
  return loading.entries
}

class Loading {
  readonly entries = new Map<string, ConfigurationEntry>()
  readonly problems = new ProblemCollector()
  readonly #finals = new Map<string, string>()
  readonly #request: LoadRequest
  #includedCount = 0

  constructor(request: LoadRequest) {
    this.#request = request
  }

  addDefaults(defaults: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(defaults)) {
      const earlier = this.entries.get(key)
      if (this.#finals.has(key)) continue
      if (earlier !== undefined && earlier.value !== value) {
        const text = `is replaced by Hadoop's default "${value}": set it in hdfs-site.xml instead`
        this.#request.warn(`${key} = "${earlier.value}" (${earlier.source}): ${text}`)
      }
      this.entries.set(key, { value, source: 'default' })
    }
  }

  addOverrides(overrides: readonly (readonly [string, string])[]): void {
    for (const [key, value] of overrides)
      this.entries.set(currentName(key), { value, source: '-D' })
  }

  /** False where the file is missing. */
  async addFile(path: string): Promise<boolean> {
    const root = await this.#read(path)
    if (root === undefined) return false
    if (root === 'broken') return true
    if (root.name !== 'configuration') {
      this.#request.warn(`${path}: the top element is <${root.name}>, not <configuration>`)
    }
    await this.#walk(root.children, { path, depth: 0 })
    return true
  }

  async #read(path: string): Promise<XmlElement | 'broken' | undefined> {
    try {
      const bytes = await readFile(this.#request.disk, path, XML_BYTES_MAX)
      if (bytes === undefined) return undefined
      return parseXml(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    } catch (error) {
      this.problems.add(describeReadError(path, error))
      return 'broken'
    }
  }

  async #walk(elements: readonly XmlElement[], at: Place): Promise<void> {
    for (const element of elements) {
      if (element.name === 'property') {
        await this.#walk(element.children, at) // an include may stand inside a property
        this.#addProperty(element, at)
      } else if (element.name === 'include') await this.#include(element, at)
      else if (element.name !== 'fallback') await this.#walk(element.children, at)
    }
  }

  #addProperty(element: XmlElement, at: Place): void {
    const property = readProperty(element)
    if (property === undefined) {
      this.#request.warn(`${at.path}: a <property> without a name is ignored`)
      return
    }
    const key = currentName(property.name)
    const final = this.#finals.get(key)
    if (property.value !== undefined) this.#set(key, property.value, final, at)
    if (property.isFinal && final === undefined) this.#finals.set(key, at.path)
  }

  #set(key: string, value: string, final: string | undefined, at: Place): void {
    if (final === undefined) this.entries.set(key, { value, source: at.path })
    else if (this.entries.get(key)?.value !== value) {
      this.#request.warn(`${key} (${at.path}): ignored, since ${final} marks the key as final`)
    }
  }

  async #include(element: XmlElement, at: Place): Promise<void> {
    const href = element.attributes.get('href')
    if (href === undefined) return
    if (/^[a-z][a-z0-9+.-]*:/i.test(href) && !href.startsWith('file:')) {
      this.problems.add(`${at.path}: include of "${href}": only files are read, copy it here`)
      return
    }
    this.#includedCount += 1
    if (at.depth >= INCLUDE_DEPTH_MAX || this.#includedCount > INCLUDED_FILES_MAX) {
      this.problems.add(
        `${at.path}: include of "${href}": more than ${INCLUDE_DEPTH_MAX} deep or` +
          ` ${INCLUDED_FILES_MAX} in all; do the files include each other?`,
      )
      return
    }
    await this.#includeFirst(href, element, at)
  }

  async #includeFirst(href: string, element: XmlElement, at: Place): Promise<void> {
    for (const path of this.#candidates(href, at)) {
      const root = await this.#read(path)
      if (root === 'broken') return
      if (root !== undefined) return this.#walk(root.children, { path, depth: at.depth + 1 })
    }
    const fallback = element.children.find(child => child.name === 'fallback')
    if (fallback !== undefined) return this.#walk(fallback.children, at)
    this.problems.add(`${at.path}: include of "${href}": no such file, and no <fallback> is given`)
  }

  #candidates(href: string, at: Place): readonly string[] {
    const plain = href.startsWith('file:') ? href.replace(/^file:(\/\/)?/, '') : href
    if (plain.startsWith('/')) return [plain]
    const beside = joinPath(parentDirectory(at.path), plain)
    const { directory } = this.#request
    const inDirectory = directory === undefined ? beside : joinPath(directory, plain)
    return inDirectory === beside ? [beside] : [inDirectory, beside]
  }
}

interface Place {
  readonly path: string
  readonly depth: number
}

interface Property {
  readonly name: string
  readonly value: string | undefined
  readonly isFinal: boolean
}

/** Elements beat attributes; `final` counts only as exactly `true`; the value stays raw. */
function readProperty(element: XmlElement): Property | undefined {
  let name = element.attributes.get('name')
  let value = element.attributes.get('value')
  let final = element.attributes.get('final')
  for (const child of element.children) {
    if (child.text === '') continue
    if (child.name === 'name') name = child.text.trim()
    else if (child.name === 'value') value = child.text
    else if (child.name === 'final') final = child.text
  }
  if (name === undefined || name.trim() === '') return undefined
  return { name, value, isFinal: final === 'true' }
}

function describeReadError(path: string, error: unknown): string {
  if (error instanceof XmlError) {
    const line = error.line === undefined ? '' : `, line ${error.line}`
    return `${path}${line}: not well-formed XML: ${error.message}`
  }
  if (error instanceof DiskError) return `${path}: could not be read: ${error.code}`
  if (error instanceof TypeError) return `${path}: not UTF-8 text`
  throw error
}

function joinPath(directory: string, name: string): string {
  return directory.endsWith('/') ? directory + name : `${directory}/${name}`
}
