/** Drafts of what was not filed yet, photos too: kept in this browser, for the network is worst where hazards are. */

export interface DraftPhoto { sha256: string; name: string; blob: Blob }
export interface Draft { form: Record<string, unknown>; photos: DraftPhoto[]; key: string }

const STORE = 'filings'

function opened(): Promise<IDBDatabase> {
  return new Promise((take, fail) => {
    const request = indexedDB.open('sitewarden', 1)
    request.onupgradeneeded = () => request.result.createObjectStore(STORE)
    request.onsuccess = () => take(request.result)
    request.onerror = () => fail(request.error ?? new Error('no database'))
  })
}

async function within<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await opened()
  try {
    return await new Promise<T>((take, fail) => {
      const request = work(database.transaction(STORE, mode).objectStore(STORE))
      request.onsuccess = () => take(request.result)
      request.onerror = () => fail(request.error ?? new Error('not kept'))
    })
  } finally {
    database.close()
  }
}

/** One draft for each site and person: on a shared tablet nobody finds another's. */
const named = (site: string, account: string) => `${account}/${site}`

/** False where this browser keeps nothing, as in a private window; the form works all the same. */
export async function keepDraft(site: string, account: string, draft: Draft): Promise<boolean> {
  try {
    await within('readwrite', (store) => store.put(draft, named(site, account)))
    return true
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
    return false
  }
}

export async function keptDraft(site: string, account: string): Promise<Draft | null> {
  try {
    return ((await within('readonly', (store) => store.get(named(site, account)))) as Draft | undefined) ?? null
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
    return null
  }
}

export async function forgetDraft(site: string, account: string): Promise<void> {
  try {
    await within('readwrite', (store) => store.delete(named(site, account)))
  } catch (error) {
    if (!(error instanceof DOMException)) throw error
  }
}
