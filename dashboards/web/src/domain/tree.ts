/** A tree as rows: each node after the one it hangs from, with its depth. */

interface Hanging {
  id: number
  parent?: number | null
}

export function inOrder<T extends Hanging>(nodes: readonly T[]): { node: T; depth: number }[] {
  const known = new Set(nodes.map((node) => node.id))
  const below = new Map<number | null, T[]>()
  for (const node of nodes) {
    // What it hangs from may be out of sight: then it stands at the top.
    const from = node.parent != null && known.has(node.parent) ? node.parent : null
    below.set(from, [...(below.get(from) ?? []), node])
  }
  const rows = (from: number | null, depth: number): { node: T; depth: number }[] =>
    (below.get(from) ?? []).flatMap((node) => [{ node, depth }, ...rows(node.id, depth + 1)])
  return rows(null, 0)
}
