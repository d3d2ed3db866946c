import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseXml, XmlError } from '../../src/conf/xml-document.ts'

const textOf = (xml: string): string => parseXml(xml).text

describe('what counts as text', () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ['CDATA is text as it stands', '<c>x<![CDATA[<y>&amp;]]>z</c>', 'x<y>&amp;z'],
    ['two CDATA sections', '<c><![CDATA[a]]><![CDATA[b]]></c>', 'ab'],
    ['an empty CDATA section', '<c><![CDATA[]]></c>', ''],
    ['a comment is not text', '<c>x<!-- & < c -->y</c>', 'xy'],
    ['text of inner elements belongs to it', '<c>x<b>q</b>y</c>', 'xqy'],
    ['blanks are kept', '<c> \t x\n</c>', ' \t x\n'],
    ['the five predefined entities', '<c>&lt;&gt;&amp;&quot;&apos;</c>', '<>&"\''],
    ['characters by number', '<c>&#65;&#x42;&#x1F600;</c>', 'AB\u{1f600}'],
    ['an escaped ampersand is not expanded twice', '<c>&amp;lt;</c>', '&lt;'],
    ['Windows line ends become newlines', '<c>a\r\nb\rc</c>', 'a\nb\nc'],
    ['a byte order mark is skipped', '\ufeff<c>x</c>', 'x'],
    [
      'declared entities, nested',
      '<!DOCTYPE c [<!ENTITY q "z"><!ENTITY r \'&q;&q;\'>]><c>&r;</c>',
      'zz',
    ],
    ['a document type by name only', '<!DOCTYPE c SYSTEM "x.dtd"><c>x</c>', 'x'],
  ]
  test.each(rows)('%s', (_, xml, expected) => expect(textOf(xml)).toBe(expected))

  test('attributes are decoded and names lose their prefix', () => {
    const root = parseXml('<xi:include xmlns:xi="u" href="a&amp;b"/>')
    expect(root.name).toBe('include')
    expect(root.attributes.get('href')).toBe('a&b')
  })
})

describe('what is refused, with its line', () => {
  const rows: readonly (readonly [string, string, RegExp, number | undefined])[] = [
    ['an empty file', '', /./, 1],
    ['plain text', 'garbage', /./, 1],
    ['missing end tags', '<c>\n<p>\n', /<c> <p> are still open/, 3],
    ['a wrong end tag', '<c>\n<name>a</nam></c>', /nam/, 2],
    ['a bare ampersand', '<c>\n\nx & y</c>', /./, 3],
    ['an ampersand without an end', '<c>\nx &y z</c>', /./, 2],
    ['an undeclared entity', '<c>\n&nope;</c>', /nope/, 2],
    ['an undeclared entity in an attribute', '<c>\n<p a="&nope;"/></c>', /nope/, 2],
    ['a number that is no character', '<c>\n&#0;</c>', /#0/, 2],
    ['half a surrogate pair', '<c>&#xD800;</c>', /D800/, 1],
    ['two roots', '<a/><b/>', /second root/, undefined],
    ['text behind the root', '<a/>x', /text behind/, undefined],
    ['an attribute without quotes', '<c a=b/>', /./, 1],
    [
      'an external entity',
      '<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]><c>&x;</c>',
      /external/,
      1,
    ],
    ['a parameter entity', '<!DOCTYPE c [<!ENTITY % x "y">]><c/>', /external/, 1],
    ['an entity that holds markup', '<!DOCTYPE c [<!ENTITY x "<b/>">]><c>&x;</c>', /markup/, 1],
    [
      'an entity that holds itself',
      '<!DOCTYPE c [<!ENTITY x "&x;">]><c>&x;</c>',
      /deep/,
      undefined,
    ],
    [
      'a name that would change every object',
      '<c><__proto__>1</__proto__></c>',
      /__proto__/,
      undefined,
    ],
  ]
  test.each(rows)('%s', (_, xml, message, line) => {
    const error = errorOf(() => parseXml(xml))
    expect(error.message).toMatch(message)
    if (line !== undefined) expect(error.line).toBe(line)
  })

  test('entities that multiply are stopped long before the memory is full', () => {
    const names = [...'bcdefgh']
    const grow = names.map((name, at) => `<!ENTITY ${name} "${`&${'abcdefg'[at]};`.repeat(10)}">`)
    const xml = `<!DOCTYPE c [<!ENTITY a "aaaaaaaaaa">${grow.join('')}]><c>&h;</c>`
    expect(errorOf(() => parseXml(xml)).message).toMatch(/grow beyond/)
  })

  test('elements nested without end are stopped', () => {
    const xml = `${'<a>'.repeat(500)}${'</a>'.repeat(500)}`
    expect(() => parseXml(xml)).toThrow(XmlError)
  })
})

test('any bytes give an element or an XmlError', () => {
  const piece = fc.constantFrom(
    ...['<', '>', '/', '&', ';', '"', "'", '=', ' ', '\n', '<!--', '-->', '<![CDATA[', ']]>'],
    ...['<!DOCTYPE', '[', ']', '<!ENTITY', '<?', '?>', '<a', '</a>', 'a', '#', 'lt', '\u0000'],
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
      try {
        parseXml(pieces.join(''))
      } catch (error) {
        expect(error).toBeInstanceOf(XmlError)
      }
    }),
    { numRuns: 2000 },
  )
})

test('any text comes back from its escaped form and from CDATA', () => {
  const character = fc.constantFrom(
    ...'ab <>&"\'\n\t]é€'.split(''),
    '\u{1f600}',
    ']]>',
    '&lt;',
    '<!--',
  )
  fc.assert(
    fc.property(fc.array(character, { maxLength: 20 }), characters => {
      const text = characters.join('')
      const escaped = text.replace(/[<>&"]/g, found => `&#${found.codePointAt(0)};`)
      expect(textOf(`<c>${escaped}</c>`)).toBe(text)
      const cdata = text.split(']]>').join(']]]]><![CDATA[>')
      expect(textOf(`<c><![CDATA[${cdata}]]></c>`)).toBe(text)
    }),
    { numRuns: 500 },
  )
})

function errorOf(run: () => unknown): XmlError {
  try {
    run()
  } catch (error) {
    if (error instanceof XmlError) return error
    throw error
  }
  throw new Error('it was accepted')
}
