/** All records of a kind, and the changes that people make to them; what is refused is kept for the form. */

import { shallowRef } from 'vue'
import { api } from '@/api/client'
import type { Kind, RegistryRecord } from '@/domain/registry'
import { useLoad } from './useLoad'

export async function everyRecord<T = RegistryRecord>(site: string, path: string, of: string | null = null): Promise<T[]> {
  const found: T[] = []
  let after: string | null = null
  do {
    const part: { items: T[]; next: string | null } = await api.records<T>(site, path, after, of)
    found.push(...part.items)
    after = part.next
  } while (after !== null)
  return found
}

export function useRecords(site: () => string, kind: Kind, of: () => string | null = () => null) {
  const items = shallowRef<RegistryRecord[] | null>(null)
  /** What stands in the form: a record, or nothing yet; `undefined`: no form. */
  const edited = shallowRef<RegistryRecord | null | undefined>(undefined)
  let given: Record<string, unknown> = {}

  const list = useLoad(async () => { items.value = await everyRecord(site(), kind.path, of()) })
  const saving = useLoad(async () => {
    const before = edited.value
    if (before) await api.changeRecord(site(), kind.path, before.id, given, before.version)
    else await api.makeRecord(site(), kind.path, given)
    edited.value = undefined
    await list.load()
  })
  const removing = useLoad(async () => {
    const before = edited.value
    if (!before) return
    await api.removeRecord(site(), kind.path, before.id, before.version)
    edited.value = undefined
    await list.load()
  })
  function edit(record: RegistryRecord | null | undefined): void {
    saving.error.value = removing.error.value = null
    edited.value = record
  }
  return {
    items, edited, edit, loadError: list.error, load: list.load, saveError: saving.error, removeError: removing.error,
    busy: saving.loading, remove: removing.load,
    save: (said: Record<string, unknown>) => { given = said; return saving.load() },
  }
}
