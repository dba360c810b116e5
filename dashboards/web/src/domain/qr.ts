/** A text as a QR code (ISO/IEC 18004, model 2): bytes, level L, versions 1 to 20, always mask 0, which readers take as well as any. */

const ECC_OF_BLOCK = [7, 10, 15, 20, 26, 18, 20, 24, 30, 18, 20, 24, 26, 30, 22, 24, 28, 30, 28, 28]
const BLOCKS = [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8]

/** Rows of dark (true) and light modules, without the light margin of four; nothing where the text is too long. */
export function qrCode(text: string): boolean[][] | null {
  const bytes = [...new TextEncoder().encode(text)]
  const version = BLOCKS.findIndex((_, i) => 4 + countBits(i + 1) + bytes.length * 8 <= dataWords(i + 1) * 8) + 1
  if (version === 0) return null
  const size = version * 4 + 17
  const dark = Array.from({ length: size }, () => Array<boolean>(size).fill(false))
  const fixed = Array.from({ length: size }, () => Array<boolean>(size).fill(false))
  const set = (x: number, y: number, isDark: boolean) => {
    if (x < 0 || y < 0 || x >= size || y >= size) return
    dark[y]![x] = isDark
    fixed[y]![x] = true
  }
  drawPatterns(version, size, set)
  drawWords(interleaved(version, words(version, bytes)), dark, fixed)
  return dark
}

const countBits = (version: number) => (version < 10 ? 8 : 16)

function rawModules(version: number): number {
  const modules = (16 * version + 128) * version + 64
  if (version < 2) return modules
  const aligned = Math.floor(version / 7) + 2
  return modules - ((25 * aligned - 10) * aligned - 55) - (version < 7 ? 0 : 36)
}

const allWords = (version: number) => rawModules(version) >> 3
const dataWords = (version: number) => allWords(version) - ECC_OF_BLOCK[version - 1]! * BLOCKS[version - 1]!

/** Mode, length, bytes and padding, as words of eight bits. */
function words(version: number, bytes: number[]): number[] {
  const bits: number[] = []
  const put = (value: number, length: number) => { for (let i = length - 1; i >= 0; i--) bits.push((value >>> i) & 1) }
  put(4, 4)
  put(bytes.length, countBits(version))
  for (const byte of bytes) put(byte, 8)
  const room = dataWords(version) * 8
  put(0, Math.min(4, room - bits.length))
  put(0, (8 - (bits.length % 8)) % 8)
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8)
  return Array.from({ length: room / 8 }, (_, i) => bits.slice(i * 8, i * 8 + 8).reduce((sum, bit) => sum * 2 + bit, 0))
}

/** Blocks with their error correction, one word of each in turn. */
function interleaved(version: number, data: number[]): number[] {
  const count = BLOCKS[version - 1]!
  const ecc = ECC_OF_BLOCK[version - 1]!
  const total = allWords(version)
  const short = Math.floor(total / count) - ecc
  const shortBlocks = count - (total % count)
  const divisor = divisorOf(ecc)
  let at = 0
  const blocks = Array.from({ length: count }, (_, i) => {
    const part = data.slice(at, at += short + (i < shortBlocks ? 0 : 1))
    return { part, ecc: remainder(part, divisor) }
  })
  const inTurn = (of: (block: (typeof blocks)[number]) => number[], length: number) =>
    Array.from({ length }, (_, i) => blocks.flatMap((block) => (i < of(block).length ? [of(block)[i]!] : []))).flat()
  return [...inTurn((block) => block.part, short + 1), ...inTurn((block) => block.ecc, ecc)]
}

/** In the field of 256 elements by x^8 + x^4 + x^3 + x^2 + 1. */
function times(a: number, b: number): number {
  let product = 0
  for (let i = 7; i >= 0; i--) {
    product = (product << 1) ^ ((product >>> 7) * 0x11d)
    product ^= ((b >>> i) & 1) * a
  }
  return product
}

function divisorOf(degree: number): number[] {
  const found = [...Array<number>(degree - 1).fill(0), 1]
  let root = 1
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j < degree; j++) found[j] = times(found[j]!, root) ^ (found[j + 1] ?? 0)
    root = times(root, 2)
  }
  return found
}

function remainder(data: number[], divisor: number[]): number[] {
  const rest = divisor.map(() => 0)
  for (const word of data) {
    const factor = word ^ rest.shift()!
    rest.push(0)
    divisor.forEach((coefficient, i) => { rest[i]! ^= times(coefficient, factor) })
  }
  return rest
}

type Set = (x: number, y: number, isDark: boolean) => void

function drawPatterns(version: number, size: number, set: Set): void {
  for (let i = 0; i < size; i++) {
    set(6, i, i % 2 === 0)
    set(i, 6, i % 2 === 0)
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]] as const) square(x, y, 4, set)
  const places = alignments(version, size)
  const last = places.length - 1
  places.forEach((x, i) => places.forEach((y, j) => {
    if (!((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0))) square(x, y, 2, set)
  }))
  drawFormat(size, set)
  if (version >= 7) drawVersion(version, size, set)
}

/** Rings around a dark middle. */
function square(x: number, y: number, reach: number, set: Set): void {
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const ring = Math.max(Math.abs(dx), Math.abs(dy))
      set(x + dx, y + dy, reach === 4 ? ring !== 2 && ring !== 4 : ring !== 1)
    }
  }
}

function alignments(version: number, size: number): number[] {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const step = Math.floor((version * 8 + count * 3 + 5) / (count * 4 - 4)) * 2
  return [6, ...Array.from({ length: count - 1 }, (_, i) => size - 7 - step * (count - 2 - i))]
}

/** Level L and mask 0, twice. */
function drawFormat(size: number, set: Set): void {
  const data = 1 << 3
  let rest = data
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537)
  const bits = ((data << 10) | rest) ^ 0x5412
  const bit = (i: number) => ((bits >>> i) & 1) === 1
  for (let i = 0; i <= 5; i++) set(8, i, bit(i))
  set(8, 7, bit(6))
  set(8, 8, bit(7))
  set(7, 8, bit(8))
  for (let i = 9; i < 15; i++) set(14 - i, 8, bit(i))
  for (let i = 0; i < 8; i++) set(size - 1 - i, 8, bit(i))
  for (let i = 8; i < 15; i++) set(8, size - 15 + i, bit(i))
  set(8, size - 8, true)
}

function drawVersion(version: number, size: number, set: Set): void {
  let rest = version
  for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >>> 11) * 0x1f25)
  const bits = (version << 12) | rest
  for (let i = 0; i < 18; i++) {
    const [a, b, isDark] = [size - 11 + (i % 3), Math.floor(i / 3), ((bits >>> i) & 1) === 1]
    set(a, b, isDark)
    set(b, a, isDark)
  }
}

/** Up and down in columns of two from the right, masked. */
function drawWords(all: number[], dark: boolean[][], fixed: boolean[][]): void {
  const size = dark.length
  let i = 0
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5
    for (let step = 0; step < size; step++) {
      for (const x of [right, right - 1]) {
        const y = ((right + 1) & 2) === 0 ? size - 1 - step : step
        if (fixed[y]![x]) continue
        const isOne = i < all.length * 8 && ((all[i >>> 3]! >>> (7 - (i & 7))) & 1) === 1
        dark[y]![x] = isOne !== ((x + y) % 2 === 0)
        i++
      }
    }
  }
}
