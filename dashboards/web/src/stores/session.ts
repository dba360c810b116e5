/** Who is signed in, asked once at the start; a demo server signs a local viewer in by itself. */

import { computed, ref } from 'vue'
import { api, ApiError } from '@/api/client'
import type { Server, Session } from '@/api/types'

export const server = ref<Server | null>(null)
export const session = ref<Session | null>(null)
export const isDemo = computed(() => server.value?.demo === true || session.value?.demo === true)

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
  session.value = await current()
  if (!session.value && server.value.demo && !signedOutHere) session.value = await demoSession()
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

export async function signIn(name: string, password: string): Promise<void> {
  session.value = await api.signIn(name, password)
}

export async function signInToDemo(): Promise<void> {
  session.value = await api.signInToDemo()
}

export async function setUp(token: string, name: string, password: string): Promise<void> {
  session.value = await api.setUp(token, name, password)
  server.value = await api.server()
}

export async function signOut(): Promise<void> {
  signedOutHere = true
  await api.signOut()
  session.value = null
}

/** The server said 401: the session ended while the page was open. */
export function sessionEnded(): void {
  session.value = null
}
