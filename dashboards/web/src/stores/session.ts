/** Who is signed in, asked once at the start; a demo server signs a local viewer in by itself. */

import { computed, ref } from 'vue'
import { api, ApiError } from '@/api/client'
import type { Server, Session } from '@/api/types'

export const server = ref<Server | null>(null)
export const session = ref<Session | null>(null)
export const isDemo = computed(() => server.value?.demo === true || session.value?.demo === true)

/** Whether the account may do that somewhere; what it may do on a site, that site says. The server asks again at every request. */
export const may = (permission: string) => session.value?.permissions.includes(permission) === true

/**
 * The cookie cannot be seen from here. Noting that there is one spares a first visitor a question whose answer is
 * known, and keeps the console free of refusals that are none.
 */
const SIGNED_IN = 'sitewarden.signed-in'
/** Signing out of a demo must not sign the viewer straight in again. */
let signedOutHere = false
let asking: Promise<void> | null = null

/** Settles `server` and `session`; asked again after a failure, not after an answer. */
export function sessionReady(): Promise<void> {
  asking ??= ask().catch((error: unknown) => {
    asking = null
    throw error
  })
  return asking
}

async function ask(): Promise<void> {
  server.value = await api.server()
  // Whoever has signed in elsewhere comes from there without a note.
  const noted = localStorage.getItem(SIGNED_IN) !== null || server.value.oidc !== null
  take(noted ? await current() : null)
  if (!session.value && server.value.demo && !signedOutHere) take(await demoSession())
}

function take(found: Session | null): void {
  session.value = found
  if (found) localStorage.setItem(SIGNED_IN, '1')
  else localStorage.removeItem(SIGNED_IN)
}

async function current(): Promise<Session | null> {
  try {
    return await api.session()
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null
    throw error
  }
}

/** A demo server refuses a viewer from another machine; that one signs in by name. */
async function demoSession(): Promise<Session | null> {
  try {
    return await api.signInToDemo()
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500) return null
    throw error
  }
}

export async function signIn(name: string, password: string, code: string | null): Promise<void> {
  await api.signIn(name, password, code)
  take(await api.session())
}

export async function signInToDemo(): Promise<void> {
  take(await api.signInToDemo())
}

export async function setUp(token: string, name: string, password: string): Promise<void> {
  take(await api.setUp(token, name, password))
  server.value = await api.server()
}

export async function useLink(token: string, password: string, code: string | null): Promise<void> {
  await api.useLink(token, password, code)
  take(await api.session())
}

export async function signOut(): Promise<void> {
  signedOutHere = true
  await api.signOut()
  take(null)
}

/** What the account may, or must do first, has changed. */
export async function askAgain(): Promise<void> {
  take(await current())
}

/** The server said 401: the session ended while the page was open. */
export function sessionEnded(): void {
  take(null)
}
