import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = join(import.meta.dirname, '..', 'src')
const css = readFileSync(join(src, 'styles', 'tokens.css'), 'utf8')
const [light, darkOnly] = css.split(":root[data-theme='dark']")

function colours(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map((match) => [match[1]!, match[2]!]))
}
const themes = { light: colours(light!), dark: { ...colours(light!), ...colours(darkOnly!) } }

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}
function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high! + 0.05) / (low! + 0.05)
}

const texts = ['text', 'text-2', 'text-3', 'accent', 'ok', 'l1-ink', 'l2-ink', 'l3-ink', 'l4-ink']
const grounds = ['bg', 'surface', 'surface-2']
const pairs: [string, string][] = [
  ...texts.flatMap((text) => grounds.map((ground): [string, string] => [text, ground])),
  ...[1, 2, 3, 4].flatMap((n): [string, string][] => [[`l${n}-ink`, `l${n}-tint`], [`l${n}-on`, `l${n}-fill`]]),
  ['on-accent', 'accent'], ['accent', 'accent-tint'], ['text', 'accent-tint'], ['text-3', 'accent-tint'], ['text-2', 'surface-3'], ['demo-ink', 'demo-bg'], ['replay-ink', 'replay-bg'],
  ['text-2', 'earth-2'],
]

describe.each(['light', 'dark'] as const)('in the %s theme', (name) => {
  it.each(pairs)('%s is readable on %s', (text, ground) => {
    expect(contrast(themes[name][text]!, themes[name][ground]!)).toBeGreaterThanOrEqual(4.5)
  })
  it.each([1, 2, 3, 4])('the shape of level %d stands out from a panel', (level) => {
    expect(contrast(themes[name][`l${level}-edge`]!, themes[name].surface!)).toBeGreaterThanOrEqual(3)
  })
})

it('both themes name the same colours', () => {
  expect(Object.keys(colours(darkOnly!)).sort()).toEqual(Object.keys(colours(light!)).sort())
})

it('colours are named in one file only', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(vue|css)$/.test(file) && !file.endsWith('tokens.css'))
  const strays = files.filter((file) => {
    const style = /\.css$/.test(file) ? readFileSync(join(src, file), 'utf8') : (readFileSync(join(src, file), 'utf8').split('<style')[1] ?? '')
    return /#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(/i.test(style)
  })
  expect(strays).toEqual([])
})
